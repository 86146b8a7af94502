"""What would become of a bundle, told by every driver, and nothing stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingestor.flow.receipt import Placed, Rows, receipt
from ingestor.model import Status
from ingestor.store.sources import StoredMember

if TYPE_CHECKING:
    from ingestor.detect import Answer
    from ingestor.driver import Bundle
    from ingestor.isolate import Reader, Reading, RunReading
    from ingestor.meaning.clock import Clock
    from ingestor.model import Run


def check(reader: Reader, bundle: Bundle, clock: Clock) -> dict[str, Any]:
    """Return the claims of all drivers, what would be stored, and what each treatment holds.

    No patient number is among it: it says only whether one is printed.
    """
    reading = reader.read(bundle, clock)
    members = [StoredMember(m.name, m.sha256, len(m.data)) for m in bundle.members]
    return {
        "members": [{"name": m.name, "bytes": m.bytes, "sha256": m.sha256} for m in members],
        "claims": [_claim(answer) for answer in reading.claims],
        "broken": [{"driver": b.name, "problem": b.problem} for b in reading.broken],
        "would_store": _would_store(bundle.source, members, reading),
        "treatments": [_treatment(read) for read in reading.runs],
    }


def _claim(answer: Answer) -> dict[str, Any]:
    return {
        "driver": answer.driver.name,
        "version": answer.driver.version,
        "evidence": answer.driver.evidence.value,
        "claims": answer.claim.claims,
        "reason": answer.claim.reason,
        "near_misses": list(answer.claim.near_misses),
        "code": answer.claim.code,
    }


def _would_store(source: str, members: list[StoredMember], reading: Reading) -> dict[str, Any]:
    status, code, params = Status.PREVIEW, "would_store", {"count": str(len(reading.runs))}
    if reading.awaits:
        status, code, params = Status.WAITING, "would_wait", {"parts": ", ".join(reading.awaits)}
    elif reading.trouble is not None:
        told = {k: str(v) for k, v in reading.trouble.details.items()}
        status, code, params = Status.REFUSED, reading.trouble.code, told
    return receipt(
        source, members, "",
        status=status, code=code, params=params, driver=reading.driver,
        placed=[_placed(read.run) for read in reading.runs],
        findings=[finding for read in reading.runs for finding in read.run.findings],
    ) | {"submission": None}  # fmt: skip


def _placed(run: Run) -> Placed:
    ignored = sum(one.rows for one in run.ignored)
    kept = run.rows_read - ignored
    if run.hold:
        return Placed(Status.HELD, Rows(held=kept, ignored=ignored), run.printed_id or "", code=run.hold)
    return Placed(Status.STORED, Rows(stored=kept, ignored=ignored), run.printed_id or "")


def _treatment(read: RunReading) -> dict[str, Any]:
    run, figures = read.run, read.figures
    return {
        "device": {"maker": run.device.maker, "model": run.device.model, "serial": run.device.serial},
        "role": run.role.value,
        "software": run.device.software,
        "run": run.printed_id,
        "patient_printed": run.patient_printed is not None,
        "started_local": run.started.local.isoformat(),
        "ended_local": run.ended.local.isoformat() if run.ended else None,
        "complete": run.complete,
        "hold": run.hold,
        "samples": read.rows,
        "phases": len(run.phases),
        "cycles": len(run.cycles),
        "alarms": len(run.alarms),
        "events": len(run.events),
        "columns": len(run.columns),
        "totals": [total.kind for total in run.totals],
        "facts": [fact.kind for fact in run.facts],
        "readings_ml": {kind: None if ml is None else str(ml) for kind, ml in figures.readings.items()},
        "ignored": {one.reason: one.rows for one in run.ignored},
    }
