"""Treatments that a machine counted and nobody sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Missing:
    """Numbers between two that are known; `after` None: before the first of that day."""

    first: str
    last: str
    count: int
    after: str | None
    before: str


def missing(printed: Iterable[str], most: int = 1000) -> tuple[Missing, ...]:
    """Return the gaps in one machine's own run numbers.

    `20240318-02` without `20240318-01` is a gap; so is a plain counter that skips. A jump of more than `most`
    is a new series, not a gap.
    """
    raise NotImplementedError
