"""Where a reading belongs: a new run, a better reading of a known one, a duplicate, or a question for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestor.flow.receipt import Placed, Rows
from ingestor.ids import derived
from ingestor.meaning.revisions import Relation, compare
from ingestor.model import Status
from ingestor.store import places, runs

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ingestor.flow.house import House
    from ingestor.store.runs import Origin, RunReading


@dataclass(frozen=True, slots=True)
class Place:
    """Everything one reading needs on its way into the store."""

    house: House
    connection: Connection
    origin: Origin
    reading: RunReading

    def save(self, run_key: str, state: str) -> str:
        """Store the reading under a run."""
        return runs.save_revision(
            self.connection, run_key, self.origin, self.reading, state, self.house.now()
        )

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
    key = runs.run_id(place_.house.centre, place_.reading.run)
    return _place(place_, key)


def _place(one: Place, key: str) -> Placed:
    if runs.stored_run(one.connection, key) is None:
        return _new(one, key)
    before = runs.revision_of_source(one.connection, key, one.origin.source, one.origin.treatment)
    if before is not None:
        return one.answer(Status.DUPLICATE, key, "duplicate_held" if before[1] == "held" else None)
    current = runs.current_revision(one.connection, key)
    if current is None:
        return _hold(one, key) if one.reading.run.hold else _count(one, key, Status.STORED)
    return _beside(one, key, current)


def _new(one: Place, key: str) -> Placed:
    run = one.reading.run
    device = places.ensure_device(one.connection, one.house.centre, run.device, run.role, one.house.now())
    runs.save_run(one.connection, key, one.house.centre, device, run)
    return _hold(one, key) if run.hold else _count(one, key, Status.STORED)


def _beside(one: Place, key: str, current: str) -> Placed:
    """Compare with the reading that counts now."""
    relation = compare(runs.load(one.connection, current), runs.whole(one.reading)).relation
    if relation in {Relation.SAME, Relation.PREFIX}:
        return one.answer(Status.DUPLICATE, key)
    if relation is Relation.DISJOINT:
        # The other half of an interrupted run: a run of its own, which grouping puts into the same session.
        return _place(one, derived("run", key, one.reading.run.started.local.isoformat()))
    if relation is Relation.EXTENDS and not one.reading.run.hold:
        return _count(one, key, Status.SUPERSEDED)
    return _hold(one, key)


def _count(one: Place, key: str, status: Status) -> Placed:
    revision = one.save(key, "held")
    runs.make_current(one.connection, key, revision)
    return one.answer(status, key)


def _hold(one: Place, key: str) -> Placed:
    one.save(key, "held")
    return one.answer(Status.HELD, key, one.reading.run.hold or "contradicts")
