"""What is decided before a treatment begins: machine, patient, columns, flows, clock."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

if TYPE_CHECKING:
    from simulators.clock import Clock
    from simulators.columns import Column
    from simulators.layout import Dose
    from simulators.patient import Patient


@dataclass(frozen=True, slots=True)
class Device:
    """One machine with the software it runs today."""

    maker: str
    model: str
    serial: str
    software: str


@dataclass(frozen=True, slots=True)
class Troubles:
    """What goes wrong in the room, and how often.

    Attributes:
        alarms_per_hour: mean number of alarms.
        stops_per_hour: mean number of pauses an operator makes without an alarm.
        power_failure: the mains fail once in the middle and come back some minutes later.
        counter_reset: the plasma counter falls to 0 once, without any other sign.
        column_change: column A is replaced by a fresh one in the middle.
        keep_alives: seconds between repeats of an active alarm; 0 for the layout's own habit.
        unknown_alarm: one alarm has a code that stands in no table.
        second_patient: another identifier that turns up half way.
    """

    alarms_per_hour: float = 0.7
    stops_per_hour: float = 0.15
    power_failure: bool = False
    counter_reset: bool = False
    column_change: bool = False
    keep_alives: int = 0
    unknown_alarm: bool = False
    second_patient: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """One treatment as ordered.

    Attributes:
        seed: every random draw of this treatment comes from here.
        run: the machine's own number of the treatment.
        typed_id: what the nurse typed into the patient field; may differ from the patient's identifier.
        seconds: intended duration from connecting to disconnecting [s].
        plasma_flow, blood_flow: set points [mL/min].
        load_ml: plasma of one load [mL].
        ratio: inlet volume per volume of anticoagulant; the inlet includes the anticoagulant.
        columns: the columns hung, in order of position.
    """

    seed: tuple[int, ...]
    run: str
    device: Device
    patient: Patient
    typed_id: str
    clock: Clock
    seconds: int
    plasma_flow: float
    blood_flow: float
    load_ml: float
    ratio: float
    columns: tuple[Column, ...]
    troubles: Troubles = field(default_factory=Troubles)

    def rng(self, purpose: str) -> np.random.Generator:
        """Randomness of one purpose: another purpose's draws never shift it."""
        return np.random.default_rng([*self.seed, zlib.crc32(purpose.encode())])


def instant(day: datetime, zone: str) -> datetime:
    """The UTC instant of a naive local time; the first of two where the clocks go back."""
    return day.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def draw_flows(
    rng: np.random.Generator, patient: Patient, seconds: int, columns: tuple[Column, ...], dose: Dose
) -> tuple[float, float, float]:
    """Plasma flow, blood flow [mL/min] and load [mL] for a usual dose.

    Source: domain page, section 1 (flows, plasma per load, trial doses).
    """
    loading_minutes = max(seconds - 900, 300) / 60 * 0.95
    wanted = float(rng.uniform(*dose.volumes)) * patient.plasma_volume_ml
    plasma = round(float(np.clip(wanted / loading_minutes, *dose.flow)), 1)
    yield_share = float(rng.uniform(0.62, 0.80))
    blood = float(np.clip(plasma / ((1 - patient.hematocrit) * yield_share), 40, 120))
    load = float(rng.uniform(*columns[0].product.load_ml)) if columns else 0.0
    return plasma, float(round(blood)), load


def working_hours(rng: np.random.Generator, day: datetime, slot: int, hours: float) -> datetime:
    """A start between 07:30 and 08:30, or for a later slot when the sessions before it are over."""
    minutes = 450 + slot * (int(hours * 60) + 75) + int(rng.integers(0, 60))
    midnight = day.replace(hour=0, minute=0, second=0)
    return midnight + timedelta(minutes=minutes, seconds=int(rng.integers(0, 60)))
