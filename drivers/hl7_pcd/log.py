"""One treatment's messages as one log."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers._remarks import Remarks
from drivers.hl7_pcd import alarms, columns
from drivers.hl7_pcd.samples import SampleTable
from drivers.hl7_pcd.times import read_time
from drivers.hl7_pcd.values import is_number, number_of
from ingestor.driver import DeviceLog, EventRow, Ignored, NamedNumber, ParseError, Severity

if TYPE_CHECKING:
    from drivers.hl7_pcd.report import Report
    from drivers.hl7_pcd.terms import Codes
    from drivers.hl7_pcd.treatments import Treatment
    from ingestor.driver import Finding, Stamp

_MODE, _MACHINE_TIME = 158594, 158592
_IN_TREATMENT = "TX"
_SERVICE = frozenset({"SVC", "DIS", "IDL"})
_CLOCK_TOLERANCE_S = 60


@dataclass(frozen=True, slots=True)
class Span:
    """Where the treatment stands among its reports; `ended` False: no report out of treatment follows."""

    inside: tuple[Report, ...]
    outside: tuple[Report, ...]
    ended: bool
    bench: bool


def device_log(treatment: Treatment, codes: Codes, member: str, *, closed: bool | None) -> DeviceLog:
    """Return the log of one treatment.

    Args:
        treatment: its reports and alarm notices, in the order of the file.
        codes: what the terms mean at this site.
        member: name of the file.
        closed: the batch's trailers were read and agree; None for a file that is no batch.

    Raises:
        ParseError: no message of it has a readable time.
    """
    remarks = Remarks(member)
    reports = [r for r in treatment.reports if not r.alarm]
    timed = [r for r in reports if r.at is not None]
    first = next((r for r in treatment.reports if r.at is not None), None)
    if first is None or first.at is None:
        raise ParseError(
            member, treatment.reports[0].line, "a time in OBR-7 or MSH-7", "none that can be read"
        )
    device = _device(reports, codes)
    model = device["model"]
    span = _span(timed, codes, remarks)
    table = SampleTable(span.inside, codes, model, remarks)
    states = [(r.at, tuple(columns.column_states(r, codes, model, remarks))) for r in span.inside]
    ended = span.inside[-1].at if span.inside and (span.ended or closed) else None
    notices = [n for r in treatment.reports for n in alarms.notices(r, codes, remarks)]
    events, kept = _events(treatment.reports, codes, model, remarks)
    quiet = sum(id(r) not in kept for r in span.outside)
    ignored = Counter(outside_treatment=quiet, time_unreadable=len(reports) - len(timed))
    patient, hold = _patient(treatment, device["serial"], remarks)
    _remark_on_reports(treatment, codes, remarks)
    return DeviceLog(
        version="2.6",
        role=codes.role(model),
        maker=device["maker"],
        model=model or first.sender_name,
        serial=device["serial"] or treatment.sender,
        software=device["software"],
        started=(span.inside[0].at if span.inside else None) or first.at,
        ended=ended,
        end_reached=span.ended if closed is None else closed,
        rows_read=len(treatment.reports),
        member=member,
        line=treatment.reports[0].line,
        run_id=treatment.therapy or None,
        patient=patient,
        hold=hold,
        bench=span.bench,
        columns=columns.uses(state for _, found in states for state in found),
        phases=columns.phases([(at, found) for at, found in states if at], ended, remarks),
        alarms=alarms.fold(notices, codes, model, remarks),
        events=events,
        totals=table.totals() if span.ended or closed else (),
        facts=_facts(reports, codes, model),
        samples=table.block(),
        ignored=tuple(Ignored(reason, rows) for reason, rows in ignored.items() if rows),
        findings=remarks.findings(),
    )


def _span(reports: list[Report], codes: Codes, remarks: Remarks) -> Span:
    """Return the reports from the first in treatment to the first out of it after the last in it.

    A report that prints no mode stands in the mode of the one before it.
    """
    modes: list[str] = []
    for report in reports:
        printed = next((o.text.upper() for o in report.observations if codes.number(o.term) == _MODE), "")
        modes.append(printed or (modes[-1] if modes else ""))
    if not any(modes):
        if reports:
            remarks.add("mode_missing", reports[0].line)
        return Span(tuple(reports), (), ended=False, bench=False)
    inside = [i for i, mode in enumerate(modes) if mode == _IN_TREATMENT]
    if not inside:
        remarks.add("never_in_treatment", reports[0].line)
        bench = "SVC" in modes and all(mode in _SERVICE for mode in modes if mode)
        return Span((), tuple(reports), ended=False, bench=bench)
    first, last = inside[0], inside[-1]
    if any(mode != _IN_TREATMENT for mode in modes[first:last]):
        left = next(i for i in range(first, last) if modes[i] != _IN_TREATMENT)
        remarks.add("treatment_resumed", reports[left].line, Severity.INFO)
    ended = last + 1 < len(reports) and reports[last + 1].whole
    stop = min(last + 2, len(reports))
    return Span(tuple(reports[first:stop]), tuple(reports[:first] + reports[stop:]), ended, bench=False)


def _device(reports: list[Report], codes: Codes) -> dict[str, str]:
    found = dict.fromkeys(("maker", "model", "serial", "software"), "")
    for report in reports:
        for one in report.observations:
            meaning = codes.meaning(one.term, "")
            if meaning.kind == "device" and one.text and not found[meaning.name]:
                found[meaning.name] = one.text[:120]
        if all(found.values()):
            break
    return found


def _patient(treatment: Treatment, serial: str, remarks: Remarks) -> tuple[str | None, str | None]:
    """Return the one patient that all messages name, or the code why a person must look.

    A medical record number comes before a person number. Two numbers in one message are of two registers and
    name nobody; another number in another message may be another person.
    """
    for wanted in ("MR", "PN"):
        named: dict[str, int] = {}
        for report in treatment.reports:
            numbers = {n for kind, n in report.patients if kind == wanted}
            numbers = {n for n in numbers if not _is_machine(n, serial, treatment.sender)}
            if len(numbers) > 1:
                remarks.add("patient_ids_differ", report.line)
                return None, None
            for number in numbers:
                named.setdefault(number, report.line)
        if len(named) > 1:
            remarks.add("patient_changes", list(named.values())[1], Severity.ERROR)
            return None, "patient_changes"
        if named:
            return next(iter(named)), None
    return None, None


def _is_machine(number: str, serial: str, sender: str) -> bool:
    return number in {serial, sender} or (bool(serial) and number.endswith("/" + serial))


def _facts(reports: list[Report], codes: Codes, model: str) -> tuple[NamedNumber, ...]:
    """Return the first value of each fact: what was true when the treatment began."""
    found: dict[str, NamedNumber] = {}
    quiet = Remarks("")
    for report in reports:
        for one in report.observations:
            meaning = codes.meaning(one.term, model)
            if meaning.kind != "facts" or meaning.name in found:
                continue
            number = number_of(one, quiet)
            if number.text:
                found[meaning.name] = NamedNumber(meaning.name, number, one.line)
    return tuple(found.values())


def _events(
    reports: list[Report], codes: Codes, model: str, remarks: Remarks
) -> tuple[tuple[EventRow, ...], set[int]]:
    """Return every change of a word or a setting, and the ids of the reports that printed one."""
    rows: list[EventRow] = []
    last: dict[str, str] = {}
    kept: set[int] = set()
    for report in (r for r in reports if not r.alarm):
        for one in report.observations:
            meaning = codes.meaning(one.term, model)
            setting = meaning.kind == "setting" or (one.is_setting and meaning.kind != "events")
            if (
                not (setting or meaning.kind == "events")
                or not one.text
                or last.get(one.term.label) == one.text
            ):
                continue
            last[one.term.label] = one.text
            number = number_of(one, remarks) if is_number(one) else None
            at = read_time(one.time)[0] or report.at
            kind = meaning.name if meaning.kind == "events" else "setting"
            text = one.text if number is None else one.term.label
            rows.append(EventRow(kind, text, at, one.line, number))
            kept.add(id(report))
    return tuple(rows), kept


def _remark_on_reports(treatment: Treatment, codes: Codes, remarks: Remarks) -> None:
    for report in treatment.reports:
        for code, line in report.remarks:
            remarks.add(code, line)
        clock = next((o for o in report.observations if codes.number(o.term) == _MACHINE_TIME), None)
        if clock is not None and _differs(read_time(clock.text)[0], report.at):
            remarks.add("machine_clock_differs", clock.line)


def _differs(clock: Stamp | None, at: Stamp | None) -> bool:
    if clock is None or at is None:
        return False
    step = (clock.local - at.local).total_seconds()
    if clock.offset_min is not None and at.offset_min is not None:
        step -= (clock.offset_min - at.offset_min) * 60
    return abs(step) > _CLOCK_TOLERANCE_S


def with_leftovers(log: DeviceLog, rest: Counter[str], findings: tuple[Finding, ...]) -> DeviceLog:
    """Return the log with the messages and findings of the file that belong to no treatment."""
    from dataclasses import replace

    more = tuple(Ignored(reason, rows) for reason, rows in sorted(rest.items()) if rows)
    return replace(
        log,
        rows_read=log.rows_read + sum(rest.values()),
        ignored=log.ignored + more,
        findings=findings + log.findings,
    )
