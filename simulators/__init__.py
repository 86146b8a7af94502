"""Software stand-ins for machines: they write what a machine would write and the truth beside it."""
