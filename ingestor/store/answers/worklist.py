"""Sessions as a ward sees them: newest first, those of nobody before all others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, or_, select

from ingestor.store.tables import (
    device,
    dose,
    finding,
    identifier,
    identity,
    printed_patient,
    revision,
    run,
    session,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

SERVED = (
    "status", "status_reasons", "processed_plasma_ml", "processed_plasma_reading", "cycles_completed",
    "cycles_aborted", "alarms_high", "alarms_medium", "alarms_low", "alarms_info", "alarms_unknown",
    "device_model", "device_serial", "started_local", "connected_min", "complete", "pv_multiple",
    "plasma_volume_formula", "course",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which sessions are asked for; a field that is None does not limit.

    Attributes:
        linked: True only with a patient, False only without.
        ward: sessions of this ward or of none.
    """

    linked: bool | None = None
    patient: str | None = None
    device: str | None = None
    status: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    ids: Sequence[str] | None = None
    ward: str | None = None


def _conditions(centre: str, wanted: Wanted) -> list[ColumnElement[bool]]:
    found = [session.c.centre == centre, session.c.joined_into.is_(None)]
    if wanted.linked is not None:
        found.append(session.c.patient_id.is_not(None) if wanted.linked else session.c.patient_id.is_(None))
    if wanted.patient:
        found.append(session.c.patient_id == wanted.patient)
    if wanted.device:
        used = select(run.c.session_id).where(run.c.device_id == wanted.device)
        found.append(session.c.id.in_(used))
    if wanted.status:
        found.append(dose.c.status == wanted.status)
    if wanted.start:
        found.append(session.c.started_at >= wanted.start)
    if wanted.end:
        found.append(session.c.started_at < wanted.end)
    if wanted.ids is not None:
        found.append(session.c.id.in_(wanted.ids))
    if wanted.ward:
        found.append(or_(session.c.ward.is_(None), session.c.ward == wanted.ward))
    return found


_CURRENT_DOSE = and_(dose.c.session_id == session.c.id, dose.c.known_to.is_(None))


def sessions(
    connection: Connection,
    centre: str,
    wanted: Wanted,
    *,
    before: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """Return sessions, newest first, each with its dose, its patient and what stands in the patient field.

    Args:
        connection: a reading transaction.
        centre: of which centre.
        wanted: what limits the list.
        before: only sessions older than this (start, id), for the next page.
        limit: at most this many.
    """
    columns = [session.c.id, session.c.started_at, session.c.ended_at, session.c.patient_id]
    query = (
        select(*columns, identity.c.name, identity.c.birth_date, *(dose.c[name] for name in SERVED))
        .select_from(session)
        .outerjoin(dose, _CURRENT_DOSE)
        .outerjoin(identity, identity.c.patient_id == session.c.patient_id)
        .where(*_conditions(centre, wanted))
        .order_by(session.c.started_at.desc(), session.c.id.desc())
        .limit(limit)
    )
    if before:
        moment, key = before
        query = query.where(
            or_(
                session.c.started_at < moment, and_(session.c.started_at == moment, session.c.id < key)
            )
        )  # fmt: skip
    rows = [dict(row._mapping) for row in connection.execute(query)]
    return _with_runs(connection, rows)


def count(connection: Connection, centre: str, wanted: Wanted) -> int:
    """Return how many sessions there are."""
    query = select(func.count()).select_from(session).where(*_conditions(centre, wanted))
    if wanted.status:
        query = query.join(dose, _CURRENT_DOSE)
    return int(connection.execute(query).scalar_one())


def _with_runs(connection: Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add to each session its machines and what was typed there."""
    keys = [row["id"] for row in rows]
    query = (
        select(run.c.session_id, device.c.model, device.c.serial, printed_patient.c.text, revision.c.complete)
        .join(device, device.c.id == run.c.device_id)
        .join(revision, and_(revision.c.run_id == run.c.id, revision.c.state == "current"))
        .outerjoin(printed_patient, printed_patient.c.revision_id == revision.c.id)
        .where(run.c.session_id.in_(keys))
        .order_by(run.c.started_at, run.c.id)
    )
    for row in rows:
        row["machines"], row["typed"] = [], []
    by_key = {row["id"]: row for row in rows}
    for part in connection.execute(query):
        row = by_key[part.session_id]
        row["machines"].append((part.model, part.serial))
        if part.text and part.text not in row["typed"]:
            row["typed"].append(part.text)
    return _with_identifiers(connection, rows)


def _with_identifiers(connection: Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    wanted = {row["patient_id"] for row in rows if row["patient_id"]}
    known = identifiers(connection, wanted)
    for row in rows:
        row["identifiers"] = known.get(row["patient_id"], [])
    return rows


def identifiers(connection: Connection, patients: set[str]) -> dict[str, list[tuple[str, str]]]:
    """Return (system, value) pairs of some patients."""
    query = (
        select(identifier.c.patient_id, identifier.c.system, identifier.c.value)
        .where(identifier.c.patient_id.in_(patients), identifier.c.valid_to.is_(None))
        .order_by(identifier.c.patient_id, identifier.c.id)
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for row in connection.execute(query):
        found.setdefault(row.patient_id, []).append((row.system, row.value))
    return found


def findings(connection: Connection, revision_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return what a person should know of some readings, gravest first."""
    order = {"error": 0, "warning": 1, "info": 2}
    query = select(finding).where(finding.c.revision_id.in_(revision_ids))
    rows = [dict(row._mapping) for row in connection.execute(query)]
    return sorted(rows, key=lambda r: (order.get(r["severity"], 3), r["revision_id"], r["position"]))
