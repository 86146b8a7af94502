"""The first page after signing in: what waits, and what came last."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from api.web.door import Visit, seeing
from api.web.routes import trays
from api.web.sight import shown
from ingestor.access.permissions import Permission
from ingestor.store.answers import worklist

router = APIRouter()


@router.get("/")
def start(visit: Annotated[Visit, seeing(Permission.OWN_ACCOUNT)]) -> Response:
    """Show the trays with their counts and the newest sessions."""
    caller = visit.caller
    with visit.house.db.read() as connection:
        counts = trays.counts(visit, connection) if caller.may(Permission.LINK) else {}
        recent = []
        if caller.may(Permission.READ_SESSIONS):
            wanted = worklist.Wanted(ward=caller.ward)
            recent = shown(visit, worklist.sessions(connection, caller.centre, wanted, limit=8))
    rows = [{"name": name, "count": count, "address": f"/trays/{name}"} for name, count in counts.items()]
    return visit.page("start.html", trays=rows, recent=recent, today=visit.house.now())
