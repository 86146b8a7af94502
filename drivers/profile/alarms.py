"""Alarms: a row each, or signals that begin, go on and end, folded into one alarm each."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from drivers._text import printed
from drivers.profile.treatment_rows import rows_of, stamp, word
from ingestor.driver import AlarmRow, ParseError, Priority, Severity

if TYPE_CHECKING:
    from drivers._stamps import Clock
    from drivers.profile.raw import Raw, Row
    from drivers.profile.spec import AlarmKind, Layout
    from ingestor.driver import Stamp

MOST_ALARMS = 200_000


def read_alarms(raw: Raw, clock: Clock, model: str) -> tuple[AlarmRow, ...]:
    """Return the alarms in the order in which they were first printed.

    Args:
        raw: what the reader found.
        clock: dates the stamps.
        model: the device's model, which may have meanings of its own for codes.

    Raises:
        ParseError: `limit_alarms`.
    """
    rows = rows_of(raw, "alarms")
    if len(rows) > MOST_ALARMS:
        error = ParseError(
            raw.member, rows[MOST_ALARMS].line, f"at most {MOST_ALARMS} alarms", "more", "limit_alarms"
        )
        error.details["limit"] = MOST_ALARMS
        raise error
    out: list[AlarmRow] = []
    _tell_unknown(raw, rows, model)
    active: dict[str, int] = {}
    restarts = list(raw.restarts)
    for row in rows:
        while restarts and row.line > restarts[0]:
            restarts.pop(0)
            active.clear()
        at = stamp(raw, row, "time", clock)
        if row.heading.has("state"):
            _signal(raw, row, at, clock, model, out, active)
        else:
            out.append(_alarm(raw, row, at, model, clock))
    return tuple(out)


def _alarm(raw: Raw, row: Row, onset: Stamp | None, model: str, clock: Clock) -> AlarmRow:
    code, klass = printed(row.text("code")), printed(row.text("class") or row.text("priority"))
    meaning = meaning_of(raw.layout, model, code, klass)
    said = word(raw, row, "priority")
    priority = Priority(said) if said else (meaning.priority if meaning else None) or Priority.UNKNOWN
    return AlarmRow(
        code=code,
        klass=klass,
        kind=meaning.kind if meaning else "other",
        priority=priority,
        text=printed(row.text("text")),
        onset=onset,
        cleared=stamp(raw, row, "cleared", clock, onset),
        acknowledged=stamp(raw, row, "acknowledged", clock, onset),
        line=row.line,
    )


def _tell_unknown(raw: Raw, rows: list[Row], model: str) -> None:
    """Note each code without a meaning once, with the number of its rows."""
    first: dict[str, int] = {}
    seen: Counter[str] = Counter()
    for row in rows:
        code, klass = printed(row.text("code")), printed(row.text("class") or row.text("priority"))
        if meaning_of(raw.layout, model, code, klass) is None:
            first.setdefault(code, row.line)
            seen[code] += 1
    for code, line in first.items():
        raw.notes.find("unknown_alarm", line, Severity.INFO, code=code[:40], rows=str(seen[code]))


def meaning_of(layout: Layout, model: str, code: str, klass: str) -> AlarmKind | None:
    """Return what a code means: on this model before in general, with its class before without."""
    for table in (layout.kinds_of_model.get(model, {}), layout.kinds):
        if found := table.get(f"{klass}:{code}") or table.get(code):
            return found
    return None


def _signal(
    raw: Raw,
    row: Row,
    at: Stamp | None,
    clock: Clock,
    model: str,
    out: list[AlarmRow],
    active: dict[str, int],
) -> None:
    """Fold one signal: keep-alive repeats are the same alarm; one that begins with its end has no onset."""
    state, code = word(raw, row, "state"), row.text("code")
    if state in {"on", "continues"} and code in active:
        raw.notes.ignored["alarm_repeat"] += 1
        return
    if code not in active:
        out.append(_alarm(raw, row, at if state == "on" else None, model, clock))
        active[code] = len(out) - 1
    if state == "off":
        at_index = active.pop(code)
        out[at_index] = replace(out[at_index], cleared=_printed_at(at, row))
    elif state == "acknowledged":
        out[active[code]] = replace(out[active[code]], acknowledged=_printed_at(at, row))


def _printed_at(at: Stamp | None, row: Row) -> Stamp | None:
    return None if at is None else replace(at, line=row.line)
