"""Sessions: one treatment of one patient each, made of runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, or_, select, update

from ingestor.errors import NotFound
from ingestor.ids import fresh
from ingestor.store.tables import link, run_pair, session

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection, Row


@dataclass(frozen=True, slots=True)
class Outline:
    """A session as its runs make it. `flags`: what a person must decide, (code, runs concerned)."""

    id: str
    started_at: datetime
    ended_at: datetime | None
    flags: tuple[tuple[str, tuple[str, ...]], ...] = ()


def save_outline(connection: Connection, centre_id: str, outline: Outline, now: datetime) -> None:
    """Create a session, or move its times and flags."""
    values = {
        "started_at": outline.started_at, "ended_at": outline.ended_at, "joined_into": None,
        "flags": [{"code": code, "runs": list(runs)} for code, runs in outline.flags],
    }  # fmt: skip
    if connection.execute(select(session.c.id).where(session.c.id == outline.id)).first() is None:
        connection.execute(insert(session).values(id=outline.id, centre=centre_id, created_at=now, **values))
    else:
        connection.execute(update(session).where(session.c.id == outline.id).values(**values))


def outline(connection: Connection, key: str) -> Outline | None:
    """Return a session as it was written last."""
    row = connection.execute(select(session).where(session.c.id == key)).one_or_none()
    if row is None or row.joined_into:
        return None
    flags = tuple((flag["code"], tuple(flag["runs"])) for flag in row.flags)
    return Outline(row.id, row.started_at, row.ended_at, flags)


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


def inherit(connection: Connection, key: str, old: str) -> None:
    """Let a session take over what a person said of the one that its runs come from, where it has nothing itself."""
    before = connection.execute(select(session).where(session.c.id == old)).one()
    mine = connection.execute(select(session).where(session.c.id == key)).one()
    values = {name: getattr(before, name) for name in ("decision", "ward") if getattr(mine, name) is None}
    if values:
        connection.execute(update(session).where(session.c.id == key).values(**values))


def set_decision(connection: Connection, key: str, decision: dict[str, Any] | None) -> None:
    """Keep a person's decision on a withheld dose."""
    connection.execute(update(session).where(session.c.id == key).values(decision=decision))


def declared_pairs(connection: Connection, runs: Iterable[str]) -> list[tuple[str, str, bool]]:
    """Return what persons said of pairs of these runs: (first, second, together), newest last."""
    keys = list(runs)
    query = (
        select(run_pair.c.first, run_pair.c.second, run_pair.c.together)
        .where(run_pair.c.revoked_at.is_(None), run_pair.c.first.in_(keys), run_pair.c.second.in_(keys))
        .order_by(run_pair.c.at)
    )
    return [tuple(row) for row in connection.execute(query)]


def add_pair(
    connection: Connection, first: str, second: str, actor: str, reason: str, now: datetime, *, together: bool
) -> str:
    """Keep a person's word on two runs; an earlier word on the same two is revoked. Return its id."""
    both = or_(
        (run_pair.c.first == first) & (run_pair.c.second == second),
        (run_pair.c.first == second) & (run_pair.c.second == first),
    )
    connection.execute(update(run_pair).where(both, run_pair.c.revoked_at.is_(None)).values(revoked_at=now))
    key = fresh("pair")
    connection.execute(
        insert(run_pair).values(
            id=key, first=first, second=second, together=together, actor=actor, reason=reason, at=now
        )
    )
    return key


def move_patient(connection: Connection, patient_id: str, into: str) -> None:
    """Let the sessions of one patient belong to another; links keep naming the first."""
    connection.execute(update(session).where(session.c.patient_id == patient_id).values(patient_id=into))


def restore_patient(connection: Connection, patient_id: str, named: Iterable[str]) -> None:
    """Give those sessions to a patient whose newest link names one of `named`: himself or who was merged into him."""
    newest = (
        select(link.c.session_id, func.max(link.c.number).label("number"))
        .group_by(link.c.session_id)
        .subquery()
    )
    theirs = (
        select(link.c.session_id)
        .join(newest, (link.c.session_id == newest.c.session_id) & (link.c.number == newest.c.number))
        .where(link.c.patient_id.in_(list(named)))
    )
    connection.execute(update(session).where(session.c.id.in_(theirs)).values(patient_id=patient_id))


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


def never_linked(connection: Connection, centre_id: str, rule: str) -> list[str]:
    """Return the sessions without a patient of which no person, but at most a rule, has said anything."""
    said = select(link.c.session_id).where(link.c.rule != rule)
    query = (
        select(session.c.id)
        .where(
            session.c.centre == centre_id, session.c.joined_into.is_(None), session.c.patient_id.is_(None),
            session.c.id.not_in(said),
        )
        .order_by(session.c.started_at, session.c.id)
    )  # fmt: skip
    return list(connection.execute(query).scalars())
