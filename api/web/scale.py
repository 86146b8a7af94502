"""Round numbers for axes."""

from __future__ import annotations

import math

_MINUTE_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1440)


def steps(low: float, high: float, about: int = 4) -> list[float]:
    """Return round values that enclose `low` to `high`, about so many."""
    if not high > low:
        high = low + 1
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1, 2, 2.5, 5, 10) if s * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def minutes_between(seconds: float, most: int) -> int:
    """Return the smallest round number of minutes that divides a stretch of time into at most `most` parts."""
    return next((m for m in _MINUTE_STEPS if seconds / 60 / m <= most), _MINUTE_STEPS[-1])
