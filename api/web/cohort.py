"""Many doses in two drawings: how much plasma is usual, and how that went month by month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from api.web.curve import LEFT, RIGHT, WIDTH, Tick
from api.web.scale import steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestor.store.answers.cohort import Points

TOP, PLANE = 22, 180
_ML_PER_L = 1000
_CLASSES = 12


@dataclass(frozen=True, slots=True)
class Bar:
    """A class of the distribution [mL], and its place in the drawing; `count` None: too few persons to be told."""

    low: float
    high: float
    count: int | None
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


def distribution(points: Points, least: int = 1) -> Drawing | None:
    """Count sessions by classes of plasma; a class of fewer than `least` persons keeps its number to itself."""
    if not len(points):
        return None
    plasma = points.plasma
    edges = steps(float(plasma.min()), float(plasma.max()), _CLASSES)
    counts, _ = np.histogram(plasma, edges)
    place = np.clip(np.searchsorted(edges, plasma, side="right") - 1, 0, len(counts) - 1)
    persons = [len(np.unique(points.person[place == i])) for i in range(len(counts))]
    hidden = [0 < n < least for n in persons]
    counts = np.where(hidden, 0, counts)
    levels = steps(0, float(counts.max()), 3)
    width = (WIDTH - LEFT - RIGHT) / len(counts)
    bars = tuple(
        Bar(edges[i], edges[i + 1], None if hidden[i] else int(n), round(LEFT + i * width, 1), _y(n, levels), round(width - 2, 1),
            round(TOP + PLANE - _y(n, levels), 1))
        for i, n in enumerate(counts)
    )  # fmt: skip
    return Drawing(TOP + PLANE + 26, bars, (), tuple(Tick(_y(v, levels), v) for v in levels))


def by_month(points: Points, least: int = 1) -> Drawing | None:
    """Summarise sessions month by month, oldest first; months of fewer than `least` persons are left out."""
    told = {m for m in np.unique(points.month) if len(np.unique(points.person[points.month == m])) >= least}
    points = points.only(np.isin(points.month, list(told)))
    if not len(points):
        return None
    order = np.argsort(points.month, kind="stable")
    months, first = np.unique(points.month[order], return_index=True)
    plasma = np.split(points.plasma[order], first[1:])
    multiples = np.split(points.multiple[order], first[1:])
    quartiles = [np.percentile(group, (25, 50, 75)) for group in plasma]
    levels = steps(0, max(float(q[2]) for q in quartiles) / _ML_PER_L, 4)
    span = max(int(months[-1] - months[0]), 1)
    found = []
    for month, group, some, quartile in zip(months.tolist(), plasma, multiples, quartiles, strict=True):
        low, median, high = (float(v) for v in quartile)
        x = round(LEFT + 12 + (month - int(months[0])) / span * (WIDTH - LEFT - RIGHT - 24), 1)
        known = some[~np.isnan(some)]
        multiple = float(np.median(known)) if len(points.formulas) == 1 and len(known) else None
        heights = (_y(v / _ML_PER_L, levels) for v in (low, median, high))
        found.append(Month(month // 12, month % 12 + 1, len(group), low, median, high, multiple, x, *heights))
    return Drawing(TOP + PLANE + 26, (), tuple(found), tuple(Tick(_y(v, levels), v) for v in levels))


def mixed_formulas(points: Points) -> bool:
    """Tell whether plasma volumes come from several formulas, so that multiples cannot be compared."""
    return len(points.formulas) > 1


def _y(value: float, levels: Sequence[float]) -> float:
    return round(TOP + PLANE - float(value) / levels[-1] * PLANE, 1)
