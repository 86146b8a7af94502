"""Columns, phases, alarms and events of a treatment."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from drivers._stamps import read_moment
from drivers._text import printed, whole_number
from drivers.profile.cycles import cycle_numbers
from drivers.profile.header import number_of
from drivers.profile.vocabulary import VALUES
from ingestor.driver import ColumnUse, EventRow, Number, Phase, PhaseRow, Severity, Stamp

if TYPE_CHECKING:
    from drivers._clock import Clock
    from drivers.profile.raw import Raw, Row


def rows_of(raw: Raw, kind: str) -> list[Row]:
    """Return all rows of one kind, in printed order."""
    names = {b.name for b in raw.layout.of(kind)}
    rows = [row for name, some in raw.rows.items() if name in names for row in some]
    return rows if len(names) < 2 else sorted(rows, key=lambda row: row.line)  # noqa: PLR2004


def word(raw: Raw, row: Row, name: str) -> str | None:
    """Return the canonical word of a cell, None where it is empty or unknown; unknown ones are a finding."""
    text, field = row.cells.get(name, ""), row.heading.block.fields.get(name)
    if not text or text in raw.layout.empty or field is None:
        return None
    known = field.values or {v: v for v in VALUES.get(name, ())}
    if text not in known:
        raw.notes.find("unknown_word", row.line, about=name + text, what=name, got=printed(text)[:80])
    return known.get(text)


def stamp(raw: Raw, row: Row, name: str, clock: Clock, after: Stamp | None = None) -> Stamp | None:
    """Return the time in a cell, None where it is empty or no time; the latter is a finding."""
    text = row.cells.get(name, "")
    if not text or text in raw.layout.empty:
        return None
    day = None
    if "date" in row.cells and name in {"time", "start"}:
        beside = read_moment(row.text("date"), raw.layout.stamps)
        day = beside.day if beside is not None else None
    out = clock.at(text, raw.layout.stamps, after=after.local if after is not None else None, day=day)
    if out is None:
        raw.notes.find("stamp_unreadable", row.line, about=name, got=printed(text)[:80])
    return out


def read_columns(raw: Raw) -> tuple[ColumnUse, ...]:
    """Return the columns; a second one at the same position is its second use there."""
    uses: Counter[str] = Counter()
    out: list[ColumnUse] = []
    for row in rows_of(raw, "columns"):
        texts = {name: _text(raw, row, name) for name in ("product", "serial", "lot")}
        texts["position"] = _position(raw, row)
        expiry = read_moment(row.text("expiry"), raw.layout.stamps)
        use = row.text("use")
        if use and use not in raw.layout.empty and whole_number(use) is None:
            raw.notes.find("value_not_believed", row.line, about="use", column="use", got=printed(use)[:80])
        same = [
            one
            for one in out
            if (one.position, one.serial, one.lot) == (texts["position"], texts["serial"], texts["lot"])
        ]
        if same:
            continue
        uses[texts["position"]] += 1
        out.append(
            ColumnUse(
                sequence=uses[texts["position"]],
                use=whole_number(use),
                expiry=expiry.day if expiry is not None else None,
                regenerable=raw.layout.regenerable,
                line=row.line,
                **texts,
            )
        )
    return tuple(out)


def _text(raw: Raw, row: Row, name: str) -> str:
    text = row.cells.get(name, "")
    return "" if text in raw.layout.empty else printed(text)


def _position(raw: Raw, row: Row) -> str:
    """Return the name of a column's place: translated where the profile does that, else as printed."""
    text, field = _text(raw, row, "position"), row.heading.block.fields.get("position")
    if not text or field is None or not field.values or field.source:
        return text
    return word(raw, row, "position") or text


def _number(raw: Raw, row: Row, name: str) -> Number | None:
    field = row.heading.block.fields.get(name)
    if field is None:
        return None
    return number_of(raw, field, row.cells.get(name, ""), row.unit(name), row.line)


def read_phases(raw: Raw, clock: Clock) -> tuple[PhaseRow, ...]:
    """Return the printed phases; a row whose phase cannot be told is ignored, and the treatment not whole."""
    out: list[PhaseRow] = []
    counted: list[int] = []
    for row in rows_of(raw, "phases"):
        phase = word(raw, row, "phase")
        if phase is None:
            got = printed(row.text("phase"))[:80]
            raw.notes.find("phase_unreadable", row.line, Severity.ERROR, got=got)
            raw.notes.ignored["unreadable"] += 1
            raw.gaps = True
            continue
        start = stamp(raw, row, "start", clock)
        status = word(raw, row, "status")
        number = _cycle(raw, row)
        if number is None:
            counted.append(len(out))
        out.append(
            PhaseRow(
                cycle=number or 0,
                position=_position(raw, row),
                phase=Phase(phase),
                start=start,
                end=stamp(raw, row, "end", clock, start),
                volume=_number(raw, row, "volume"),
                completed=None if status is None else status == "completed",
                line=row.line,
            )
        )
    if counted:
        numbers = cycle_numbers([(one.position, one.phase, at) for at, one in enumerate(out)])
        for at in counted:
            if numbers[at]:
                out[at] = replace(out[at], cycle=numbers[at])
    return tuple(out)


def _cycle(raw: Raw, row: Row) -> int | None:
    """Return the printed number of the cycle, None where there is none; one that is no number is a finding."""
    text = row.cells.get("cycle", "")
    number = whole_number(text)
    if number is None and row.heading.has("cycle"):
        raw.notes.find("value_not_believed", row.line, about="cycle", column="cycle", got=printed(text)[:80])
    return number


def read_events(raw: Raw, clock: Clock) -> tuple[EventRow, ...]:
    """Return events and settings."""
    out = []
    for row in rows_of(raw, "events"):
        number = _number(raw, row, "value")
        kind = _text(raw, row, "kind") or row.heading.block.name
        out.append(EventRow(kind, _text(raw, row, "text"), stamp(raw, row, "time", clock), row.line, number))
    return tuple(out)
