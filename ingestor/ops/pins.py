"""The sessions of a data set as they were known at its moment, and the readings its rows are taken from.

They stand in `readings.csv` of the data set, so that a table that is built again has the rows of those readings,
whatever was read, linked or joined since.
"""

from __future__ import annotations

import csv
import heapq
import io
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

from ingestor.exports.batches import batch
from ingestor.exports.datapackage import READINGS
from ingestor.exports.fields import names
from ingestor.exports.plain import instant
from ingestor.exports.rows import masked
from ingestor.store.answers import pinned, sessions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa

    from ingestor.ops.shelf import Shelf
    from ingestor.store.answers.doses import Wanted
    from ingestor.store.answers.pinned import Known

_PIECE = 500


@dataclass(frozen=True, slots=True)
class Pin:
    """A session as `readings.csv` has it: the patient is a pseudonym, `readings` are (run, reading) in order."""

    session_id: str
    started_at: datetime
    ended_at: datetime | None
    patient: str | None
    included: bool
    dosed: bool
    readings: tuple[tuple[str, str], ...]


def written(shelf: Shelf, wanted: Wanted) -> Iterator[bytes]:
    """Yield `readings.csv` of a filter with its moment."""
    yield _line([field.name for field in READINGS])
    with shelf.db.read() as connection:
        others = pinned.undosed(connection, wanted)
    known = (one for page in _pages(shelf, wanted) for one in page)
    for one in heapq.merge(known, others, key=lambda one: (one.started_at, one.session_id)):
        yield _lines(shelf, one)


def _pages(shelf: Shelf, wanted: Wanted) -> Iterator[list[Known]]:
    after = None
    while True:
        with shelf.db.read() as connection:
            found = pinned.dosed(connection, wanted, _PIECE, after)
        yield found
        if len(found) < _PIECE:
            return
        after = (found[-1].started_at, found[-1].session_id)


def _lines(shelf: Shelf, one: Known) -> bytes:
    start, end = instant(one.started_at), instant(one.ended_at) or ""
    patient = shelf.view.patient(one.patient_id) or ""
    head = [one.session_id, start, end, patient, str(one.included).lower(), str(one.dosed).lower()]
    rows = [[*head, r.run_id, r.id, r.source, r.driver, r.driver_version] for r in one.readings]
    return b"".join(map(_line, rows or [[*head, "", "", "", "", ""]]))


def _line(cells: list[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()


def read(folder: Path) -> Iterator[Pin]:
    """Yield the sessions of a data set by start."""
    with (folder / "readings.csv").open(encoding="utf-8", newline="") as file:
        for key, group in groupby(csv.DictReader(file), lambda row: row["session_id"]):
            rows = list(group)
            first = rows[0]
            yield Pin(
                key, datetime.fromisoformat(first["started_at"]),
                datetime.fromisoformat(first["ended_at"]) if first["ended_at"] else None, first["patient"] or None,
                first["included"] == "true", first["dosed"] == "true",
                tuple((row["run_id"], row["reading"]) for row in rows if row["run_id"]),
            )  # fmt: skip


def _pieces(folder: Path) -> Iterator[list[Pin]]:
    included = (one for one in read(folder) if one.included)
    while piece := list(islice(included, _PIECE)):
        yield piece


def sessions_of(shelf: Shelf, as_of: datetime | None, folder: Path) -> Iterator[pa.RecordBatch]:
    """Yield the table of sessions of a data set."""
    columns = names("sessions")
    for piece in _pieces(folder):
        with shelf.db.read() as connection:
            found = pinned.rows_of_doses(connection, [one.session_id for one in piece if one.dosed], as_of)
        rows = []
        for one in piece:
            own = {"session_id": one.session_id, "started_at": one.started_at, "ended_at": one.ended_at}
            own |= {"patient": one.patient, "runs": len(one.readings)}
            row = found.get(one.session_id, {}) | own
            rows.append(tuple(row.get(name) for name in columns))
        yield batch("sessions", rows)


def parts_of(shelf: Shelf, kind: str, folder: Path) -> Iterator[pa.RecordBatch]:
    """Yield the cycles or alarms of a data set."""
    hides = "text" in names(kind) and not shelf.view.identified
    for piece in _pieces(folder):
        keys = [reading for one in piece for _, reading in one.readings if reading]
        with shelf.db.read() as connection:
            found = pinned.rows_of_readings(connection, kind, keys)
            words = sessions.identifying(connection, {one.session_id for one in piece}) if hides else {}
        rows = [
            (one.session_id, run, *row)
            for one in piece
            for run, reading in sorted(one.readings)
            for row in found.get(reading, ())
        ]
        yield batch(kind, [masked(kind, row, shelf.view, words) for row in rows] if hides else rows)


def exclusions(folder: Path) -> Iterator[bytes]:
    """Yield `exclusions.csv`: the sessions of the same time and place that are not among the doses, and why."""
    yield _line(["session_id", "started_at", "reason"])
    for one in read(folder):
        if not (one.dosed and one.included):
            reason = "filtered" if one.dosed else "no_dose"
            yield _line([one.session_id, instant(one.started_at), reason])
