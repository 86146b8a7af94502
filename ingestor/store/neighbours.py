"""Runs near each other in time: what decides whether they are one treatment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select, union

from ingestor.store.tables import column_use, device, printed_patient, revision, run, run_pair, session

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Select

    Span = tuple[datetime, datetime]

# No run is longer; it bounds the search by start.
_LONGEST = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A run whose reading counts, with what is needed to tell whether it is one treatment with others.

    Attributes:
        last_seen: the end, or the last moment of a record that was cut off.
        half_of: the run under whose number this one was found as another stretch.
    """

    run_id: str
    session_id: str | None
    half_of: str | None
    maker: str
    model: str
    serial: str
    role: str
    bench: bool
    patient_printed: str | None
    started_at: datetime
    ended_at: datetime | None
    last_seen: datetime
    complete: bool
    columns: tuple[str, ...]
    printed_id: str | None


def near(connection: Connection, centre_id: str, spans: Sequence[Span], reach: timedelta) -> list[Neighbour]:
    """Return the runs of a centre that touch one of some spans of time, each widened by `reach` on both sides."""
    if not spans:
        return []
    touching = or_(*(_touches(start - reach, end + reach) for start, end in spans))
    return _found(connection, _counting().where(run.c.centre == centre_id, touching))


def by_id(connection: Connection, runs: Collection[str]) -> list[Neighbour]:
    """Return some runs, those whose reading counts."""
    return _found(connection, _counting().where(run.c.id.in_(runs))) if runs else []


def on_device(connection: Connection, device_id: str, span: Span, but: str) -> list[str]:
    """Return the other runs of a machine that share a moment with a span of time."""
    query = _counting().where(run.c.device_id == device_id, run.c.id != but, _touches(*span))
    return [row.id for row in connection.execute(query)]


def tied(connection: Connection, runs: Collection[str]) -> set[str]:
    """Return the runs that share a session with one of these, or of which a person said something beside one."""
    of_them = select(run.c.session_id).where(run.c.id.in_(runs), run.c.session_id.is_not(None))
    holds = run_pair.c.revoked_at.is_(None)
    query = union(
        select(run.c.id).where(run.c.session_id.in_(of_them)),
        select(run_pair.c.second).where(holds, run_pair.c.first.in_(runs)),
        select(run_pair.c.first).where(holds, run_pair.c.second.in_(runs)),
    )
    return set(connection.execute(query).scalars())


def owners(connection: Connection, sessions: Collection[str]) -> dict[str, str]:
    """Return the patient of each of these sessions that has one."""
    query = select(session.c.id, session.c.patient_id).where(
        session.c.id.in_(sessions), session.c.patient_id.is_not(None)
    )
    return {row.id: row.patient_id for row in connection.execute(query)}


def _touches(start: datetime, end: datetime) -> ColumnElement[bool]:
    return and_(run.c.started_at <= end, run.c.started_at >= start - _LONGEST, run.c.last_seen >= start)


def _counting() -> Select[Any]:
    return (
        select(
            run, revision.c.id.label("revision_id"), revision.c.complete, revision.c.bench,
            printed_patient.c.text, device.c.maker, device.c.model, device.c.serial,
            device.c.bench.label("on_bench"),
        )
        .join(revision, and_(revision.c.run_id == run.c.id, revision.c.state == "current"))
        .join(device, run.c.device_id == device.c.id)
        .outerjoin(printed_patient, printed_patient.c.revision_id == revision.c.id)
        .order_by(run.c.started_at, run.c.id)
    )  # fmt: skip


def _found(connection: Connection, query: Select[Any]) -> list[Neighbour]:
    rows = list(connection.execute(query))
    serials = _column_serials(connection, [r.revision_id for r in rows])
    return [
        Neighbour(
            r.id, r.session_id, r.half_of, r.maker, r.model, r.serial, r.role, r.bench or r.on_bench, r.text,
            r.started_at, r.ended_at, r.last_seen, r.complete, serials.get(r.revision_id, ()), r.printed_id,
        )
        for r in rows
    ]  # fmt: skip


def _column_serials(connection: Connection, revisions: list[str]) -> dict[str, tuple[str, ...]]:
    query = select(column_use.c.revision_id, column_use.c.serial).where(
        column_use.c.revision_id.in_(revisions), column_use.c.serial != ""
    )
    found: dict[str, tuple[str, ...]] = {}
    for row in connection.execute(query.order_by(column_use.c.revision_id, column_use.c.position)):
        found[row.revision_id] = (*found.get(row.revision_id, ()), row.serial)
    return found
