"""What is known of a machine's clock is corrected, and the times of its runs follow: reversibly, dose by dose.

A correction is written down with a plan for the machine's runs in one transaction. The plan is carried out at once,
or, if the program ends before, by whoever looks for work that is due.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ingestor.errors import Busy, Invalid
from ingestor.flow import reprocess
from ingestor.flow.house import is_alive
from ingestor.meaning.zones import zone_named
from ingestor.store import audit, places, plans
from ingestor.store.audit import Actor
from ingestor.store.plans import Scope

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection

    from ingestor.flow.house import House

CAUSE = "clock"
_HOUSE = Actor("house", "agent")
_MOST_S = 2_000_000_000
_TURN = threading.Lock()


def set_zone(
    house: House, connection: Connection, device: str, zone: str | None, actor: Actor, reason: str
) -> None:
    """Say in which zone a machine's clock runs; None: in the site's.

    Raises:
        NotFound: `no_such_device`.
        Invalid: `unknown_zone`.
    """
    before = places.require_device(connection, device).zone
    if zone is not None:
        zone_named(zone)
    if zone == before:
        return
    places.set_zone(connection, device, zone)
    audit.record(connection, actor, "set-zone", device, reason, zone=zone, before=before)
    _plan(house, connection, device, actor)


def add_offset(
    house: House,
    connection: Connection,
    device: str,
    seconds: int,
    span: tuple[datetime | None, datetime | None],
    actor: Actor,
    reason: str,
) -> str:
    """Write down how far a machine's clock was ahead [s] between two times on itself; return the entry's id.

    Raises:
        NotFound: `no_such_device`.
        Invalid: `offset_span`: the stretch is empty, or nobody can believe the error.
    """
    places.require_device(connection, device)
    start, end = span
    if abs(seconds) > _MOST_S or (start is not None and end is not None and end <= start):
        raise Invalid("offset_span")
    key = places.add_offset(connection, device, seconds, span, actor.name, reason, house.now())
    audit.record(connection, actor, "add-offset", device, reason, offset=key, seconds=seconds)
    _plan(house, connection, device, actor)
    return key


def revoke_offset(house: House, connection: Connection, key: str, actor: Actor, reason: str) -> None:
    """Take an entry back: every time is again what it was without it.

    Raises:
        NotFound: `no_such_offset`.
    """
    device = places.revoke_offset(connection, key, house.now())
    audit.record(connection, actor, "revoke-offset", device, reason, offset=key)
    _plan(house, connection, device, actor)


def _plan(house: House, connection: Connection, device: str, actor: Actor) -> None:
    scope = Scope(device=device, cause=CAUSE)
    while (known := plans.open_plan(connection, house.centre, scope)) is not None:
        reprocess.drop(connection, known.id)
    plans.add(connection, house.centre, scope, "", actor.name, house.now())


def carry_out(house: House) -> list[str]:
    """Let the times of runs follow all corrections that are written down; return the plans carried out.

    Threads of one process take turns: who waited finds nothing left to do. Other processes are told apart by name.
    """
    with _TURN:
        return list(_carry_out(house))


def _carry_out(house: House) -> Iterator[str]:
    with house.db.read() as connection:
        todo = plans.open_ones(connection, house.centre, CAUSE)
    for row in todo:
        if row.state == "making" and row.worker != house.worker and is_alive(row.worker):
            continue
        try:
            key = (
                row.id if row.state == "approved" else reprocess.propose(house, _scope(row.device_id), _HOUSE)
            )
            reprocess.approve(house, key, _HOUSE, CAUSE)
        except (Busy, Invalid):
            # Another process has it, or a newer correction has taken its place.
            continue
        yield key


def _scope(device: str) -> Scope:
    return Scope(device=device, cause=CAUSE)
