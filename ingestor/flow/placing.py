"""Where a reading belongs: a new run, a better reading of a known one, a duplicate, or a question for a person."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingestor.flow.receipt import Placed, Rows
from ingestor.ids import derived
from ingestor.meaning.containment import contains
from ingestor.meaning.revisions import Relation, compare
from ingestor.model import Status
from ingestor.store import neighbours, places, runs

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from ingestor.flow.house import House
    from ingestor.model import Run
    from ingestor.store.runs import Origin, RunReading


@dataclass(frozen=True, slots=True)
class Place:
    """Everything one reading needs on its way into the store.

    Attributes:
        last_seen: the last moment of the record.
        again: bytes that are known are read again on purpose; that they are known is no answer.
        absorbed: other runs that no longer count because this reading contains them.
    """

    house: House
    connection: Connection
    origin: Origin
    reading: RunReading
    last_seen: datetime
    again: bool = False
    absorbed: list[str] = field(default_factory=list)

    def save(self, run_key: str, state: str) -> str:
        """Store the reading under a run."""
        return runs.save_revision(
            self.connection, run_key, self.origin, self.reading, state, self.house.now()
        )

    def whole(self) -> Run:
        """Return the run with its trace."""
        return runs.whole(self.reading)

    def answer(self, status: Status, run_key: str, code: str | None = None) -> Placed:
        """Say what became of the reading, every row counted once."""
        run = self.reading.run
        ignored = sum(i.rows for i in run.ignored)
        kept = run.rows_read - ignored
        rows = {
            Status.DUPLICATE: Rows(duplicate=kept, ignored=ignored),
            Status.HELD: Rows(held=kept, ignored=ignored),
        }.get(status, Rows(stored=kept, ignored=ignored))
        known = runs.stored_run(self.connection, run_key)
        return Placed(status, rows, run_key, known.session_id if known else None, code)


def place(place_: Place) -> Placed:
    """Store one reading where it belongs; say what became of it."""
    return _place(place_, runs.run_id(place_.house.centre, place_.reading.run))


def _place(one: Place, key: str, half_of: str | None = None) -> Placed:
    if not one.again:
        before = runs.revision_of_source(one.connection, key, one.origin.source, one.origin.treatment)
        if before is not None:
            return one.answer(Status.DUPLICATE, key, "duplicate_held" if before[1] == "held" else None)
    current = runs.current_revision(one.connection, key)
    if current is not None:
        return _beside(one, key, current)
    holder = next((run for run, reading in _rivals(one, key) if contains(reading, one.whole())), None)
    if holder is not None:
        return one.answer(Status.DUPLICATE, holder)
    _register(one, key, half_of)
    return _hold(one, key) if one.reading.run.hold else _count(one, key, Status.STORED)


def _register(one: Place, key: str, half_of: str | None) -> None:
    if runs.stored_run(one.connection, key) is None:
        run = one.reading.run
        device = places.ensure_device(one.connection, one.house.centre, run.device, run.role, one.house.now())
        runs.save_run(one.connection, key, one.house.centre, device, run, half_of)


def _beside(one: Place, key: str, current: str) -> Placed:
    """Compare with the reading that counts now."""
    old, new = runs.load(one.connection, current), one.whole()
    relation = compare(old, new).relation
    if relation is Relation.DISJOINT:
        # The other half of an interrupted run: a run of its own, which grouping puts into the same session.
        return _place(one, derived("run", key, new.started.local.isoformat()), key)
    if relation in {Relation.SAME, Relation.PREFIX}:
        return one.answer(Status.DUPLICATE, key)
    # A stretch that begins elsewhere: what it says must stand in the whole, wherever.
    elsewhere = relation is Relation.CONTRADICTS and old.started.local != new.started.local
    if elsewhere and contains(old, new):
        return one.answer(Status.DUPLICATE, key)
    extends = relation is Relation.EXTENDS or (elsewhere and contains(new, old))
    if extends and not one.reading.run.hold:
        return _count(one, key, Status.SUPERSEDED)
    return _hold(one, key)


def _rivals(one: Place, key: str) -> list[tuple[str, Run]]:
    """Readings that count of other runs of the machine at the same time."""
    run = one.reading.run
    device = places.device_id(one.house.centre, run.device)
    span = (run.started.utc, one.last_seen)
    found = []
    for other in neighbours.on_device(one.connection, device, span, key):
        current = runs.current_revision(one.connection, other)
        if current is not None:
            found.append((other, runs.load(one.connection, current)))
    return found


def _count(one: Place, key: str, status: Status) -> Placed:
    revision = one.save(key, "held")
    runs.make_current(one.connection, key, revision)
    for other, reading in _rivals(one, key):
        if contains(one.whole(), reading):
            runs.replace_reading(one.connection, str(runs.current_revision(one.connection, other)), revision)
            one.absorbed.append(other)
            status = Status.SUPERSEDED
    return one.answer(status, key)


def _hold(one: Place, key: str) -> Placed:
    one.save(key, "held")
    return one.answer(Status.HELD, key, one.reading.run.hold or "contradicts")
