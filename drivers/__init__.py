"""Drivers: one module or profile a format family; each says what a file says, never what it means."""
