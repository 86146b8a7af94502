"""Cycles, alarms and events of many sessions: rows of the current readings, in order of time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, select, tuple_

from ingestor.store.answers import doses
from ingestor.store.tables import alarm, column_use, cycle, dose, event, revision, run, session

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Table

# start of the session, session, run, position of the row
Place = tuple["datetime", str, str, int]


def _column_used(name: str) -> ColumnElement[Any]:
    """Return a fact of the column that stood in the cycle's place, the last one put there."""
    return (
        select(column_use.c[name])
        .where(
            column_use.c.revision_id == cycle.c.revision_id,
            column_use.c.column_position == cycle.c.column_position,
        )
        .order_by(column_use.c.position)
        .limit(1)
        .scalar_subquery()
    )


_OF_ALL = (session.c.id, run.c.id, run.c.device_id)
_FROM = (revision.c.source,)
PARTS: dict[str, tuple[Table, tuple[Any, ...]]] = {
    "cycles": (
        cycle,
        (cycle.c.number, cycle.c.column_position, _column_used("product"), _column_used("serial"),
         cycle.c.start_at, cycle.c.start_local, cycle.c.end_at, cycle.c.load_ml, cycle.c.completed),
    ),
    "alarms": (
        alarm,
        (alarm.c.position, alarm.c.code, alarm.c.klass, alarm.c.kind, alarm.c.priority, alarm.c.text,
         alarm.c.onset_at, alarm.c.onset_local, alarm.c.cleared_at, alarm.c.acknowledged_at),
    ),
    "events": (
        event,
        (event.c.position, event.c.kind, event.c.event_at, event.c.event_local, event.c.text, event.c.value,
         event.c.unit),
    ),
}  # fmt: skip
_PLACE = (session.c.started_at, session.c.id, run.c.id)


def rows(
    connection: Connection,
    kind: str,
    wanted: doses.Wanted,
    limit: int,
    after: Place | None = None,
    *,
    kinds: tuple[str, ...] = (),
    priorities: tuple[str, ...] = (),
) -> list[tuple[tuple[Any, ...], Place]]:
    """Return rows, the columns as `ingestor.exports.fields` has them, each with its place.

    Args:
        connection: a reading transaction.
        kind: cycles, alarms or events.
        wanted: of which sessions.
        limit: at most so many.
        after: the place of the last row before.
        kinds: of alarms alone: only these.
        priorities: of alarms alone: only these.
    """
    table, columns = PARTS[kind]
    query = (
        select(*_OF_ALL, *columns, *_FROM, table.c.line, *_PLACE, table.c.position)
        .select_from(table)
        .join(revision, and_(revision.c.id == table.c.revision_id, revision.c.state == "current"))
        .join(run, run.c.id == revision.c.run_id)
        .join(session, session.c.id == run.c.session_id)
        .where(doses.of_sessions(wanted))
        .order_by(*_PLACE, table.c.position)
        .limit(limit)
    )
    if doses.limits_doses(wanted):
        current = and_(dose.c.session_id == session.c.id, doses.known(wanted.as_of))
        query = query.join(dose, current).where(doses.limits(wanted))
    if kinds:
        query = query.where(table.c.kind.in_(kinds))
    if priorities:
        query = query.where(table.c.priority.in_(priorities))
    if after is not None:
        query = query.where(tuple_(*_PLACE, table.c.position) > after)
    return [
        (tuple(row[: -len(_PLACE) - 1]), tuple(row[-len(_PLACE) - 1 :])) for row in connection.execute(query)
    ]
