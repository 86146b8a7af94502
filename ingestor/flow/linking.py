"""Whose session is it: by exact identifier, or by a person. Doses move along in the same transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestor.flow.dosing import recourse, redose
from ingestor.meaning.linking import Known, match, normalise_identifier
from ingestor.store import audit, links, patients, runs, sessions

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from ingestor.flow.house import House
    from ingestor.store.audit import Actor

BY_IDENTIFIER = "identifier"
BY_PERSON = "person"


def link_by_identifier(house: House, connection: Connection, session_id: str) -> str | None:
    """Link a session that never had a link, if what its machines printed names exactly one patient.

    Returns:
        The patient, or None. What a person decided before, unlinking included, is never overruled.
    """
    if links.newest(connection, session_id) is not None:
        return None
    row = sessions.session_row(connection, session_id)
    named = {
        _match(house, connection, text, row.started_at, serials)
        for text, serials in runs.printed_patients(connection, session_id)
    }
    if len(named) != 1 or None in named:
        return None
    (patient_id,) = named
    links.append(
        connection, session_id, patient_id, rule=BY_IDENTIFIER, actor="rule", reason=house.settings.identifier_rule,
        at=house.now(),
    )  # fmt: skip
    return patient_id


def _match(
    house: House, connection: Connection, text: str, at: datetime, serials: tuple[str, ...]
) -> str | None:
    rule = house.settings.identifier_rule
    found = patients.with_identifier(connection, house.centre, normalise_identifier(text, rule))
    known = [Known(key, system, value, start, end) for key, system, value, start, end in found]
    return match(text, at, known, rule, serials).patient


def link(
    house: House, connection: Connection, session_id: str, patient_id: str, actor: Actor, reason: str
) -> None:
    """Link a session to a patient because a person says so.

    Raises:
        NotFound: `no_such_session`, `no_such_patient`.
    """
    patient_id = patients.survivor(connection, patient_id)
    _move(house, connection, session_id, patient_id, actor, reason)


def unlink(house: House, connection: Connection, session_id: str, actor: Actor, reason: str) -> None:
    """Undo the link of a session.

    Raises:
        NotFound: `no_such_session`.
    """
    _move(house, connection, session_id, None, actor, reason)


def _move(
    house: House, connection: Connection, session_id: str, patient_id: str | None, actor: Actor, reason: str
) -> None:
    row = sessions.session_row(connection, session_id)
    if row.patient_id == patient_id:
        return
    key = links.append(
        connection, row.id, patient_id, rule=BY_PERSON, actor=actor.name, reason=reason, at=house.now()
    )
    cause = "link" if patient_id else "unlink"
    audit.record(
        connection, actor, cause, row.id, reason, link=key, patient=patient_id, before=row.patient_id
    )
    redose(house, connection, row.id, cause)
    recourse(house, connection, (row.patient_id, patient_id))


def link_waiting(house: House, connection: Connection) -> list[str]:
    """Try the identifier rule on every session that never had a link; return those that got one.

    Called when an identifier was added: sessions that came before their patient find him now.
    """
    linked = []
    for session_id in sessions.never_linked(connection, house.centre):
        patient_id = link_by_identifier(house, connection, session_id)
        if patient_id is not None:
            redose(house, connection, session_id, "link")
            linked.append((session_id, patient_id))
    recourse(house, connection, {patient for _, patient in linked})
    return [session_id for session_id, _ in linked]
