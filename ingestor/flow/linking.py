"""Whose session is it, by the word of a person. Doses move along in the same transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestor.flow import columns
from ingestor.flow.dosing import recourse
from ingestor.flow.identifying import link_by_identifier, link_waiting
from ingestor.flow.meaning import give_meaning
from ingestor.store import audit, links, patients, runs, sessions

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ingestor.flow.house import House
    from ingestor.model import Finding
    from ingestor.store.audit import Actor

__all__ = ["BY_PERSON", "link", "link_by_identifier", "link_waiting", "unlink"]

BY_PERSON = "person"


def link(
    house: House, connection: Connection, session_id: str, patient_id: str, actor: Actor, reason: str
) -> list[Finding]:
    """Link a session to a patient because a person says so; return what speaks against it: warnings about columns.

    Raises:
        NotFound: `no_such_session`, `no_such_patient`.
    """
    patients.require(connection, patient_id)
    _move(house, connection, session_id, patient_id, actor, reason)
    return columns.findings(house, connection, [sessions.session_row(connection, session_id).id])


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
    held = links.newest(connection, row.id)
    by_person = held is not None and held.rule == BY_PERSON
    if (held.patient_id if held is not None else None) == patient_id and (by_person or patient_id is None):
        return
    key = links.append(
        connection, row.id, patient_id, rule=BY_PERSON, actor=actor.name, reason=reason, at=house.now()
    )
    cause = "link" if patient_id else "unlink"
    audit.record(
        connection, actor, cause, row.id, reason, link=key, patient=patient_id, before=row.patient_id
    )
    # Another patient may let runs come together, or part them.
    give_meaning(house, connection, [r.id for r in runs.runs_of(connection, row.id)], {}, cause)
    recourse(house, connection, (row.patient_id,))
