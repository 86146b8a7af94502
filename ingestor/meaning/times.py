"""From printed wall times to instants, for a whole column of rows that follow each other.

The hour that happens twice is resolved by the order of the rows or by the machine's run-time counter; where
neither tells, the rows are marked and the first occurrence stands. A clock that was set back during a run is
carried on from the row before, so that order and durations stay right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ingestor.meaning.zones import HOUR_MS, Change, changes_between, offsets_of
from ingestor.model import TimeMethod

if TYPE_CHECKING:
    import numpy.typing as npt

    Int64 = npt.NDArray[np.int64]

METHODS = tuple(TimeMethod)
_CODE = {method: code for code, method in enumerate(METHODS)}
# A step back counts as the change of the clocks when it is an hour give or take this; a sample may be missing.
_ABOUT_MS = 600_000
# Over a longer pause between rows, their order alone tells no longer on which side of a change they lie.
_LINKED_MS = 1_800_000


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows [start, stop) under one regime of the clock; `shift_ms` is added to what was printed."""

    start: int
    stop: int
    shift_ms: int = 0
    entered: Change | None = None
    left: Change | None = None
    counted: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Rows with their instants.

    Attributes:
        utc_ms, method: a row each; `method` indexes `METHODS`.
        stretches: the regimes of the clock, in order.
        set_back: first rows after the clock was set back.
        out_of_order: single rows that stand too late in the file.
        usual_ms: the usual interval between rows.
    """

    local_ms: Int64
    utc_ms: Int64
    method: npt.NDArray[np.int8]
    stretches: tuple[Stretch, ...]
    set_back: tuple[int, ...]
    out_of_order: tuple[int, ...]
    usual_ms: int

    def rows_by(self, method: TimeMethod) -> Int64:
        """Return the indices of the rows that were placed by this method."""
        return np.flatnonzero(self.method == _CODE[method])


def usual_interval_ms(times_ms: Int64) -> int:
    """Return the median of the positive steps, 0 where there is none."""
    steps = np.diff(times_ms)
    steps = steps[steps > 0]
    return int(np.median(steps)) if len(steps) else 0


def place(
    local_ms: Int64, zone: str, elapsed_s: Int64 | None = None, offset_min: int | None = None
) -> Placed:
    """Return the instants of rows in printed order.

    Args:
        local_ms: naive wall times [ms since 1970], shape (n,).
        zone: name of the machine's zone.
        elapsed_s: the machine's own run-time counter [s], shape (n,), or None.
        offset_min: offset from UTC that the file itself states for all rows.
    """
    usual = usual_interval_ms(local_ms)
    if not len(local_ms):
        return Placed(local_ms, local_ms, np.zeros(0, np.int8), (), (), (), usual)
    stated = offset_min is not None
    changes = () if stated else changes_between(zone, int(local_ms.min()), int(local_ms.max()))
    stretches, set_back, out_of_order = _stretches(local_ms, changes, elapsed_s, usual)
    shift = np.zeros(len(local_ms), np.int64)
    method = np.full(len(local_ms), _CODE[TimeMethod.OFFSET_IN_FILE if stated else TimeMethod.ZONE], np.int8)
    for s in stretches:
        if s.shift_ms:
            shift[s.start : s.stop] = s.shift_ms
            method[s.start : s.stop] = _CODE[TimeMethod.CLOCK_JUMP]
    wall = local_ms + shift
    utc = wall - (offset_min * 60_000 if offset_min is not None else offsets_of(zone, wall))
    for s in stretches:
        for change in changes:
            _settle(s, change, wall, utc, method, elapsed_s)
    return Placed(local_ms, utc, method, stretches, set_back, out_of_order, usual)


def _stretches(
    local_ms: Int64, changes: tuple[Change, ...], elapsed_s: Int64 | None, usual: int
) -> tuple[tuple[Stretch, ...], tuple[int, ...], tuple[int, ...]]:
    step = np.diff(local_ms)
    counted = None if elapsed_s is None else np.diff(elapsed_s) * 1000
    hidden = np.zeros(len(step), np.bool_)
    if counted is not None and changes:
        hidden = (step >= 0) & (np.abs(counted - step - HOUR_MS) <= _ABOUT_MS)
    breaks = np.flatnonzero((step < 0) | (step > _LINKED_MS) | hidden) + 1
    found: list[Stretch] = []
    set_back: list[int] = []
    out_of_order: list[int] = []
    start, shift, entered, by_counter = 0, 0, None, False
    for k in breaks.tolist():
        back = int(step[k - 1]) < 0
        if back and k + 1 < len(local_ms) and local_ms[k + 1] > local_ms[k - 1]:
            out_of_order.append(k)
            continue
        left = None
        if back or hidden[k - 1]:
            left = _change_at(changes, int(local_ms[k - 1]) + shift, int(local_ms[k]) + shift, back=back)
        found.append(Stretch(start, k, shift, entered, left, by_counter))
        if back and left is None:
            set_back.append(k)
            pause = usual if counted is None or counted[k - 1] < 0 else int(counted[k - 1])
            shift += pause - int(step[k - 1])
        if left is not None:
            entered, by_counter = left, not back
        start = k
    found.append(Stretch(start, len(local_ms), shift, entered, None, by_counter))
    return tuple(_before_the_change(found)), tuple(set_back), tuple(out_of_order)


def _before_the_change(stretches: list[Stretch]) -> list[Stretch]:
    """What stands before a change of the clocks in the file lies before it in time, over any pause."""
    found: list[Stretch] = []
    ahead: Change | None = None
    for s in reversed(stretches):
        ahead = s.left or ahead
        found.append(replace(s, left=ahead))
    return found[::-1]


def _change_at(changes: tuple[Change, ...], before: int, after: int, *, back: bool) -> Change | None:
    """The change of the clocks that explains a step between two wall times, seen or told by a counter."""
    if back and abs(before - after - HOUR_MS) > _ABOUT_MS:
        return None
    for change in changes:
        late = change.upper + HOUR_MS
        if change.repeats and change.lower <= before < late and change.lower <= after < late:
            return change
    return None


def _settle(
    s: Stretch,
    change: Change,
    wall: Int64,
    utc: Int64,
    method: npt.NDArray[np.int8],
    elapsed_s: Int64 | None,
) -> None:
    """Decide, for one stretch, on which side of a change its rows lie."""
    rows = slice(s.start, s.stop)
    here = wall[rows]
    inside = (here >= change.lower) & (here < change.upper)
    from_here = here >= change.lower
    if s.left is change:
        utc[rows][from_here] = here[from_here] - change.before_ms
    elif s.entered is change:
        utc[rows][inside] = here[inside] - change.after_ms
        if s.counted:
            method[rows][inside] = _CODE[TimeMethod.ELAPSED_COUNTER]
    elif not inside.any():
        return
    elif not change.repeats:
        # The machine's clock was not put forward: it goes on as before.
        utc[rows][from_here] = here[from_here] - change.before_ms
        method[rows][from_here] = _CODE[TimeMethod.ZONE_NONEXISTENT]
    else:
        _settle_by_neighbours(s, change, wall, utc, method, elapsed_s)


def _settle_by_neighbours(
    s: Stretch,
    change: Change,
    wall: Int64,
    utc: Int64,
    method: npt.NDArray[np.int8],
    elapsed_s: Int64 | None,
) -> None:
    rows = slice(s.start, s.stop)
    here = wall[rows]
    inside = (here >= change.lower) & (here < change.upper)
    begins_before, ends_after = here[0] < change.lower, here[-1] >= change.upper
    if begins_before and not ends_after:
        return
    if ends_after and not begins_before:
        utc[rows][inside] = here[inside] - change.after_ms
        return
    if begins_before:
        # It ran through the doubled hour only once: the clock was not put back, or stood still.
        passed = here >= change.lower
        utc[rows][passed] = here[passed] - change.before_ms
        told = TimeMethod.ZONE_AMBIGUOUS if elapsed_s is None else TimeMethod.ELAPSED_COUNTER
        method[rows][passed] = _CODE[told]
        return
    offset = None if elapsed_s is None else _by_counter(s, change, wall, utc, elapsed_s)
    if offset is None:
        method[rows][inside] = _CODE[TimeMethod.ZONE_AMBIGUOUS]
        return
    utc[rows][inside] = here[inside] - offset
    method[rows][inside] = _CODE[TimeMethod.ELAPSED_COUNTER]


def _by_counter(s: Stretch, change: Change, wall: Int64, utc: Int64, elapsed_s: Int64) -> int | None:
    """The offset with which a stretch fits the run-time counter since the row before it."""
    if s.start == 0:
        return None
    due = int(utc[s.start - 1]) + int(elapsed_s[s.start] - elapsed_s[s.start - 1]) * 1000
    fits = [
        offset
        for offset in (change.before_ms, change.after_ms)
        if abs(int(wall[s.start]) - offset - due) <= _ABOUT_MS
    ]
    return fits[0] if len(fits) == 1 else None
