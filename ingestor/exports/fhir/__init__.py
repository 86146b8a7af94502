"""Sessions as FHIR resources: R4, and R5 by a flag. Plain dictionaries; docs/fhir.md has every field."""
