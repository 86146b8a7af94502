"""Everything the dose needs to know of one run; measured once, when the run is read, and kept beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from ingestor.meaning.policy import Limits
    from ingestor.model import Run


@dataclass(frozen=True, slots=True)
class ColumnFigures:
    """What one column did in one run."""

    position: str
    sequence: int
    product: str
    serial: str
    lot: str
    use: int | None
    cycles_completed: int | None
    cycles_aborted: int | None
    load_ml: Decimal | None


@dataclass(frozen=True, slots=True)
class RunFigures:
    """One run in numbers. Volumes [mL], times UTC; None is unknown, and `missing` says why.

    Attributes:
        readings: the four readings of processed plasma: reported, cycles, counter, integrated [mL].
        integrated_gap_s: time of missing data within the integrated reading [s].
        load_volumes: volumes of the completed loads, in order [mL].
        spans: stretches [start, end) in which plasma was loaded.
        alarm_spans: by occurrence; the end is the run's where the machine printed none.
        alarms: occurrences by priority.
        facts: weight [kg], height [cm], hematocrit [1], ac_ratio [1] as the machine recorded them.
        missing: field -> reason code.
        notes: codes that the dose must carry.
    """

    role: str
    complete: bool
    bench: bool
    started: datetime
    started_local: datetime
    time_method: str
    ended: datetime | None
    readings: dict[str, Decimal | None]
    integrated_gap_s: Decimal
    plasma_removed_ml: Decimal | None
    blood_processed_ml: Decimal | None
    ac_volume_ml: Decimal | None
    cycles_completed: int | None
    cycles_aborted: int | None
    load_volumes: tuple[Decimal, ...]
    load_span: tuple[datetime, datetime] | None
    loading_s: Decimal | None
    interrupted_s: Decimal | None
    interruptions: int | None
    alarms: dict[str, int]
    alarm_spans: tuple[tuple[datetime, datetime], ...]
    columns: tuple[ColumnFigures, ...]
    facts: dict[str, Decimal]
    missing: dict[str, str]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON values; numbers as text, so that none is rounded."""
        raise NotImplementedError

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> RunFigures:
        """Read back what `to_json` wrote."""
        raise NotImplementedError


def run_figures(run: Run, limits: Limits | None = None) -> RunFigures:
    """Measure one run, its trace included."""
    raise NotImplementedError
