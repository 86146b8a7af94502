"""Looking after the house: backup, scrub, diagnosis."""
