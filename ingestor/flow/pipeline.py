"""The way of a bundle through the house. `ingest` is the only door.

Two transactions. The first makes bytes and a job durable: from then on a sender may be answered and a source
touched. The second stores the meaning of the whole source, its doses and its receipt, all or nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ingestor.driver import Bundle, Member
from ingestor.errors import Busy, DatabaseTrouble, StorageTrouble
from ingestor.faultpoints import point
from ingestor.flow import companions, settling
from ingestor.model import Status
from ingestor.store import arrivals, audit, sources
from ingestor.store.arrivals import Arrival

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestor.flow.house import House
    from ingestor.isolate import Reading
    from ingestor.store.sources import Order, StoredMember

Receipt = dict[str, Any]


def ingest(house: House, members: Sequence[StoredMember], order: Order) -> Receipt:
    """Take in one bundle whose members are already archived, and return its receipt.

    What is kept but cannot be settled now (the database is busy, the disk in trouble) is answered as queued.

    Args:
        house: the open house.
        members: the files of the bundle, kept by `house.archive`.
        order: who sends it, how, and what for.
    """
    submission = keep(house, members, order)
    try:
        return settle(house, submission)
    except (Busy, DatabaseTrouble, StorageTrouble) as trouble:
        return settling.left_for_later(members, submission, trouble)


def keep(house: House, members: Sequence[StoredMember], order: Order, *, later: bool = False) -> str:
    """Make a bundle and its job durable; return the submission. The same key sent twice is one submission.

    Args:
        house: the open house.
        members: the files of the bundle, kept by `house.archive`.
        order: who sends it, how, and what for.
        later: nobody waits for the receipt: the job is left to `run_due`.
    """
    arrival = Arrival(house.centre, members, order, None if later else house.worker, house.now())
    submission = house.arrivals.do(arrival)
    point("pipeline.kept")
    return submission


def keep_all(house: House, bundles: Sequence[Sequence[StoredMember]], order: Order) -> list[str]:
    """Make many bundles and their jobs durable in one transaction; return their submissions, in order."""
    those = [Arrival(house.centre, members, order, house.worker, house.now()) for members in bundles]
    submissions = house.db.apply(lambda connection: arrivals.accept(connection, those))
    point("pipeline.kept")
    return submissions


def settle(house: House, submission: str, *, alone: bool = False, reading: Reading | None = None) -> Receipt:
    """Read what was kept and store its meaning; return the receipt. Done before: the receipt of then.

    Args:
        house: the open house.
        submission: from `keep`.
        alone: a submission that waited for companions has waited long enough; it is read as partial.
        reading: of exactly these bytes, made elsewhere; None: they are read now.
    """
    with house.working_on(submission):
        return _settle(house, submission, alone=alone, reading=reading)


def _settle(house: House, submission: str, *, alone: bool, reading: Reading | None) -> Receipt:
    with house.db.read() as connection:
        row = sources.submission_of(connection, submission)
        assert row is not None, submission  # noqa: S101 - the caller has just kept or claimed it
        members = sources.members_of(connection, row.source)
        earlier = None if row.preview else sources.earlier_receipt(connection, row.source)
    if row.receipt is not None and row.status not in {Status.WAITING.value, Status.QUEUED.value}:
        return dict(row.receipt)
    if earlier is not None:
        return settling.known_before(house, row, members, earlier)
    reading = _without_runs_in_trouble(reading or _read(house, members, row))
    if reading.awaits and not (alone and row.status == Status.WAITING.value):
        document = settling.wait(house, row, members, reading)
        whole = companions.complete(house, row, members, reading)
        return document if whole is None else settle(house, whole)
    if reading.trouble and reading.trouble.retry:
        return settling.postpone(house, row, members, reading)
    point("pipeline.read")
    return settling.store(house, row, members, reading)


def _read(house: House, members: Sequence[StoredMember], row: Any) -> Reading:  # noqa: ANN401
    bundle = Bundle(tuple(Member(m.name, house.archive.read(m.sha256)) for m in members))
    return house.reader.read(bundle, house.clock(row.zone), row.driver)


def _without_runs_in_trouble(reading: Reading) -> Reading:
    return replace(reading, runs=() if reading.trouble else reading.runs)


def understand(house: House, members: Sequence[StoredMember], order: Order) -> Receipt:
    """Tell what would be stored of a bundle, and store nothing but the preview itself."""
    return ingest(house, members, replace(order, preview=True))


def confirm(house: House, submission: str, actor: audit.Actor) -> Receipt:
    """Let a previewed submission count.

    Raises:
        NotFound: there is no such submission.
    """
    with house.db.write() as connection:
        if sources.confirm(connection, submission, house.worker, house.now()):
            audit.record(connection, actor, "confirm", submission)
    return settle(house, submission)
