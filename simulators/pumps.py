"""Pumps second by second, and counters in whole ticks so that every printed sum is exact.

A pump's speed is a whole number of tenths of a mL/min in each second, so one second moves a whole number of
units of 1/600 mL. A counter shows whole tenths of a mL: its units divided by 60, rounded down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simulators.incidents import Pause

Units = npt.NDArray[np.int64]

UNITS_PER_ML = 600
UNITS_PER_TICK = 60
RAMP_DOWN, RAMP_UP = 3, 20


def availability(
    duration: int, begin: int, end: int, pauses: Iterable[Pause], ramp: int = 45
) -> npt.NDArray[np.float64]:
    """Share of the set speed in each second: ramps at the begin, stops in pauses, ramps after them.

    Returns:
        shape (duration,), from 0 to 1; 0 before `begin` and from `end` on.
    """
    share = np.zeros(duration)
    share[begin:end] = 1.0
    _rise(share, begin, min(begin + ramp, end))
    for pause in pauses:
        stop = min(pause.start + RAMP_DOWN, pause.end)
        share[pause.start : stop] *= np.linspace(1, 0, max(stop - pause.start, 1) + 1)[
            1 : stop - pause.start + 1
        ]
        share[stop : pause.end] = 0.0
        _rise(share, pause.end, min(pause.end + RAMP_UP, end))
    return share


def _rise(share: npt.NDArray[np.float64], start: int, stop: int) -> None:
    length = min(stop, len(share)) - start
    if length > 0:
        share[start : start + length] *= np.linspace(0, 1, length + 1)[1:]


def speed(
    set_points: npt.NDArray[np.float64],
    share: npt.NDArray[np.float64],
    rng: np.random.Generator,
    jitter: float,
) -> Units:
    """Actual speed in tenths of a mL/min: set point, ramps, and a roller pump's jitter while it turns."""
    wobble = rng.normal(0, jitter, len(share))
    actual = np.where(share > 0, set_points * share * 10 + wobble * 10 * share, 0)
    return np.maximum(np.rint(actual), 0).astype(np.int64)


def counted(units_per_second: Units) -> Units:
    """Units moved before each second; one longer than its argument, from 0."""
    total = np.zeros(len(units_per_second) + 1, np.int64)
    np.cumsum(units_per_second, out=total[1:])
    return total


def ticks(units: Units) -> Units:
    """What a counter shows, in tenths of a mL."""
    shown: Units = units // UNITS_PER_TICK
    return shown
