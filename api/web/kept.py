"""What would need a look at every session, kept as long as nothing that it follows from has changed.

Each process keeps its own; it is made anew at every start. Nothing here is older than the database: before each use
the store is asked what has changed since.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ingestor.meaning.gaps import missing
from ingestor.store.answers import changes, columns, machines, past

if TYPE_CHECKING:
    from fastapi import FastAPI
    from sqlalchemy import Connection

    from ingestor.meaning.gaps import Missing

_MOST_CHANGES = 500


@dataclass(slots=True)
class Kept:
    """Columns that several patients had, and numbers that machines skipped.

    Attributes:
        shared: serial -> row of `columns.totals`, of columns that must stay with one patient.
        seen: the change in the feed up to which `shared` holds.
        gaps: machine -> its number of treatments, and what is missing among them.
    """

    shared: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: int = -1
    gaps: dict[str, tuple[int, tuple[Missing, ...]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def shared_columns(self, connection: Connection, centre: str) -> list[dict[str, Any]]:
        """Return columns that several patients had, the last used first."""
        with self._lock:
            newest = changes.newest(connection)
            if newest != self.seen:
                self._follow(connection, centre, newest)
            return sorted(self.shared.values(), key=lambda row: (row["last"], row["serial"]), reverse=True)

    def _follow(self, connection: Connection, centre: str, newest: int) -> None:
        sessions = (
            changes.sessions_since(connection, self.seen, _MOST_CHANGES + 1) if self.seen >= 0 else None
        )
        if sessions is None or len(sessions) > _MOST_CHANGES:
            self.shared = {row["serial"]: row for row in columns.totals(connection, centre) if row["shared"]}
        else:
            used = {serial for found in past.columns_of(connection, sessions).values() for serial, _ in found}
            rows = columns.totals(connection, centre, used | self.shared.keys())
            self.shared = {row["serial"]: row for row in rows if row["shared"]}
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
