"""Whose session is it? An exact match links; everything else is shown to a person with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Known:
    """An identifier of a patient; `value` as typed, valid between the two instants (None is open)."""

    patient: str
    system: str
    value: str
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """The answer to *who is it*: a patient, or the code why nobody was linked."""

    patient: str | None
    code: str
    system: str | None = None


@dataclass(frozen=True, slots=True)
class PastSession:
    """A linked session that may hint at whose this one is."""

    patient: str
    session: str
    started: datetime
    columns: tuple[tuple[str, bool | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A patient who may be meant, with every reason: (code, detail to show)."""

    patient: str
    score: int
    reasons: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ColumnConflict:
    """A column that was used with another patient; `serious` unless it is a single-use lot or unknown."""

    serial: str
    patient: str
    session: str
    serious: bool


def normalise_identifier(text: str, rule: str) -> str:
    """Return an identifier in the form in which it is compared; rule: exact, strip-zeros or alnum."""
    raise NotImplementedError


def match(
    printed: str | None, at: datetime, known: Sequence[Known], rule: str, machine_serials: Sequence[str] = ()
) -> Match:
    """Return the one patient whose identifier is exactly what was printed, at the session's time."""
    raise NotImplementedError


def candidates(
    printed: str | None,
    at: datetime,
    known: Sequence[Known],
    past: Sequence[PastSession],
    rule: str,
    columns: Sequence[str] = (),
) -> tuple[Candidate, ...]:
    """Return who may be meant, best first. Nothing is ever linked by this."""
    raise NotImplementedError


def column_conflicts(
    patient: str, columns: Sequence[tuple[str, bool | None]], past: Sequence[PastSession]
) -> tuple[ColumnConflict, ...]:
    """Return the columns of a session, (serial, regenerable), that were used with somebody else."""
    raise NotImplementedError
