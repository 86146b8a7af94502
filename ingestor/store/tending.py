"""Readers that hold the write-ahead log back: noticed, told, and cut where the log grows too large.

SQLite cannot reuse its log while somebody still reads an old state; without an end to that the disk fills.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from ingestor.store import sqlite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from ingestor.store.engine import Database

log = logging.getLogger(__name__)

# A reader older than this is cut once the log is too large [s].
LONGEST_S = 30.0
_AGAIN_S = 60.0


class Readers:
    """The readers of this process that are at it now."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._began: dict[int, tuple[float, Any]] = {}
        self._told = -_AGAIN_S

    @contextmanager
    def known(self, connection: Connection) -> Iterator[None]:
        """Know of a reader as long as it reads."""
        driver, began = connection.connection.driver_connection, time.monotonic()
        with self._mutex:
            self._began[id(driver)] = began, driver
        try:
            yield
        finally:
            with self._mutex:
                del self._began[id(driver)]
            if (took := time.monotonic() - began) > LONGEST_S:
                log.warning("long_reading", extra={"seconds": round(took)})

    def cut(self, longest: float) -> int:
        """End the reading of all who are at it for longer; they are told that the house is busy. Return how many."""
        before = time.monotonic() - longest
        with self._mutex:
            late = [driver for began, driver in self._began.values() if began < before]
            for driver in late:
                driver.interrupt()
                with suppress(sqlite.library().Error):
                    driver.execute("ROLLBACK")
        return len(late)

    def should_tell(self) -> bool:
        """Say whether the alarm is due again."""
        now = time.monotonic()
        with self._mutex:
            due = now - self._told >= _AGAIN_S
            self._told = now if due else self._told
        return due


def tend(db: Database) -> int:
    """Look at the log; where it is too large, tell so, cut who holds it back and make it short. Return its size [B].

    Readers of other processes cannot be cut from here: each process tends its own.
    """
    size = sqlite.wal_bytes(db.url) if db.is_sqlite else 0
    if size > sqlite.WAL_BYTES:
        cut = db.readers.cut(LONGEST_S)
        if cut or db.readers.should_tell():
            log.critical("log_held_back", extra={"mib": size >> 20, "cut": cut})
        sqlite.shorten_log(db.writer)
    return size
