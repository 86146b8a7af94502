"""Who, which machine, when: what stands once in a treatment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from drivers._stamps import read_moment
from drivers._text import Grammar, printed, whole_number
from drivers.profile.units_in_cells import apart
from drivers.profile.vocabulary import HEADER
from ingestor.driver import ColumnUse, EventRow, NamedNumber, Number, ParseError, Severity, Stamp
from ingestor.quantity import FACTS, TOTALS

if TYPE_CHECKING:
    from datetime import date

    from drivers.profile.raw import Printed, Raw
    from drivers.profile.spec import Field, Layout


@dataclass(frozen=True, slots=True)
class Header:
    """The header's values by name, each as printed, empty ones left out."""

    found: dict[str, Printed]

    def text(self, name: str) -> str:
        """Return a text, empty where it is not printed."""
        one = self.found.get(name)
        return printed(one.text) if one is not None else ""


def read_header(raw: Raw) -> Header:
    """Return the header; a value that is printed twice and differently holds the treatment."""
    found: dict[str, Printed] = {}
    for one in raw.header:
        if not one.text or one.text in raw.layout.empty:
            continue
        before = found.setdefault(one.name, one)
        if before.text != one.text:
            raw.hold = "header_contradicts"
            raw.notes.find("header_contradicts", one.line, Severity.ERROR, field=one.name)
    return Header(found)


def read_start(raw: Raw, header: Header) -> Stamp | None:
    """Return the printed start, None where it cannot be read."""
    one = header.found.get("started")
    stamp = _stamp(raw.layout, header, one.text) if one is not None else None
    if one is not None and stamp is None:
        raw.notes.find(
            "stamp_unreadable", one.line, Severity.ERROR, about="started", got=printed(one.text)[:80]
        )
    return stamp


def read_finish(raw: Raw, header: Header, start: Stamp) -> Stamp | None:
    """Return the printed end, None where there is none; a time without date is after the start."""
    one = header.found.get("ended")
    if one is None:
        return None
    stamp = _stamp(raw.layout, header, one.text, start)
    if stamp is None:
        raw.notes.find("stamp_unreadable", one.line, about="ended", got=printed(one.text)[:80])
    return stamp


def _stamp(layout: Layout, header: Header, text: str, start: Stamp | None = None) -> Stamp | None:
    moment = read_moment(text, layout.stamps)
    if moment is None or moment.ms is None:
        return None
    if moment.since_start:
        local = start.local + timedelta(milliseconds=moment.ms) if start is not None else None
    else:
        day = moment.day or _date(layout, header)
        local = (
            datetime.combine(day, datetime.min.time()) + timedelta(milliseconds=moment.ms) if day else None
        )
        if local is not None and start is not None and moment.day is None and local < start.local:
            local += timedelta(days=1)
    if local is None:
        return None
    dated = header.text("date") if moment.day is None and not moment.since_start else ""
    return Stamp(local, f"{dated} {text}".strip(" "), moment.offset_min)


def _date(layout: Layout, header: Header) -> date | None:
    one = header.found.get("date")
    moment = read_moment(one.text, layout.stamps) if one is not None else None
    return moment.day if moment is not None else None


def check_identity(raw: Raw, header: Header) -> None:
    """Refuse a treatment of which nobody can say on which machine it was."""
    declared = {name for b in raw.layout.blocks if b.rows in {"header", "runs"} for name in b.fields}
    if "serial" in declared and not header.text("serial"):
        raise ParseError(raw.member, raw.line, "a serial number of the machine", "none", "no_identity")


def read_numbers_of(raw: Raw, values: list[Printed], known: dict[str, object]) -> tuple[NamedNumber, ...]:
    """Return facts or sums; what cannot be believed has no value and a finding."""
    of_segment = {name for b in raw.layout.blocks if b.of_segment for name in b.fields}
    covered = {one.line for one in values if raw.restarts and one.name in of_segment}
    out = []
    for one in values:
        if one.name in known:
            number = number_of(raw, field_of(raw.layout, one.name), one.text, one.unit, one.line)
            if number is not None and one.name in TOTALS and one.line in covered:
                number = Number(number.text, number.unit, None)
                raw.notes.find("total_of_last_segment", one.line, Severity.INFO, total=one.name)
            if number is not None:
                out.append(NamedNumber(one.name, number, one.line))
    return tuple(out)


def facts_and_totals(raw: Raw) -> tuple[tuple[NamedNumber, ...], tuple[NamedNumber, ...]]:
    """Return what the machine recorded of the patient, and its own sums."""
    both = [*raw.header, *raw.totals]
    return read_numbers_of(raw, both, dict(FACTS)), read_numbers_of(raw, both, dict(TOTALS))


def field_of(layout: Layout, name: str) -> Field:
    """Return how a header or total field is printed."""
    blocks = [b for b in layout.blocks if b.rows in {"header", "totals", "runs"} and name in b.fields]
    return blocks[0].fields[name]


def number_of(raw: Raw, field: Field, text: str, unit: str, line: int) -> Number | None:
    """Return a printed number, None where the layout says that the cell is empty."""
    if not text or text in raw.layout.empty:
        return None
    if unit == "cell":
        text, unit = apart(text)
        unit = unit or "?"
    number = field.grammar.number(text, printed(unit))
    if number.value is None:
        raw.notes.find("value_not_believed", line, about=field.name, column=field.name, got=number.text[:80])
    return number


def header_column(raw: Raw, header: Header) -> ColumnUse | None:
    """Return the column that the header itself names, None where it names none."""
    if not any(header.text(name) for name in HEADER if name.startswith("column_")):
        return None
    use = whole_number(header.text("column_use"))
    moment = read_moment(header.text("column_expiry"), raw.layout.stamps)
    lines = [one.line for name, one in header.found.items() if name.startswith("column_")]
    return ColumnUse(
        position=header.text("column_position"),
        sequence=1,
        product=header.text("column_product"),
        serial=header.text("column_serial"),
        lot=header.text("column_lot"),
        use=use,
        expiry=moment.day if moment is not None else None,
        regenerable=raw.layout.regenerable,
        line=min(lines),
    )


def header_events(header: Header) -> tuple[EventRow, ...]:
    """Return what a header or a row of a sheet says beside numbers: a remark, a count of alarms."""
    out = []
    for name, kind in (("remark", "remark"), ("alarms", "alarm_count")):
        one = header.found.get(name)
        if one is not None:
            count = Grammar(signed=False).number(one.text, "1") if name == "alarms" else None
            out.append(EventRow(kind, printed(one.text), None, one.line, count))
    return tuple(out)
