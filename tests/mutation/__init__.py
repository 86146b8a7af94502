"""Are the tests of the dose, of sessions and of links sharp enough to notice a small error in the code?"""
