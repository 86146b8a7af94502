"""The nouns of the house, normalised: canonical channels and units, UTC instants, frozen.

Every fact carries where it came from: `line` counts from 1 in the member named beside it.
"""

from __future__ import annotations

# Types are imported for real: the walls of processes turn these classes into JSON and back by their annotations.
from dataclasses import dataclass, field
from datetime import date, datetime  # noqa: TC003
from decimal import Decimal  # noqa: TC003
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingestor.trace import Trace


class Evidence(StrEnum):
    """Where a driver's knowledge of its format comes from."""

    SPECIFIED = "specified"
    OBSERVED = "observed"
    DECLARED = "declared"


class Role(StrEnum):
    """What a device does in a treatment."""

    ADSORBER = "adsorber"
    SEPARATOR = "separator"
    COMBINED = "combined"


class Phase(StrEnum):
    """Canonical phases of a column cycle. Only `LOAD` volume is dose."""

    PRIME = "prime"
    LOAD = "load"
    PLASMA_RETURN = "plasma_return"
    ELUTE = "elute"
    NEUTRALISE = "neutralise"
    RECONDITION = "recondition"
    SWITCH = "switch"
    RINSEBACK = "rinseback"
    STORAGE_FILL = "storage_fill"


class Priority(StrEnum):
    """Priority of an alarm."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"
    UNKNOWN = "unknown"


class Severity(StrEnum):
    """How much a finding matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class TimeMethod(StrEnum):
    """How an instant was resolved from what the machine printed."""

    OFFSET_IN_FILE = "offset_in_file"
    ZONE = "zone"
    ZONE_AMBIGUOUS = "zone_ambiguous"
    ZONE_NONEXISTENT = "zone_nonexistent"
    ELAPSED_COUNTER = "elapsed_counter"
    CLOCK_JUMP = "clock_jump"


class Status(StrEnum):
    """What became of a submission or of one run of it, from the weakest to the strongest."""

    QUEUED = "queued"
    PREVIEW = "preview"
    REFUSED = "refused"
    DUPLICATE = "duplicate"
    WAITING = "waiting"
    STORED = "stored"
    SUPERSEDED = "superseded"
    HELD = "held"


class DoseStatus(StrEnum):
    """May this dose be used?"""

    FINAL = "final"
    PROVISIONAL = "provisional"
    WITHHELD = "withheld"
    BENCH = "bench"


@dataclass(frozen=True, slots=True)
class DriverStamp:
    """Which reading of a format this is; stored with every revision."""

    name: str
    version: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Instant:
    """A time as printed and as resolved.

    Attributes:
        local: the machine's wall clock, naive.
        utc: the instant, aware, in UTC.
        method: how one became the other.
    """

    local: datetime
    utc: datetime
    method: TimeMethod


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a person should know about a source; `code` is a key of `ingestor.phrases`.

    `params` fill the phrase. They may quote the file, so they are shown, but never logged.
    """

    code: str
    severity: Severity = Severity.WARNING
    member: str = ""
    line: int = 0
    params: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Device:
    """One machine as it names itself."""

    maker: str
    model: str
    serial: str
    software: str = ""


@dataclass(frozen=True, slots=True)
class ColumnUse:
    """A column in a run."""

    position: str
    sequence: int
    product: str = ""
    serial: str = ""
    lot: str = ""
    use: int | None = None
    expiry: date | None = None
    regenerable: bool | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class PhaseSpan:
    """One phase of one cycle of one column."""

    index: int
    cycle: int
    position: str
    phase: Phase
    start: Instant | None
    end: Instant | None
    volume_ml: Decimal | None
    volume_raw: str
    completed: bool | None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Cycle:
    """One load of one column."""

    index: int
    position: str
    start: Instant | None
    end: Instant | None
    load_ml: Decimal | None
    completed: bool | None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Alarm:
    """One occurrence of an alarm; `onset` None: the alarm was already on when the record began."""

    index: int
    code: str
    klass: str
    kind: str
    priority: Priority
    text: str
    onset: Instant | None
    cleared: Instant | None
    acknowledged: Instant | None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """A setting change or an operator's action."""

    index: int
    at: Instant | None
    kind: str
    text: str
    value: Decimal | None = None
    unit: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Total:
    """A sum that the machine printed itself.

    Kinds: the keys of `ingestor.quantity.TOTALS`.
    """

    kind: str
    value: Decimal | None
    unit: str
    raw: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Fact:
    """A value about the patient or the set-up that the machine recorded.

    Kinds: weight [kg], hematocrit [1], height [cm], ac_ratio [1].
    """

    kind: str
    value: Decimal | None
    unit: str
    raw: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Ignored:
    """Rows read and deliberately not stored."""

    reason: str
    rows: int


@dataclass(frozen=True, slots=True)
class Run:
    """What one device recorded between start and end of one treatment, normalised.

    Attributes:
        printed_id: the machine's own number of the treatment; None where it has none.
        patient_printed: what stands in the patient field. Personal data: never logged.
        complete: the layout's end was reached and nothing before it is missing.
        hold: code why a person must decide before this run counts; None usually.
        rows_read: data records of this run in the source (samples, cycles, alarms, events, totals, rows).
        ignored: of these, what is not stored; stored = rows_read - sum(ignored).
        cycle_definition: whether printed cycle totals count loads or A+B pairs.
        segments: indices into the trace where the machine's counters began again.
    """

    layout: str
    layout_version: str
    device: Device
    role: Role
    printed_id: str | None
    patient_printed: str | None
    started: Instant
    ended: Instant | None
    complete: bool
    zone: str
    member: str
    rows_read: int
    hold: str | None = None
    bench: bool = False
    cycle_definition: str = "load"
    facts: tuple[Fact, ...] = ()
    columns: tuple[ColumnUse, ...] = ()
    phases: tuple[PhaseSpan, ...] = ()
    cycles: tuple[Cycle, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    events: tuple[Event, ...] = ()
    totals: tuple[Total, ...] = ()
    trace: Trace | None = None
    segments: tuple[int, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Measurement:
    """A measured value of a patient. Kinds: weight, height, hematocrit, igg, iga, igm..."""

    kind: str
    value: Decimal
    unit: str
    at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Person:
    """What a dose needs to know of a patient; no name, no identifier.

    Attributes:
        sex: "female", "male" or None where unknown.
        measurements: all of them; the dose picks by age.
    """

    id: str
    sex: str | None = None
    birth_year: int | None = None
    measurements: tuple[Measurement, ...] = ()
