"""What goes into a session's dose and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from decimal import Decimal

    from ingestor.meaning.columns import Concern
    from ingestor.meaning.measured import RunFigures
    from ingestor.model import DoseStatus


@dataclass(frozen=True, slots=True)
class Part:
    """One run of a session: its figures and where they come from.

    Attributes:
        run: identity of the run.
        accepted: the site has accepted this driver for this model of device.
        source: SHA-256 of the current revision's source.
    """

    run: str
    figures: RunFigures
    device: str
    device_model: str
    device_serial: str
    driver: str
    driver_version: str
    evidence: str
    source: str
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """A person decided which reading of a withheld dose counts.

    Attributes:
        reading: reported, cycles, counter or integrated.
        readings: the readings as that person saw them [mL]; where they have changed since, the decision no
            longer holds.
    """

    reading: str
    by: str
    reason: str
    at: datetime
    readings: Mapping[str, Decimal | None]


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known of a session beside its runs.

    Attributes:
        decision: a person's on the readings, if any.
        reasons: codes from grouping, linking and revisions that keep this dose from being final.
        bench: the device is marked as standing on a bench.
        columns: what is wrong with the columns of the session.
    """

    decision: Decision | None = None
    reasons: tuple[str, ...] = ()
    bench: bool = False
    columns: tuple[Concern, ...] = ()


@dataclass(frozen=True, slots=True)
class Input:
    """A value that went into the dose, with its time and source; `age_days` at the session's start."""

    kind: str
    value: Decimal
    unit: str
    at: datetime | None
    source: str
    age_days: float | None = None


@dataclass(frozen=True, slots=True)
class Dose:
    """What a session delivered. Volumes [mL], None is unknown and `missing` says why."""

    started_at: datetime
    ended_at: datetime | None
    started_local: datetime
    time_method: str
    device: str
    device_model: str
    device_serial: str
    role: str
    driver: str
    driver_version: str
    evidence: str
    status: DoseStatus
    status_reasons: tuple[str, ...]
    processed_plasma_ml: Decimal | None
    processed_plasma_reading: str | None
    reported_ml: Decimal | None
    cycles_ml: Decimal | None
    counter_ml: Decimal | None
    integrated_ml: Decimal | None
    agreement: str | None
    max_disagreement: Decimal | None
    native_plasma_ml: Decimal | None
    plasma_volume_ml: Decimal | None
    plasma_volume_formula: str | None
    pv_multiple: Decimal | None
    plasma_ml_per_kg: Decimal | None
    weight_kg: Decimal | None
    height_cm: Decimal | None
    hematocrit: Decimal | None
    cycles_completed: int | None
    cycles_aborted: int | None
    plasma_per_cycle_min_ml: Decimal | None
    plasma_per_cycle_mean_ml: Decimal | None
    plasma_per_cycle_max_ml: Decimal | None
    blood_processed_ml: Decimal | None
    ac_volume_ml: Decimal | None
    connected_min: Decimal | None
    loading_min: Decimal | None
    interrupted_min: Decimal | None
    interruptions: int | None
    mean_plasma_flow_ml_min: Decimal | None
    alarms_high: int
    alarms_medium: int
    alarms_low: int
    alarms_info: int
    alarms_unknown: int
    alarm_min: Decimal | None
    complete: bool
    method: str
    sources: tuple[str, ...]
    detail: dict[str, Any]
