"""Every row of a filter, some thousand at a time in constant memory: what all file formats are written from.

Each piece is read in a transaction of its own, so that whoever reads slowly holds nobody up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ingestor.exports import printed
from ingestor.exports.ahead import ahead
from ingestor.exports.batches import batch, schema
from ingestor.exports.fields import names
from ingestor.store import runs
from ingestor.store.answers import doses, parts, sessions
from ingestor.store.answers.printed import lines
from ingestor.trace import from_block

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingestor.exports.view import View
    from ingestor.store.answers.doses import Wanted
    from ingestor.store.engine import Database
    from ingestor.trace import Trace

PIECE, PRINTED = 5000, 5000
Raw = tuple[Any, ...]


def batches(db: Database, table: str, wanted: Wanted, view: View) -> Iterator[pa.RecordBatch]:
    """Yield all rows of a table in the order of their sessions.

    Args:
        db: the store.
        table: a key of `ingestor.exports.fields.tables`.
        wanted: which; with `as_of`, so that all pieces of the doses are of one moment.
        view: what the reader may see of persons.
    """
    yield from _SOURCES[table](db, wanted, view)


def _doses(db: Database, wanted: Wanted, view: View) -> Iterator[pa.RecordBatch]:
    if db.is_sqlite:
        for text in ahead(_printed(db, wanted)):
            yield printed.table(text, view.patient)
        return
    key, patient, start = (names("doses").index(n) for n in ("session_id", "patient", "started_at"))
    after = None
    while True:
        with db.read() as connection:
            found = doses.rows(connection, wanted, doses.Order(), PIECE, after)
        yield batch("doses", [(*r[:patient], view.patient(r[patient]), *r[patient + 1 :]) for r in found])
        if len(found) < PIECE:
            return
        after = (found[-1][start], found[-1][key])


def _printed(db: Database, wanted: Wanted) -> Iterator[bytes]:
    after = None
    while True:
        with db.read() as connection:
            text, after = lines(connection, wanted, PRINTED, after)
        if after is None:
            return
        yield text


def _sessions(db: Database, wanted: Wanted, view: View) -> Iterator[pa.RecordBatch]:
    columns = names("sessions")
    for found in listed(db, wanted):
        seen = (row | {"patient": view.patient(row["patient"])} for row in found)
        yield batch("sessions", [tuple(row[name] for name in columns) for row in seen])


def listed(db: Database, wanted: Wanted) -> Iterator[list[dict[str, Any]]]:
    """Yield sessions by start as they are stored, with the ids of their patients."""
    after = None
    while True:
        with db.read() as connection:
            found = sessions.listed(connection, wanted, descending=False, limit=PIECE, after=after)
        yield found
        if len(found) < PIECE:
            return
        after = (found[-1]["started_at"], found[-1]["session_id"])


def _parts(kind: str) -> Callable[[Database, Wanted, View], Iterator[pa.RecordBatch]]:
    has_text = "text" in names(kind)

    def pieces(db: Database, wanted: Wanted, view: View) -> Iterator[pa.RecordBatch]:
        after = None
        while True:
            with db.read() as connection:
                found = parts.rows(connection, kind, wanted, PIECE, after)
                hides = has_text and not view.identified
                words = sessions.identifying(connection, {row[0] for row, _ in found}) if hides else {}
            yield batch(
                kind,
                [masked(kind, row, view, words) for row, _ in found] if hides else [r for r, _ in found],
            )
            if len(found) < PIECE:
                return
            after = found[-1][1]

    return pieces


def masked(kind: str, row: Raw, view: View, words: dict[str, tuple[str, ...]]) -> Raw:
    """Return a row whose text, printed by a machine or typed by a person, names nobody."""
    at, known = names(kind).index("text"), words.get(row[0], ())
    shown = (
        view.event(row[names(kind).index("kind")], row[at], known)
        if kind == "events"
        else view.text(row[at], known)
    )
    return (*row[:at], shown, *row[at + 1 :])


def _traces(db: Database, wanted: Wanted, view: View) -> Iterator[pa.RecordBatch]:
    """One piece a run, channel by channel."""
    del view
    for found in listed(db, wanted):
        for row in found:
            with db.read() as connection:
                blocks = runs.blocks_of(connection, row["session_id"])
            for block in blocks:
                yield _samples(row["session_id"], from_block(block))


def _samples(session_id: str, trace: Trace) -> pa.RecordBatch:
    known = [~column.null for column in trace.columns]
    counts = [int(k.sum()) for k in known]
    channels = pa.array([c.channel for c in trace.columns], pa.string())
    units = pa.array([c.unit for c in trace.columns], pa.string())
    which = np.repeat(np.arange(len(trace.columns), dtype=np.int32), counts)
    times = np.concatenate([trace.utc_ms[k] for k in known] or [np.empty(0, np.int64)])
    values = np.concatenate(
        [c.values()[k] for c, k in zip(trace.columns, known, strict=True)] or [np.empty(0)]
    )
    arrays = [
        pa.repeat(session_id, len(which)), pa.array(times).cast(pa.timestamp("ms", "UTC")),
        channels.take(pa.array(which)), pa.array(values), units.take(pa.array(which)),
    ]  # fmt: skip
    return pa.record_batch(arrays, schema=schema("traces"))


_SOURCES: dict[str, Callable[[Database, Wanted, View], Iterator[pa.RecordBatch]]] = {
    "doses": _doses, "sessions": _sessions, "cycles": _parts("cycles"), "alarms": _parts("alarms"),
    "events": _parts("events"), "traces": _traces,
}  # fmt: skip
