"""Connections to the database: who may read, who may write, and with which safeguards.

SQLite and PostgreSQL are equals. On both there is one writer at a time: on SQLite every writing transaction begins
with BEGIN IMMEDIATE, on PostgreSQL with an advisory lock, so that two writers wait for each other instead of failing,
and the feed of changes is committed in the order of its numbers. Readers cannot write at all. Readers who may not know
who a patient is read through a veil: on their connections the tables of identities are empty, whatever the query.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

from sqlalchemy import Engine, make_url, text

from ingestor.errors import Busy
from ingestor.store import postgresql, sqlite
from ingestor.store.tending import Readers
from ingestor.store.trouble import GivenUp, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    Answer = TypeVar("Answer")

_TRIES = 5
_PAUSE_S = 0.05
# The transaction that a thread shares among everything it does, with the engine it belongs to.
_batch: ContextVar[tuple[Engine, Connection] | None] = ContextVar("batch", default=None)
_POOL: dict[str, Any] = {"pool_size": 5, "max_overflow": 20, "pool_timeout": 5}


@dataclass(frozen=True, slots=True)
class Database:
    """One store. Use `write()` and `read()`; nothing else opens a transaction.

    Attributes:
        url: where it is; a password in it is never shown.
        journal: "wal", "delete" or "postgresql".
        readers: who of this process reads now.
        veiled: reads as `reader` does, but finds nothing in the tables of identities.
    """

    url: str
    journal: str
    writer: Engine
    reader: Engine
    veiled: Engine
    readers: Readers = field(default_factory=Readers, repr=False, compare=False)
    _pen: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @property
    def is_sqlite(self) -> bool:
        """Tell whether this is SQLite."""
        return self.writer.dialect.name == "sqlite"

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection inside a writing transaction; commit at the end, roll back on any error.

        Raises:
            Busy: another writer held the database for longer than ten seconds, or the server broke it off.
        """
        shared = self._shared()
        if shared is not None:
            with told(), shared.begin_nested():
                yield shared
            return
        with self._turn(), told(), self.writer.begin() as connection:
            yield connection

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Make one transaction of all that this thread writes meanwhile; what it reads is read in it.

        Each `write()` inside is a savepoint: one that fails takes back its own part only. Nothing is durable before
        the end of the batch.

        Raises:
            Busy: as `write`.
        """
        with self.write() as connection:
            token = _batch.set((self.writer, connection))
            try:
                yield
            finally:
                _batch.reset(token)

    def _shared(self) -> Connection | None:
        writer, connection = _batch.get() or (None, None)
        return connection if writer is self.writer else None

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Let the threads of this process wait for each other here: SQLite lets them sleep and ask again."""
        if not self.is_sqlite:
            yield
            return
        if not self._pen.acquire(timeout=sqlite.WAIT_MS / 1000):
            raise Busy
        try:
            yield
        finally:
            self._pen.release()

    def apply(self, work: Callable[[Connection], Answer]) -> Answer:
        """Do some work in a writing transaction; do it again where the database broke it off, five times at most.

        After a connection was lost during COMMIT nobody knows whether it took place: `work` must be such that
        doing it twice is the same as once.

        Raises:
            Busy: as `write`.
        """
        for attempt in range(1, 1 if self._shared() is not None else _TRIES):
            try:
                with self.write() as connection:
                    return work(connection)
            except GivenUp:
                time.sleep(_PAUSE_S * 2**attempt)
        with self.write() as connection:
            return work(connection)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one consistent state and cannot write; behind `identities_hidden`, a veiled one."""
        shared = self._shared()
        if shared is not None and not _veil.get():
            with told():
                yield shared
            return
        engine = self.veiled if _veil.get() else self.reader
        with told(), engine.begin() as connection, self.readers.known(connection):
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.writer.dispose()
        self.reader.dispose()
        self.veiled.dispose()


_veil: ContextVar[bool] = ContextVar("veil", default=False)


def hide_identities(*, hidden: bool) -> None:
    """Let whatever this request (or thread) reads from now on be read through the veil, or not."""
    _veil.set(hidden)


@contextmanager
def identities_hidden() -> Iterator[None]:
    """Read through the veil in this block."""
    before = _veil.set(True)
    try:
        yield
    finally:
        _veil.reset(before)


def is_veiled(connection: Connection) -> bool:
    """Tell whether this connection reads through the veil."""
    return "behind_veil" in connection.get_execution_options()


@contextmanager
def unveiled(connection: Connection) -> Iterator[Connection]:
    """Give a connection that sees identities, to find out what must be cut out of a text: for nothing else."""
    whole: Engine | None = connection.get_execution_options().get("behind_veil")
    if whole is None:
        yield connection
        return
    with whole.begin() as other:
        yield other


_engines: WeakSet[Engine] = WeakSet()


def _forget_connections() -> None:
    """A connection that was open before a fork belongs to the parent alone."""
    for engine in _engines:
        engine.dispose(close=False)


os.register_at_fork(after_in_child=_forget_connections)


def open_database(url: str) -> Database:
    """Open the store at `url`; nothing is created or upgraded here, see `ingestor.store.schema`.

    Raises:
        SettingsError: `shared_disk`.
    """
    if make_url(url).get_backend_name() == "sqlite":
        journal, writer, reader, veiled = sqlite.engines(url, _POOL)
    else:
        journal, (writer, reader, veiled) = "postgresql", postgresql.engines(url, _POOL)
    _engines.update((writer, reader, veiled))
    return Database(url, journal, writer, reader, veiled.execution_options(behind_veil=reader))


def durability_warnings(db: Database) -> list[str]:
    """Return the server settings that make a commit less than durable; empty is good."""
    if db.is_sqlite:
        return []
    with db.read() as connection:
        return [
            name
            for name in ("fsync", "full_page_writes", "synchronous_commit")
            if connection.execute(text("SELECT current_setting(:name)"), {"name": name}).scalar() == "off"
        ]


def veil_is_drawn(db: Database) -> bool:
    """Tell whether the database itself keeps identities from veiled connections; PostgreSQL needs a role for it."""
    if db.is_sqlite:
        return True
    with db.read() as connection:
        return postgresql.has_role(connection)
