"""Doses as text that SQLite prints itself, thousands of rows in one step.

A cell that becomes a Python object costs more than to print it, and a step for each row would wait for every other
thread each time. One step for a whole piece does neither: the interpreter is free for whoever asks meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, DateTime, LargeBinary, cast, func, literal_column, select

from ingestor.store.answers.doses import Order, Place, Wanted, conditions, in_order
from ingestor.store.tables import DOSE_COLUMNS, dose
from ingestor.store.tables.base import DOC, WORD, Utc

if TYPE_CHECKING:
    from sqlalchemy import ColumnClause, Connection

CELL_END, QUOTE = "\x1f", '"'
# 2026-11-01 07:15:00.000000
_START = 26
_PLACE: ColumnClause[str] = literal_column("dose.started_at || dose.session_id")


def _cell(name: str) -> tuple[str, str]:
    """Return how a cell is printed, and of what; of NULL nothing is, and any text stands between quotes."""
    column = dose.c["patient_id" if name == "patient" else name]
    if column.type is not WORD:
        return "%s", f"dose.{column.name}"
    if column.nullable:
        return "%s", f"""'"' || replace(dose.{column.name}, '"', '""') || '"'"""
    return '"%w"', f"dose.{column.name}"


def _line() -> str:
    how, what = zip(*map(_cell, DOSE_COLUMNS), strict=True)
    return f"format('{CELL_END.join(how)}', {', '.join(what)})"


_LINE: ColumnClause[str] = literal_column(_line())


def lines(
    connection: Connection, wanted: Wanted, limit: int, after: Place | None = None
) -> tuple[bytes, Place | None]:
    """Return rows by start, one a line, the columns as `DOSE_COLUMNS` but the patient's id for `patient`.

    Args:
        connection: a reading transaction on SQLite.
        wanted: the filter.
        limit: at most so many.
        after: start and session of the last row before.

    Returns:
        The lines, and start and session of the last one; None where there is none.
    """
    query = select(_LINE.label("line"), _PLACE.label("place")).select_from(dose).where(conditions(wanted))
    found = in_order(query.limit(limit), Order(), after).subquery()
    whole = select(cast(func.group_concat(found.c.line, "\n"), LargeBinary), func.max(found.c.place))
    text, place = connection.execute(whole).one()
    return text or b"", None if place is None else (place[:_START], place[_START:])


def _plain(name: str) -> str:
    """Return the expression that prints a column as JSON."""
    column = dose.c[name]
    value = f"dose.{name}"
    if isinstance(column.type, Utc | DateTime):
        end = "Z" if isinstance(column.type, Utc) else ""
        text = f"rtrim(rtrim(replace({value}, ' ', 'T'), '0'), '.')"
        return f"""ifnull('"' || {text} || '{end}"', 'null')"""
    if isinstance(column.type, Boolean):
        return f"iif({value}, 'true', 'false')"
    return value if column.type is DOC else f"json_quote({value})"


def _object() -> str:
    """Return the expression of everything after the patient, as the end of a JSON object."""
    rest = DOSE_COLUMNS[2:]
    how = ",".join(f'"{name}":%s' for name in rest)
    return f"format('{how}}}', {', '.join(map(_plain, rest))})"


_OBJECT: ColumnClause[str] = literal_column(_object())
_HEAD = (dose.c.session_id, dose.c.patient_id)


@dataclass(frozen=True, slots=True)
class Printed:
    """A dose as SQLite prints it.

    Attributes:
        rest: the columns after session and patient, as the end of a JSON object.
        place: the value by which rows are ordered, as it is stored.
    """

    session_id: str
    patient_id: str | None
    rest: str
    place: Any


def objects(
    connection: Connection, wanted: Wanted, order: Order, limit: int, after: Place | None
) -> list[Printed]:
    """Return doses as JSON that lacks its first two columns, which are for the caller to show or to hide."""
    place: ColumnClause[Any] = literal_column(f"dose.{dose.c[order.by].name}")
    query = (
        select(*_HEAD, _OBJECT.label("rest"), place.label("place"))
        .select_from(dose)
        .where(conditions(wanted))
    )
    found = connection.execute(in_order(query, order, after).limit(limit)).all()
    return [Printed(*row) for row in found]
