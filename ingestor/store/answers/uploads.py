"""What became of what somebody handed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select, tuple_

from ingestor.store.tables import job, source_member, submission

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Select

    # moment, submission
    Place = tuple[datetime, str]

PAGE = 200


def of_actor(connection: Connection, actor: str, since: datetime, limit: int = 100) -> list[dict[str, Any]]:
    """Return a person's submissions since a moment, newest first."""
    query = (
        _submissions()
        .where(submission.c.actor == actor, submission.c.at >= since)
        .order_by(submission.c.at.desc(), submission.c.id.desc())
        .limit(limit)
    )
    return _with_members(connection, query)


def by_id(connection: Connection, keys: Sequence[str], actor: str | None = None) -> list[dict[str, Any]]:
    """Return some submissions; only those of `actor` if one is named."""
    query = _submissions().where(submission.c.id.in_(keys))
    if actor:
        query = query.where(submission.c.actor == actor)
    return _with_members(connection, query)


def with_status(
    connection: Connection, centre: str, statuses: Sequence[str], limit: int = 200
) -> list[dict[str, Any]]:
    """Return the submissions of a centre in one of these states, newest first."""
    query = (
        _submissions()
        .where(submission.c.centre == centre, submission.c.status.in_(statuses))
        .order_by(submission.c.at.desc(), submission.c.id.desc())
        .limit(limit)
    )
    return _with_members(connection, query)


def newest(
    connection: Connection, centre: str, limit: int, statuses: Sequence[str] = (), actor: str | None = None
) -> list[dict[str, Any]]:
    """Return the newest submissions of a centre; only those in some states, and of `actor`, if named."""
    query = _submissions().where(submission.c.centre == centre)
    if statuses:
        query = query.where(submission.c.status.in_(statuses))
    if actor:
        query = query.where(submission.c.actor == actor)
    return _with_members(
        connection, query.order_by(submission.c.at.desc(), submission.c.id.desc()).limit(limit)
    )


def oldest(
    connection: Connection, centre: str, statuses: Sequence[str], since: datetime | None, after: Place | None
) -> list[dict[str, Any]]:
    """Return a page of the submissions of a centre that were settled, in order of arrival, behind a place."""
    query = _submissions().where(submission.c.centre == centre, submission.c.receipt.is_not(None))
    if statuses:
        query = query.where(submission.c.status.in_(statuses))
    if since is not None:
        query = query.where(submission.c.at >= since)
    if after is not None:
        query = query.where(tuple_(submission.c.at, submission.c.id) > after)
    return _with_members(connection, query.order_by(submission.c.at, submission.c.id).limit(PAGE))


def of_key(connection: Connection, centre: str, key: str, actor: str | None = None) -> dict[str, Any] | None:
    """Return a submission by its id, or the newest one of a source by its sum; None where there is none."""
    query = _submissions().where(
        submission.c.centre == centre, or_(submission.c.id == key, submission.c.source == key)
    )
    if actor:
        query = query.where(submission.c.actor == actor)
    found = _with_members(connection, query.order_by(submission.c.at.desc(), submission.c.id.desc()).limit(1))
    return found[0] if found else None


def seen_before(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Return those of some previews whose bytes wait for a word under an earlier submission already."""
    earlier = submission.alias("earlier")
    query = (
        select(submission.c.id)
        .join(earlier, and_(earlier.c.source == submission.c.source, earlier.c.actor == submission.c.actor))
        .where(
            submission.c.id.in_(keys), submission.c.status == "preview", submission.c.cleared_at.is_(None),
            earlier.c.status == "preview", earlier.c.cleared_at.is_(None), earlier.c.at < submission.c.at,
        )
    )  # fmt: skip
    return set(connection.execute(query).scalars())


def notes(connection: Connection, sources: Sequence[str]) -> list[dict[str, Any]]:
    """Return what persons remarked on some sources that count, oldest first: note, actor, at."""
    query = (
        select(submission.c.note, submission.c.actor, submission.c.at)
        .where(
            submission.c.source.in_(sources),
            submission.c.note.is_not(None),
            submission.c.note != "",
            submission.c.status != "preview",
        )
        .order_by(submission.c.at, submission.c.id)
    )
    return [dict(row._mapping) for row in connection.execute(query)]


def _submissions() -> Select[Any]:
    return select(submission, job.c.state.label("job_state"), job.c.attempts).outerjoin(
        job, job.c.submission == submission.c.id
    )


def _with_members(connection: Connection, query: Select[Any]) -> list[dict[str, Any]]:
    rows = [dict(row._mapping) for row in connection.execute(query)]
    names: dict[str, list[dict[str, Any]]] = {}
    members = (
        select(source_member)
        .where(source_member.c.source.in_({row["source"] for row in rows}))
        .order_by(source_member.c.source, source_member.c.position)
    )
    for member in connection.execute(members):
        names.setdefault(member.source, []).append(dict(member._mapping))
    for row in rows:
        row["members"] = names.get(row["source"], [])
    return rows
