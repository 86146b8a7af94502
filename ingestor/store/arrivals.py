"""Sources that arrive: their bytes, their members, the submission and its job, several in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from ingestor.driver import bundle_hash
from ingestor.ids import fresh
from ingestor.store import audit
from ingestor.store.sources import Order, StoredMember
from ingestor.store.tables import job, raw_file, source, source_member, submission

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Column, Connection


@dataclass(frozen=True, slots=True)
class Arrival:
    """A bundle whose bytes are safe in the archive, and what its sender wants.

    Attributes:
        worker: whose the job is; with None it is due for whoever comes first.
        key: id of the submission.
    """

    centre: str
    members: Sequence[StoredMember]
    order: Order
    worker: str | None
    at: datetime
    key: str = field(default_factory=lambda: fresh("sub"))

    @property
    def source(self) -> str:
        """The id of the bundle."""
        return bundle_hash([(m.name, m.sha256) for m in self.members])


def accept(connection: Connection, arrivals: Sequence[Arrival]) -> list[str]:
    """Make bundles and their jobs durable; return their submissions, in order.

    The same `idempotency_key` sent twice is one submission. Done twice it is the same as once.
    """
    known = _under_keys(connection, arrivals)
    fresh_ones: dict[str, Arrival] = {}
    for arrival in arrivals:
        key = arrival.order.idempotency_key
        if key is None or known.setdefault(key, arrival.key) == arrival.key:
            fresh_ones[arrival.key] = arrival
    for key in _there(connection, submission.c.id, fresh_ones):
        del fresh_ones[key]
    _insert(connection, list(fresh_ones.values()))
    return [known.get(a.order.idempotency_key or "", a.key) for a in arrivals]


def adopt(connection: Connection, centre: str, sha256: str, size: int, name: str, now: datetime) -> None:
    """Give archived bytes that have no row a source and a queued job."""
    order = Order(way="recovered", actor=audit.Actor("recovery", "agent"))
    _insert_sources(
        connection, arrivals := [Arrival(centre, [StoredMember(name, sha256, size)], order, None, now)]
    )
    _insert_submissions(connection, arrivals)


def _under_keys(connection: Connection, arrivals: Sequence[Arrival]) -> dict[str, str]:
    keys = [a.order.idempotency_key for a in arrivals if a.order.idempotency_key]
    if not keys:
        return {}
    query = select(submission.c.idempotency_key, submission.c.id).where(
        submission.c.idempotency_key.in_(keys)
    )
    return {row.idempotency_key: row.id for row in connection.execute(query)}


def _there(connection: Connection, column: Column[str], values: Iterable[str]) -> set[str]:
    """Return which of some keys have a row."""
    return set(connection.execute(select(column).where(column.in_(list(values)))).scalars())


def _insert(connection: Connection, arrivals: Sequence[Arrival]) -> None:
    if not arrivals:
        return
    _insert_sources(connection, arrivals)
    _insert_submissions(connection, arrivals)
    deeds = [
        audit.Deed(a.order.actor, "submit", a.key, detail={"source": a.source, "way": a.order.way})
        for a in arrivals
    ]
    audit.record_all(connection, deeds)


def _insert_sources(connection: Connection, arrivals: Sequence[Arrival]) -> None:
    """Insert what has no row yet of the bytes, the sources and their members."""
    files: dict[str, dict[str, Any]] = {}
    bundles: dict[str, tuple[Arrival, dict[str, Any]]] = {}
    for one in arrivals:
        for m in one.members:
            row = {"sha256": m.sha256, "bytes": m.bytes, "stored_at": one.at, "origin": one.order.way}
            files.setdefault(m.sha256, row)
        total = sum(m.bytes for m in one.members)
        row = {"sha256": one.source, "centre": one.centre, "bytes": total, "first_seen": one.at}
        bundles.setdefault(one.source, (one, row))
    for sha256 in _there(connection, raw_file.c.sha256, files):
        del files[sha256]
    for key in _there(connection, source.c.sha256, bundles):
        del bundles[key]
    if files:
        connection.execute(insert(raw_file), list(files.values()))
    if bundles:
        connection.execute(insert(source), [row for _, row in bundles.values()])
        members = [
            {"source": key, "position": i, "name": m.name, "sha256": m.sha256, "bytes": m.bytes}
            for key, (one, _) in bundles.items()
            for i, m in enumerate(one.members)
        ]
        connection.execute(insert(source_member), members)


def _insert_submissions(connection: Connection, arrivals: Sequence[Arrival]) -> None:
    connection.execute(insert(submission), [_submission(a) for a in arrivals])
    jobs = [
        {
            "submission": a.key, "state": "running" if a.worker else "queued", "attempts": 0,
            "not_before": a.at, "worker": a.worker,
        }
        for a in arrivals
    ]  # fmt: skip
    connection.execute(insert(job), jobs)


def _submission(one: Arrival) -> dict[str, Any]:
    order = one.order
    return {
        "id": one.key, "centre": one.centre, "source": one.source, "way": order.way, "actor": order.actor.name,
        "at": one.at, "zone": order.zone, "driver": order.driver, "preview": order.preview, "note": order.note,
        "idempotency_key": order.idempotency_key, "status": "queued", "names": [m.name for m in one.members],
    }  # fmt: skip
