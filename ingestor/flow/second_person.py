"""Where a site wants it, a link made by hand counts only when a second person has confirmed it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestor.errors import Forbidden
from ingestor.flow import linking
from ingestor.store import audit, link_requests, patients, sessions
from ingestor.store.audit import Actor

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ingestor.flow.house import House


def link(
    house: House,
    connection: Connection,
    session_id: str,
    patient_id: str,
    actor: Actor,
    reason: str,
    second: Actor | None = None,
) -> str | None:
    """Link a session to a patient, or ask a second person for it; return the request that waits, if one does.

    Args:
        house: the open house; its settings say whether a second person is wanted.
        connection: a writing transaction.
        session_id: of the session.
        patient_id: of the patient.
        actor: who links.
        reason: why.
        second: who confirms at once, where his credentials were found good.

    Raises:
        NotFound: `no_such_session`, `no_such_patient`.
        Forbidden: `same_person`.
    """
    if not house.settings.second_person:
        linking.link(house, connection, session_id, patient_id, actor, reason)
        return None
    patients.require(connection, patient_id)
    row = sessions.session_row(connection, session_id)
    key = link_requests.ask(connection, row.id, patient_id, actor.name, reason, house.now())
    audit.record(connection, actor, "ask-link", row.id, reason, request=key, patient=patient_id)
    if second is None:
        return key
    confirm(house, connection, key, second)
    return None


def confirm(house: House, connection: Connection, key: str, second: Actor) -> str:
    """Let a link count that somebody else asked for; return the session.

    Raises:
        NotFound: `no_such_link_request`.
        Forbidden: `same_person`.
    """
    row = link_requests.require_open(connection, key)
    if row.actor == second.name:
        raise Forbidden("same_person")
    link_requests.decide(connection, key, "confirmed", second.name, house.now())
    both = Actor(f"{row.actor} + {second.name}", second.role)
    linking.link(house, connection, row.session_id, row.patient_id, both, row.reason)
    audit.record(connection, second, "confirm-link", row.session_id, row.reason, request=key)
    return str(row.session_id)


def refuse(house: House, connection: Connection, key: str, actor: Actor, reason: str) -> str:
    """Say that a link that was asked for is wrong, or take it back oneself; return the session.

    Raises:
        NotFound: `no_such_link_request`.
    """
    row = link_requests.require_open(connection, key)
    link_requests.decide(connection, key, "refused", actor.name, house.now())
    audit.record(connection, actor, "refuse-link", row.session_id, reason, request=key)
    return str(row.session_id)
