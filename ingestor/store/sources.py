"""Archived members, sources, submissions and jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from ingestor.errors import NotFound
from ingestor.ids import fresh
from ingestor.store.tables import job, raw_file, revision, source, source_member, submission

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from ingestor.store.audit import Actor

ATTEMPTS = 3
_BACK_OFF = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class StoredMember:
    """A member whose bytes are safe in the archive."""

    name: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Order:
    """What a sender wants done with a source."""

    way: str
    actor: Actor
    zone: str | None = None
    driver: str | None = None
    preview: bool = False
    idempotency_key: str | None = None
    note: str | None = None


def accept(  # noqa: PLR0913, PLR0917 - one argument a fact
    connection: Connection,
    centre_id: str,
    source_id: str,
    members: Sequence[StoredMember],
    order: Order,
    worker: str,
    now: datetime,
    key: str | None = None,
) -> str:
    """Make a source and its job durable; return the submission's id. The job belongs to `worker`."""
    _insert_source(connection, centre_id, source_id, members, now, order.way)
    key = key or fresh("sub")
    connection.execute(
        insert(submission).values(
            id=key, centre=centre_id, source=source_id, way=order.way, actor=order.actor.name, at=now,
            zone=order.zone, driver=order.driver, preview=order.preview, note=order.note,
            idempotency_key=order.idempotency_key, status="queued",
            names=[m.name for m in members],
        )
    )  # fmt: skip
    connection.execute(
        insert(job).values(submission=key, state="running", attempts=0, not_before=now, worker=worker)
    )
    return key


def _insert_source(
    connection: Connection,
    centre_id: str,
    source_id: str,
    members: Sequence[StoredMember],
    now: datetime,
    origin: str,
) -> None:
    for member in members:
        known = connection.execute(
            select(raw_file.c.sha256).where(raw_file.c.sha256 == member.sha256)
        ).first()
        if known is None:
            connection.execute(
                insert(raw_file).values(
                    sha256=member.sha256, bytes=member.bytes, stored_at=now, origin=origin
                )
            )
    if connection.execute(select(source.c.sha256).where(source.c.sha256 == source_id)).first():
        return
    total = sum(m.bytes for m in members)
    connection.execute(insert(source).values(sha256=source_id, centre=centre_id, bytes=total, first_seen=now))
    connection.execute(
        insert(source_member),
        [
            {"source": source_id, "position": i, "name": m.name, "sha256": m.sha256, "bytes": m.bytes}
            for i, m in enumerate(members)
        ],
    )


def members_of(connection: Connection, source_id: str) -> list[StoredMember]:
    """Return the members of a source in the order in which they came."""
    columns = (source_member.c.name, source_member.c.sha256, source_member.c.bytes)
    query = select(*columns).where(source_member.c.source == source_id).order_by(source_member.c.position)
    return [StoredMember(*row) for row in connection.execute(query)]


def submission_of(connection: Connection, key: str) -> Row[Any] | None:
    """Return one submission with all its columns."""
    return connection.execute(select(submission).where(submission.c.id == key)).one_or_none()


def by_idempotency_key(connection: Connection, key: str) -> str | None:
    """Return the submission that was made under this key before."""
    return connection.execute(select(submission.c.id).where(submission.c.idempotency_key == key)).scalar()


def finish(
    connection: Connection, key: str, status: str, code: str | None, receipt: dict[str, Any], now: datetime
) -> None:
    """Write the receipt and close the job."""
    connection.execute(
        update(submission)
        .where(submission.c.id == key)
        .values(status=status, code=code, receipt=receipt, done_at=now)
    )
    connection.execute(
        update(job).where(job.c.submission == key).values(state="done", worker=None, error=None)
    )


def postpone(connection: Connection, key: str, error: str, now: datetime) -> bool:
    """Give a job back after trouble; after the third time set it aside. Return whether it will be tried again."""
    attempts = connection.execute(select(job.c.attempts).where(job.c.submission == key)).scalar_one() + 1
    again = bool(attempts < ATTEMPTS)
    connection.execute(
        update(job)
        .where(job.c.submission == key)
        .values(
            state="queued" if again else "failed", worker=None, error=error, attempts=attempts,
            not_before=now + _BACK_OFF * 2 ** (attempts - 1),
        )
    )  # fmt: skip
    return again


