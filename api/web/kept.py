"""What would need a look at every session, kept as long as nothing that it follows from has changed.

Each process keeps its own; it is made anew at every start. Nothing here is older than the database: before each use
the store is asked what has changed since.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ingestor.meaning.gaps import missing
from ingestor.store.answers import changes, machines, trays

if TYPE_CHECKING:
    from fastapi import FastAPI
    from sqlalchemy import Connection

    from ingestor.meaning.gaps import Missing

_MOST_CHANGES = 500


@dataclass(slots=True)
class Kept:
    """Warnings about columns, and numbers that machines skipped.

    Attributes:
        warned: session -> row of `trays.column_warnings`.
        seen: the change in the feed up to which `warned` holds.
        gaps: machine -> its number of treatments, and what is missing among them.
    """

    warned: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: int = -1
    gaps: dict[str, tuple[int, tuple[Missing, ...]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def column_warnings(self, connection: Connection, centre: str) -> list[dict[str, Any]]:
        """Return what is wrong with columns and was not acknowledged: one entry a column and code, newest first."""
        with self._lock:
            newest = changes.newest(connection)
            if newest != self.seen:
                self._follow(connection, centre, newest)
            return trays.by_column(self.warned.values())

    def _follow(self, connection: Connection, centre: str, newest: int) -> None:
        sessions = (
            changes.sessions_since(connection, self.seen, _MOST_CHANGES + 1) if self.seen >= 0 else None
        )
        if sessions is None or len(sessions) > _MOST_CHANGES:
            self.warned = trays.column_warnings(connection, centre)
        else:
            found = trays.column_warnings(connection, centre, sessions)
            self.warned = {key: row for key, row in self.warned.items() if key not in set(sessions)} | found
        self.seen = newest

    def missing(self, connection: Connection, centre: str) -> dict[str, tuple[Missing, ...]]:
        """Return what machines counted and nobody sent, by machine; numbers once read never go."""
        with self._lock:
            for key, count in machines.tally(connection, centre).items():
                if self.gaps.get(key, (None,))[0] != count:
                    self.gaps[key] = (count, missing(machines.printed_numbers(connection, key)))
            return {key: found for key, (_, found) in self.gaps.items() if found}


def kept_of(app: FastAPI) -> Kept:
    """Return what this process keeps."""
    state = app.state
    if not hasattr(state, "kept"):
        state.kept = Kept()
    kept: Kept = state.kept
    return kept
