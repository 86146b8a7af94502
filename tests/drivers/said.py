"""A log as plain data, to compare and to keep."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ingestor.driver import DeviceLog, NamedNumber, Number, SampleBlock, SampleColumn, Stamp


def stamp(one: Stamp | None) -> str | None:
    return None if one is None else f"{one.local.isoformat(' ')} {one.offset_min} [{one.text}]"


def number(one: Number | None) -> str | None:
    return None if one is None else f"{one.value} {one.unit} [{one.text}]"


def _named(rows: tuple[NamedNumber, ...]) -> list[str]:
    return [f"{row.line} {row.kind}: {number(row.number)}" for row in rows]


def _channel(one: SampleColumn) -> dict[str, Any]:
    values = [None if null else int(m) for m, null in zip(one.mantissa, one.null, strict=True)]
    return {
        "printed": one.printed, "unit": one.unit, "scale": one.scale, "first": values[:3], "last": values[-1:],
        "nulls": int(one.null.sum()), "sum": hashlib.sha256(repr(values).encode()).hexdigest()[:16],
    }  # fmt: skip


def samples(block: SampleBlock | None) -> dict[str, Any] | None:
    if block is None:
        return None
    return {
        "rows": len(block.line),
        "lines": [int(block.line[0]), int(block.line[-1])],
        "local_ms": [int(block.local_ms[0]), int(block.local_ms[-1])],
        "segments": list(block.segments),
        "elapsed_s": None if block.elapsed_s is None else int(block.elapsed_s[-1]),
        "channels": {one.channel or f"x:{one.printed}": _channel(one) for one in block.columns},
        "states": {
            one.name: [one.words[code] if code >= 0 else None for code in one.codes] for one in block.states
        },
    }


def plain(log: DeviceLog) -> dict[str, Any]:
    """Return everything a log says."""
    return {
        "device": [log.maker, log.model, log.serial, log.software],
        "identity": [log.version, log.role.value, log.run_id, log.patient],
        "span": [stamp(log.started), stamp(log.ended)],
        "end_reached": log.end_reached,
        "hold": log.hold,
        "bench": log.bench,
        "cycle_definition": log.cycle_definition,
        "columns": [
            f"{c.line} {c.position}{c.sequence}: {c.product}|{c.serial}|{c.lot}|{c.use}|{c.expiry}|{c.regenerable}"
            for c in log.columns
        ],
        "phases": [
            f"{p.line} {p.cycle}{p.position} {p.phase.value}: {stamp(p.start)} – {stamp(p.end)}, {number(p.volume)}, "
            f"{p.completed}"
            for p in log.phases
        ],
        "alarms": [
            f"{a.line} {a.klass}:{a.code} {a.kind} {a.priority.value} '{a.text}': {stamp(a.onset)} – "
            f"{stamp(a.cleared)}, {stamp(a.acknowledged)}"
            for a in log.alarms
        ],
        "events": [f"{e.line} {e.kind} '{e.text}' {stamp(e.at)} {number(e.number)}" for e in log.events],
        "totals": _named(log.totals),
        "facts": _named(log.facts),
        "samples": samples(log.samples),
        "rows_read": log.rows_read,
        "ignored": {one.reason: one.rows for one in log.ignored},
        "findings": [f"{f.line} {f.code} {f.severity.value} {sorted(f.params.items())}" for f in log.findings],
        "begins": [log.member, log.line],
    }  # fmt: skip


def figures(log: DeviceLog) -> set[tuple[Any, ...]]:
    """Return every figure that could enter a dose, with the line it stands in."""
    found: set[tuple[Any, ...]] = {
        ("total", t.line, t.kind, t.number.text, t.number.value) for t in log.totals
    }
    found |= {("fact", f.line, f.kind, f.number.text, f.number.value) for f in log.facts}
    found |= {
        (
            "phase",
            p.line,
            p.position,
            p.phase,
            p.start and p.start.local,
            p.volume and p.volume.text,
            p.completed,
        )
        for p in log.phases
    }
    found |= {("alarm", a.line, a.code, a.priority, a.onset and a.onset.local) for a in log.alarms}
    if log.samples is not None:
        block = log.samples
        for one in block.columns:
            scale = 10**one.scale
            found |= {
                ("sample", int(line), int(ms), one.channel or one.printed, int(m) / scale)
                for line, ms, m, null in zip(block.line, block.local_ms, one.mantissa, one.null, strict=True)
                if not null
            }
    return found
