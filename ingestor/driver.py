"""The wall. A driver says what a file says; what it means is decided behind this wall.

A driver is found by the entry point group `ingestor.drivers`. It has no state: one file never influences
the next. It sees bytes and member names, never a path, a clock, a zone or a database.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ingestor.errors import ParseError
from ingestor.model import ColumnUse, Evidence, Finding, Ignored, Phase, Priority, Role, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from decimal import Decimal

    import numpy as np
    import numpy.typing as npt

__all__ = [
    "AlarmRow",
    "Bundle",
    "BundleKey",
    "Claim",
    "ColumnUse",
    "DeviceLog",
    "Driver",
    "EventRow",
    "Evidence",
    "Finding",
    "Ignored",
    "Member",
    "NamedNumber",
    "Number",
    "ParseError",
    "Phase",
    "PhaseRow",
    "Priority",
    "Role",
    "SampleBlock",
    "SampleColumn",
    "Severity",
    "Stamp",
    "StateColumn",
    "bundle_hash",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a bundle; `name` is for display and pairing only, never a path."""

    name: str
    data: bytes

    @property
    def sha256(self) -> str:
        """Hex digest of the bytes."""
        return hashlib.sha256(self.data).hexdigest()


def bundle_hash(members: list[tuple[str, str]]) -> str:
    """Return the identity of a source from its members' (name, sha256) pairs.

    One member: its own sum. Several: SHA-256 over the sorted lines `name NUL sha256 LF`, so that the order
    of members and the archive they travelled in do not matter.
    """
    if len(members) == 1:
        return members[0][1]
    lines = sorted(f"{name}\0{sha}\n" for name, sha in members)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Bundle:
    """The bytes of one export: one or more members that belong together."""

    members: tuple[Member, ...]

    @property
    def source(self) -> str:
        """The identity of these bytes, see `bundle_hash`."""
        return bundle_hash([(m.name, m.sha256) for m in self.members])


@dataclass(frozen=True, slots=True)
class BundleKey:
    """Says that a member belongs to a group of files.

    Attributes:
        stem: what the members of one bundle share.
        part: which of them this is.
        parts: all parts a whole bundle has.
    """

    stem: str
    part: str
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """A driver's answer to *is it mine*.

    Attributes:
        claims: yes or no, from content alone.
        reason: one plain sentence for a person.
        near_misses: what would have had to be different; filled when the content comes close, for example
            an unknown version of a known layout.
        code: refusal code for a near miss that is surely this layout, for example `unknown_version`.
    """

    claims: bool
    reason: str
    near_misses: tuple[str, ...] = ()
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Stamp:
    """A printed time. `local` is naive, dated by the driver (midnight resolved); steps back stay as printed.

    `offset_min` is the offset from UTC where the file prints one. `line` is where it was printed, if that is not
    the line of its record: it tells on which side of a change of the clocks it lies.
    """

    local: datetime
    text: str
    offset_min: int | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Number:
    """A printed number: its text always, its value only where it obeys the layout's strict grammar."""

    text: str
    unit: str
    value: Decimal | None


@dataclass(frozen=True, slots=True)
class NamedNumber:
    """A number with its canonical kind: a total or a fact of the header."""

    kind: str
    number: Number
    line: int


@dataclass(frozen=True, slots=True)
class PhaseRow:
    """A printed phase. `completed` None where the layout prints no status."""

    cycle: int
    position: str
    phase: Phase
    start: Stamp | None
    end: Stamp | None
    volume: Number | None
    completed: bool | None
    line: int


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """A printed alarm, its keep-alive repeats already folded into it."""

    code: str
    klass: str
    kind: str
    priority: Priority
    text: str
    onset: Stamp | None
    cleared: Stamp | None
    acknowledged: Stamp | None
    line: int


