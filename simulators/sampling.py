"""The channels a machine samples: flows, pressures that rise as a column loads, eluate pH, temperature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulators.pumps import ticks

if TYPE_CHECKING:
    from simulators.numbers import Floats
    from simulators.pumps import Units
    from simulators.treatment import Treatment


@dataclass(frozen=True)
class Samples:
    """Sampled channels, all of shape (n,), in order of time.

    Attributes:
        seconds: second of the treatment of each sample.
        blood_flow, plasma_flow: [mL/min], one place.
        access, back, column, tmp: pressures [mmHg].
        ph, temperature: of the eluate; of the plasma [°C].
        plasma, blood: counters [mL], one place.
    """

    seconds: Units
    blood_flow: Floats
    plasma_flow: Floats
    access: Floats
    back: Floats
    column: Floats
    tmp: Floats
    ph: Floats
    temperature: Floats
    plasma: Floats
    blood: Floats


def sample(treatment: Treatment, hz: float, *, from_start: bool = False, forgets: bool = True) -> Samples:
    """All channels at `hz`, while there was power.

    Args:
        treatment: what happened.
        hz: samples a second.
        from_start: samples stand at multiples of the period from connecting, the last one at disconnecting;
            otherwise at multiples of the period by the wall clock.
        forgets: whether the plasma counter restarts after a power failure.
    """
    rng = treatment.plan.rng("sensors")
    at, seconds = _moments(treatment, hz, from_start=from_start)
    n = len(seconds)
    pumped = np.minimum(seconds, treatment.seconds - 1)
    blood, plasma = treatment.blood_speed[pumped] / 10, treatment.plasma_speed[pumped] / 10
    slow = np.sin(at / 1700 + rng.uniform(0, 6)) * 4
    fill, resistance = _filling(treatment, seconds)
    access = -(24 + blood) - slow + rng.normal(0, 2.5, n)
    back = 18 + 0.8 * blood + slow / 2 + rng.normal(0, 2.0, n)
    column = 40 + plasma * (1.9 * resistance + 1.1 * fill**2) + rng.normal(0, 2.0, n)
    _alarmed(treatment, seconds, {101: (access, -130), 105: (back, 210), 113: (column, 160)})
    return Samples(
        seconds,
        blood,
        plasma,
        np.rint(access),
        np.rint(back),
        np.rint(column),
        np.rint(28 + plasma * (0.5 + 0.6 * at / max(treatment.seconds, 1)) + rng.normal(0, 1.5, n)),
        np.round(_eluate_ph(treatment, at) + rng.normal(0, 0.02, n), 2),
        np.round(_warmth(treatment, at) + rng.normal(0, 0.07, n), 1),
        treatment.counter(seconds, forgets=forgets) / 10,
        ticks(treatment.blood)[seconds] / 10,
    )


def _moments(treatment: Treatment, hz: float, *, from_start: bool) -> tuple[Floats, Units]:
    period = 1 / hz
    if from_start:
        at = np.append(np.arange(0, treatment.seconds, period), treatment.seconds)
    else:
        wall = treatment.plan.clock.wall(0)
        past = (wall.hour * 3600 + wall.minute * 60 + wall.second) % period
        at = np.arange((period - past) % period, treatment.seconds, period)
    seconds = at.astype(np.int64)
    on = seconds == treatment.seconds
    for start, end in treatment.powered:
        on |= (seconds >= start) & (seconds < end)
    return at[on], seconds[on]


def _filling(treatment: Treatment, seconds: Units) -> tuple[Floats, Floats]:
    """Share of the running load that is done, and how stiff the column is (1 when new)."""
    fill, resistance = np.zeros(len(seconds)), np.ones(len(seconds))
    worn = {c.position: 1 + 0.25 * c.column.use / c.column.product.uses for c in treatment.columns}
    for load in treatment.loads:
        low, high = np.searchsorted(seconds, [load.start, load.end])
        fill[low:high] = (seconds[low:high] - load.start) / max(load.end - load.start, 1)
        resistance[low:high] = worn[load.position]
    return fill, resistance


def _alarmed(treatment: Treatment, seconds: Units, spikes: dict[int, tuple[Floats, int]]) -> None:
    """A pressure alarm has a pressure: it leaves its range around the onset."""
    # A loaded column stays stiff for a while; a kinked line stops the pump at once.
    for alarm in treatment.alarms:
        if alarm.kind.code not in spikes:
            continue
        channel, height = spikes[alarm.kind.code]
        lasts = 20 if alarm.kind.kind == "column_pressure_high" else 3
        low, high = np.searchsorted(seconds, [alarm.onset - 2, alarm.onset + lasts])
        channel[low:high] += height


def _eluate_ph(treatment: Treatment, at: Floats) -> Floats:
    """7.2 at rest, towards 2.4 in elution, back in neutralisation."""
    ph = np.full(len(at), 7.2)
    for phase in treatment.phases:
        if phase.kind not in {"elute", "neutralise"}:
            continue
        low, high = np.searchsorted(at, [phase.start, phase.end])
        since = at[low:high] - phase.start
        if phase.kind == "elute":
            ph[low:high] = 2.4 + 4.8 * np.exp(-since / 25)
        else:
            ph[low:high] = 7.2 - 4.8 * np.exp(-since / 20)
    return ph


def _warmth(treatment: Treatment, at: Floats) -> Floats:
    warmth = 36.8 - 4.5 * np.exp(-at / 400)
    for alarm in treatment.alarms:
        if alarm.kind.kind == "temperature" and alarm.cleared:
            low, high = np.searchsorted(at, [alarm.onset - 20, alarm.cleared])
            warmth[low:high] -= 2.2
    return warmth
