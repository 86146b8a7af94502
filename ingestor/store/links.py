"""Links from sessions to patients: the newest holds, all are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from ingestor.ids import fresh
from ingestor.store.patients import survivor
from ingestor.store.sessions import set_patient
from ingestor.store.tables import link

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row


def newest(connection: Connection, session_id: str) -> Row[Any] | None:
    """Return the link (or unlink) that holds for a session."""
    query = select(link).where(link.c.session_id == session_id).order_by(link.c.number.desc()).limit(1)
    return connection.execute(query).one_or_none()


def history(connection: Connection, session_id: str) -> list[Row[Any]]:
    """Return all links of a session, oldest first."""
    return list(
        connection.execute(select(link).where(link.c.session_id == session_id).order_by(link.c.number))
    )


def append(
    connection: Connection,
    session_id: str,
    patient_id: str | None,
    *,
    rule: str,
    actor: str,
    reason: str,
    at: datetime,
) -> str:
    """Link a session to a patient, or to nobody, and return the link's id.

    The link keeps the name that was given; the session belongs to whomever that patient was merged into.
    """
    before = newest(connection, session_id)
    key = fresh("lnk")
    connection.execute(
        insert(link).values(
            id=key, session_id=session_id, patient_id=patient_id, rule=rule, actor=actor, reason=reason, at=at,
            number=before.number + 1 if before else 1, replaced=before.id if before else None,
        )
    )  # fmt: skip
    set_patient(connection, session_id, survivor(connection, patient_id) if patient_id else None)
    return key
