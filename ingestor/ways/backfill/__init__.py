"""Years of exports at once: kept in batches, read by many processes or machines, stored by one writer."""

from ingestor.ways.backfill.course import Report, backfill
from ingestor.ways.backfill.engines import Engine, Local

__all__ = ["Engine", "Local", "Report", "backfill"]
