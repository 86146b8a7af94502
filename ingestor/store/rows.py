"""Rows of a revision: model types to table rows and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingestor.model import (
    Alarm,
    ColumnUse,
    Cycle,
    Event,
    Finding,
    Instant,
    Phase,
    PhaseSpan,
    Priority,
    Severity,
    TimeMethod,
)
from ingestor.store.tables import alarm, column_use, cycle, event, finding, phase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Row, Table

    from ingestor.model import Run


def _instant(name: str, at: Instant | None) -> dict[str, Any]:
    if at is None:
        return {f"{name}_at": None, f"{name}_local": None, f"{name}_method": None}
    return {f"{name}_at": at.utc, f"{name}_local": at.local, f"{name}_method": at.method.value}


def instant(row: Row[Any], name: str) -> Instant | None:
    """Read an instant back from its three columns."""
    utc = getattr(row, f"{name}_at")
    if utc is None:
        return None
    return Instant(getattr(row, f"{name}_local"), utc, TimeMethod(getattr(row, f"{name}_method")))


def _column_row(use: ColumnUse) -> dict[str, Any]:
    return {
        "column_position": use.position, "sequence": use.sequence, "product": use.product,
        "serial": use.serial, "lot": use.lot, "use": use.use, "expiry": use.expiry,
        "regenerable": use.regenerable, "line": use.line,
    }  # fmt: skip


def _column(row: Row[Any]) -> ColumnUse:
    return ColumnUse(
        row.column_position, row.sequence, row.product, row.serial, row.lot, row.use, row.expiry,
        row.regenerable, row.line,
    )  # fmt: skip


def _phase_row(span: PhaseSpan) -> dict[str, Any]:
    return {
        "cycle": span.cycle, "column_position": span.position, "phase": span.phase.value,
        **_instant("start", span.start), **_instant("end", span.end), "volume_ml": span.volume_ml,
        "volume_raw": span.volume_raw, "completed": span.completed, "line": span.line,
    }  # fmt: skip


def _phase(row: Row[Any]) -> PhaseSpan:
    return PhaseSpan(
        row.position, row.cycle, row.column_position, Phase(row.phase), instant(row, "start"),
        instant(row, "end"), row.volume_ml, row.volume_raw, row.completed, row.line,
    )  # fmt: skip


def _cycle_row(one: Cycle) -> dict[str, Any]:
    return {
        "number": one.index, "column_position": one.position, **_instant("start", one.start),
        **_instant("end", one.end), "load_ml": one.load_ml, "completed": one.completed, "line": one.line,
    }  # fmt: skip


def _cycle(row: Row[Any]) -> Cycle:
    return Cycle(
        row.number, row.column_position, instant(row, "start"), instant(row, "end"), row.load_ml,
        row.completed, row.line,
    )  # fmt: skip


def _alarm_row(one: Alarm) -> dict[str, Any]:
    return {
        "code": one.code, "klass": one.klass, "kind": one.kind, "priority": one.priority.value,
        "text": one.text, **_instant("onset", one.onset), **_instant("cleared", one.cleared),
        **_instant("acknowledged", one.acknowledged), "line": one.line,
    }  # fmt: skip


def _alarm(row: Row[Any]) -> Alarm:
    return Alarm(
        row.position, row.code, row.klass, row.kind, Priority(row.priority), row.text,
        instant(row, "onset"), instant(row, "cleared"), instant(row, "acknowledged"), row.line,
    )  # fmt: skip


def _event_row(one: Event) -> dict[str, Any]:
    return {
        "kind": one.kind, "text": one.text, **_instant("event", one.at), "value": one.value,
        "unit": one.unit, "line": one.line,
    }  # fmt: skip


def _event(row: Row[Any]) -> Event:
    return Event(row.position, instant(row, "event"), row.kind, row.text, row.value, row.unit, row.line)


def _finding_row(one: Finding) -> dict[str, Any]:
    return {
        "code": one.code, "severity": one.severity.value, "member": one.member, "line": one.line,
        "params": one.params,
    }  # fmt: skip


def _finding(row: Row[Any]) -> Finding:
    return Finding(row.code, Severity(row.severity), row.member, row.line, row.params)


# attribute of Run -> (table, to row, from row)
KINDS: dict[str, tuple[Table, Callable[[Any], dict[str, Any]], Callable[[Row[Any]], Any]]] = {
    "columns": (column_use, _column_row, _column),
    "phases": (phase, _phase_row, _phase),
    "cycles": (cycle, _cycle_row, _cycle),
    "alarms": (alarm, _alarm_row, _alarm),
    "events": (event, _event_row, _event),
    "findings": (finding, _finding_row, _finding),
}


def rows_of(run: Run, kind: str, revision_id: str) -> list[dict[str, Any]]:
    """Return the rows of one kind, numbered in printed order."""
    things: Iterable[Any] = getattr(run, kind)
    to_row = KINDS[kind][1]
    return [{"revision_id": revision_id, "position": i, **to_row(t)} for i, t in enumerate(things)]
