"""One simulated treatment, second by second, with the exact truth of every total, cycle, phase and alarm.

Time is an argument: `treat` steps from event to event of one treatment (a load full, a pause over, a column
ready), never by a real clock, so that four hours cost milliseconds and the same plan gives the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from simulators.pumps import UNITS_PER_TICK, counted, ticks

if TYPE_CHECKING:
    from simulators.columns import Column
    from simulators.incidents import Alarm, Pause
    from simulators.plan import Plan
    from simulators.pumps import Units

LOAD = "load"


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of one column's cycle, in seconds of the treatment; its volume is whole tenths of a mL."""

    cycle: int
    position: str
    kind: str
    start: int
    end: int
    volume_ml: float
    completed: bool = True


@dataclass(frozen=True, slots=True)
class ColumnInUse:
    """A column hung at a position from `since` on [s]."""

    position: str
    column: Column
    since: int = 0


@dataclass(frozen=True)
class Treatment:
    """What happened, exactly.

    Attributes:
        seconds: from connecting to disconnecting [s].
        plasma_speed, blood_speed: tenths of a mL/min, shape (seconds,).
        loaded: units of plasma over a column before each second, shape (seconds + 1,).
        blood: units of blood drawn before each second, same shape.
        powered: stretches in which the machine ran; counters restart at the begin of each but the first.
        resets: seconds at which the plasma counter fell to 0 without a power failure.
    """

    plan: Plan
    seconds: int
    plasma_speed: Units
    blood_speed: Units
    loaded: Units
    blood: Units
    phases: tuple[Phase, ...]
    alarms: tuple[Alarm, ...]
    pauses: tuple[Pause, ...]
    columns: tuple[ColumnInUse, ...]
    powered: tuple[tuple[int, int], ...]
    resets: tuple[int, ...] = field(default=())

    @property
    def removes_igg(self) -> bool:
        """Whether plasma is cleaned here; a separator's plasma is treated elsewhere."""
        return bool(self.columns)

    @property
    def loads(self) -> tuple[Phase, ...]:
        """The cycles: a cycle is one load of one column."""
        return tuple(p for p in self.phases if p.kind == LOAD)

    @property
    def plasma_ml(self) -> float:
        """Plasma over columns, the dose [mL]."""
        return int(ticks(self.loaded[-1:])[0]) / 10

    @property
    def blood_ml(self) -> float:
        """Whole blood processed, without anticoagulant [mL]."""
        return int(ticks(self.blood[-1:])[0]) / 10

    @property
    def anticoagulant_ml(self) -> float:
        """Anticoagulant used [mL]: the inlet is blood and anticoagulant at the plan's ratio."""
        return int(self.blood[-1] / (self.plan.ratio - 1)) // UNITS_PER_TICK / 10

    def counter(self, seconds: Units, *, forgets: bool = True) -> Units:
        """The cumulative plasma channel at `seconds` [tenths of mL].

        Args:
            seconds: seconds of the treatment.
            forgets: whether the machine loses the count when the power fails.
        """
        total = ticks(self.loaded)
        shown = total[seconds]
        outages = tuple(start for start, _ in self.powered[1:]) if forgets else ()
        for restart in sorted((*self.resets, *outages)):
            shown = np.where(seconds >= restart, total[seconds] - total[restart], shown)
        return shown

    @property
    def segment_ml(self) -> float:
        """What a forgetful machine prints as its total: the plasma since the last power failure [mL]."""
        return load_volume_ml(self.loaded, self.powered[-1][0], self.seconds)


def load_volume_ml(loaded: Units, start: int, end: int) -> float:
    """Difference of the counter between two seconds [mL]."""
    shown = ticks(loaded[[start, end]])
    return int(shown[1] - shown[0]) / 10


def only_loads(plasma_speed: Units, spans: list[tuple[int, int]]) -> Units:
    """Units over columns before each second: plasma pumped while none is loaded does not count."""
    mask = np.zeros(len(plasma_speed), bool)
    for start, end in spans:
        mask[start:end] = True
    return counted(np.where(mask, plasma_speed, 0))
