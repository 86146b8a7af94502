"""Doses as text that SQLite prints itself, thousands of rows in one step.

A cell that becomes a Python object costs more than to print it, and a step for each row would wait for every other
thread each time. One step for a whole piece does neither: the interpreter is free for whoever asks meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import LargeBinary, cast, func, literal_column, select

from ingestor.store.answers.doses import Order, Place, Wanted, conditions, in_order
from ingestor.store.tables import DOSE_COLUMNS, dose
from ingestor.store.tables.base import WORD

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
