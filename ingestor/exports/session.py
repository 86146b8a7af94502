"""One session as a JSON document: for the command line, the API and the evidence pack."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

from ingestor.exports import plain
from ingestor.phrases import both, catalogue

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ingestor.exports.view import View
    from ingestor.model import Finding, Run
    from ingestor.store.answers.sessions import RunFacts, SessionFacts

# Values of a finding that are the layout's or a number, never a person's words.
_HARMLESS = frozenset(
    {"kind", "unit", "value", "rows", "zone", "channel", "count", "seconds", "limit", "code"}
)
_ROWS = ("columns", "cycles", "alarms", "events", "findings")


def document(facts: SessionFacts, view: View) -> dict[str, Any]:
    """Return everything about a session.

    Args:
        facts: the session as it is stored.
        view: what the reader may see of the patient.
    """
    rows = {kind: [row for one in facts.runs for row in _rows(kind, one, facts, view)] for kind in _ROWS}
    return {
        "session": _session(facts, view), "runs": [_run(one, view) for one in facts.runs], **rows,
        "dose": dose(facts, view),
        "column_warnings": [_column_warning(one, facts, view) for one in facts.detail.get("column_warnings", ())],
    }  # fmt: skip


def _column_warning(one: dict[str, Any], facts: SessionFacts, view: View) -> dict[str, Any]:
    """Return a warning about a column; who acknowledged it and in which words is not for everybody."""
    filled = {name: "–" if value is None else value for name, value in one.items()}
    severity = catalogue()[one["code"]]["severity"]
    shown = one | {"severity": severity, "text": both(one["code"], **filled)}
    if view.identified:
        said = [w for w in facts.column_words if (w.code, w.serial) == (one["code"], one["serial"])]
        shown["words"] = [{"actor": w.actor, "reason": w.reason, "at": w.at} for w in said]
    return tidy(shown)


def dose(facts: SessionFacts, view: View) -> dict[str, Any] | None:
    """Return the dose row that is served, or None."""
    return plain.row("doses", facts.dose, view.pseudonym) if facts.dose is not None else None


def _session(facts: SessionFacts, view: View) -> dict[str, Any]:
    row = facts.row
    found = {
        "id": row.id, "patient": view.patient(row.patient_id), "started_at": row.started_at,
        "ended_at": row.ended_at, "ward": row.ward, "flags": [flag["code"] for flag in row.flags],
        "joined": list(facts.joined), "decision": _decision(row.decision, view),
        "dose_detail": detail(facts, view),
    }  # fmt: skip
    if view.identified:
        found["links"] = [
            {"patient": link.patient_id, "rule": link.rule, "actor": link.actor, "reason": link.reason, "at": link.at}
            for link in facts.links
        ]  # fmt: skip
    return tidy(found)


def _decision(decision: dict[str, Any] | None, view: View) -> dict[str, Any] | None:
    """Return a person's decision; who decided and in which words is not for everybody."""
    if decision is None or view.identified:
        return decision
    return {"reading": decision.get("reading"), "at": decision.get("at")}


def detail(facts: SessionFacts, view: View) -> dict[str, Any]:
    """Return what the dose was computed from: inputs, runs, what is missing and why."""
    if not facts.detail or view.identified:
        return facts.detail
    inputs = [i | {"source": view.text(i["source"], facts.words)} for i in facts.detail.get("inputs", ())]
    return facts.detail | {"inputs": inputs, "decision": _decision(facts.detail.get("decision"), view)}


def _run(one: RunFacts, view: View) -> dict[str, Any]:
    row, current, reading = one.row, one.current, one.reading
    found: dict[str, Any] = {
        "id": row.id, "role": row.role, "printed_id": row.printed_id, "started_at": row.started_at,
        "ended_at": row.ended_at,
        "device": {"id": row.device_id, "maker": row.maker, "model": row.model, "serial": row.serial},
        "revisions": [
            {"id": r.id, "state": r.state, "source": r.source, "driver": r.driver,
             "driver_version": r.driver_version, "read_at": r.read_at}
            for r in one.revisions
        ],
    }  # fmt: skip
    if current is not None and reading is not None:
        found |= _reading(current, reading)
        found |= (
            {"member": reading.member, "patient_printed": reading.patient_printed} if view.identified else {}
        )
    return tidy(found)


def _reading(current: Any, reading: Run) -> dict[str, Any]:  # noqa: ANN401 - a row of revisions
    return {
        "source": current.source, "driver": current.driver, "driver_version": current.driver_version,
        "evidence": current.evidence, "layout": reading.layout, "layout_version": reading.layout_version,
        "software": reading.device.software, "zone": reading.zone, "complete": reading.complete,
        "bench": reading.bench, "hold": reading.hold, "started_local": reading.started.local,
        "time_method": reading.started.method, "cycle_definition": reading.cycle_definition,
        "rows_read": reading.rows_read, "ignored": [asdict(i) for i in reading.ignored],
        "totals": [asdict(t) for t in reading.totals], "facts": [asdict(f) for f in reading.facts],
        "segments": list(reading.segments),
    }  # fmt: skip


def _rows(kind: str, one: RunFacts, facts: SessionFacts, view: View) -> Iterable[dict[str, Any]]:
    if one.reading is None:
        return
    for thing in getattr(one.reading, kind):
        shown = finding(thing, view, facts.words) if kind == "findings" else flat(asdict(thing))
        if kind == "alarms":
            shown["text"] = view.text(thing.text, facts.words)
        if kind == "events":
            shown["text"] = view.event(thing.kind, thing.text, facts.words)
        yield tidy({"run": one.row.id, **shown})


def finding(one: Finding, view: View, words: Sequence[str]) -> dict[str, Any]:
    """Return a finding with its words; what it quotes of the file is for those who may see the file."""
    shown = {"code": one.code, "severity": one.severity.value, "line": one.line}
    params: dict[str, object] = {**one.params, "member": one.member, "line": one.line}
    if view.identified:
        shown["member"] = one.member
    else:
        quoted = {k: view.text(v, words) for k, v in one.params.items() if k in _HARMLESS}
        params = {**quoted, "line": one.line}
    return shown | {"text": both(one.code, **params) if one.code in catalogue() else {}}


def flat(thing: dict[str, Any]) -> dict[str, Any]:
    """Return a row whose instants stand in columns: `onset` becomes `onset_at`, `onset_local` and `onset_method`."""
    found: dict[str, Any] = {}
    for name, value in thing.items():
        if name in _INSTANTS:
            at = value or {}
            stem = "" if name == "at" else f"{name}_"
            found |= {
                f"{stem}at": at.get("utc"),
                f"{stem}local": at.get("local"),
                f"{stem}method": at.get("method"),
            }
        else:
            found[name] = value
    return found


_INSTANTS = frozenset({"start", "end", "onset", "cleared", "acknowledged", "at"})


def tidy(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document as JSON knows it: instants with Z, wall clocks without, exact numbers as numbers."""
    return {name: _plain(value) for name, value in document.items()}


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON-like value
    if isinstance(value, dict):
        return tidy(value)
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, datetime):
        return plain.instant(value) if value.tzinfo else value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if isinstance(value, date) else value
