"""Alarms of a treatment: notices and keep-alives folded into occurrences.

Source: IHE PCD technical framework, volume 2, PCD-04; ISO/IEEE 11073-10101 for phases and states.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from drivers.hl7_pcd.report import ALARM
from drivers.hl7_pcd.terms import EVENTS
from drivers.hl7_pcd.times import read_time
from ingestor.driver import AlarmRow, Priority, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from drivers._remarks import Remarks
    from drivers.hl7_pcd.report import Observation, Report
    from drivers.hl7_pcd.terms import Codes
    from ingestor.driver import Stamp

_LIMITS = (196648, 196670)
_SOURCE, _PHASE, _STATE, _INACTIVATION = 68480, 68481, 68482, 68483
_PRIORITY = {
    "PH": Priority.HIGH, "PM": Priority.MEDIUM, "PL": Priority.LOW, "PI": Priority.INFO, "PN": Priority.INFO,
}  # fmt: skip
# What a report prints of an event beside the phases of PCD-04: true or false.
_SWITCH = {"T": "on", "F": "end", "TRUE": "on", "FALSE": "end"}
_PHASES = frozenset({"start", "continue", "end", "on"})
_OFF = frozenset({"off", "inactive"})


@dataclass(frozen=True, slots=True)
class Notice:
    """One printed word on one alarm.

    Attributes:
        source: code of what is alarmed on; `code` shows it, or its name where it has no number.
        phase: start, continue, end, or on where neither start nor repeat is said.
        switch: an event among the values of a report, on or off in every one of them.
    """

    event: int
    source: int
    code: str
    phase: str
    at: Stamp | None
    priority: Priority
    text: str
    line: int
    acknowledged: bool = False
    switch: bool = False


def notices(report: Report, codes: Codes, remarks: Remarks) -> Iterator[Notice]:
    """Yield what one message says about alarms; a report may carry events among its values."""
    if report.alarm:
        notice = _notice(report, codes, remarks)
        if notice is not None:
            yield notice
        return
    for one in report.observations:
        number = codes.number(one.term)
        phase = _SWITCH.get(one.text.upper(), one.text.lower())
        if number in EVENTS and phase in _PHASES:
            at = read_time(one.time)[0] or report.at
            text, priority = one.term.label, _priority(one)
            yield Notice(ALARM, number, str(number), phase, at, priority, text, one.line, switch=True)


def _notice(report: Report, codes: Codes, remarks: Remarks) -> Notice | None:
    found = {codes.number(o.term): o for o in reversed(report.observations)}
    head = next((o for o in report.observations if _is_head(codes.number(o.term))), None)
    if head is None:
        remarks.add("alarm_without_code", report.line)
        return None
    event, source = codes.number(head.term), codes.number(head.coded)
    label = head.coded.label
    if event not in _LIMITS and event != ALARM:
        event, source, label = ALARM, event, head.term.label
    elif event == ALARM and not source and _SOURCE in found:
        source, label = codes.number(found[_SOURCE].coded), found[_SOURCE].coded.label
    phase = found[_PHASE].text.lower() if _PHASE in found else ""
    state = found[_STATE].text.lower() if _STATE in found else ""
    if phase not in _PHASES:
        if phase:
            remarks.add("alarm_phase_unknown", found[_PHASE].line, phase=phase)
        phase = "end" if state in _OFF else "on"
    acknowledged = _INACTIVATION in found and found[_INACTIVATION].text.lower() == "alert-acknowledged"
    at = read_time(head.time)[0] or report.at
    text = " ".join(filter(None, (head.term.label, label, _measured(found.get(source)))))
    code = str(source) if source else label
    return Notice(event, source, code, phase, at, _priority(head), text, head.line, acknowledged)


def _is_head(number: int) -> bool:
    return number in EVENTS


def _measured(value: Observation | None) -> str:
    if value is None or not value.text:
        return ""
    unit = value.units[0] if value.units else ""
    limits = f"({value.range})" if value.range else ""
    return " ".join(filter(None, (value.text, unit, limits)))


def _priority(observation: Observation) -> Priority:
    return next((_PRIORITY[flag] for flag in observation.flags if flag in _PRIORITY), Priority.UNKNOWN)


def fold(said: Iterable[Notice], codes: Codes, model: str, remarks: Remarks) -> tuple[AlarmRow, ...]:
    """Return one row an occurrence, in the order in which they were first heard of."""
    rows: list[AlarmRow] = []
    running: dict[tuple[int, str], int] = {}
    seen_off: set[tuple[int, str]] = set()
    for notice in said:
        key = (notice.event, notice.code)
        if notice.switch and notice.phase == "end" and key not in running:
            seen_off.add(key)
            continue
        index = running.get(key)
        if index is not None and _began_again(rows[index], notice):
            remarks.add("alarm_end_missing", notice.line, Severity.INFO, code=notice.code)
            index = None
        if index is None:
            began = notice.phase == "start" or (notice.phase == "on" and key in seen_off)
            rows.append(_row(notice, notice.at if began else None, codes, model, remarks))
            index = running[key] = len(rows) - 1
        rows[index] = _further(rows[index], notice)
        if notice.phase == "end":
            del running[key]
            seen_off.add(key)
    return tuple(rows)


def _further(row: AlarmRow, notice: Notice) -> AlarmRow:
    if notice.acknowledged and row.acknowledged is None:
        row = replace(row, acknowledged=_printed_at(notice))
    if row.priority is Priority.UNKNOWN:
        row = replace(row, priority=notice.priority)
    return replace(row, cleared=_printed_at(notice)) if notice.phase == "end" else row


def _printed_at(notice: Notice) -> Stamp | None:
    return None if notice.at is None else replace(notice.at, line=notice.line)


def _began_again(row: AlarmRow, notice: Notice) -> bool:
    """A second start at another time: the end of the first was never sent."""
    if notice.phase != "start" or row.onset is None or notice.at is None:
        return False
    return row.onset.local != notice.at.local


def _row(notice: Notice, onset: Stamp | None, codes: Codes, model: str, remarks: Remarks) -> AlarmRow:
    kind = codes.alarm_kind(notice.event, notice.source, model)
    if kind is None:
        remarks.add("unknown_alarm", notice.line, code=f"{notice.event}/{notice.code}")
    return AlarmRow(
        code=notice.code, klass=str(notice.event), kind=kind or "other", priority=notice.priority,
        text=notice.text, onset=onset, cleared=None, acknowledged=None, line=notice.line,
    )  # fmt: skip
