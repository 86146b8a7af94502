"""Doses as rows, fast: one table, no joins, values as the database driver hands them over.

`ingestor.exports.plain` and `ingestor.exports.batches` know what to make of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVarTuple

from sqlalchemy import Text, and_, cast, func, not_, or_, select, text, true

from ingestor.store.privacy import open_to_research
from ingestor.store.tables import DOSE_COLUMNS, alarm, audit, column_use, dose, revision, run, session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection, Select, Table

RANGES: tuple[str, ...] = tuple(
    name
    for name in DOSE_COLUMNS
    if name.endswith(("_ml", "_min", "_kg", "_cm"))
    or name.startswith(("alarms_", "cycles_"))
    or name in {"pv_multiple", "max_disagreement", "hematocrit", "interruptions"}
)
SORTS: tuple[str, ...] = ("started_at", *RANGES)
_COLUMNS = text(", ".join("dose.patient_id" if n == "patient" else f"dose.{n}" for n in DOSE_COLUMNS))
_EQUAL = {
    "patient": "patient_id", "device": "device", "device_model": "device_model",
    "device_serial": "device_serial", "driver": "driver", "role": "role", "status": "status",
    "evidence": "evidence", "agreement": "agreement", "course": "course", "session": "session_id",
}  # fmt: skip
_SEQ = select(func.max(audit.c.seq))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which doses are asked for. Empty and None do not limit.

    Attributes:
        centre: whose.
        equal: name of a filter -> values, one of which must stand there.
        column: product or serial number of a column that was used.
        alarm: kind of an alarm that occurred.
        reason: a status reason.
        start, end: begin of the session, the end excluded.
        least, most: column -> bound, included.
        complete, linked: True or False only.
        as_of: as the doses were known then; None is now.
        ward: sessions of this ward, or of none.
    """

    centre: str
    equal: tuple[tuple[str, tuple[str, ...]], ...] = ()
    column: tuple[str, ...] = ()
    alarm: tuple[str, ...] = ()
    reason: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    least: tuple[tuple[str, float], ...] = ()
    most: tuple[tuple[str, float], ...] = ()
    complete: bool | None = None
    linked: bool | None = None
    as_of: datetime | None = None
    ward: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """In which order, and after which row; rows without a value come last, ties by session."""

    by: str = "started_at"
    descending: bool = False


Place = tuple[Any, str]
Row = TypeVarTuple("Row")


def conditions(wanted: Wanted) -> ColumnElement[bool]:
    """Return the filter as one condition on the table of doses."""
    found = [
        dose.c.centre == wanted.centre, known(wanted.as_of), limits(wanted), open_to_research(dose.c.patient_id),
    ]  # fmt: skip
    if wanted.start is not None:
        found.append(dose.c.started_at >= wanted.start)
    if wanted.end is not None:
        found.append(dose.c.started_at < wanted.end)
    if wanted.linked is not None:
        found.append(dose.c.patient_id.is_not(None) if wanted.linked else dose.c.patient_id.is_(None))
    if wanted.ward is not None:
        found.append(dose.c.session_id.in_(_of_ward(wanted.ward)))
    return and_(*found)


def limits(wanted: Wanted) -> ColumnElement[bool]:
    """Return what the filter asks of the dose itself; true where it asks nothing."""
    found: list[ColumnElement[bool]] = []
    found += [dose.c[_EQUAL[name]].in_(values) for name, values in wanted.equal]
    found += [dose.c[name] >= bound for name, bound in wanted.least]
    found += [dose.c[name] <= bound for name, bound in wanted.most]
    if wanted.complete is not None:
        found.append(dose.c.complete if wanted.complete else not_(dose.c.complete))
    if wanted.column:
        used = or_(column_use.c.serial.in_(wanted.column), column_use.c.product.in_(wanted.column))
        found.append(_in_a_run(column_use, used))
    if wanted.alarm:
        found.append(_in_a_run(alarm, alarm.c.kind.in_(wanted.alarm)))
    for reason in wanted.reason:
        found.append(cast(dose.c.status_reasons, Text).contains(f'"{reason}"', autoescape=True))
    return and_(true(), *found)


def limits_doses(wanted: Wanted) -> bool:
    """Tell whether the filter asks anything of the dose itself."""
    parts = (wanted.equal, wanted.column, wanted.alarm, wanted.reason, wanted.least, wanted.most)
    return any(parts) or wanted.complete is not None


