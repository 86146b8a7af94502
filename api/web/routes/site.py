"""Wards and machines, as the administrator registers them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from api.web.door import Visit, changing, seeing
from ingestor.access.permissions import Permission
from ingestor.errors import Invalid, NotFound
from ingestor.model import Device, Role
from ingestor.store import audit, places
from ingestor.store.answers import machines

router = APIRouter()
_NAME = 80


@router.get("/site")
def site(visit: Annotated[Visit, seeing(Permission.MANAGE_MACHINES)]) -> Response:
    """Show wards and on which of them each machine stands."""
    with visit.house.db.read() as connection:
        wards = places.wards(connection, visit.house.centre)
        rows = machines.machines(connection, visit.house.centre)
    return visit.page("site.html", wards=wards, rows=rows, roles=list(Role))


@router.post("/site/wards")
def add_ward(visit: Annotated[Visit, changing(Permission.MANAGE_MACHINES)]) -> Response:
    """Register a ward."""
    name = visit.field("name", _NAME + 1)
    if not 0 < len(name) <= _NAME or not name.isprintable():
        raise Invalid("ward_name")
    with visit.house.db.write() as connection:
        key = places.add_ward(connection, visit.house.centre, name)
        audit.record(connection, visit.actor, "add_ward", key)
    return RedirectResponse("/site", 303)


@router.post("/site/machines")
def add_machine(visit: Annotated[Visit, changing(Permission.MANAGE_MACHINES)]) -> Response:
    """Register a machine before its first export comes."""
    maker, model, serial = (visit.field(name, _NAME) for name in ("maker", "model", "serial"))
    if not (maker and model and serial):
        raise Invalid("device_name")
    try:
        role = Role(visit.field("role"))
    except ValueError:
        raise NotFound from None
    house = visit.house
    with house.db.write() as connection:
        key = places.ensure_device(connection, house.centre, Device(maker, model, serial), role, house.now())
        audit.record(connection, visit.actor, "add_device", key)
    return RedirectResponse("/site", 303)


@router.post("/site/machines/{key}")
def place(visit: Annotated[Visit, changing(Permission.MANAGE_MACHINES)], key: str) -> Response:
    """Say on which ward a machine stands; its sessions belong there."""
    chosen = visit.field("ward") or None
    with visit.house.db.write() as connection:
        if chosen is not None:
            places.require_ward(connection, visit.house.centre, chosen)
        places.place_device(connection, key, chosen)
        audit.record(connection, visit.actor, "place_device", key, ward=chosen)
    return RedirectResponse("/site", 303)