@dataclass(frozen=True, slots=True)
class EventRow:
    """A printed event or setting."""

    kind: str
    text: str
    at: Stamp | None
    line: int
    number: Number | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SampleColumn:
    """One sampled channel as printed: value = mantissa / 10**scale, exact.

    Attributes:
        channel: canonical channel id of `ingestor.quantity`, or None for a column nobody knows.
        printed: the column's heading.
        unit: the unit as printed or declared.
        mantissa: int64 array, one a row.
        scale: printed decimals.
        null: boolean array, True where there is no value.
    """

    channel: str | None
    printed: str
    unit: str
    mantissa: npt.NDArray[np.int64]
    scale: int
    null: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class StateColumn:
    """A sampled word, dictionary-coded: codes index words; -1 is no value."""

    name: str
    words: tuple[str, ...]
    codes: npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True, eq=False)
class SampleBlock:
    """Samples of one run as columns.

    Attributes:
        local_ms: naive wall clock, milliseconds since 1970-01-01, int64, in printed order.
        line: line numbers, int32.
        columns: sampled channels.
        states: sampled words.
        elapsed_s: the machine's own run-time counter in seconds (int64), None where it has none.
        segments: row indices at which the layout says that counters began again.
        offset_min: offset from UTC where the layout prints one, for all rows.
        member: where the rows stand; empty where it is the log's own member.
    """

    local_ms: npt.NDArray[np.int64]
    line: npt.NDArray[np.int32]
    columns: tuple[SampleColumn, ...]
    states: tuple[StateColumn, ...] = ()
    elapsed_s: npt.NDArray[np.int64] | None = None
    segments: tuple[int, ...] = ()
    offset_min: int | None = None
    member: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class DeviceLog:
    """One treatment as one device printed it.

    Attributes:
        version: version of the layout, as printed.
        maker, model, serial, software: the device as it names itself; maker is the profile's where the
            file has none.
        run_id: the machine's own number of this treatment, or None.
        patient: content of the patient field, or None. A number that the format itself marks as the
            machine's is left out.
        started, ended: printed times; a driver that has no printed start gives the first row's.
        end_reached: the layout's end mark was read and agreed with what stands before it.
        hold: code why this log must not count before a person has looked (a wrong checksum), or None.
        bench: a service run: no patient, no plasma.
        cycle_definition: "load" or "pair": what the printed total of cycles counts.
        columns, phases, alarms, events, totals, facts, samples: the rows.
        rows_read: number of data records read, ignored ones included.
        ignored: rows read and not yielded, by reason.
        findings: everything a person should know, unknown columns and codes included.
        member, line: where this treatment begins.
    """

    version: str
    role: Role
    maker: str
    model: str
    serial: str
    started: Stamp
    end_reached: bool
    rows_read: int
    member: str
    line: int = 1
    software: str = ""
    run_id: str | None = None
    patient: str | None = None
    ended: Stamp | None = None
    hold: str | None = None
    bench: bool = False
    cycle_definition: str = "load"
    columns: tuple[ColumnUse, ...] = ()
    phases: tuple[PhaseRow, ...] = ()
    alarms: tuple[AlarmRow, ...] = ()
    events: tuple[EventRow, ...] = ()
    totals: tuple[NamedNumber, ...] = ()
    facts: tuple[NamedNumber, ...] = ()
    samples: SampleBlock | None = None
    ignored: tuple[Ignored, ...] = ()
    findings: tuple[Finding, ...] = field(default=())


class Driver(Protocol):
    """Two verbs: *is it mine* and *read it*.

    Attributes:
        name: unique and lasting; stored with every revision.
        version: changes whenever `parse` gives another answer for the same bytes; a profile's carries its
            content hash.
        evidence: where the knowledge of the format comes from.
        roles: the roles of the devices whose exports it reads.

    A driver may also have `about`: by language (`de`, `en`) the texts `title`, `source`, `reads` and `leaves`,
    for people who look at the list of drivers.
    """

    name: str
    version: str
    evidence: Evidence
    roles: tuple[Role, ...]

    def bundle_key(self, member_name: str) -> BundleKey | None:
        """Return how this member pairs with others, or None for a layout of single files."""
        ...

    def claim(self, bundle: Bundle) -> Claim:
        """Look at the content and answer; cheap; never raises."""
        ...

    def parse(self, bundle: Bundle) -> Iterator[DeviceLog]:
        """Yield one log a treatment.

        Raises:
            ParseError: with member, line, expected and got.
        """
        ...
