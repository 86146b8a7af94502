"""Every row of a filter, page by page in constant memory: what all file formats are written from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingestor.exports.fields import names
from ingestor.store import runs
from ingestor.store.answers import doses, parts, sessions
from ingestor.store.sessions import session_row
from ingestor.trace import from_block

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from ingestor.exports.view import View
    from ingestor.store.answers.doses import Wanted
    from ingestor.store.engine import Database

PAGE = 20_000
Raw = tuple[Any, ...]


def pages(db: Database, table: str, wanted: Wanted, view: View) -> Iterator[list[Raw]]:
    """Yield rows of a table in the order of their sessions, columns as `fields.names(table)`.

    Args:
        db: the store; each page is a transaction of its own, so that a slow reader holds nobody up.
        table: doses, sessions, cycles, alarms, events or traces.
        wanted: which; with `as_of`, so that all pages are of one moment.
        view: what the reader may see of persons.
    """
    for page in _SOURCES[table](db, wanted, view):
        yield [_seen(table, row, view) for row in page] if table in {"doses", "sessions"} else page


def _seen(table: str, row: Raw, view: View) -> Raw:
    at = names(table).index("patient")
    return row if row[at] is None else (*row[:at], view.patient(row[at]), *row[at + 1 :])


def _doses(db: Database, wanted: Wanted, view: View) -> Iterator[list[Raw]]:
    del view
    order, after = doses.Order(), None
    key, start = names("doses").index("session_id"), names("doses").index("started_at")
    while True:
        with db.read() as connection:
            page = [tuple(row) for row in doses.rows(connection, wanted, order, PAGE, after)]
        yield page
        if len(page) < PAGE:
            return
        after = (page[-1][start], page[-1][key])


def _sessions(db: Database, wanted: Wanted, view: View) -> Iterator[list[Raw]]:
    del view
    after = None
    columns = names("sessions")
    while True:
        with db.read() as connection:
            found = sessions.listed(connection, wanted, descending=False, limit=PAGE, after=after)
        yield [tuple(row[name] for name in columns) for row in found]
        if len(found) < PAGE:
            return
        after = (found[-1]["started_at"], found[-1]["session_id"])


def _parts(kind: str) -> Callable[[Database, Wanted, View], Iterator[list[Raw]]]:
    def pages_of(db: Database, wanted: Wanted, view: View) -> Iterator[list[Raw]]:
        after = None
        while True:
            with db.read() as connection:
                found = parts.rows(connection, kind, wanted, PAGE, after)
                words = {} if view.identified else _identifying(connection, {row[0] for row, _ in found})
            yield [_masked(kind, row, view, words.get(row[0], ())) for row, _ in found]
            if len(found) < PAGE:
                return
            after = found[-1][1]

    return pages_of


def _identifying(connection: Connection, keys: set[str]) -> dict[str, tuple[str, ...]]:
    """Return for each session every text that is known to identify its patient."""
    return {
        key: sessions.identifying(connection, key, session_row(connection, key).patient_id)
        for key in sorted(keys)
    }


def _masked(kind: str, row: Raw, view: View, words: tuple[str, ...]) -> Raw:
    """Return a row whose text, printed by a machine or typed by a person, names nobody."""
    if view.identified or "text" not in names(kind):
        return row
    at = names(kind).index("text")
    return (*row[:at], view.text(row[at], words), *row[at + 1 :])


def _traces(db: Database, wanted: Wanted, view: View) -> Iterator[list[Raw]]:
    """One page a session: (session, instant [ms], channel, value, unit), channel by channel."""
    key = names("sessions").index("session_id")
    for page in _sessions(db, wanted, view):
        for row in page:
            yield _samples(db, row[key])


def _samples(db: Database, session_id: str) -> list[Raw]:
    with db.read() as connection:
        blocks = runs.blocks_of(connection, session_id)
    return [
        (session_id, int(at), column.channel, float(value), column.unit)
        for trace in map(from_block, blocks)
        for column in trace.columns
        for at, value, null in zip(trace.utc_ms, column.values(), column.null, strict=True)
        if not null
    ]


_SOURCES: dict[str, Callable[[Database, Wanted, View], Iterator[list[Raw]]]] = {
    "doses": _doses, "sessions": _sessions, "cycles": _parts("cycles"), "alarms": _parts("alarms"),
    "events": _parts("events"), "traces": _traces,
}  # fmt: skip
