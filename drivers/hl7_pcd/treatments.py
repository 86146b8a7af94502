"""Which messages belong to which treatment."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from drivers.hl7_pcd.report import kind_of, reports_of

if TYPE_CHECKING:
    from datetime import datetime

    from drivers._remarks import Remarks
    from drivers.hl7_pcd.framing import Message
    from drivers.hl7_pcd.report import Report

# EUI-64 and start time: what a treatment's identity looks like.
_IDENTITY = re.compile(r"[0-9A-Fa-f]{16}\d{14}")


def is_identity(text: str) -> bool:
    """Say whether a text looks like the identity of a treatment: EUI-64 and start time."""
    return _IDENTITY.fullmatch(text) is not None


@dataclass(slots=True)
class Treatment:
    """The reports and alarm notices of one treatment on one machine, in the order of the file."""

    sender: str
    therapy: str
    reports: list[Report] = field(default_factory=list)


class Sorter:
    """Takes messages one by one and assigns each to its treatment.

    Attributes:
        ignored: how many messages belong to none, by reason.
    """

    def __init__(self, remarks: Remarks) -> None:
        self.ignored: Counter[str] = Counter()
        self._remarks = remarks
        self._reports: list[Report] = []
        self._seen: dict[tuple[str, str], bytes] = {}

    def take(self, message: Message) -> None:
        """Keep what a message reports."""
        kind = kind_of(message)
        if kind in {"answer", "other"}:
            self.ignored["acknowledgement" if kind == "answer" else "not_a_machine_report"] += 1
            return
        found = list(reports_of(message, kind))
        if not found:
            self._remarks.add("message_unreadable", message.header.line)
            self.ignored["not_a_machine_report"] += 1
        elif _came_before(message, self._seen, self._remarks):
            self.ignored["repeated_message"] += len(found)
        else:
            self._reports += found

    def treatments(self) -> list[Treatment]:
        """Return the treatments, in the order in which they were first heard of."""
        found = _by_identity(self._reports)
        for report in (r for r in self._reports if not _named(r)):
            _take_in(report, found, self._remarks, self.ignored)
        for treatment in found:
            treatment.reports.sort(key=lambda report: report.line)
            _settle_offsets(treatment, self._remarks)
        return found


def _take_in(report: Report, treatments: list[Treatment], remarks: Remarks, ignored: Counter[str]) -> None:
    """Place a report without a treatment's identity: an alarm has a number of its own, some reports none."""
    home = _home(report, treatments)
    if home is not None:
        home.reports.append(report)
    elif report.alarm:
        remarks.add("alarm_without_treatment", report.line)
        ignored["alarm_without_treatment"] += 1
    else:
        treatments.append(Treatment(report.sender, "", [report]))


def _came_before(message: Message, seen: dict[tuple[str, str], bytes], remarks: Remarks) -> bool:
    """Say whether the same bytes came before under the same number of the same sender."""
    header = message.header
    sender, number = header.fields[2] if len(header.fields) > 2 else "", header.text(10)  # noqa: PLR2004 - MSH-3
    if not number or (sender, number) not in seen:
        seen[sender, number] = message.digest
        return False
    if seen[sender, number] != message.digest:
        remarks.add("message_id_reused", header.line)
        return False
    return True


def _named(report: Report) -> bool:
    return is_identity(report.therapy) if report.alarm else bool(report.therapy)


def _by_identity(reports: list[Report]) -> list[Treatment]:
    found: dict[tuple[str, str], Treatment] = {}
    for report in filter(_named, reports):
        key = (report.sender, report.therapy)
        found.setdefault(key, Treatment(*key)).reports.append(report)
    return list(found.values())


def _home(report: Report, treatments: list[Treatment]) -> Treatment | None:
    """Return the one treatment of the same machine that the number names or the time falls into."""
    same = [t for t in treatments if t.sender == report.sender]
    named = [t for t in same if t.therapy == report.therapy or not (t.therapy or report.alarm)]
    fitting = named or [t for t in same if _within(report, t)]
    return fitting[0] if len(fitting) == 1 else None


def _within(report: Report, treatment: Treatment) -> bool:
    times = [_comparable(r) for r in treatment.reports if not r.alarm and r.at is not None]
    return bool(times) and report.at is not None and min(times) <= _comparable(report) <= max(times)


def _comparable(report: Report) -> datetime:
    at = report.at
    assert at is not None  # noqa: S101 - the callers have asked
    return at.local - timedelta(minutes=at.offset_min or 0)


def _settle_offsets(treatment: Treatment, remarks: Remarks) -> None:
    """Where one offset stands on all stamps that have one, the others have it too, and it is said."""
    stamps = [r.at for r in treatment.reports if r.at is not None]
    known = {s.offset_min for s in stamps if s.offset_min is not None}
    if len(known) == 0 or all(s.offset_min is not None for s in stamps):
        return
    for report in treatment.reports:
        if report.at is not None and report.at.offset_min is None:
            remarks.add("offset_missing", report.line)
            report.at = replace(report.at, offset_min=known.copy().pop()) if len(known) == 1 else None
