"""When the clocks of a zone change, as numbers that can be compared with whole columns of times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from ingestor.errors import Invalid

if TYPE_CHECKING:
    import numpy.typing as npt

HOUR_MS = 3_600_000
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the clocks: the instant [ms since 1970 UTC] and the offsets from UTC on both sides [ms]."""

    at_ms: int
    before_ms: int
    after_ms: int

    @property
    def repeats(self) -> bool:
        """The clocks go back: a stretch of local time happens twice. Otherwise one is left out."""
        return self.after_ms < self.before_ms

    @property
    def lower(self) -> int:
        """First local time [ms] that happens twice, or that does not exist."""
        return self.at_ms + min(self.before_ms, self.after_ms)

    @property
    def upper(self) -> int:
        """First local time [ms] after that stretch."""
        return self.at_ms + max(self.before_ms, self.after_ms)


def zone_named(name: str) -> ZoneInfo:
    """Return the zone of that name.

    Raises:
        Invalid: there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid("unknown_zone", zone=name) from None


@cache
def _changes(zone: str, year: int) -> tuple[Change, ...]:
    info = zone_named(zone)

    def offset(second: int) -> int:
        delta = datetime.fromtimestamp(second, info).utcoffset()
        return 0 if delta is None else int(delta.total_seconds())

    first = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    found = []
    for day in range(366):
        low, high = first + day * _DAY_S, first + (day + 1) * _DAY_S
        before, after = offset(low), offset(high)
        if before == after:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle) == before else (low, middle)
        found.append(Change(high * 1000, before * 1000, after * 1000))
    return tuple(found)


def changes_between(zone: str, first_ms: int, last_ms: int) -> tuple[Change, ...]:
    """Return the changes whose doubled or missing stretch lies within a day of two local times."""
    margin = 24 * HOUR_MS
    years = range(_year(first_ms - margin), _year(last_ms + margin) + 1)
    return tuple(
        change
        for year in years
        for change in _changes(zone, year)
        if change.upper >= first_ms - margin and change.lower <= last_ms + margin
    )


def _year(ms: int) -> int:
    return datetime.fromtimestamp(ms / 1000, UTC).year


def offsets_of(zone: str, local_ms: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the offset from UTC [ms] of each local time.

    A doubled time is taken as its first occurrence, a missing one with the offset before the change.
    """
    if not len(local_ms):
        return local_ms
    first, last = int(local_ms.min()), int(local_ms.max())
    changes = changes_between(zone, first, last)
    if not changes:
        # A day of margin on both sides makes the choice of the instant irrelevant.
        info = zone_named(zone)
        delta = datetime.fromtimestamp(first / 1000, UTC).replace(tzinfo=info).utcoffset()
        return np.full(len(local_ms), int((delta.total_seconds() if delta else 0) * 1000), np.int64)
    table = np.array([changes[0].before_ms, *(c.after_ms for c in changes)], np.int64)
    return table[np.searchsorted(np.array([c.upper for c in changes]), local_ms, side="right")]
