"""Ways out: rows as CSV, Parquet, Arrow, NDJSON."""
