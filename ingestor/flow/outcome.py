"""The sentence that a person reads: what became of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingestor.meaning.policy import METHOD
from ingestor.model import Status
from ingestor.store import doses, runs, sessions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from decimal import Decimal

    from sqlalchemy import Connection

    from ingestor.flow.house import House
    from ingestor.flow.receipt import Placed
    from ingestor.model import Run

Words = dict[str, str]


def moment(at: datetime) -> Words:
    """Return a time as people write it in each language."""
    return {"de": f"{at.day}.{at.month}.{at.year} {at:%H:%M}", "en": f"{at:%Y-%m-%d %H:%M}"}


def millilitres(volume: Decimal | None) -> Words:
    """Return a volume as people write it in each language."""
    if volume is None:
        return {"de": "Volumen unbekannt", "en": "volume unknown"}
    text = f"{volume:,.0f}"
    return {"de": f"{text.replace(',', '.')} ml", "en": f"{text} mL"}


def count(number: int | None, one: Words, many: Words) -> Words:
    """Return a number with its noun in each language."""
    if number is None:
        return {k: f"? {v}" for k, v in many.items()}
    return {k: f"{number} {v}" for k, v in (one if number == 1 else many).items()}


_CYCLE = ({"de": "Zyklus", "en": "cycle"}, {"de": "Zyklen", "en": "cycles"})
_ALARM = ({"de": "Alarm", "en": "alarm"}, {"de": "Alarme", "en": "alarms"})


def summary(connection: Connection, session_id: str) -> dict[str, Any]:
    """Return what was understood of a session, for a preview or a list."""
    row = sessions.session_row(connection, session_id)
    dose = doses.current(connection, row.id, METHOD)
    printed = runs.printed_patients(connection, row.id)
    return {
        "session": row.id,
        "linked": row.patient_id is not None,
        "patient_printed": printed[0][0] if printed else None,
        **({} if dose is None else {k: getattr(dose, k) for k in _SHOWN}),
        "started_local": dose.started_local.isoformat() if dose is not None else None,
        "processed_plasma_ml": float(dose.processed_plasma_ml) if dose is not None and dose.processed_plasma_ml is not None else None,
    }  # fmt: skip


_SHOWN = ("device_model", "device_serial", "cycles_completed", "complete", "status", "status_reasons")


def of_runs(
    house: House, connection: Connection, placed: Sequence[Placed], read: Sequence[Run]
) -> tuple[str, dict[str, Any]]:
    """Return the code of the outcome and what fills its phrase."""
    del house
    if not placed:
        return "nothing_in_it", {}
    status = max(p.status for p in placed) if len(placed) == 1 else None
    if status is None:
        return "many", _many(placed)
    (one,), (run,) = placed, read
    params = _params(connection, one, run)
    return _code(one, run, linked=params.pop("linked")), params


def _code(one: Placed, run: Run, *, linked: bool) -> str:
    if one.status is Status.HELD:
        return f"held_{one.code}" if one.code == "contradicts" else "held_doubt"
    if one.status is Status.DUPLICATE:
        return one.code or "duplicate_content"
    if one.status is Status.SUPERSEDED:
        return "superseded"
    if not run.complete:
        return "stored_partial"
    return "stored_linked" if linked else "stored_unlinked"


def _params(connection: Connection, one: Placed, run: Run) -> dict[str, Any]:
    dose = doses.current(connection, one.session, METHOD) if one.session else None
    linked = bool(one.session and sessions.session_row(connection, one.session).patient_id)
    last = max((f.line for f in run.findings), default=0)
    cycles = dose.cycles_completed if dose is not None else None
    return {
        "linked": linked,
        "start": moment(run.started.local),
        "volume": millilitres(dose.processed_plasma_ml if dose is not None else None),
        "cycles": count(cycles, *_CYCLE),
        "alarms": count(len(run.alarms), *_ALARM),
        "device": run.device.serial,
        "line": last or "–",
        "reason": run.hold or "",
    }


def _many(placed: Sequence[Placed]) -> dict[str, Any]:
    tally = {s: sum(p.status is s for p in placed) for s in Status}
    return {
        "total": len(placed), "stored": tally[Status.STORED], "superseded": tally[Status.SUPERSEDED],
        "duplicate": tally[Status.DUPLICATE], "held": tally[Status.HELD],
    }  # fmt: skip
