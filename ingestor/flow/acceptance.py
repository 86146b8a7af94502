"""A site accepts how a driver reads one model of machine; doses that waited for that are computed again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestor.errors import Invalid
from ingestor.flow.dosing import recourse, redose
from ingestor.store import acceptances, audit, sessions

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ingestor.flow.house import House
    from ingestor.store.audit import Actor

# Driver, driver version, device model.
Machine = tuple[str, str, str]


def accept(
    house: House, connection: Connection, machine: Machine, person: str, note: str, actor: Actor
) -> tuple[str, list[str]]:
    """Record that a person compared one real export with the machine's screen.

    It holds for this version of the driver and this model only: another version reads in another way.

    Args:
        house: the open house.
        connection: a writing transaction.
        machine: driver, driver version, device model.
        person: who compared and signs for it.
        note: what was compared, for example the export's date and the values on the screen.
        actor: who records it.

    Returns:
        The acceptance and the sessions that were dosed again.

    Raises:
        Invalid: `acceptance_incomplete`: nobody signs, or nothing is said to have been compared.
    """
    if not person.strip() or not note.strip():
        raise Invalid("acceptance_incomplete")
    key = acceptances.accept(connection, house.centre, machine, person.strip(), note.strip(), house.now())
    audit.record(
        connection, actor, "accept-driver", key, driver=machine[0], version=machine[1], model=machine[2]
    )
    return key, _redose(house, connection, machine)


def revoke(house: House, connection: Connection, key: str, actor: Actor, reason: str) -> list[str]:
    """Take an acceptance back; return the sessions that were dosed again.

    Raises:
        NotFound: there is none, or it was taken back before.
    """
    machine = acceptances.machine_of(connection, key)
    acceptances.revoke(connection, key, house.now())
    audit.record(connection, actor, "revoke-acceptance", key, reason)
    return _redose(house, connection, machine)


def _redose(house: House, connection: Connection, machine: Machine) -> list[str]:
    concerned = acceptances.sessions_read_by(connection, machine)
    for session_id in concerned:
        redose(house, connection, session_id, "acceptance")
    recourse(house, connection, {sessions.session_row(connection, s).patient_id for s in concerned})
    return concerned
