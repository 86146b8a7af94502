"""From single printed times (starts, alarms, phases, events) to instants, with the sampled rows as a guide."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from ingestor.meaning.times import METHODS, Placed, Stretch
from ingestor.meaning.zones import changes_between, offsets_of
from ingestor.model import Instant, TimeMethod

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from ingestor.driver import Stamp

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - a machine's wall clock has no zone
_MS = timedelta(milliseconds=1)
# A record belongs between two rows of the file only if its time lies this near to one of them.
_NEAR_MS = 1_800_000

Choice = tuple[int, TimeMethod]


def local_ms_of(local: datetime) -> int:
    """Return a naive wall time as milliseconds since 1970."""
    return (local - _NAIVE_EPOCH) // _MS


def utc_of(ms: int) -> datetime:
    """Return milliseconds since 1970 as an instant."""
    return EPOCH + ms * _MS


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """The sampled rows of a run, as a guide for its single times.

    Attributes:
        rows: the placed rows; there may be none.
        line: line number of each row.
        zone: name of the machine's zone.
        correction_ms: known error of the clock, subtracted from every instant.
        offset_min: offset from UTC that the file states for its rows.
    """

    rows: Placed
    line: npt.NDArray[np.int32]
    zone: str
    correction_ms: int = 0
    offset_min: int | None = None

    def series(
        self,
        stamps: Sequence[Stamp | None],
        lines: Sequence[int],
        within: tuple[int | None, int | None] = (None, None),
    ) -> list[Instant | None]:
        """Return the instants of stamps that follow each other.

        A time that could be two instants is settled if only one of them keeps the order, within the bounds
        `within` [ms UTC, uncorrected]; else it is marked and the first stands.
        """
        choices = [
            () if stamp is None else self._choices(stamp, stamp.line or line)
            for stamp, line in zip(stamps, lines, strict=True)
        ]
        first, last = _earliest(choices, within[0]), _latest(choices, within[1])
        found: list[Instant | None] = []
        for stamp, options, low, high in zip(stamps, choices, first, last, strict=True):
            if stamp is None or low is None:
                found.append(None)
                continue
            utc, method = low
            if len(options) > 1 and low != high:
                jumped = any(how is TimeMethod.CLOCK_JUMP for _, how in options)
                method = TimeMethod.CLOCK_JUMP if jumped else TimeMethod.ZONE_AMBIGUOUS
            elif method is TimeMethod.ZONE_AMBIGUOUS and len(options) > 1:
                method = TimeMethod.ZONE
            found.append(Instant(stamp.local, utc_of(utc - self.correction_ms), method))
        return found

    def one(self, stamp: Stamp | None, line: int = 0) -> Instant | None:
        """Return the instant of a single stamp."""
        return self.series((stamp,), (line,))[0]

    def _choices(self, stamp: Stamp, line: int) -> tuple[Choice, ...]:
        local = local_ms_of(stamp.local)
        if stamp.offset_min is not None:
            if self.offset_min is None or not self.rows.set_back:
                return ((local - stamp.offset_min * 60_000, TimeMethod.OFFSET_IN_FILE),)
            local -= (stamp.offset_min - self.offset_min) * 60_000
        beside = self._row_beside(local, line)
        if beside is not None:
            return (self._as_row(local, beside),)
        covering = [s for s in self.rows.stretches if self._covers(s, local)]
        found = dict(self._as_row(local, self._row_before(local, s)) for s in covering)
        if found:
            return tuple(sorted(found.items()))
        return self._by_zone(local)

    def _row_beside(self, local: int, line: int) -> int | None:
        """The row next to this line, where rows and records stand mixed in one file."""
        if not line or not len(self.line):
            return None
        after = int(np.searchsorted(self.line, line))
        near = [i for i in (after - 1, after) if 0 <= i < len(self.line)]
        best = min(near, key=lambda i: abs(int(self.rows.local_ms[i]) - local))
        return best if abs(int(self.rows.local_ms[best]) - local) <= self._slack() else None

    def _slack(self) -> int:
        return min(_NEAR_MS, 2 * self.rows.usual_ms + 60_000)

    def _covers(self, s: Stretch, local: int) -> bool:
        low = int(self.rows.local_ms[s.start]) - self._slack()
        return low <= local <= int(self.rows.local_ms[s.stop - 1]) + self._slack()

    def _row_before(self, local: int, s: Stretch) -> int:
        found = int(np.searchsorted(self.rows.local_ms[s.start : s.stop], local, side="right")) - 1
        return s.start + max(found, 0)

    def _as_row(self, local: int, row: int) -> Choice:
        offset = int(self.rows.local_ms[row] - self.rows.utc_ms[row])
        return local - offset, METHODS[int(self.rows.method[row])]

    def _by_zone(self, local: int) -> tuple[Choice, ...]:
        """What a time away from all rows can be: under each regime of the clock, if it falls into its time."""
        found = [
            choice
            for shift, begins, ends in self._regimes()
            for choice in self._at_zone(local + shift, TimeMethod.CLOCK_JUMP if shift else TimeMethod.ZONE)
            if (begins is None or choice[0] >= begins) and (ends is None or choice[0] < ends)
        ]
        return tuple(sorted(found)) or self._at_zone(local, TimeMethod.ZONE)

    def _regimes(self) -> list[tuple[int, int | None, int | None]]:
        """By how much the clock was carried on, from when, until when [ms UTC]."""
        starts = dict[int, int]()
        for s in self.rows.stretches:
            starts.setdefault(s.shift_ms, int(self.rows.utc_ms[s.start]))
        ends = [*list(starts.values())[1:], None]
        begins = [None, *list(starts.values())[1:]]
        return list(zip(starts or (0,), begins, ends, strict=True))

    def _at_zone(self, wall: int, method: TimeMethod) -> tuple[Choice, ...]:
        if self.offset_min is not None:
            told = TimeMethod.OFFSET_IN_FILE if method is TimeMethod.ZONE else method
            return ((wall - self.offset_min * 60_000, told),)
        for change in changes_between(self.zone, wall, wall):
            if change.lower <= wall < change.upper:
                before, after = wall - change.before_ms, wall - change.after_ms
                if not change.repeats:
                    return ((before, TimeMethod.ZONE_NONEXISTENT),)
                return ((before, TimeMethod.ZONE_AMBIGUOUS), (after, TimeMethod.ZONE_AMBIGUOUS))
        return ((wall - int(offsets_of(self.zone, np.array([wall]))[0]), method),)


def _earliest(choices: Sequence[tuple[Choice, ...]], low: int | None) -> list[Choice | None]:
    """Each time as early as the order allows."""
    found: list[Choice | None] = []
    for options in choices:
        fitting = [o for o in options if low is None or o[0] >= low]
        chosen = next(iter(fitting or options), None)
        if chosen is not None:
            low = chosen[0]
        found.append(chosen)
    return found


def _latest(choices: Sequence[tuple[Choice, ...]], high: int | None) -> list[Choice | None]:
    """Each time as late as the order allows."""
    found: list[Choice | None] = []
    for options in reversed(choices):
        fitting = [o for o in options if high is None or o[0] <= high]
        chosen = next(reversed(fitting or options), None)
        if chosen is not None:
            high = chosen[0]
        found.append(chosen)
    return found[::-1]
