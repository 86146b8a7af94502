"""Treatments that a machine counted and nobody sent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
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


_NUMBER = re.compile(r"(.*?)(\d+)", re.ASCII)
_DAILY = re.compile(r"(\d{8}[-_/.])(\d{1,4})", re.ASCII)
# A day and the number on it, without a sign between: `171226001`. A plain counter may look like that as well, so
# nothing is said of numbers before the first of such a day, nor from one day to the next.
_STAMPED = re.compile(r"(\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(\d{3})", re.ASCII)


def missing(printed: Iterable[str], most: int = 1000) -> tuple[Missing, ...]:
    """Return the gaps in one machine's own run numbers.

    `20240318-02` without `20240318-01` is a gap; so is a plain counter that skips. A jump of more than `most`
    is a new series, not a gap.
    """
    series: dict[tuple[str, bool], dict[int, str]] = {}
    for text in printed:
        daily = _DAILY.fullmatch(text)
        found = _taken_apart(text)
        if found:
            series.setdefault((found[1], bool(daily)), {})[int(found[2])] = text
    gaps = []
    for (_, is_daily), known in sorted(series.items()):
        numbers = ([0] if is_daily else []) + sorted(known)
        for before, after in pairwise(numbers):
            if 1 < after - before <= most:
                gaps.append(_gap(before, after, known))
    return tuple(gaps)


def _gap(before: int, after: int, known: dict[int, str]) -> Missing:
    """Name the numbers as the machine would have printed them: as wide at least as the one before."""
    stem, _ = _parts(known[after])
    width = len(_parts(known.get(before, known[after]))[1])
    first, last = (f"{stem}{n:0{width}d}" for n in (before + 1, after - 1))
    return Missing(first, last, after - before - 1, known.get(before), known[after])


def _taken_apart(text: str) -> re.Match[str] | None:
    return _DAILY.fullmatch(text) or _STAMPED.fullmatch(text) or _NUMBER.fullmatch(text)


def _parts(text: str) -> tuple[str, str]:
    found = _taken_apart(text)
    assert found  # noqa: S101 - only numbers that were taken apart before
    return found[1], found[2]
