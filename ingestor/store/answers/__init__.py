"""Read queries, one module a noun: what pages, the API and exports ask. Nothing here writes."""
