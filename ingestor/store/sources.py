"""Archived members, sources, submissions and jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from ingestor.errors import NotFound
from ingestor.store.tables import job, raw_file, revision, source_member, submission

if TYPE_CHECKING:
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


def members_of(connection: Connection, source_id: str) -> list[StoredMember]:
    """Return the members of a source in the order in which they came."""
    columns = (source_member.c.name, source_member.c.sha256, source_member.c.bytes)
    query = select(*columns).where(source_member.c.source == source_id).order_by(source_member.c.position)
    return [StoredMember(*row) for row in connection.execute(query)]


def submission_of(connection: Connection, key: str) -> Row[Any] | None:
    """Return one submission with all its columns."""
    return connection.execute(select(submission).where(submission.c.id == key)).one_or_none()


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


def wait(connection: Connection, key: str, code: str, receipt: dict[str, Any], until: datetime) -> None:
    """Let a submission wait for its companion; its job is due at `until`."""
    connection.execute(
        update(submission).where(submission.c.id == key).values(status="waiting", code=code, receipt=receipt)
    )
    connection.execute(
        update(job).where(job.c.submission == key).values(state="queued", worker=None, not_before=until)
    )


def waiting_members(connection: Connection, centre_id: str, but: str, since: datetime) -> list[StoredMember]:
    """Return the members of a centre's waiting submissions that came since a moment, but one, newest first."""
    query = (
        select(source_member.c.name, source_member.c.sha256, source_member.c.bytes)
        .join(submission, source_member.c.source == submission.c.source)
        .where(
            submission.c.status == "waiting",
            submission.c.centre == centre_id,
            submission.c.id != but,
            submission.c.at >= since,
        )
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