def claim(connection: Connection, worker: str, now: datetime) -> str | None:
    """Take the oldest job that is due, or None."""
    query = (
        select(job.c.submission)
        .join(submission)
        .where(job.c.state == "queued", job.c.not_before <= now)
        .order_by(submission.c.at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    key = connection.execute(query).scalar()
    if key is not None:
        connection.execute(update(job).where(job.c.submission == key).values(state="running", worker=worker))
    return key


def is_due(connection: Connection, now: datetime) -> bool:
    """Tell whether a job is due."""
    query = select(job.c.submission).where(job.c.state == "queued", job.c.not_before <= now).limit(1)
    return connection.execute(query).first() is not None


def running_jobs(connection: Connection) -> list[tuple[str, str]]:
    """Return (submission, worker) of every job that somebody says to be working on."""
    query = select(job.c.submission, job.c.worker).where(job.c.state == "running")
    return [(row.submission, row.worker or "") for row in connection.execute(query)]


def give_back(connection: Connection, key: str, now: datetime) -> None:
    """Put a job back that could not be done for want of a disk or a database; it is due a little later."""
    requeue(connection, key, now + _BACK_OFF)


def requeue(connection: Connection, key: str, now: datetime) -> None:
    """Put a job back whose worker is gone."""
    connection.execute(
        update(job).where(job.c.submission == key).values(state="queued", worker=None, not_before=now)
    )


def earlier_receipt(connection: Connection, source_id: str) -> Row[Any] | None:
    """Return the newest submission of these bytes that ended with something stored or held."""
    query = (
        select(submission)
        .where(submission.c.source == source_id, submission.c.status.in_(("stored", "superseded", "held")))
        .order_by(submission.c.at.desc(), submission.c.id.desc())
        .limit(1)
    )
    return connection.execute(query).one_or_none()


def reopen(connection: Connection, key: str, worker: str, now: datetime) -> None:
    """Let a refused submission be settled again; one that was settled since stays as it is."""
    changed = connection.execute(
        update(submission)
        .where(submission.c.id == key, submission.c.status == "refused")
        .values(status="queued", receipt=None, done_at=None)
    )
    if changed.rowcount:
        connection.execute(
            update(job)
            .where(job.c.submission == key)
            .values(state="running", worker=worker, not_before=now, attempts=0)
        )


def is_read_by(connection: Connection, source_id: str, driver: str, version: str) -> bool:
    """Tell whether this driver in this version has read these bytes before."""
    query = select(func.count()).where(
        revision.c.source == source_id, revision.c.driver == driver, revision.c.driver_version == version
    )
    return bool(connection.execute(query).scalar())


def known_in_shard(connection: Connection, shard: str) -> set[str]:
    """Return the sums of members that have a row and begin with these two hexadecimal digits."""
    query = select(raw_file.c.sha256).where(raw_file.c.sha256 >= shard, raw_file.c.sha256 < f"{shard}g")
    return set(connection.execute(query).scalars())


def adopt(connection: Connection, centre_id: str, sha256: str, size: int, name: str, now: datetime) -> str:
    """Give archived bytes that have no row a source and a queued job; return the submission's id."""
    from ingestor.store.audit import Actor

    order = Order(way="recovered", actor=Actor("recovery", "agent"))
    key = accept(connection, centre_id, sha256, [StoredMember(name, sha256, size)], order, "", now)
    requeue(connection, key, now)
    return key


def wait(connection: Connection, key: str, code: str, receipt: dict[str, Any], until: datetime) -> None:
    """Let a submission wait for its companion; its job is due at `until`."""
    connection.execute(
        update(submission).where(submission.c.id == key).values(status="waiting", code=code, receipt=receipt)
    )
    connection.execute(
        update(job).where(job.c.submission == key).values(state="queued", worker=None, not_before=until)
    )


def waiting_members(connection: Connection, centre_id: str, but: str) -> list[StoredMember]:
    """Return the members of all waiting submissions of a centre but one, newest first."""
    query = (
        select(source_member.c.name, source_member.c.sha256, source_member.c.bytes)
        .join(submission, source_member.c.source == submission.c.source)
        .where(submission.c.status == "waiting", submission.c.centre == centre_id, submission.c.id != but)
        .order_by(submission.c.at.desc())
    )
    return [StoredMember(*row) for row in connection.execute(query)]


def waiting_parts(connection: Connection, whole: str) -> list[str]:
    """Return the waiting submissions whose bytes are members of another submission's source."""
    members = (
        select(source_member.c.sha256)
        .join(submission, source_member.c.source == submission.c.source)
        .where(submission.c.id == whole)
    )
    query = select(submission.c.id).where(submission.c.status == "waiting", submission.c.source.in_(members))
    return list(connection.execute(query).scalars())


def clear(connection: Connection, key: str, now: datetime) -> None:
    """Take a submission out of its tray; it stays where it is.

    Raises:
        NotFound: there is no such submission.
    """
    query = update(submission).where(submission.c.id == key)
    if connection.execute(query.values(cleared_at=now)).rowcount == 0:
        raise NotFound("not_found")


def annotate(connection: Connection, key: str, note: str) -> None:
    """Keep what a person remarks on a submission."""
    connection.execute(update(submission).where(submission.c.id == key).values(note=note))


def confirm(connection: Connection, key: str, worker: str, now: datetime) -> bool:
    """Turn a preview into a submission that counts; return False if it counted before.

    Raises:
        NotFound: there is no such submission.
    """
    row = submission_of(connection, key)
    if row is None:
        raise NotFound("not_found")
    if not row.preview:
        return False
    connection.execute(
        update(submission)
        .where(submission.c.id == key)
        .values(preview=False, status="queued", receipt=None, done_at=None)
    )
    connection.execute(
        update(job).where(job.c.submission == key).values(state="running", worker=worker, not_before=now)
    )
    return True
