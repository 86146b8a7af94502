"""From messages to what they report: one report or one alarm notice for every OBR, with its observations."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from drivers._text import whole_number
from drivers.hl7_pcd.terms import Term
from drivers.hl7_pcd.times import read_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drivers.hl7_pcd.framing import Message
    from drivers.hl7_pcd.segments import Segment
    from ingestor.driver import Stamp

ALARM = 196616
# The machine itself, its module, its mode of operation: other devices report by the same profile.
_MACHINE = frozenset({70929, 70934, 158594})
_SETTINGS = frozenset({"ASET", "MSET", "RSET"})
_REPORT_PROFILE = "IHE_PCD_001"


@dataclass(frozen=True, slots=True)
class Observation:
    """One OBX."""

    term: Term
    values: tuple[str, ...]
    repeated: bool
    units: tuple[str, ...]
    range: str
    flags: tuple[str, ...]
    status: str
    time: str
    provenance: str
    line: int

    @property
    def text(self) -> str:
        """The value: its first component, or the only one that holds anything."""
        filled = [value for value in self.values if value]
        return self.values[0] if self.values and self.values[0] else (filled[0] if len(filled) == 1 else "")

    @property
    def misplaced(self) -> bool:
        """The value stands in another component than the first."""
        return bool(self.text) and not (self.values and self.values[0])

    @property
    def is_setting(self) -> bool:
        """A set point, not an actual value."""
        return self.provenance in _SETTINGS

    @property
    def coded(self) -> Term:
        """The value as a code."""
        return term_of(self.values)


@dataclass(slots=True)
class Report:
    """One OBR with what follows it.

    Attributes:
        whole: nothing can be missing at the end of its message.
        sender: EUI-64 of the machine, else its name as printed.
        therapy: the run's identity as printed, empty where there is none.
        patients: (type, number) of every patient number; the machine's own number is not among them.
        at: OBX times apart, the time of all observations.
    """

    whole: bool
    alarm: bool
    sender: str
    sender_name: str
    therapy: str
    line: int
    at: Stamp | None
    remarks: list[tuple[str, int]] = field(default_factory=list)
    patients: tuple[tuple[str, str], ...] = ()
    observations: list[Observation] = field(default_factory=list)


@lru_cache(maxsize=8192)
def term_of(components: tuple[str, ...]) -> Term:
    """Return a coded value: number, name, system."""
    first, second = (*components, "", "")[:2]
    number = whole_number(first)
    return Term(number or 0, second or ("" if number is not None else first))


def kind_of(message: Message) -> str:
    """Return `report`, `alarm`, `answer` or `other`, from the message's type, profile and order."""
    header = message.header
    kind, trigger = header.text(9, 1), header.text(9, 2)
    if kind in {"ACK", "ORA", "RSP", "QBP", "MCF"} or any(s.name == "MSA" for s in message.segments):
        return "answer"
    if kind != "ORU":
        return "other"
    if trigger == "R40":
        return "alarm"
    orders = [s for s in message.segments if s.name == "OBR"]
    codes = [term_of(order.components(4)) for order in orders]
    if _REPORT_PROFILE in {one[0] for one in header.repetitions(21)}:
        codes += [term_of(s.components(3)) for s in message.segments if s.name == "OBX"]
    ours = any(c.number in _MACHINE or c.name == "MDC_DEV_HDIALY_MACHINE_MDS" for c in codes)
    return "report" if trigger == "R01" and orders and ours else "other"


def reports_of(message: Message, kind: str) -> Iterator[Report]:
    """Yield one report for every OBR of a message."""
    patients: tuple[tuple[str, str], ...] = ()
    remarks: list[tuple[str, int]] = []
    report: Report | None = None
    for segment in message.segments:
        if segment.name == "PID":
            patients, remarks = _patients(segment)
        elif segment.name == "OBR":
            if report is not None:
                yield report
            report = _report(message, segment, alarm=kind == "alarm")
            report.patients = patients
            report.remarks += remarks
        elif segment.name == "OBX" and report is not None:
            report.observations.append(_observation(segment))
    if report is not None:
        yield report


def _report(message: Message, order: Segment, *, alarm: bool) -> Report:
    header = message.header
    sender = order.text(3, 3) or header.text(3, 2) or header.text(3, 1)
    report = Report(message.whole, alarm, sender, header.text(3, 1), order.text(3, 1), order.line, None)
    for segment, number in ((order, 7), (header, 7)):
        at, remark = read_time(segment.text(number))
        if remark:
            report.remarks.append((remark, segment.line))
        report.at = report.at or at
    return report


def _patients(segment: Segment) -> tuple[tuple[tuple[str, str], ...], list[tuple[str, int]]]:
    """Return the patient numbers; type U is the machine's own, an unknown type is remarked and not used."""
    found: list[tuple[str, str]] = []
    remarks: list[tuple[str, int]] = []
    for one in segment.repetitions(3):
        number, kind = one[0].strip("\"' "), one[4] if len(one) > 4 else ""  # noqa: PLR2004 - CX-5, type code
        if kind in {"MR", "PN"} and number:
            found.append((kind, number))
        elif kind != "U" and number:
            remarks.append(("patient_id_type", segment.line))
    return tuple(found), remarks


def _observation(segment: Segment) -> Observation:
    values = segment.repetitions(5)
    flags = tuple(part for one in segment.repetitions(8) for c in one for part in c.split())
    return Observation(
        term=term_of(segment.components(3)),
        values=values[0] if values else (),
        repeated=len(values) > 1,
        units=segment.components(6),
        range=segment.text(7),
        flags=flags,
        status=segment.text(11),
        time=segment.text(14),
        provenance=segment.text(17),
        line=segment.line,
    )
