"""Sessions as they were known at a moment, and the readings that their doses were computed from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, not_, select

from ingestor.store.answers import doses, parts
from ingestor.store.tables import dose, revision, run, session

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from ingestor.store.answers.doses import Wanted

_OF_A_DOSE = (
    "course", "started_local", "device", "device_model", "device_serial", "driver", "status", "status_reasons",
    "complete", "processed_plasma_ml",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    """The reading of a run that a dose was computed from."""

    run_id: str
    id: str
    source: str
    driver: str
    driver_version: str


@dataclass(frozen=True, slots=True)
class Known:
    """A session as it was known then. `included`: its dose fits the filter. `dosed`: there was a dose."""

    session_id: str
    patient_id: str | None
    started_at: datetime
    ended_at: datetime | None
    included: bool
    dosed: bool
    readings: tuple[Reading, ...]


def frame(wanted: Wanted) -> Wanted:
    """Return the filter that asks for time, place and moment alone."""
    return type(wanted)(
        wanted.centre, start=wanted.start, end=wanted.end, as_of=wanted.as_of, ward=wanted.ward
    )


def dosed(
    connection: Connection, wanted: Wanted, limit: int, after: tuple[datetime, str] | None
) -> list[Known]:
    """Return sessions with a dose by start, those that the filter leaves out as well."""
    query = select(
        dose.c.session_id, dose.c.patient_id, dose.c.started_at, dose.c.ended_at, dose.c.detail,
        doses.conditions(wanted).label("included"),
    ).where(doses.conditions(frame(wanted)))  # fmt: skip
    found = connection.execute(doses.in_order(query, doses.Order(), after).limit(limit)).all()
    pairs = {row.session_id: [(r["run"], r["source"]) for r in row.detail.get("runs", ())] for row in found}
    revisions = _revisions(connection, {key for some in pairs.values() for key, _ in some})
    return [
        Known(
            row.session_id, row.patient_id, row.started_at, row.ended_at, bool(row.included), True,  # noqa: FBT003 - as named
            tuple(_counted(revisions.get(key, ()), key, source, wanted.as_of) for key, source in pairs[row.session_id]),
        )
        for row in found
    ]  # fmt: skip


def undosed(connection: Connection, wanted: Wanted) -> list[Known]:
    """Return sessions by start for which no dose was served: they are few."""
    plain = frame(wanted)
    served = exists().where(dose.c.session_id == session.c.id, doses.known(wanted.as_of))
    query = (
        select(session.c.id, session.c.patient_id, session.c.started_at, session.c.ended_at)
        .where(doses.of_sessions(plain), session.c.created_at <= wanted.as_of, not_(served))
        .order_by(session.c.started_at, session.c.id)
    )
    asked = replace(wanted, linked=None)
    return [
        Known(
            row.id, row.patient_id, row.started_at, row.ended_at,
            not doses.limits_doses(asked) and wanted.linked in {None, row.patient_id is not None}, False, (),  # noqa: FBT003 - as named
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def _revisions(connection: Connection, keys: Iterable[str]) -> dict[str, list[Any]]:
    query = select(
        revision.c.id, revision.c.run_id, revision.c.source, revision.c.state, revision.c.read_at,
        revision.c.driver, revision.c.driver_version,
    ).where(revision.c.run_id.in_(list(keys))).order_by(revision.c.read_at, revision.c.id)  # fmt: skip
    found: dict[str, list[Any]] = {}
    for row in connection.execute(query):
        found.setdefault(row.run_id, []).append(row)
    return found


def _counted(known: Sequence[Any], run_id: str, source: str, as_of: datetime | None) -> Reading:
    """Return the reading of a source that counted then: the current one if it was there, else the newest of that time."""
    there = [r for r in known if r.source == source and (as_of is None or r.read_at <= as_of)]
    if not there:
        return Reading(run_id, "", source, "", "")
    one = next((r for r in there if r.state == "current"), there[-1])
    return Reading(run_id, one.id, source, one.driver, one.driver_version)


def rows_of_doses(
    connection: Connection, keys: Sequence[str], as_of: datetime | None
) -> dict[str, dict[str, Any]]:
    """Return what the table of sessions has from a dose: session -> column -> value."""
    query = select(dose.c.session_id, dose.c.patient_id, *(dose.c[name] for name in _OF_A_DOSE)).where(
        dose.c.session_id.in_(keys), doses.known(as_of)
    )
    return {row.session_id: dict(row._mapping) for row in connection.execute(query)}


def rows_of_readings(
    connection: Connection, kind: str, keys: Sequence[str]
) -> dict[str, list[tuple[Any, ...]]]:
    """Return cycles, alarms or events: reading -> rows from the machine's id on, as `parts.rows` has them."""
    table, columns = parts.PARTS[kind]
    query = (
        select(table.c.revision_id, run.c.device_id, *columns, revision.c.source, table.c.line)
        .join(revision, revision.c.id == table.c.revision_id)
        .join(run, run.c.id == revision.c.run_id)
        .where(table.c.revision_id.in_(keys))
        .order_by(table.c.revision_id, table.c.position)
    )
    found: dict[str, list[tuple[Any, ...]]] = {}
    for key, *row in connection.execute(query):
        found.setdefault(key, []).append(tuple(row))
    return found
