"""A folder that fills itself, taken by our own looks at it: no events, no trust in clocks, nothing touched early."""
