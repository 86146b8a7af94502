"""The HTTP service: JSON for analysts, pages for nurses."""
