"""Bars with the table beside them: what a page draws and what a file of the same numbers holds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from api.web.cohort import PLANE, TOP
from api.web.curve import LEFT, RIGHT, WIDTH, Tick
from api.web.scale import steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from ingestor.store.answers.cohort import Points, Quality

_CLASSES = 12
HEIGHT = TOP + PLANE + 26


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: a class `low` to `high`, or a thing by its `label`; `value` None: of too few persons to be told."""

    label: str
    low: float | None
    high: float | None
    value: float | None
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars on a plane.

    Attributes:
        name: of its texts and of its file.
        labelled: each bar has a name of its own, so the axis has no numbers.
    """

    name: str
    bars: tuple[Bar, ...]
    levels: tuple[Tick, ...]
    labelled: bool = False
    height: int = HEIGHT

    def table(self) -> list[tuple[str, ...]]:
        """Return the rows of its file, the head first."""
        head = (self.name, "value") if self.labelled else ("from", "to", "sessions")
        return [head, *(self._row(one) for one in self.bars)]

    def _row(self, one: Bar) -> tuple[str, ...]:
        value = "" if one.value is None else f"{one.value:g}"
        return (one.label, value) if self.labelled else (f"{one.low:g}", f"{one.high:g}", value)


def classes(
    name: str, values: npt.NDArray[np.float64], person: npt.NDArray[np.int64], least: int
) -> Chart | None:
    """Count sessions by classes of a value; a class of fewer than `least` persons keeps its number to itself."""
    known = ~np.isnan(values)
    values, person = values[known], person[known]
    if not len(values):
        return None
    edges = steps(float(values.min()), float(values.max()), _CLASSES)
    place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    counts: list[float | None] = []
    for number in range(len(edges) - 1):
        here = place == number
        few = 0 < len(np.unique(person[here])) < least
        counts.append(None if few else int(here.sum()))
    spans = list(pairwise(edges))
    return Chart(name, *_drawn([("", low, high) for low, high in spans], counts))


def named(name: str, values: Sequence[tuple[str, float | None]]) -> Chart | None:
    """Draw one bar a thing."""
    if not values:
        return None
    bars, levels = _drawn([(label, None, None) for label, _ in values], [value for _, value in values])
    return Chart(name, bars, levels, labelled=True)


def multiples(points: Points, least: int) -> Chart | None:
    """Count sessions by multiples of the plasma volume; there are none to compare where formulas differ."""
    return classes("multiples", points.multiple, points.person, least) if len(points.formulas) == 1 else None


def apart(quality: Quality, least: int) -> Chart | None:
    """Count sessions by how far their readings are apart, in percent."""
    return classes("apart", quality.apart * 100, quality.person, least)


def agreement(quality: Quality, least: int) -> Chart | None:
    """Count sessions by what their readings say of each other."""
    found: list[tuple[str, float | None]] = []
    for code in ("agreed", "single_source", "disagreed", ""):
        here = quality.agreement == code
        if here.any():
            few = len(np.unique(quality.person[here])) < least
            found.append((code or "none", None if few else int(here.sum())))
    return named("agreement", found)


def missing(quality: Quality) -> Chart | None:
    """Show for each value in how many of a hundred sessions it is missing."""
    if not quality.sessions:
        return None
    return named("missing", [(name, round(n / quality.sessions * 100, 1)) for name, n in quality.missing])


def _drawn(
    labels: Sequence[tuple[str, float | None, float | None]], values: Sequence[float | None]
) -> tuple[tuple[Bar, ...], tuple[Tick, ...]]:
    levels = steps(0, max((v for v in values if v is not None), default=1) or 1, 3)
    width = (WIDTH - LEFT - RIGHT) / len(labels)
    bars = []
    for number, ((label, low, high), value) in enumerate(zip(labels, values, strict=True)):
        y = round(TOP + PLANE - (value or 0) / levels[-1] * PLANE, 1)
        bars.append(
            Bar(label, low, high, value, round(LEFT + number * width, 1), y, round(width - 2, 1),
                round(TOP + PLANE - y, 1))
        )  # fmt: skip
    ticks = tuple(Tick(round(TOP + PLANE - v / levels[-1] * PLANE, 1), v) for v in levels)
    return tuple(bars), ticks
