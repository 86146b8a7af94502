"""Pure sums: no SQL, no clock, no files."""
