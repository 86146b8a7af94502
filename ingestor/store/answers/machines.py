"""Machines and columns: when they were used, with what, and what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from ingestor.store.tables import (
    acceptance,
    clock_offset,
    device,
    revision,
    run,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


def machines(connection: Connection, centre: str, key: str | None = None) -> list[dict[str, Any]]:
    """Return all machines, or the one named, with the number of their treatments and the last one."""
    # Each number has an index of its own; a join would read every treatment.
    runs = select(func.count()).where(run.c.device_id == device.c.id).scalar_subquery()
    last = select(func.max(run.c.started_at)).where(run.c.device_id == device.c.id).scalar_subquery()
    query = select(device, runs.label("runs"), last.label("last")).where(device.c.centre == centre)
    if key is not None:
        query = query.where(device.c.id == key)
    query = query.order_by(last.desc(), device.c.id)
    return [dict(row._mapping) for row in connection.execute(query)]


def readings(connection: Connection, key: str) -> list[dict[str, Any]]:
    """Return what read a machine's exports: software of the machine, driver, evidence, first and last time."""
    query = (
        select(
            revision.c.software, revision.c.driver, revision.c.driver_version, revision.c.evidence,
            revision.c.layout_version, func.count().label("runs"), func.min(revision.c.started_at).label("first"),
            func.max(revision.c.started_at).label("last"),
        )
        .join(run, run.c.id == revision.c.run_id)
        .where(run.c.device_id == key, revision.c.state == "current")
        .group_by(
            revision.c.software, revision.c.driver, revision.c.driver_version, revision.c.evidence,
            revision.c.layout_version,
        )
        .order_by(func.max(revision.c.started_at).desc())
    )  # fmt: skip
    return [dict(row._mapping) for row in connection.execute(query)]


def printed_numbers(connection: Connection, key: str) -> list[str]:
    """Return a machine's own numbers of its treatments."""
    query = select(run.c.printed_id).where(run.c.device_id == key, run.c.printed_id.is_not(None))
    return list(connection.execute(query).scalars())


def tally(connection: Connection, centre: str) -> dict[str, int]:
    """Return how many treatments each machine has."""
    query = (
        select(run.c.device_id, func.count())
        .join(device, device.c.id == run.c.device_id)
        .where(device.c.centre == centre)
        .group_by(run.c.device_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def runs_between(
    connection: Connection, key: str, start: datetime | None, end: datetime | None
) -> list[dict[str, Any]]:
    """Return a machine's treatments by the start that it printed, newest first: started_local, printed_id, session_id.

    Args:
        connection: a reading transaction.
        key: of the machine.
        start: on the machine's own clock; None is ever.
        end: on the machine's own clock, excluded; None is until now.
    """
    query = (
        select(revision.c.started_local, run.c.printed_id, run.c.session_id)
        .join(run, run.c.id == revision.c.run_id)
        .where(run.c.device_id == key, revision.c.state == "current")
        .order_by(revision.c.started_local.desc(), run.c.id)
    )
    if start is not None:
        query = query.where(revision.c.started_local >= start)
    if end is not None:
        query = query.where(revision.c.started_local < end)
    return [dict(row._mapping) for row in connection.execute(query)]


def ledger(connection: Connection, key: str) -> list[dict[str, Any]]:
    """Return every entry of a machine's clock ledger, newest first, revoked ones included."""
    query = (
        select(clock_offset)
        .where(clock_offset.c.device_id == key)
        .order_by(clock_offset.c.recorded_at.desc())
    )
    return [dict(row._mapping) for row in connection.execute(query)]


def acceptances(connection: Connection, centre: str, model: str) -> list[dict[str, Any]]:
    """Return who compared which reading of this model with the machine's screen."""
    query = (
        select(acceptance)
        .where(acceptance.c.centre == centre, acceptance.c.model == model)
        .order_by(acceptance.c.at.desc())
    )
    return [dict(row._mapping) for row in connection.execute(query)]
