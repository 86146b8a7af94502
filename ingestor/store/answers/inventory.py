"""Machines and columns: when they were seen, how often, and what was read of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, distinct, func, or_, select

from ingestor.store.tables import column_use, device, revision, run, session

if TYPE_CHECKING:
    from sqlalchemy import Connection

_CURRENT = and_(revision.c.run_id == run.c.id, revision.c.state == "current")


def devices(connection: Connection, centre: str, ward: str | None = None) -> list[dict[str, Any]]:
    """Return all machines by model and serial number, those never used since they were registered included."""
    query = (
        select(
            device.c.id, device.c.maker, device.c.model, device.c.serial, device.c.role, device.c.zone,
            device.c.bench, device.c.ward, device.c.first_seen,
            func.max(run.c.started_at).label("last_session_at"),
            func.count(distinct(run.c.session_id)).label("sessions"),
        )
        .outerjoin(run, run.c.device_id == device.c.id)
        .where(device.c.centre == centre)
        .group_by(device.c.id)
        .order_by(device.c.model, device.c.serial, device.c.id)
    )  # fmt: skip
    if ward is not None:
        query = query.where(or_(device.c.ward == ward, device.c.ward.is_(None)))
    found = [dict(row._mapping) for row in connection.execute(query)]
    readings = _readings(connection, centre)
    return [one | readings.get(one["id"], {"software": [], "drivers": []}) for one in found]


def _readings(connection: Connection, centre: str) -> dict[str, dict[str, list[str]]]:
    query = (
        select(run.c.device_id, revision.c.software, revision.c.driver, revision.c.evidence)
        .join(revision, _CURRENT)
        .where(run.c.centre == centre)
        .distinct()
        .order_by(revision.c.software, revision.c.driver)
    )
    found: dict[str, dict[str, list[str]]] = {}
    for row in connection.execute(query):
        one = found.setdefault(row.device_id, {"software": [], "drivers": []})
        for value, values in (
            (row.software, one["software"]),
            (f"{row.driver} ({row.evidence})", one["drivers"]),
        ):
            if value and value not in values:
                values.append(value)
    return found


def columns(
    connection: Connection,
    centre: str,
    limit: int,
    after: tuple[str, str] | None = None,
    ward: str | None = None,
) -> list[dict[str, Any]]:
    """Return columns by serial number and product, each with its sessions; one without a serial number is none.

    Args:
        connection: a reading transaction.
        centre: whose.
        limit: at most so many.
        after: serial number and product of the last one before.
        ward: only sessions that this ward may see.
    """
    query = (
        select(
            column_use.c.serial, column_use.c.product, func.min(column_use.c.lot).label("lot"),
            func.max(column_use.c.use).label("highest_use_printed"),
            func.count(distinct(run.c.session_id)).label("sessions"),
            func.count(distinct(session.c.patient_id)).label("patients"),
            func.min(session.c.started_at).label("first_used_at"),
            func.max(session.c.started_at).label("last_used_at"),
        )
        .join(revision, and_(revision.c.id == column_use.c.revision_id, revision.c.state == "current"))
        .join(run, run.c.id == revision.c.run_id)
        .join(session, session.c.id == run.c.session_id)
        .where(session.c.centre == centre, column_use.c.serial != "")
        .group_by(column_use.c.serial, column_use.c.product)
        .order_by(column_use.c.serial, column_use.c.product)
        .limit(limit)
    )  # fmt: skip
    if ward is not None:
        query = query.where(or_(session.c.ward == ward, session.c.ward.is_(None)))
    if after is not None:
        serial, product = after
        later = and_(column_use.c.serial == serial, column_use.c.product > product)
        query = query.where(or_(column_use.c.serial > serial, later))
    return [dict(row._mapping) for row in connection.execute(query)]


def names(connection: Connection, centre: str) -> list[str]:
    """Return the models of all machines and the products of all columns."""
    models = select(device.c.model).where(device.c.centre == centre).distinct()
    products = (
        select(column_use.c.product)
        .join(revision, revision.c.id == column_use.c.revision_id)
        .join(run, run.c.id == revision.c.run_id)
        .where(run.c.centre == centre)
        .distinct()
    )
    found = {*connection.execute(models).scalars(), *connection.execute(products).scalars()}
    return sorted(found - {""})
