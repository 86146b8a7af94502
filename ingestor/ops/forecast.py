"""How long the disk will do, from what the last year brought."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import make_url

from ingestor.store.answers import state

if TYPE_CHECKING:
    from datetime import datetime

    from ingestor.config import Settings
    from ingestor.store.engine import Database

_YEAR = timedelta(days=365.25)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is stored, and how that goes on if the next years are as the last one.

    Attributes:
        archive_bytes: originals [B].
        database_bytes: the database's file; None for a server.
        year_sources: files that came during the last year.
        year_bytes: what a year adds [B]: its originals, and its share of the database.
        free_bytes: room on the disk of the data folder [B].
        years: until that room is used up; None where nothing came.
    """

    archive_bytes: int
    database_bytes: int | None
    year_sources: int
    year_bytes: int
    free_bytes: int
    years: float | None


def forecast(db: Database, settings: Settings, now: datetime) -> Forecast:
    """Return what is to be expected."""
    with db.read() as connection:
        everything = state.stored_bytes(connection, None)
        recent = state.stored_bytes(connection, now - _YEAR)
    file = Path(str(make_url(db.url).database)) if db.is_sqlite else None
    database = file.stat().st_size if file is not None and file.exists() else None
    share = (database or 0) * recent[1] // max(1, everything[1])
    free = shutil.disk_usage(settings.data_dir).free
    yearly = recent[1] + share
    years = round(free / yearly, 1) if yearly else None
    return Forecast(everything[1], database, recent[0], yearly, free, years)
