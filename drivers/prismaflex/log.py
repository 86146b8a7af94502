"""One treatment's members as one log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from drivers._text import whole_number
from drivers.prismaflex import samples
from drivers.prismaflex.balance import off_balance
from drivers.prismaflex.events import END, START, STOP, UNLOAD, read_events, read_stamp
from drivers.prismaflex.members import EVENTS, PRESSURES, VOLUMES
from drivers.prismaflex.tables import read_table
from ingestor.driver import DeviceLog, Ignored, ParseError, Role, Severity

if TYPE_CHECKING:
    from datetime import datetime

    from drivers._remarks import Remarks
    from drivers.prismaflex.codes import Codes
    from drivers.prismaflex.events import Happened
    from drivers.prismaflex.members import Family
    from drivers.prismaflex.samples import Series
    from drivers.prismaflex.tables import Table
    from ingestor.driver import Stamp

_MINUTE = timedelta(minutes=1)
# Clocks are set during treatments; a member of another treatment lies further away.
_CLOCK = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class _Read:
    """The tables that are used, and how many rows were left out for which reason."""

    tables: dict[str, Table]
    repeated: int
    foreign: int


def device_log(family: Family, codes: Codes, remarks: Remarks) -> DeviceLog:
    """Return the log of one treatment.

    Raises:
        ParseError: the event member is missing or ends before the start, so that nobody could know the
            treatment again; or a member's columns are not those of this layout.
    """
    read = _read(family, remarks)
    events = read.tables.get(EVENTS)
    if events is None:
        name = next(iter(family.parts.values())).name
        raise ParseError(name, 0, "an event member (.PLE or E.TXT)", "none with rows", "no_identity")
    remarks.member = events.name
    found = read_events(events, codes, remarks)
    volumes = _series(read.tables.get(VOLUMES), samples.VOLUMES, remarks)
    pressures = _series(read.tables.get(PRESSURES), samples.PRESSURES, remarks)
    started = _started(found, events, remarks)
    ended = _ended(found)
    plasma = _plasma(found, codes, remarks)
    if volumes is not None and (wrong := off_balance(volumes, found.removal)):
        remarks.add("balance_wrong", wrong[0], member=volumes.name, wrong=str(len(wrong)))
    whole = _is_whole(read, family, found, (volumes, pressures), remarks)
    serial = next((s for t in read.tables.values() if (s := t.header.get("monitorid"))), "")
    if not serial:
        raise ParseError(events.name, 1, "the machine's number (MonitorID)", "none", "no_identity")
    patient, hold = _patient(found, serial, remarks)
    reasons = {
        "row_unreadable": found.ignored + sum(t.malformed for t in read.tables.values()),
        "time_unreadable": sum(s.untimed for s in (volumes, pressures) if s is not None),
        "repeated_row": read.repeated,
        "member_foreign": read.foreign,
    }
    rows = sum(len(t.rows) + t.malformed for t in read.tables.values())
    return DeviceLog(
        version=events.header.get("swversion", f"{family.generation}.x"),
        role=Role.COMBINED,
        maker="Baxter",
        model="Prismaflex",
        serial=serial[:120],
        software=events.header.get("swversion", ""),
        started=started,
        ended=ended,
        end_reached=whole and bool({END, UNLOAD} & found.seen),
        rows_read=rows + read.repeated + read.foreign,
        member=events.name,
        line=events.rows[0][0],
        patient=patient,
        hold=hold,
        alarms=tuple(found.alarms),
        events=tuple(found.events),
        facts=tuple(found.facts.values()),
        samples=samples.block(volumes, pressures, plasma=plasma),
        ignored=tuple(Ignored(reason, count) for reason, count in reasons.items() if count),
        findings=remarks.findings(),
    )


def _read(family: Family, remarks: Remarks) -> _Read:
    tables: dict[str, Table] = {}
    repeated = 0
    for kind, part in family.parts.items():
        table = read_table(part.name, part.data, remarks, whole=part.whole)
        if table is None or not table.rows:
            remarks.add("member_empty", member=part.name)
            continue
        tables[kind] = _without_repeats(table, remarks)
        repeated += len(table.rows) - len(tables[kind].rows)
    foreign = 0
    for kind in (PRESSURES, VOLUMES):
        if kind in tables and EVENTS in tables and _is_foreign(tables[kind], tables[EVENTS], remarks):
            other = tables.pop(kind)
            foreign += len(other.rows) + other.malformed
    return _Read(tables, repeated, foreign)


def _without_repeats(table: Table, remarks: Remarks) -> Table:
    """Return the rows without those that stand there twice; the index is the key, and its gaps are remarked."""
    kept: list[tuple[int, tuple[str, ...]]] = []
    numbers: dict[int, tuple[str, ...]] = {}
    last: int | None = None
    for line, cells in table.rows:
        number = whole_number(cells[0])
        if number is not None and numbers.get(number) == cells:
            remarks.add("repeated_row", line, Severity.INFO, member=table.name)
            continue
        if number is not None:
            if number in numbers:
                remarks.add("index_twice", line, member=table.name)
            elif last is not None and number > last + 1:
                remarks.add("index_gap", line, member=table.name, missing=str(number - last - 1))
            numbers.setdefault(number, cells)
            last = number
        kept.append((line, cells))
    return replace(table, rows=tuple(kept))


def _is_foreign(side: Table, events: Table, remarks: Remarks) -> bool:
    """Say whether a member is another machine's or another treatment's: its stem alone proves nothing."""
    mine, its = events.header.get("monitorid"), side.header.get("monitorid")
    apart = bool(mine and its and mine != its)
    spans = [_span(table) for table in (side, events)]
    if not apart and all(span is not None for span in spans):
        (first, last), (begin, end) = (span for span in spans if span is not None)
        apart = last < begin - _CLOCK or first > end + _CLOCK
    if apart:
        remarks.add("member_foreign", member=side.name)
    return apart


def _span(table: Table) -> tuple[datetime, datetime] | None:
    time = table.place("time") or 1
    times = [stamp.local for _, cells in table.rows if (stamp := read_stamp(cells[time])) is not None]
    return (min(times), max(times)) if times else None


def _series(table: Table | None, channels: dict[str, str], remarks: Remarks) -> Series | None:
    return None if table is None else samples.read_series(table, channels, remarks)


def _started(found: Happened, events: Table, remarks: Remarks) -> Stamp:
    if starts := found.times.get(START):
        return starts[0][1]
    if found.first is None or not events.whole:
        expected, got = "the start of the treatment (class 8, type 16)", "none before the file ends"
        raise ParseError(events.name, events.rows[-1][0], expected, got, "no_identity")
    remarks.add("never_in_treatment", events.rows[0][0], Severity.INFO)
    return found.first


def _end_mark(found: Happened) -> tuple[int, Stamp] | None:
    """The end printed after the last start, None where there is none."""
    last_start = found.times.get(START, [(0, None)])[-1][0]
    return next((end for end in reversed(found.times.get(END, [])) if end[0] > last_start), None)


def _ended(found: Happened) -> Stamp | None:
    end = _end_mark(found)
    return found.last if end is None else end[1]


def _plasma(found: Happened, codes: Codes, remarks: Remarks) -> bool:
    """Say whether plasma is removed; no export of a plasma exchange has been seen, so that is an assumption."""
    if found.therapy is not None and codes.removes_plasma(found.therapy):
        remarks.add("plasma_assumed", 0, therapy=found.therapy)
        return True
    remarks.add("no_plasma_therapy", 0, Severity.INFO, therapy=found.therapy or "?")
    return False


def _is_whole(
    read: _Read,
    family: Family,
    found: Happened,
    sides: tuple[Series | None, Series | None],
    remarks: Remarks,
) -> bool:
    whole = True
    for kind in (EVENTS, PRESSURES, VOLUMES):
        if kind not in family.parts:
            remarks.add("member_missing", 0, kind=kind)
        whole = whole and kind in read.tables and read.tables[kind].whole
    stop = _last_flow(found)
    for series in sides:
        if stop is not None and series is not None and series.times and series.times[-1] < stop - _MINUTE:
            remarks.add("member_ends_early", series.lines[-1], member=series.name)
            whole = False
    return whole


def _last_flow(found: Happened) -> datetime | None:
    """Until when rows of every minute are due: the last stop before the end, else the end."""
    end = _end_mark(found)
    last_start = found.times.get(START, [(0, None)])[-1][0]
    until = end[0] if end is not None else float("inf")
    stops = [stop for line, stop in found.times.get(STOP, []) if last_start < line < until]
    if stops:
        return stops[-1].local
    return None if end is None else end[1].local


def _patient(found: Happened, serial: str, remarks: Remarks) -> tuple[str | None, str | None]:
    """Return the one number typed, or the code why a person must look."""
    typed = {number: line for number, line in found.patients.items() if number != serial}
    if len(typed) > 1:
        remarks.add("patient_changes", list(typed.values())[1], Severity.ERROR)
        return None, "patient_changes"
    return next(iter(typed), None), None
