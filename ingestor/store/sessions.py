"""Sessions: one treatment of one patient each, made of runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from ingestor.errors import NotFound
from ingestor.store.tables import printed_patient, revision, run, session

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection, Row


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A run near another one in time, with what is needed to tell whether they are one treatment."""

    run_id: str
    session_id: str
    device_id: str
    role: str
    printed_id: str | None
    patient_printed: str | None
    started_at: datetime
    ended_at: datetime | None
    complete: bool
    revision_id: str


def ensure_session(
    connection: Connection, key: str, centre_id: str, started: datetime, ended: datetime | None, now: datetime
) -> None:
    """Create a session, or move its times."""
    if connection.execute(select(session.c.id).where(session.c.id == key)).first() is None:
        connection.execute(
            insert(session).values(
                id=key, centre=centre_id, started_at=started, ended_at=ended, created_at=now
            )
        )
    else:
        connection.execute(
            update(session)
            .where(session.c.id == key)
            .values(started_at=started, ended_at=ended, joined_into=None)
        )


def session_row(connection: Connection, key: str) -> Row[Any]:
    """Return a session; one that was joined into another answers with that one.

    Raises:
        NotFound: there is no such session.
    """
    row = connection.execute(select(session).where(session.c.id == key)).one_or_none()
    if row is None:
        raise NotFound("no_such_session")
    return session_row(connection, row.joined_into) if row.joined_into else row


def join_into(connection: Connection, key: str, survivor: str) -> None:
    """Let `key` answer with `survivor` from now on."""
    connection.execute(update(session).where(session.c.id == key).values(joined_into=survivor))


def set_patient(connection: Connection, key: str, patient_id: str | None) -> None:
    """Write the patient that the newest link names."""
    connection.execute(update(session).where(session.c.id == key).values(patient_id=patient_id))


def set_decision(connection: Connection, key: str, decision: dict[str, Any] | None) -> None:
    """Keep a person's decision on a withheld dose."""
    connection.execute(update(session).where(session.c.id == key).values(decision=decision))


def neighbours(
    connection: Connection, centre_id: str, start: datetime, end: datetime, hours: int = 12
) -> list[Neighbour]:
    """Return the current runs of a centre that touch a window of time, widened by some hours on both sides."""
    reach = timedelta(hours=hours)
    query = (
        select(run, revision.c.id.label("revision_id"), revision.c.complete, printed_patient.c.text)
        .join(revision, (revision.c.run_id == run.c.id) & (revision.c.state == "current"))
        .outerjoin(printed_patient, printed_patient.c.revision_id == revision.c.id)
        .where(
            run.c.centre == centre_id, run.c.session_id.is_not(None),
            run.c.started_at <= end + reach, run.c.started_at >= start - reach - timedelta(hours=24),
        )
        .order_by(run.c.started_at, run.c.id)
    )  # fmt: skip
    return [
        Neighbour(
            r.id, r.session_id, r.device_id, r.role, r.printed_id, r.text, r.started_at, r.ended_at, r.complete,
            r.revision_id,
        )
        for r in connection.execute(query)
        if (r.ended_at or r.started_at) >= start - reach
    ]  # fmt: skip


def sessions_of(connection: Connection, patient_ids: Iterable[str]) -> list[tuple[str, datetime]]:
    """Return (id, start) of the sessions of some patients in order of time."""
    query = (
        select(session.c.id, session.c.started_at)
        .where(session.c.patient_id.in_(list(patient_ids)), session.c.joined_into.is_(None))
        .order_by(session.c.started_at, session.c.id)
    )
    return [(row.id, row.started_at) for row in connection.execute(query)]


def all_sessions(connection: Connection, centre_id: str | None = None) -> list[str]:
    """Return the ids of all sessions in order of time."""
    query = (
        select(session.c.id)
        .where(session.c.joined_into.is_(None))
        .order_by(session.c.started_at, session.c.id)
    )
    if centre_id:
        query = query.where(session.c.centre == centre_id)
    return list(connection.execute(query).scalars())
