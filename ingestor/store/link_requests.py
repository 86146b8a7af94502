"""Links that wait for the word of a second person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from ingestor.errors import NotFound
from ingestor.ids import fresh
from ingestor.store.tables import identity, link_request, session

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row, Select


def ask(
    connection: Connection, session_id: str, patient_id: str, actor: str, reason: str, at: datetime
) -> str:
    """Ask for a link, in the place of what was asked before for this session; return the request's id."""
    earlier = link_request.c.session_id == session_id, link_request.c.outcome.is_(None)
    connection.execute(
        update(link_request).where(*earlier).values(outcome="replaced", decided_by=actor, decided_at=at)
    )
    key = fresh("req")
    connection.execute(
        insert(link_request).values(
            id=key, session_id=session_id, patient_id=patient_id, actor=actor, reason=reason, at=at
        )
    )
    return key


def require_open(connection: Connection, key: str) -> Row[Any]:
    """Return a request that waits.

    Raises:
        NotFound: `no_such_link_request`: there is none, or somebody decided already.
    """
    query = select(link_request).where(link_request.c.id == key, link_request.c.outcome.is_(None))
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound("no_such_link_request")
    return row


def decide(connection: Connection, key: str, outcome: str, by: str, at: datetime) -> None:
    """Write down what became of a request."""
    connection.execute(
        update(link_request)
        .where(link_request.c.id == key)
        .values(outcome=outcome, decided_by=by, decided_at=at)
    )


def waiting(connection: Connection, centre: str, session_id: str | None = None) -> list[dict[str, Any]]:
    """Return the requests that wait, the newest first; of one session if it is named."""
    query = _waiting(centre).order_by(link_request.c.at.desc(), link_request.c.id)
    if session_id is not None:
        query = query.where(link_request.c.session_id == session_id)
    return [dict(row._mapping) for row in connection.execute(query)]


def _waiting(centre: str) -> Select[Any]:
    return (
        select(link_request, identity.c.name, session.c.started_at, session.c.ward)
        .join(session, session.c.id == link_request.c.session_id)
        .outerjoin(identity, identity.c.patient_id == link_request.c.patient_id)
        .where(session.c.centre == centre, link_request.c.outcome.is_(None))
    )
