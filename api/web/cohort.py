"""Many doses in two drawings: how much plasma is usual, and how that went month by month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from api.web.curve import LEFT, RIGHT, WIDTH, Tick
from api.web.scale import steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestor.store.answers.cohort import Point

TOP, PLANE = 22, 180
_ML_PER_L = 1000
_CLASSES = 12


@dataclass(frozen=True, slots=True)
class Bar:
    """A class of the distribution [mL], and its place in the drawing."""

    low: float
    high: float
    count: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Month:
    """One month: median and quartiles of the plasma [mL], and the median multiple if all formulas are one."""

    year: int
    month: int
    count: int
    low: float
    median: float
    high: float
    multiple: float | None
    x: float
    y_low: float
    y: float
    y_high: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """Bars or months on a plane with its axes."""

    height: int
    bars: tuple[Bar, ...]
    months: tuple[Month, ...]
    levels: tuple[Tick, ...]


def distribution(points: Sequence[Point]) -> Drawing | None:
    """Count sessions by classes of plasma."""
    if not points:
        return None
    plasma = np.array([p.plasma for p in points])
    edges = steps(float(plasma.min()), float(plasma.max()), _CLASSES)
    counts, _ = np.histogram(plasma, edges)
    levels = steps(0, float(counts.max()), 3)
    width = (WIDTH - LEFT - RIGHT) / len(counts)
    bars = tuple(
        Bar(edges[i], edges[i + 1], int(n), round(LEFT + i * width, 1), _y(n, levels), round(width - 2, 1),
            round(TOP + PLANE - _y(n, levels), 1))
        for i, n in enumerate(counts)
    )  # fmt: skip
    return Drawing(TOP + PLANE + 26, bars, (), tuple(Tick(_y(v, levels), v) for v in levels))


def by_month(points: Sequence[Point]) -> Drawing | None:
    """Summarise sessions month by month, oldest first."""
    if not points:
        return None
    groups: dict[tuple[int, int], list[Point]] = {}
    for point in points:
        groups.setdefault((point.year, point.month), []).append(point)
    one_formula = len({p.formula for p in points if p.multiple is not None}) == 1
    found = {key: np.percentile([p.plasma for p in group], (25, 50, 75)) for key, group in groups.items()}
    levels = steps(0, max(float(q[2]) for q in found.values()) / _ML_PER_L, 4)
    first, last = min(groups), max(groups)
    span = max((last[0] - first[0]) * 12 + last[1] - first[1], 1)

    def month(key: tuple[int, int]) -> Month:
        low, median, high = (float(v) for v in found[key])
        since = (key[0] - first[0]) * 12 + key[1] - first[1]
        x = round(LEFT + 12 + since / span * (WIDTH - LEFT - RIGHT - 24), 1)
        multiples = [p.multiple for p in groups[key] if p.multiple is not None]
        multiple = float(np.median(multiples)) if one_formula and multiples else None
        heights = (_y(v / _ML_PER_L, levels) for v in (low, median, high))
        return Month(*key, len(groups[key]), low, median, high, multiple, x, *heights)

    return Drawing(
        TOP + PLANE + 26,
        (),
        tuple(month(key) for key in sorted(groups)),
        tuple(Tick(_y(v, levels), v) for v in levels),
    )


def mixed_formulas(points: Sequence[Point]) -> bool:
    """Tell whether plasma volumes come from several formulas, so that multiples cannot be compared."""
    return len({p.formula for p in points if p.multiple is not None}) > 1


def _y(value: float, levels: Sequence[float]) -> float:
    return round(TOP + PLANE - float(value) / levels[-1] * PLANE, 1)
