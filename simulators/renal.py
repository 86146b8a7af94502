"""A machine for blood purification at the bedside: plasma exchange and continuous renal replacement.

Fluids are pumped and weighed; the machine keeps cumulative volumes, and a run time that stands still with the pumps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulators.incidents import Alarm, Incidents, draw_incidents
from simulators.pumps import UNITS_PER_ML, availability
from simulators.single_column import with_outage

if TYPE_CHECKING:
    from simulators.layout import Style
    from simulators.numbers import Floats
    from simulators.plan import Plan
    from simulators.pumps import Units

PLASMA_EXCHANGE = "TPE"
FLUIDS = ("post_infusion", "pre_infusion", "dialysate", "effluent", "preblood_infusion", "syringe")


@dataclass(frozen=True, slots=True)
class Prescription:
    """Set points; fluids in mL/h."""

    therapy: str
    blood_ml_min: float
    post_infusion: float
    pre_infusion: float
    dialysate: float
    preblood_infusion: float
    syringe: float
    removal: float

    @property
    def effluent(self) -> float:
        """What must leave so that the patient loses just the removal."""
        return (
            self.post_infusion
            + self.pre_infusion
            + self.dialysate
            + self.preblood_infusion
            + self.syringe
            + self.removal
        )


@dataclass(frozen=True)
class RenalRun:
    """One treatment.

    Attributes:
        begin, end: seconds at which the run was started and ended.
        running: whether the pumps turned in each second, shape (seconds,).
        volumes: fluid to cumulative volume before each second [mL], shape (seconds + 1,).
        loaded: plasma removed, in units, for plasma exchange; zeros for everything else.
    """

    plan: Plan
    prescription: Prescription
    seconds: int
    begin: int
    end: int
    running: np.ndarray[tuple[int], np.dtype[np.bool_]]
    volumes: dict[str, Floats]
    loaded: Units
    alarms: tuple[Alarm, ...]
    powered: tuple[tuple[int, int], ...]
    columns: tuple[()] = ()
    loads: tuple[()] = ()

    @property
    def removes_igg(self) -> bool:
        """Only plasma exchange takes IgG."""
        return self.prescription.therapy == PLASMA_EXCHANGE

    def run_time(self, seconds: Units) -> Units:
        """Running time until each second [s]."""
        total = np.zeros(self.seconds + 1, np.int64)
        np.cumsum(self.running, out=total[1:])
        return total[seconds]


def treat_renal(plan: Plan, style: Style) -> RenalRun:
    """One treatment of the therapy that `style` names."""
    rng = plan.rng("renal")
    # A run is known by its start: whatever else differs in a second telling of it, this does not.
    habits = np.random.default_rng(int(plan.clock.start.timestamp()))
    prescription = _prescribe(plan, style.therapy or PLASMA_EXCHANGE)
    seconds = plan.seconds // 60 * 60
    begin = min(int(habits.integers(600, 1500)), seconds // 4)
    end = seconds - min(int(rng.integers(120, 420)), seconds // 10)
    incidents, powered = with_outage(plan, draw_incidents(plan), seconds)
    share = availability(seconds, begin, end, incidents.pauses, ramp=30)
    volumes = {name: _pumped(prescription, name, share, rng) for name in FLUIDS}
    is_exchange = prescription.therapy == PLASMA_EXCHANGE
    loaded = np.rint(np.maximum(volumes["effluent"], 0) * UNITS_PER_ML).astype(np.int64)
    return RenalRun(
        plan,
        prescription,
        seconds,
        begin,
        end,
        share > 0,
        volumes,
        loaded if is_exchange else np.zeros_like(loaded),
        _within(incidents, begin, end),
        powered,
    )


def _within(incidents: Incidents, begin: int, end: int) -> tuple[Alarm, ...]:
    return tuple(a for a in incidents.alarms if begin < a.onset < end)


def _pumped(prescription: Prescription, name: str, share: Floats, rng: np.random.Generator) -> Floats:
    """Cumulative volume as the scales see it: a pump errs a little, a scale starts a little off."""
    rate = getattr(prescription, name) * (1 + float(rng.normal(0, 0.002)))
    total = np.zeros(len(share) + 1)
    np.cumsum(share * rate / 3600, out=total[1:])
    offset = float(rng.integers(-3, 1)) if name in {"effluent", "post_infusion"} else 0.0
    settles = np.clip(np.arange(len(total)) / 1800, 0, 1)
    return np.asarray(total + offset * (1 - settles))


def _prescribe(plan: Plan, therapy: str) -> Prescription:
    rng = plan.rng("prescription")
    blood = float(rng.integers(10, 19)) * 10

    def rate(low: int, high: int, step: int = 50) -> float:
        return float(rng.integers(low // step, high // step + 1) * step)

    none = 0.0
    if therapy == PLASMA_EXCHANGE:
        wanted = float(rng.uniform(1.0, 1.5)) * plan.patient.plasma_volume_ml
        hours = max(plan.seconds - 1500, 600) / 3600
        replaced = float(np.clip(round(wanted / hours / 10) * 10, 400, 2400))
        return Prescription(therapy, blood, replaced, none, none, none, rate(2, 8, 1), rate(0, 0))
    fluids = {
        "CVVHDF": (rate(400, 1000), none, rate(800, 2000), rate(800, 1800)),
        "CVVHD": (none, none, rate(1200, 2500), none),
        "CVVH": (rate(800, 1600), rate(400, 1200), none, none),
        "SCUF": (none, none, none, none),
        "HP": (none, none, none, none),
    }[therapy]
    removal = none if therapy == "HP" else rate(40, 150, 10)
    return Prescription(therapy, blood, *fluids, rate(2, 10, 1), removal)
