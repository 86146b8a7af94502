"""Requests of persons on their data: made by one steward, decided by another."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from api.web.door import Visit, changing, seeing
from ingestor.access.permissions import Permission
from ingestor.access.pseudonyms import is_pseudonym
from ingestor.errors import NotFound
from ingestor.flow import privacy
from ingestor.store import privacy as stored
from ingestor.store.answers import patients

router = APIRouter()


@router.get("/privacy")
def requests(visit: Annotated[Visit, seeing(Permission.REIDENTIFY)], patient: str = "") -> Response:
    """Show all requests; a form makes a new one, for `patient` if given."""
    house, me = visit.house, visit.caller.name
    with house.db.read() as connection:
        rows = stored.listing(connection, house.centre)
        since = house.now() - privacy.LED_BACK
        for row in rows:
            mine = row["kind"] == "reidentification" and row["asked_by"] == me
            row["open_now"] = mine and stored.led_back(connection, row["patient_id"], me, since)
            row["pseudonym"] = visit.pseudonyms.of(row["patient_id"])
    return visit.page("privacy.html", rows=rows, kinds=privacy.KINDS, patient=patient[:60])


@router.post("/privacy")
def ask(visit: Annotated[Visit, changing(Permission.REIDENTIFY)]) -> Response:
    """Make a request."""
    house, whom, kind = visit.house, visit.field("whom", 60), visit.field("kind")
    with house.db.write() as connection:
        known = patients.ids(connection, house.centre)
        # Only a granted request leads a pseudonym back: another kind of request would tell whose it is.
        by_pseudonym = is_pseudonym(whom) and kind == "reidentification"
        found = visit.pseudonyms.patient_of(whom, known) if by_pseudonym else whom
        if found not in known:
            raise NotFound("no_such_patient")
        privacy.ask(house, connection, kind, found, visit.actor, visit.field("reason"))
    return RedirectResponse("/privacy?done=requested", 303)


@router.post("/privacy/{key}/decide")
def decide(visit: Annotated[Visit, changing(Permission.REIDENTIFY)], key: str) -> Response:
    """Grant or refuse somebody else's request."""
    grant = visit.field("choice") == "granted"
    with visit.house.db.write() as connection:
        privacy.decide(visit.house, connection, key, visit.actor, visit.field("note"), grant=grant)
    return RedirectResponse("/privacy?done=decided", 303)


@router.post("/privacy/{key}/end")
def end(visit: Annotated[Visit, changing(Permission.REIDENTIFY)], key: str) -> Response:
    """Lift a restriction."""
    with visit.house.db.write() as connection:
        privacy.end(visit.house, connection, key, visit.actor, visit.field("reason"))
    return RedirectResponse("/privacy?done=ended", 303)
