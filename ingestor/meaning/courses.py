"""Courses: the sessions of one patient without a long gap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from decimal import Decimal


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
    """Return the patient's courses, earliest first; the order of `sessions` does not matter."""
    raise NotImplementedError
