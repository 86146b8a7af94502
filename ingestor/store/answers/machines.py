"""Machines and columns: when they were used, with what, and what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, select

from ingestor.store.answers.trays import recent_readings
from ingestor.store.tables import (
    acceptance,
    clock_offset,
    column_use,
    device,
    dose,
    identity,
    revision,
    run,
    session,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


def machines(connection: Connection, centre: str) -> list[dict[str, Any]]:
    """Return all machines with the number of their treatments and the last one."""
    query = (
        select(device, func.count(run.c.id).label("runs"), func.max(run.c.started_at).label("last"))
        .outerjoin(run, run.c.device_id == device.c.id)
        .where(device.c.centre == centre)
        .group_by(*device.c)
        .order_by(func.max(run.c.started_at).desc(), device.c.id)
    )
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


def all_numbers(connection: Connection, centre: str) -> dict[str, list[str]]:
    """Return the machines' own numbers of all treatments, by machine."""
    query = select(run.c.device_id, run.c.printed_id).where(
        run.c.centre == centre, run.c.printed_id.is_not(None)
    )
    found: dict[str, list[str]] = {}
    for row in connection.execute(query):
        found.setdefault(row.device_id, []).append(row.printed_id)
    return found


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


def columns(connection: Connection, centre: str, since: datetime) -> list[dict[str, Any]]:
    """Return the columns used since a moment, by serial number, the last used first."""
    recent = recent_readings(centre, since)
    last = func.max(recent.c.started_at)
    query = (
        select(
            column_use.c.serial, func.max(column_use.c.product).label("product"),
            func.count(func.distinct(recent.c.session_id)).label("uses"),
            func.count(func.distinct(recent.c.patient_id)).label("patients"), last.label("last"),
        )
        .join(recent, recent.c.id == column_use.c.revision_id)
        .where(column_use.c.serial != "")
        .group_by(column_use.c.serial)
        .order_by(last.desc(), column_use.c.serial)
    )  # fmt: skip
    return [dict(row._mapping) for row in connection.execute(query)]


def column_uses(connection: Connection, centre: str, serial: str) -> list[dict[str, Any]]:
    """Return every use of a column, newest first."""
    query = (
        select(
            column_use, run.c.session_id, run.c.started_at, session.c.patient_id, identity.c.name,
            dose.c.started_local, dose.c.processed_plasma_ml, dose.c.cycles_completed, device.c.model,
            device.c.serial.label("device_serial"),
        )
        .join(revision, and_(revision.c.id == column_use.c.revision_id, revision.c.state == "current"))
        .join(run, run.c.id == revision.c.run_id)
        .join(device, device.c.id == run.c.device_id)
        .join(session, session.c.id == run.c.session_id)
        .outerjoin(identity, identity.c.patient_id == session.c.patient_id)
        .outerjoin(dose, and_(dose.c.session_id == session.c.id, dose.c.known_to.is_(None)))
        .where(run.c.centre == centre, column_use.c.serial == serial)
        .order_by(run.c.started_at.desc(), column_use.c.position)
    )  # fmt: skip
    return [dict(row._mapping) for row in connection.execute(query)]
