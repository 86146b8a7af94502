"""The event member: what happened, what was set, what alarmed. Codes decide, never words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from drivers._stamps import read_moment
from drivers._text import whole_number
from drivers.prismaflex.amounts import set_value
from ingestor.driver import AlarmRow, EventRow, NamedNumber, Number, ParseError, Severity, Stamp

if TYPE_CHECKING:
    from decimal import Decimal

    from drivers._remarks import Remarks
    from drivers.prismaflex.codes import Codes
    from drivers.prismaflex.tables import Table

_FORMATS = ("yyyy-mm-dd HH:MM:SS", "ddd mmm _d HH:MM:SS yyyy", "ddd mmm d HH:MM:SS yyyy")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_THERAPY = re.compile(r":\s*([A-Z][A-Z0-9+/ -]{0,20}?)\s*$")
# Codes that the course of a treatment hangs on, (class, type).
START, STOP, END, UNLOAD = (8, 16), (8, 19), (8, 21), (8, 84)
_THERAPY_CHOSEN, _PATIENT, _CONFIRMED, _REMOVAL = (8, 8), (16, 416), (8, 38), (16, 24)
_FACTS = {(16, 26): "weight", (16, 47): "hematocrit"}
# Rows that may show who the patient is: their texts stay in the patient field.
_PERSONAL = frozenset({_PATIENT, _CONFIRMED})


@dataclass(slots=True)
class Happened:
    """What the event member tells.

    Attributes:
        times: line and time of the rows with a given code; the lines give the order, clocks are set back.
        therapy: as chosen before the start, else the last one chosen.
        patients: every patient number typed, with its line.
        removal: prescribed removal of fluid [mL/h] from each time on.
        ignored: rows without codes.
    """

    events: list[EventRow] = field(default_factory=list)
    alarms: list[AlarmRow] = field(default_factory=list)
    facts: dict[str, NamedNumber] = field(default_factory=dict)
    times: dict[tuple[int, int], list[tuple[int, Stamp]]] = field(default_factory=dict)
    seen: set[tuple[int, int]] = field(default_factory=set)
    first: Stamp | None = None
    last: Stamp | None = None
    therapy: str | None = None
    patients: dict[str, int] = field(default_factory=dict)
    removal: list[tuple[datetime, Decimal]] = field(default_factory=list)
    unknown: dict[str, int] = field(default_factory=dict)
    ignored: int = 0


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    code: tuple[int, int]
    at: Stamp | None
    words: str
    number: str
    sample: str


def read_stamp(text: str) -> Stamp | None:
    """Return a printed time; a weekday that is not that day's contradicts it."""
    moment = read_moment(text, _FORMATS)
    if moment is None or moment.day is None or moment.ms is None:
        return None
    if text[:3].isalpha() and _WEEKDAYS[moment.day.weekday()] != text[:3].lower():
        return None
    return Stamp(datetime.combine(moment.day, datetime.min.time()) + timedelta(milliseconds=moment.ms), text)


def read_events(table: Table, codes: Codes, remarks: Remarks) -> Happened:
    """Return what the event member tells.

    Raises:
        ParseError: a column that everything hangs on is missing.
    """
    places = [table.place(*names) for names in (("time",), ("classcod",), ("typecod",))]
    if None in places:
        expected = "columns Index;Time;Class(cod);Type(cod)"
        raise ParseError(
            table.name, table.rows[0][0] if table.rows else 1, expected, ";".join(table.headings)
        )
    found = Happened()
    for line, cells in table.rows:
        row = _row(table, line, cells)
        if row is None:
            got, expected = str(len(cells)), str(len(table.columns))
            remarks.add("row_unreadable", line, member=table.name, got=got, expected=expected)
            found.ignored += 1
        else:
            if row.at is None:
                remarks.add("time_unreadable", line, member=table.name)
            _take(row, found, codes, remarks, table.name)
    _remark_unknown(found, table.name, remarks)
    return found


def _row(table: Table, line: int, cells: tuple[str, ...]) -> _Row | None:
    def cell(*names: str) -> str:
        place = table.place(*names)
        return "" if place is None else cells[place]

    klass, kind = whole_number(cell("classcod")), whole_number(cell("typecod"))
    if klass is None or kind is None:
        return None
    # A text that holds the delimiter moves what stands behind it.
    shifted = len(cells) > len(table.columns)
    number, sample = ("", "") if shifted else (cell("samplecod"), cell("sample"))
    return _Row(line, (klass, kind), read_stamp(cell("time")), cell("type"), number, sample)


def _take(row: _Row, found: Happened, codes: Codes, remarks: Remarks, member: str) -> None:
    found.seen.add(row.code)
    if row.at is not None:
        found.first, found.last = found.first or row.at, row.at
        found.times.setdefault(row.code, []).append((row.line, row.at))
    priority = codes.priority(row.code[0])
    if priority is not None:
        kind = codes.alarm_kind(*row.code)
        if kind is None:
            remarks.add(
                "unknown_alarm", row.line, Severity.INFO, member=member, code=f"{row.code[0]}/{row.code[1]}"
            )
        text = ": ".join(filter(None, (row.words, row.sample)))
        klass, code = str(row.code[0]), str(row.code[1])
        found.alarms.append(
            AlarmRow(code, klass, kind or "other", priority, text, row.at, None, None, row.line)
        )
        return
    if not codes.is_known_class(row.code[0]):
        remarks.add("unknown_class", row.line, Severity.WARNING, member=member, klass=str(row.code[0]))
    _event(row, found, codes, remarks, member)


def _event(row: _Row, found: Happened, codes: Codes, remarks: Remarks, member: str) -> None:
    name = codes.event(*row.code)
    if name is None:
        name = f"class_{row.code[0]}_type_{row.code[1]}"
        found.unknown.setdefault(f"{row.code[0]}/{row.code[1]}", row.line)
    number: Number | None = None
    if row.code == _PATIENT:
        if row.sample:
            found.patients.setdefault(row.sample, row.line)
    elif row.number:
        number = set_value(row.number, row.sample, codes.unit(*row.code), remarks, row.line, member)
    if number is not None and row.code in _FACTS:
        found.facts[_FACTS[row.code]] = NamedNumber(_FACTS[row.code], number, row.line)
    if row.code == _REMOVAL and row.at is not None and number is not None and number.value is not None:
        found.removal.append((row.at.local, number.value))
    if row.code == _THERAPY_CHOSEN and (START not in found.seen or found.therapy is None):
        match = _THERAPY.search(row.sample) or _THERAPY.search(row.words)
        found.therapy = match[1] if match else found.therapy
    shown = row.words if row.code in _PERSONAL else ": ".join(filter(None, (row.words, row.sample)))
    found.events.append(EventRow(name, shown, row.at, row.line, number))


def _remark_unknown(found: Happened, member: str, remarks: Remarks) -> None:
    if found.unknown:
        shown = ", ".join(sorted(found.unknown)[:20])
        remarks.add("unknown_events", min(found.unknown.values()), Severity.INFO, member=member, codes=shown)
