"""What the sampled channels say of processed plasma; in whole numbers, so that the sums are the same everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from ingestor.meaning.plasma_volume import rounded
from ingestor.meaning.times import usual_interval_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from ingestor.trace import Trace, TraceColumn

    Int64 = npt.NDArray[np.int64]

Span = tuple[int, int]
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Counter:
    """A cumulative channel: the sum of its segments' last values, its first and its last value."""

    total: Decimal
    first: Decimal
    last: Decimal


def counter(trace: Trace | None, channel: str, segments: Sequence[int], reset_ml: Decimal) -> Counter | None:
    """Read a cumulative channel that may have begun again.

    Args:
        trace: the samples.
        channel: id of the channel [mL].
        segments: rows at which the layout says that counters began again: there any fall is a new beginning.
        reset_ml: else a fall by more than this and by more than half is one; a smaller one is jitter.
    """
    column = None if trace is None else trace.column(channel)
    if trace is None or column is None or column.null.all():
        return None
    rows, values = _in_time(trace, column)
    begins = _fell(values, column.scale, reset_ml)
    begins |= (values[1:] < values[:-1]) & _told(rows, segments)
    lasts = [*values[:-1][begins].tolist(), int(values[-1])]

    def volume(mantissa: int) -> Decimal:
        return Decimal(mantissa).scaleb(-column.scale)

    # A machine that balances fluids may stand a little below zero: that is no plasma.
    return Counter(rounded(max(volume(sum(lasts)), Decimal(0))), volume(int(values[0])), volume(lasts[-1]))


def begun_again(trace: Trace | None, segments: Sequence[int], reset_ml: Decimal) -> list[int]:
    """Return the rows at which the counter of plasma began again and the layout did not say so; as `counter`."""
    column = None if trace is None else trace.column("processed_plasma")
    if trace is None or column is None or column.null.all():
        return []
    rows, values = _in_time(trace, column)
    found: list[int] = rows[1:][_fell(values, column.scale, reset_ml) & ~_told(rows, segments)].tolist()
    return found


def _in_time(trace: Trace, column: TraceColumn) -> tuple[npt.NDArray[np.intp], Int64]:
    """The rows that have a value, in the order of time, and these values."""
    order = np.argsort(trace.utc_ms, kind="stable")
    rows = order[~column.null[order]]
    return rows, column.mantissa[rows]


def _fell(values: Int64, scale: int, reset_ml: Decimal) -> npt.NDArray[np.bool_]:
    """Between which two values a counter fell so far that it must have begun again."""
    fall = values[:-1] - values[1:]
    return (fall > int(reset_ml * 10**scale)) & (2 * fall > values[:-1])


def _told(rows: Int64, segments: Sequence[int]) -> npt.NDArray[np.bool_]:
    """Between which two values the layout says that counters began again; rows in the order of time."""
    told = np.zeros(max(len(rows) - 1, 0), np.bool_)
    for segment in segments:
        later = np.flatnonzero(rows >= segment)
        if len(later) and later[0]:
            told[later[0] - 1] = True
    return told


class Flow:
    """The plasma flow of a run, each sample held until the next.

    Args:
        trace: the samples, two at least.
        column: its plasma flow.
        gap_factor: a pause longer than so many usual intervals is missing data.
    """

    def __init__(self, trace: Trace, column: TraceColumn, gap_factor: int) -> None:
        order = np.argsort(trace.utc_ms, kind="stable")
        times = trace.utc_ms[order]
        self.scale = column.scale
        self.longest_ms = gap_factor * usual_interval_ms(times)
        # The last sample is held too, for as long as a pause may last.
        self.times = np.append(times, times[-1] + self.longest_ms)
        steps = np.diff(self.times)
        self._known = (steps <= self.longest_ms) & ~column.null[order]
        self._rate = np.where(self._known, column.mantissa[order], 0)
        self._volume = np.concatenate(([0], np.cumsum(self._rate * steps)))
        self._missing = np.concatenate(([0], np.cumsum(np.where(self._known, 0, steps))))

    def whole(self) -> Span:
        """From the first to the last sample [ms UTC]."""
        return int(self.times[0]), int(self.times[-2])

    def integrated(self, spans: Sequence[Span]) -> tuple[Decimal, int]:
        """Return the volume [mL] that flowed during some spans, and the time without data in them [ms]."""
        volume = missing = 0
        for start, end in spans:
            volume += self._at(self._volume, self._rate, end) - self._at(self._volume, self._rate, start)
            missing += self._at(self._missing, ~self._known, end) - self._at(
                self._missing, ~self._known, start
            )
            missing += self._uncovered(start, end)
        return rounded(Decimal(volume) / (_MINUTE_MS * 10**self.scale)), missing

    def _at(self, sums: Int64, rate: npt.NDArray[np.generic], time: int) -> int:
        time = min(max(time, int(self.times[0])), int(self.times[-1]))
        row = min(int(np.searchsorted(self.times, time, side="right")) - 1, len(rate) - 1)
        return int(sums[row]) + int(rate[row]) * (time - int(self.times[row]))

    def _uncovered(self, start: int, end: int) -> int:
        """Time of a span that lies before the first or after the last sample, if it is more than a pause."""
        head = min(int(self.times[0]), end) - start
        tail = end - max(int(self.times[-1]), start)
        return (head if head > self.longest_ms else 0) + max(tail, 0)

    def flowing(self) -> Span | None:
        """From the first to the last moment with plasma flow [ms UTC]."""
        rows = np.flatnonzero(self._rate[:-1] > 0)
        return (int(self.times[rows[0]]), int(self.times[rows[-1] + 1])) if len(rows) else None

    def flowing_ms(self) -> int:
        """Time with plasma flow."""
        return int(np.diff(self.times)[:-1][self._rate[:-1] > 0].sum())

    def still(self) -> list[Span]:
        """Stretches without plasma flow, or without data, from the first to the last sample [ms UTC]."""
        idle = np.concatenate(([False], self._rate[:-1] <= 0, [False]))
        edges = np.flatnonzero(np.diff(idle.astype(np.int8)))
        return [
            (int(self.times[a]), int(self.times[b])) for a, b in zip(edges[::2], edges[1::2], strict=True)
        ]


def flow_of(trace: Trace | None, gap_factor: int) -> Flow | None:
    """Return the plasma flow of a run, None where it was not sampled."""
    column = None if trace is None else trace.column("plasma_flow")
    if trace is None or column is None or len(trace) <= 1 or column.null.all():
        return None
    return Flow(trace, column, gap_factor)


def merged(spans: Sequence[Span]) -> list[Span]:
    """Return the union of some spans, in order."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif end > start:
            found.append((start, end))
    return found


def within(spans: Sequence[Span], window: Span) -> list[Span]:
    """Return the parts of some spans that lie within a window."""
    clipped = ((max(start, window[0]), min(end, window[1])) for start, end in spans)
    return [(start, end) for start, end in clipped if end > start]


def length(spans: Sequence[Span]) -> int:
    """Return how long the union of some spans is."""
    return sum(end - start for start, end in merged(spans))
