"""The only room that speaks SQL: tables, and one module a noun."""
