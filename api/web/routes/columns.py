"""Columns: their uses, what is wrong with them, and the word of a person on that."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from api.web import column_warnings, session_view
from api.web.door import Visit, changing, seeing
from api.web.sight import of_own_ward
from ingestor.access.permissions import Permission
from ingestor.errors import Invalid, NotFound
from ingestor.flow import columns as flow
from ingestor.store.answers import columns as answers

router = APIRouter()


@router.get("/columns")
def columns(
    visit: Annotated[Visit, seeing(Permission.READ_SESSIONS)], q: str = "", before: str = ""
) -> Response:
    """Show columns, the last used first, or those whose serial number holds some words."""
    words, older = q.strip()[:60], None
    with visit.house.db.read() as connection:
        if words:
            rows = answers.search(connection, visit.caller.centre, words)
        else:
            rows, older = answers.columns(connection, visit.caller.centre, _moment(before))
    return visit.page("columns.html", rows=rows, q=words, older=older, first=not before)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC) if text else None
    except (ValueError, OverflowError):
        raise Invalid("page_date", value=text[:20]) from None


@router.get("/columns/{serial:path}")
def column(visit: Annotated[Visit, seeing(Permission.READ_SESSIONS)], serial: str) -> Response:
    """Show every use of a column."""
    with visit.house.db.read() as connection:
        rows = answers.uses_of(connection, visit.caller.centre, serial)
        warnings = column_warnings.of_column(visit, connection, serial)
        mine = of_own_ward(visit, connection, rows)
    if not rows:
        raise NotFound
    who = {row["patient_id"] for row in rows if row["patient_id"]}
    if not visit.caller.sees_identity:
        mine = [row | {"name": None, "patient_id": None} for row in mine]
    return visit.page("column.html", serial=serial, rows=mine, patients=len(who), warnings=warnings)


@router.post("/sessions/{key}/column-warnings")
def decide(visit: Annotated[Visit, changing(Permission.LINK)], key: str) -> Response:
    """Acknowledge a warning about a column of a session, or take that back; with a reason each time."""
    reason, back = visit.field("reason"), visit.field("choice") == "take-back"
    if not reason:
        raise Invalid("page_reason_missing")
    change = flow.take_back if back else flow.acknowledge
    with visit.house.db.write() as connection:
        session_view.start_of(connection, key, visit.caller.ward)
        change(visit.house, connection, key, visit.field("code"), visit.field("serial"), visit.actor, reason)
    return RedirectResponse(f"/sessions/{key}?done=decided#columns-warnings", 303)
