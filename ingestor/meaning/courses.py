"""Courses: the sessions of one patient without a long gap."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from ingestor.ids import derived

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class SessionBrief:
    """What a course needs of a session; `counted` False: withheld, flagged or bench, kept out of the sums."""

    id: str
    started: datetime
    ended: datetime | None
    processed_plasma_ml: Decimal | None
    pv_multiple: Decimal | None
    plasma_volume_formula: str | None
    counted: bool = True
    lower_bound: bool = False


@dataclass(frozen=True, slots=True)
class CourseSession:
    """A session's place in its course; cumulative values include it; interval from the session before [d]."""

    id: str
    number: int
    interval_days: Decimal | None
    cumulative_plasma_ml: Decimal
    cumulative_pv_multiple: Decimal | None


@dataclass(frozen=True, slots=True)
class Course:
    """Sessions of one patient.

    Attributes:
        id: derived from the patient and the first session.
        number: from 1, per patient, in time order.
        left_out: sessions that belong to the course and stay out of its sums.
        formula: of all pv multiples; None where they mix, and then there is no sum of them.
        lower_bound: one session at least is partial or has no dose.
    """

    id: str
    number: int
    started: datetime
    ended: datetime
    sessions: tuple[CourseSession, ...]
    left_out: tuple[str, ...]
    processed_plasma_ml: Decimal
    pv_multiple: Decimal | None
    formula: str | None
    lower_bound: bool


def group(patient: str, sessions: Sequence[SessionBrief], gap_days: int = 28) -> tuple[Course, ...]:
    """Return the patient's courses, earliest first; the order of `sessions` does not matter.

    The gap is measured from start to start, so that a session without an end is like any other.
    """
    ordered = sorted(sessions, key=lambda s: (s.started, s.id))
    runs: list[list[SessionBrief]] = []
    for one in ordered:
        if runs and one.started - runs[-1][-1].started <= timedelta(days=gap_days):
            runs[-1].append(one)
        else:
            runs.append([one])
    return tuple(_course(patient, number, run) for number, run in enumerate(runs, start=1))


def _course(patient: str, number: int, members: list[SessionBrief]) -> Course:
    counted = [s for s in members if s.counted]
    intervals = {b.id: _days(b.started - a.started) for a, b in pairwise(members)}
    formulas = {s.plasma_volume_formula for s in counted if s.pv_multiple is not None}
    formula = formulas.pop() if len(formulas) == 1 else None
    placed = _placed(counted, intervals, multiples=formula is not None)
    return Course(
        id=derived("course", patient, members[0].id),
        number=number,
        started=members[0].started,
        ended=max(s.ended or s.started for s in members),
        sessions=placed,
        left_out=tuple(s.id for s in members if not s.counted),
        processed_plasma_ml=placed[-1].cumulative_plasma_ml if placed else Decimal(0),
        pv_multiple=placed[-1].cumulative_pv_multiple if placed else None,
        formula=formula,
        lower_bound=any(s.lower_bound or not s.counted or s.processed_plasma_ml is None for s in members),
    )


def _placed(
    counted: list[SessionBrief], intervals: dict[str, Decimal], *, multiples: bool
) -> tuple[CourseSession, ...]:
    """Number the sessions and add up; a session without a multiple ends the sum of multiples."""
    volume, multiple = Decimal(0), Decimal(0) if multiples else None
    placed: list[CourseSession] = []
    for number, one in enumerate(counted, start=1):
        volume += one.processed_plasma_ml or 0
        multiple = None if multiple is None or one.pv_multiple is None else multiple + one.pv_multiple
        placed.append(CourseSession(one.id, number, intervals.get(one.id), volume, multiple))
    return tuple(placed)


def _days(span: timedelta) -> Decimal:
    return (Decimal(int(span.total_seconds())) / 86400).quantize(Decimal("0.01"))
