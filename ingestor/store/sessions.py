"""Sessions: one treatment of one patient each, made of runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, or_, select, update

from ingestor.errors import NotFound
from ingestor.ids import fresh
from ingestor.store.tables import column_use, device, link, printed_patient, revision, run, run_pair, session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, Row


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A run near another one in time, with what is needed to tell whether they are one treatment.

    `last_seen`: the end, or the last moment of a record that was cut off.
    """

    run_id: str
    session_id: str | None
    maker: str
    model: str
    serial: str
    role: str
    bench: bool
    patient_printed: str | None
    started_at: datetime
    ended_at: datetime | None
    last_seen: datetime
    complete: bool
    columns: tuple[str, ...]
    printed_id: str | None


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
    connection: Connection, centre_id: str, start: datetime, end: datetime, reach: timedelta
) -> list[Neighbour]:
    """Return the current runs of a centre that touch a window of time, widened by `reach` on both sides."""
    query = (
        select(
            run, revision.c.id.label("revision_id"), revision.c.complete, revision.c.bench, revision.c.figures,
            printed_patient.c.text, device.c.maker, device.c.model, device.c.serial,
            device.c.bench.label("on_bench"),
        )
        .join(revision, (revision.c.run_id == run.c.id) & (revision.c.state == "current"))
        .join(device, run.c.device_id == device.c.id)
        .outerjoin(printed_patient, printed_patient.c.revision_id == revision.c.id)
        .where(
            run.c.centre == centre_id, run.c.started_at <= end + reach,
            run.c.started_at >= start - reach - timedelta(hours=24),
        )
        .order_by(run.c.started_at, run.c.id)
    )  # fmt: skip
    rows = [r for r in connection.execute(query) if _last_seen(r) >= start - reach]
    serials = _column_serials(connection, [r.revision_id for r in rows])
    return [
        Neighbour(
            r.id, r.session_id, r.maker, r.model, r.serial, r.role, r.bench or r.on_bench, r.text,
            r.started_at, r.ended_at, _last_seen(r), r.complete, serials.get(r.revision_id, ()), r.printed_id,
        )
        for r in rows
    ]  # fmt: skip


def _last_seen(row: Row[Any]) -> datetime:
    """The end of a run, or the last moment of a record that was cut off."""
    return row.ended_at or datetime.fromisoformat(row.figures["last_seen"])


def _column_serials(connection: Connection, revisions: list[str]) -> dict[str, tuple[str, ...]]:
    query = select(column_use.c.revision_id, column_use.c.serial).where(
        column_use.c.revision_id.in_(revisions), column_use.c.serial != ""
    )
    found: dict[str, tuple[str, ...]] = {}
    for row in connection.execute(query.order_by(column_use.c.revision_id, column_use.c.position)):
        found[row.revision_id] = (*found.get(row.revision_id, ()), row.serial)
    return found


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


def restore_patient(connection: Connection, patient_id: str) -> None:
    """Give sessions back to the patient whom their newest link names."""
    newest = (
        select(link.c.session_id, func.max(link.c.number).label("number"))
        .group_by(link.c.session_id)
        .subquery()
    )
    named = (
        select(link.c.session_id)
        .join(newest, (link.c.session_id == newest.c.session_id) & (link.c.number == newest.c.number))
        .where(link.c.patient_id == patient_id)
    )
    connection.execute(update(session).where(session.c.id.in_(named)).values(patient_id=patient_id))


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


def never_linked(connection: Connection, centre_id: str) -> list[str]:
    """Return the sessions that nobody, person or rule, has linked yet."""
    query = (
        select(session.c.id)
        .outerjoin(link, link.c.session_id == session.c.id)
        .where(session.c.centre == centre_id, session.c.joined_into.is_(None), link.c.id.is_(None))
        .order_by(session.c.started_at, session.c.id)
    )
    return list(connection.execute(query).scalars())