def of_sessions(wanted: Wanted) -> ColumnElement[bool]:
    """Return what the filter asks of the session: the rest is asked by `limits`."""
    found = [
        session.c.centre == wanted.centre, session.c.joined_into.is_(None), open_to_research(session.c.patient_id),
    ]  # fmt: skip
    if wanted.start is not None:
        found.append(session.c.started_at >= wanted.start)
    if wanted.end is not None:
        found.append(session.c.started_at < wanted.end)
    if wanted.linked is not None:
        found.append(session.c.patient_id.is_not(None) if wanted.linked else session.c.patient_id.is_(None))
    if wanted.ward is not None:
        found.append(or_(session.c.ward == wanted.ward, session.c.ward.is_(None)))
    return and_(*found)


def known(as_of: datetime | None) -> ColumnElement[bool]:
    """Return that a row was served at that time."""
    if as_of is None:
        return dose.c.known_to.is_(None)
    return and_(dose.c.known_from <= as_of, or_(dose.c.known_to.is_(None), dose.c.known_to > as_of))


def _of_ward(ward: str) -> Any:  # noqa: ANN401 - a subquery of one column
    """Return the ids of the sessions that a ward may see."""
    return select(session.c.id).where(or_(session.c.ward == ward, session.c.ward.is_(None)))


def _in_a_run(table: Table, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return that one run of the session, as it is read now, has such a row."""
    sessions = (
        select(run.c.session_id)
        .join(revision, and_(revision.c.run_id == run.c.id, revision.c.state == "current"))
        .join(table, table.c.revision_id == revision.c.id)
        .where(condition, run.c.session_id.is_not(None))
    )
    return dose.c.session_id.in_(sessions)


def rows(
    connection: Connection, wanted: Wanted, order: Order, limit: int, after: Place | None = None
) -> Sequence[Any]:
    """Return raw rows, the columns as `DOSE_COLUMNS` but the patient's id for `patient`.

    Args:
        connection: a reading transaction.
        wanted: the filter.
        order: the order.
        limit: at most so many.
        after: value, raw or read, and session of the last row of the page before.
    """
    query = select(_COLUMNS).select_from(dose).where(conditions(wanted)).limit(limit)
    return connection.execute(in_order(query, order, after)).all()


def in_order(query: Select[*Row], order: Order, after: Place | None) -> Select[*Row]:
    """Return a question about doses in an order, from a place in it on."""
    column = dose.c[order.by]
    if order.by == "started_at":  # never null, and what the index is sorted by
        both = (column, dose.c.session_id)
        query = query.order_by(*((c.desc() for c in both) if order.descending else both))
    else:
        value = column.desc() if order.descending else column
        query = query.order_by(column.is_(None), value, dose.c.session_id)
    return query if after is None else query.where(_after(order, after))


def _after(order: Order, after: Place) -> ColumnElement[bool]:
    value, key = after
    value = _instant(value) if order.by == "started_at" else value
    column = dose.c[order.by]
    later_key = dose.c.session_id > key
    if value is None:
        return and_(column.is_(None), later_key)
    if order.by == "started_at":
        if order.descending:
            return or_(column < value, and_(column == value, dose.c.session_id < key))
        return or_(column > value, and_(column == value, later_key))
    further = column < value if order.descending else column > value
    return or_(further, and_(column == value, later_key), column.is_(None))


def _instant(raw: datetime | str) -> datetime:
    """Return an instant of a raw row: text on SQLite, a datetime on PostgreSQL."""
    at = datetime.fromisoformat(raw) if isinstance(raw, str) else raw
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def count(connection: Connection, wanted: Wanted) -> int:
    """Return how many rows there are."""
    return connection.execute(select(func.count()).select_from(dose).where(conditions(wanted))).scalar_one()


def state(connection: Connection) -> int:
    """Return a number that is another one after every change of the store."""
    return connection.execute(_SEQ).scalar() or 0


def newest(connection: Connection, session_id: str) -> Any | None:  # noqa: ANN401 - one raw row
    """Return the raw row that is served for a session now."""
    query = select(_COLUMNS).select_from(dose).where(dose.c.session_id == session_id, known(None))
    return connection.execute(query).first()
