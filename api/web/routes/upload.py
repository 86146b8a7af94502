"""Handing files in: the page, and the rows that say what became of each."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.auth import require
from api.routes.imports import hand_in
from api.web.door import Visit, seeing
from api.web.outcomes import shown
from ingestor.access.permissions import Caller, Permission
from ingestor.store.answers import uploads

router = APIRouter()
_KEPT_IN_SIGHT = timedelta(days=7)
_AT_ONCE = 60
_NOTHING_CAME = 400


@router.get("/upload")
def upload(visit: Annotated[Visit, seeing(Permission.SUBMIT)]) -> Response:
    """Show the form and what this person handed in during the last days."""
    since = visit.house.now() - _KEPT_IN_SIGHT
    with visit.house.db.read() as connection:
        found = uploads.of_actor(connection, visit.caller.name, since)
        rows = shown(visit, connection, [row for row in found if _whole(row) is None])
    waiting = sum(row.confirmable for row in rows)
    return visit.page("upload.html", rows=rows, waiting_confirmation=waiting, preview=True)


@router.get("/upload/rows")
def rows(visit: Annotated[Visit, seeing(Permission.SUBMIT)], ids: str = "") -> Response:
    """Return the rows of some submissions of this person, as they stand now."""
    keys = [key for key in ids.split(",") if key][:_AT_ONCE]
    with visit.house.db.read() as connection:
        found = uploads.by_id(connection, keys, visit.caller.name)
        wholes = sorted({whole for row in found if (whole := _whole(row))})
        found = [row for row in found if _whole(row) is None]
        found += uploads.by_id(connection, wholes, visit.caller.name)
        drawn = shown(visit, connection, found)
    return HTMLResponse("".join(visit.fragment("parts/outcome.html", one=one) for one in drawn))


def _whole(row: dict[str, Any]) -> str | None:
    """Return the submission that this one became a part of when its companion came, or None."""
    whole = (row["receipt"] or {}).get("submission")
    return whole if whole != row["id"] else None


@router.post("/upload")
async def send(request: Request, caller: Annotated[Caller, Depends(require(Permission.SUBMIT))]) -> Response:
    """Take in the files of the form where no script sends them one by one; the rows say what became of them."""
    answer = await hand_in(request, caller)
    if answer.status_code == _NOTHING_CAME:
        return answer
    return RedirectResponse("/upload", 303)
