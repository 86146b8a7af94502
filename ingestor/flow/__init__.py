"""The way of a bundle through the house, and everything that runs it again."""
