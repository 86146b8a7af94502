"""Machines, as the ward knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from api.web import session_view
from api.web.door import Visit, changing, seeing
from api.web.sight import shown
from api.web.wording import said, text
from ingestor.access.permissions import Permission
from ingestor.errors import Invalid, NotFound
from ingestor.flow import acceptance, clocks
from ingestor.flow.lines import standing
from ingestor.meaning.gaps import missing
from ingestor.store.answers import machines as answers
from ingestor.store.answers import worklist

if TYPE_CHECKING:
    from sqlalchemy import Connection

router = APIRouter()
_SHOWN = 20
# What a person compares with the machine's screen before signing.
CHECKS = ("start", "plasma", "cycles", "alarms", "columns")


@router.get("/machines")
def machines(visit: Annotated[Visit, seeing(Permission.READ_MACHINES)]) -> Response:
    """Show all machines, and how the lines stand on which some of them talk."""
    with visit.house.db.read() as connection:
        rows = answers.machines(connection, visit.caller.centre)
        lines = [(line, said(line.state, visit.language)) for line in standing(connection)]
    return visit.page("machines.html", rows=rows, lines=lines)


def _machine(visit: Visit, connection: Connection, key: str) -> dict[str, Any]:
    found = answers.machines(connection, visit.caller.centre, key)
    if not found:
        raise NotFound("no_such_device")
    return found[0]


@router.get("/machines/{key}")
def machine(visit: Annotated[Visit, seeing(Permission.READ_MACHINES)], key: str) -> Response:
    """Show a machine."""
    house, caller = visit.house, visit.caller
    with house.db.read() as connection:
        one = _machine(visit, connection, key)
        wanted = worklist.Wanted(device=key, ward=caller.ward)
        see_sessions = caller.may(Permission.READ_SESSIONS)
        rows = worklist.sessions(connection, caller.centre, wanted, limit=_SHOWN) if see_sessions else []
        return visit.page(
            "machine.html", one=one, rows=shown(visit, rows), readings=answers.readings(connection, key),
            gaps=missing(answers.printed_numbers(connection, key)),
            ledger=answers.ledger(connection, key), zones=sorted(available_timezones()),
            accepted=answers.acceptances(connection, caller.centre, one["model"]),
        )  # fmt: skip


@router.post("/machines/{key}/zone")
def set_zone(visit: Annotated[Visit, changing(Permission.MANAGE_MACHINES)], key: str) -> Response:
    """Say in which zone a machine's clock runs; the times of its treatments follow in the background."""
    zone = visit.field("zone", 60)
    if zone and zone not in available_timezones():
        raise Invalid("unknown_zone", zone=zone)
    with visit.house.db.write() as connection:
        chosen = ZoneInfo(zone).key if zone else None
        clocks.set_zone(visit.house, connection, key, chosen, visit.actor, visit.field("reason"))
    return RedirectResponse(f"/machines/{key}?done=zone", 303)


@router.get("/machines/{key}/accept")
def compare(visit: Annotated[Visit, seeing(Permission.READ_MACHINES)], key: str) -> Response:
    """Lead through the comparison of one session with the machine's screen."""
    return _comparison(visit, key)


def _comparison(visit: Visit, key: str, wrong: dict[str, str] | None = None) -> Response:
    house, caller = visit.house, visit.caller
    with house.db.read() as connection:
        one = _machine(visit, connection, key)
        wanted = worklist.Wanted(device=key, ward=caller.ward)
        newest = worklist.sessions(connection, caller.centre, wanted, limit=1)
        if not newest:
            raise NotFound
        dose = session_view.dose_of(connection, newest[0]["id"])
        parts = session_view.parts_of(connection, newest[0]["id"])
    part = next((p for p in parts if p.device_id == key), None)
    notice = {"notice": {"kind": "bad", **wrong}} if wrong else {}
    return visit.page(
        "accept.html", status=422 if wrong else 200, one=one, session=shown(visit, newest)[0], dose=dose, part=part,
        checks=CHECKS, **notice,
    )  # fmt: skip


@router.post("/machines/{key}/accept")
def accept(visit: Annotated[Visit, changing(Permission.DECIDE)], key: str) -> Response:
    """Record that a person found the reading of this model right, or not."""
    checked = [name for name in CHECKS if visit.field(name) == "true"]
    if len(checked) < len(CHECKS):
        return _comparison(visit, key, said("page_not_all_checked", visit.language))
    with visit.house.db.write() as connection:
        one = _machine(visit, connection, key)
        newest = next(iter(answers.readings(connection, key)), None)
        if newest is None:
            raise NotFound
        stamp = (newest["driver"], newest["driver_version"], one["model"])
        compared = ", ".join(text(f"check.{name}", visit.language) for name in checked)
        note = f"{compared}. {visit.field('note')}".strip()
        acceptance.accept(visit.house, connection, stamp, visit.caller.name, note, visit.actor)
    return RedirectResponse(f"/machines/{key}?done=accepted", 303)
