"""Software stand-ins for machines: they write what a machine would write and the truth beside it."""

# One seed gives the same bytes and the same truth as long as this does not change.
VERSION = "2"
