"""Sessions as tables of the OMOP Common Data Model 5.4; docs/omop.md has every field."""
