"""Where the numbers of a dose stand in the files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from ingestor.model import Phase
from ingestor.store import sources
from ingestor.store.tables import source, submission, trace
from ingestor.trace import from_block

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from ingestor.model import Run
    from ingestor.store.answers.sessions import RunFacts, SessionFacts
    from ingestor.store.sources import StoredMember
    from ingestor.trace import TraceColumn


# Printed totals that are a reading of the plasma; of a separator, the plasma it removed.
_PLASMA = ("processed_plasma", "plasma_removed")
# Printed totals and recorded values, and the figures of the dose that they are, or enter.
_TOTALS = {
    "blood_processed": ("blood_processed_ml",), "inlet_processed": ("blood_processed_ml",),
    "ac_volume": ("ac_volume_ml",), "cycles": ("cycles_completed",),
}  # fmt: skip
_FACTS = {
    "weight": "weight_kg", "height": "height_cm", "hematocrit": "hematocrit", "ac_ratio": "native_plasma_ml",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """One printed value; `reading` is which of the four readings it belongs to, or which other figure of the dose."""

    reading: str
    about: str
    line: int
    printed: str
    value: float | None
    unit: str


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """A source with its members and with who handed it in."""

    sha256: str
    bytes: int
    first_seen: datetime
    members: Sequence[StoredMember]
    submissions: Sequence[Any]


def gathered(connection: Connection, facts: SessionFacts) -> tuple[dict[str, list[Place]], list[SourceFacts]]:
    """Return the places of each run of a session, and the files that its current readings come from."""
    read = [one for one in facts.runs if one.current is not None]
    files = dict.fromkeys(one.current.source for one in read if one.current is not None)
    return (
        {one.row.id: places(connection, one) for one in read},
        [source_facts(connection, sha256) for sha256 in files],
    )


def places(connection: Connection, one: RunFacts) -> list[Place]:
    """Return every place of a run's current reading that figures of the dose come from."""
    if one.reading is None or one.current is None:
        return []
    found = [
        Place("reported", t.kind, t.line, t.raw, _plain(t.value), t.unit)
        for t in one.reading.totals
        if t.kind in _PLASMA
    ]
    found += [
        Place(
            "cycles", f"cycle {p.cycle}, column {p.position}", p.line, p.volume_raw, _plain(p.volume_ml), "mL"
        )
        for p in one.reading.phases
        if p.phase is Phase.LOAD
    ]
    if not any(p.reading == "cycles" for p in found):
        found += [
            Place("cycles", f"cycle {c.index}, column {c.position}", c.line, "", _plain(c.load_ml), "mL")
            for c in one.reading.cycles
        ]
    return [*found, *_sampled(connection, one.current.id), *_others(one.reading)]


def _others(reading: Run) -> Iterator[Place]:
    """Places of figures that are no reading of the plasma: other totals, what the machine recorded, alarms."""
    for total in reading.totals:
        for figure in _TOTALS.get(total.kind, ()):
            yield Place(figure, total.kind, total.line, total.raw, _plain(total.value), total.unit)
    for fact in reading.facts:
        if fact.kind in _FACTS:
            yield Place(_FACTS[fact.kind], fact.kind, fact.line, fact.raw, _plain(fact.value), fact.unit)
    for alarm in reading.alarms:
        yield Place(f"alarms_{alarm.priority.value}", f"alarm {alarm.code}", alarm.line, alarm.code, None, "")


def _sampled(connection: Connection, revision_id: str) -> list[Place]:
    block = connection.execute(select(trace.c.block).where(trace.c.revision_id == revision_id)).scalar()
    if block is None:
        return []
    samples = from_block(block, ("processed_plasma", "plasma_flow"))
    found = []
    for channel, reading in (("processed_plasma", "counter"), ("plasma_flow", "integrated")):
        column = samples.column(channel)
        if column is not None and not column.null.all():
            known = (~column.null).nonzero()[0]
            for about, at in (("first sample", known[0]), ("last sample", known[-1])):
                found.append(_sample(reading, about, int(samples.line[at]), column, int(at)))
    return found


def _sample(reading: str, about: str, line: int, column: TraceColumn, at: int) -> Place:
    value = int(column.mantissa[at]) / 10**column.scale
    return Place(reading, f"{column.channel}, {about}", line, f"{value:.{column.scale}f}", value, column.unit)


def _plain(value: Any) -> float | None:  # noqa: ANN401 - a Decimal or None
    return None if value is None else float(value)


def source_facts(connection: Connection, sha256: str) -> SourceFacts:
    """Return a source that is known to be there."""
    row = connection.execute(select(source).where(source.c.sha256 == sha256)).one()
    handed_in = select(submission).where(submission.c.source == sha256).order_by(submission.c.at)
    return SourceFacts(
        row.sha256, row.bytes, row.first_seen, sources.members_of(connection, sha256),
        connection.execute(handed_in).all(),
    )  # fmt: skip
