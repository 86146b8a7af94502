"""What a session page shows: the parts of its machines, the dose with its readings, and whose it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from api.web.curve import Curve, draw
from api.web.samples import Row, table
from api.web.scale import minutes_between
from api.web.wording import said
from ingestor.errors import OtherWard
from ingestor.meaning.policy import METHOD
from ingestor.store import doses, runs, sessions
from ingestor.store.answers import uploads, worklist

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

    from ingestor.model import Run

READINGS = ("reported", "cycles", "counter", "integrated")
_TABLE_ROWS = 60


@dataclass(frozen=True, slots=True)
class Part:
    """One machine's part of a session.

    Attributes:
        every: minutes between the rows of the short table.
    """

    run_id: str
    device_id: str
    revision_id: str
    run: Run
    revisions: list[dict[str, Any]]
    curve: Curve | None
    rows: list[Row]
    every: int
    samples: int


@dataclass(frozen=True, slots=True)
class Reading:
    """One of the four readings; `share` is its length in percent of the largest."""

    name: str
    value: Decimal | None
    share: float | None
    chosen: bool


def parts_of(connection: Connection, session_id: str) -> list[Part]:
    """Return the parts of a session by start."""
    found = []
    for stored in runs.runs_of(connection, session_id):
        current = runs.current_revision(connection, stored.id)
        if current is not None:
            found.append(_part(connection, stored.id, stored.device_id, current))
    return found


def _part(connection: Connection, run_id: str, device_id: str, revision: str) -> Part:
    one = runs.load(connection, revision)
    trace = one.trace
    every, step = 1, 1
    if trace is not None and len(trace) > 1:
        seconds = float(trace.utc_ms[-1] - trace.utc_ms[0]) / 1000
        every = minutes_between(seconds, _TABLE_ROWS)
        step = max(1, round(every * 60 * (len(trace) - 1) / max(seconds, 1)))
    return Part(
        run_id, device_id, revision, one,
        [{**row._mapping, "line": 1} for row in runs.revisions_of(connection, [run_id])],
        draw(one), table(trace, every=step) if trace is not None else [], every, len(trace or ()),
    )  # fmt: skip


def dose_of(connection: Connection, session_id: str) -> Mapping[str, Any] | None:
    """Return the dose that is served."""
    row = doses.current(connection, session_id, METHOD)
    return None if row is None else dict(row._mapping)


def readings_of(dose: Mapping[str, Any] | None) -> list[Reading]:
    """Return the four readings, drawn to the scale of the largest."""
    if dose is None:
        return []
    values = {name: dose[f"{name}_ml"] for name in READINGS}
    largest = max((v for v in values.values() if v is not None), default=Decimal(0)) or Decimal(1)
    return [
        Reading(
            name,
            value,
            None if value is None else round(float(100 * value / largest), 2),
            name == dose["processed_plasma_reading"],
        )
        for name, value in values.items()
    ]


def inputs_of(
    dose: Mapping[str, Any] | None, quantity: Callable[[str, Decimal], str]
) -> list[dict[str, Any]]:
    """Return what went into the plasma volume, each with its time and source."""
    if dose is None:
        return []
    known = dose["detail"].get("inputs") or []
    if isinstance(known, dict):
        known = [{"kind": kind, **value} for kind, value in known.items()]
    return [
        {
            "kind": one["kind"],
            "value": quantity(one["kind"], Decimal(str(one["value"]))),
            "at": datetime.fromisoformat(one["at"]) if one.get("at") else None,
            "source": one.get("source", ""),
        }
        for one in known
        if one.get("value") is not None
    ]


def missing_of(dose: Mapping[str, Any] | None, language: str) -> list[dict[str, str]]:
    """Return why a value could not be computed, by field."""
    missing = (dose["detail"].get("missing") or {}) if dose else {}
    return [{"field": field, **said(code, language)} for field, code in missing.items()]


def reasons_of(dose: Mapping[str, Any] | None, language: str) -> list[dict[str, str]]:
    """Return why a dose is not final, in words."""
    if not dose:
        return []
    warnings = {one["code"]: one for one in reversed(dose["detail"].get("column_warnings") or ())}
    return [said(code, language, warnings.get(code)) for code in dose["status_reasons"]]


def findings_of(connection: Connection, parts: list[Part], language: str) -> list[dict[str, Any]]:
    """Return what a person should know of the readings that count, in words."""
    rows = worklist.findings(connection, [part.revision_id for part in parts])
    return [
        {**row, "parts": said(row["code"], language, {"member": row["member"], "line": row["line"], **row["params"]})}
        for row in rows
    ]  # fmt: skip


def notes_of(connection: Connection, parts: list[Part]) -> list[dict[str, Any]]:
    """Return what persons remarked when they handed the exports in."""
    return uploads.notes(connection, sorted({one["source"] for part in parts for one in part.revisions}))


def typed_at(parts: list[Part]) -> list[str]:
    """Return what stands in the patient fields."""
    return list(dict.fromkeys(p.run.patient_printed for p in parts if p.run.patient_printed))


def start_of(connection: Connection, session_id: str, ward: str | None) -> tuple[Any, datetime]:
    """Return a session's row and its start on the machine's wall clock.

    Raises:
        NotFound: there is no such session, or it belongs to another ward.
    """
    row = sessions.session_row(connection, session_id)
    if ward is not None and row.ward not in {None, ward}:
        raise OtherWard("no_such_session", session=row.id)
    dose = doses.current(connection, row.id, METHOD)
    return row, dose.started_local if dose is not None else row.started_at
