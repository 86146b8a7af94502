"""Computing doses again, in the transaction of whatever changed an input."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ingestor.flow.concerns import concerns_of
from ingestor.meaning import courses
from ingestor.meaning.dose import Decision, Dose, Part, Situation, compute
from ingestor.meaning.figures import RunFigures
from ingestor.meaning.pairs import QUESTIONS
from ingestor.meaning.policy import METHOD
from ingestor.store import acceptances, doses, patients, runs, sessions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Row

    from ingestor.flow.house import House


def redose(house: House, connection: Connection, session_id: str, cause: str) -> Dose | None:
    """Compute a session's dose and let it be served if it differs; return it, None if nothing is left to dose.

    Args:
        house: the open house.
        connection: the writing transaction of the cause.
        session_id: a session that stands, not one joined into another.
        cause: word for the feed of changes.
    """
    dose = dose_of(house, connection, session_id)
    if dose is None:
        doses.withdraw(connection, session_id, cause, house.now())
        return None
    row = sessions.session_row(connection, session_id)
    before = doses.current(connection, session_id, METHOD)
    values = {f.name: getattr(dose, f.name) for f in fields(dose)}
    values |= {
        "session_id": session_id, "centre": house.centre, "patient_id": row.patient_id,
        "course": before.course if before is not None and before.patient_id == row.patient_id else None,
        "status": dose.status.value, "status_reasons": list(dose.status_reasons), "sources": list(dose.sources),
    }  # fmt: skip
    doses.record(connection, values, cause, house.now())
    return dose


def dose_of(house: House, connection: Connection, session_id: str) -> Dose | None:
    """Compute a session's dose from what is stored, and store nothing."""
    parts = _parts(connection, session_id)
    if not parts:
        return None
    row = sessions.session_row(connection, session_id)
    person = patients.person(connection, row.patient_id) if row.patient_id else None
    return compute(parts, person, house.policy(), _situation(house, connection, row, parts))


def _parts(connection: Connection, session_id: str) -> list[Part]:
    accepted = acceptances.accepted(connection)
    return [
        Part(
            run=r.run_id, figures=RunFigures.from_json(r.figures), device=r.device_id, device_model=r.model,
            device_serial=r.serial, driver=r.driver, driver_version=r.driver_version, evidence=r.evidence,
            source=r.source, accepted=(r.driver, r.driver_version, r.model) in accepted,
        )
        for r in runs.current_readings(connection, session_id)
    ]  # fmt: skip


def _situation(house: House, connection: Connection, row: Row[Any], parts: Sequence[Part]) -> Situation:
    decision = _decision(row.decision) if row.decision else None
    bench = any(r.on_bench for r in runs.current_readings(connection, row.id))
    tried = row.patient_id is not None and bool(patients.require(connection, row.patient_id).test)
    serials = {column.serial for part in parts for column in part.figures.columns} - {""}
    columns = concerns_of(house, connection, serials).get(row.id, ()) if serials else ()
    return Situation(decision, tuple(sorted({flag["code"] for flag in row.flags})), bench or tried, columns)


def _decision(document: dict[str, Any]) -> Decision:
    readings = {k: None if v is None else Decimal(v) for k, v in document["readings"].items()}
    return Decision(
        document["reading"],
        document["by"],
        document["reason"],
        datetime.fromisoformat(document["at"]),
        readings,
    )


def recourse(house: House, connection: Connection, patient_ids: Iterable[str | None]) -> None:
    """Number the courses of some patients again and serve the new numbers."""
    for patient_id in sorted({p for p in patient_ids if p}):
        rows = doses.current_of_patient(connection, patient_id, METHOD)
        numbers = _numbers(house, patient_id, rows)
        for row in rows:
            if row.course != numbers.get(row.session_id):
                values = {k: v for k, v in row._mapping.items() if k not in doses.KEPT_APART}
                values["course"] = numbers.get(row.session_id)
                doses.record(connection, values, "course", house.now())


def _numbers(house: House, patient_id: str, rows: Sequence[Row[Any]]) -> dict[str, str]:
    found = courses.group(patient_id, [brief(row) for row in rows], house.settings.course_gap_days)
    return {
        session_id: str(course.number)
        for course in found
        for session_id in (*(s.id for s in course.sessions), *course.left_out)
    }


def brief(row: Row[Any]) -> courses.SessionBrief:
    """Return what a course needs of a served dose."""
    return courses.SessionBrief(
        id=row.session_id,
        started=row.started_at,
        ended=row.ended_at,
        processed_plasma_ml=row.processed_plasma_ml,
        pv_multiple=row.pv_multiple,
        plasma_volume_formula=row.plasma_volume_formula,
        counted=row.status in {"final", "provisional"} and not QUESTIONS & set(row.status_reasons),
        lower_bound=not row.complete,
    )
