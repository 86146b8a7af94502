"""A patient's courses along time: one dot a session, as high as the plasma of its course so far."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from api.web.curve import LEFT, RIGHT, WIDTH, Tick
from api.web.scale import steps
from ingestor.meaning import courses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

TOP, PLANE = 22, 170
_ML_PER_L = 1000


@dataclass(frozen=True, slots=True)
class Dot:
    """A session on the plane."""

    session: str
    when: datetime
    plasma: Decimal | None
    total: Decimal
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True, slots=True)
class Shown:
    """A course as its row in the table shows it."""

    number: int
    started: datetime
    ended: datetime
    count: int
    plasma: Decimal
    multiple: Decimal | None
    lower_bound: bool
    dots: tuple[Dot, ...]
    points: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    """The whole drawing; levels in litres."""

    height: int
    ticks: tuple[Tick, ...]
    levels: tuple[Tick, ...]
    courses: tuple[Shown, ...]


def courses_of(patient: str, rows: Sequence[dict[str, Any]], gap_days: int) -> list[Shown]:
    """Group the sessions of a patient, rows as `worklist.sessions` gives them, into courses."""
    by_key = {row["id"]: row for row in rows if row["status"]}
    briefs = [
        courses.SessionBrief(
            key, row["started_at"], row["ended_at"], row["processed_plasma_ml"], row["pv_multiple"],
            row["plasma_volume_formula"], row["status"] in {"final", "provisional"}, not row["complete"],
        )
        for key, row in by_key.items()
    ]  # fmt: skip
    return [_shown(one, by_key) for one in courses.group(patient, briefs, gap_days)]


def _shown(one: courses.Course, by_key: dict[str, dict[str, Any]]) -> Shown:
    dots = tuple(
        Dot(s.id, by_key[s.id]["started_local"], by_key[s.id]["processed_plasma_ml"], s.cumulative_plasma_ml)
        for s in one.sessions
    )
    return Shown(
        one.number, one.started, one.ended, len(one.sessions) + len(one.left_out), one.processed_plasma_ml,
        one.pv_multiple, one.lower_bound, dots,
    )  # fmt: skip


def draw(found: Sequence[Shown]) -> Timeline | None:
    """Put the courses on a plane; None where there is nothing to see."""
    dots = [dot for one in found for dot in one.dots]
    if not dots:
        return None
    start, end = min(d.when for d in dots), max(d.when for d in dots)
    margin = max((end - start) * 0.03, timedelta(days=1))
    start, end = start - margin, end + margin
    levels = steps(0, float(max(d.total for d in dots)) / _ML_PER_L, 3)

    def x(when: datetime) -> float:
        return round(LEFT + (when - start) / (end - start) * (WIDTH - LEFT - RIGHT), 1)

    def y(litres: float) -> float:
        return round(TOP + PLANE - litres / levels[-1] * PLANE, 1)

    drawn = tuple(_placed(one, x, y) for one in found)
    moments = {(start + (end - start) * i / 6).date(): start + (end - start) * i / 6 for i in range(1, 6)}
    ticks = tuple(Tick(x(when), when) for when in moments.values())
    return Timeline(
        TOP + PLANE + 26, ticks, tuple(Tick(y(level), level) for level in levels), drawn
    )  # fmt: skip


def _placed(one: Shown, x: Callable[[datetime], float], y: Callable[[float], float]) -> Shown:
    dots = tuple(
        Dot(d.session, d.when, d.plasma, d.total, x(d.when), y(float(d.total) / _ML_PER_L)) for d in one.dots
    )
    points = "".join(f"{'L' if i else 'M'}{d.x:g} {d.y:g}" for i, d in enumerate(dots))
    return Shown(
        one.number, one.started, one.ended, one.count, one.plasma, one.multiple, one.lower_bound, dots, points
    )
