"""A machine's wall clock: what it prints for the n-th second of a treatment.

The clock knows the zone and its summer time, may be wrong by a fixed offset, and may be set on the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Seconds = npt.NDArray[np.int64]

DAY = 86_400
_EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Setting:
    """Somebody (or a power failure) set the clock: from `second` on it is wrong by `delta` more seconds."""

    second: int
    delta: int


@dataclass(frozen=True, slots=True)
class Clock:
    """Wall time of a machine.

    Attributes:
        start: the true instant of second 0, UTC.
        zone: where the machine stands.
        wrong_by: seconds by which its clock was wrong at second 0 (positive: fast).
        settings: changes during the treatment.
        shown_zone: zone its clock was set for; another one than `zone` is a fault.
        keeps_summer_time: a clock that nobody changes on the night of the change keeps its offset.
    """

    start: datetime
    zone: str = "Europe/Vienna"
    wrong_by: int = 0
    settings: tuple[Setting, ...] = ()
    shown_zone: str = ""
    keeps_summer_time: bool = True

    def offset(self, second: float) -> int:
        """Seconds between UTC and what the clock shows at `second`."""
        instant = self.start + timedelta(seconds=float(second) if self.keeps_summer_time else 0.0)
        utcoffset = instant.astimezone(ZoneInfo(self.shown_zone or self.zone)).utcoffset()
        drift = self.wrong_by + sum(s.delta for s in self.settings if second >= s.second)
        return int((utcoffset or timedelta()).total_seconds()) + drift

    def wall(self, second: float) -> datetime:
        """What the clock shows at `second`, naive, whole seconds."""
        instant = self.start + timedelta(seconds=int(second))
        return instant.replace(tzinfo=None) + timedelta(seconds=self.offset(second))

    def aware(self, second: float) -> datetime:
        """What the clock shows at `second`, with the offset of the zone it believes in."""
        instant = self.start + timedelta(seconds=int(second))
        zoned = instant.astimezone(ZoneInfo(self.shown_zone or self.zone))
        return self.wall(second).replace(tzinfo=zoned.tzinfo, fold=zoned.fold)

    def true_local(self, second: float) -> datetime:
        """What a right clock at that place would show, naive."""
        instant = self.start + timedelta(seconds=int(second))
        return instant.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)

    def walls(self, seconds: Seconds) -> Seconds:
        """As `wall`, for a whole column; seconds since 1970 of the naive time."""
        base = int((self.start.astimezone(UTC).replace(tzinfo=None) - _EPOCH).total_seconds())
        if not len(seconds):
            return seconds.astype(np.int64)
        first, last = int(seconds[0]), int(seconds[-1])
        if self.offset(first) == self.offset(last) and not self.settings:
            return seconds + (base + self.offset(first))
        unique, inverse = np.unique(seconds, return_inverse=True)
        offsets = np.fromiter((self.offset(int(s)) for s in unique), np.int64, len(unique))
        shown: Seconds = seconds + base + offsets[inverse]
        return shown


@cache
def _of_day(separator: str) -> npt.NDArray[np.object_]:
    times = [f"{s // 3600:02d}{separator}{s // 60 % 60:02d}{separator}{s % 60:02d}" for s in range(DAY)]
    return np.array(times, dtype=object)


def time_texts(walls: Seconds, separator: str = ":") -> list[str]:
    """`HH:MM:SS` of a column of naive times."""
    texts: list[str] = _of_day(separator)[walls % DAY].tolist()
    return texts


def stamp_texts(walls: Seconds, date_format: str, between: str = " ") -> list[str]:
    """Date and time of a column of naive times."""
    days = walls // DAY
    dates = {int(d): (_EPOCH + timedelta(days=int(d))).strftime(date_format) for d in np.unique(days)}
    pairs = zip(days.tolist(), time_texts(walls), strict=True)
    return [f"{dates[day]}{between}{time}" for day, time in pairs]
