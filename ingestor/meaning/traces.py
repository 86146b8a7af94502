"""Sampled channels: canonical units with the printed precision kept, and what is not to be believed left out."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from ingestor.meaning.amounts import exact
from ingestor.meaning.stamps import utc_of
from ingestor.meaning.times import METHODS, Placed, place
from ingestor.model import Finding, Ignored, Instant, Severity
from ingestor.quantity import CHANNELS, convert
from ingestor.trace import StateTrack, Trace, TraceColumn

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from ingestor.driver import SampleBlock, SampleColumn
    from ingestor.meaning.belief import Belief
    from ingestor.meaning.plausibility import Plausibility
    from ingestor.quantity import Range

# Decimals added where a conversion has no end, such as mL/h to mL/min: enough to find the printed value again.
_GUARD = 4
_WHOLE_WORD = 2**63


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """The samples of a run with what was found out about them."""

    trace: Trace
    placed: Placed
    segments: tuple[int, ...]
    ignored: tuple[Ignored, ...]
    findings: tuple[Finding, ...]

    def instant(self, row: int) -> Instant:
        """Return the instant of one row."""
        local = utc_of(int(self.placed.local_ms[row])).replace(tzinfo=None)
        utc = utc_of(int(self.trace.utc_ms[row]))
        return Instant(local, utc, METHODS[int(self.placed.method[row])])

    def corrected(self, error_ms: int) -> Sampled:
        """Return the same samples with a known error of the clock taken out."""
        return replace(self, trace=replace(self.trace, utc_ms=self.trace.utc_ms - error_ms))

    def flowing(self, start: int, stop: int) -> tuple[Instant | None, Instant | None]:
        """Return the first and the last row with plasma flow among some rows."""
        flow = self.trace.column("plasma_flow")
        if flow is None:
            return (None, None)
        rows = np.flatnonzero((flow.mantissa[start:stop] > 0) & ~flow.null[start:stop])
        if not len(rows):
            return (None, None)
        return self.instant(start + int(rows[0])), self.instant(start + int(rows[-1]))

    def flows(self) -> bool:
        """Plasma moved at all."""
        moving = [self.trace.column(name) for name in ("plasma_flow", "processed_plasma")]
        return any(bool(((c.mantissa > 0) & ~c.null).any()) for c in moving if c is not None)


def sampled(block: SampleBlock, belief: Belief, member: str, believed: Plausibility) -> Sampled:
    """Return the samples in canonical units at their instants; rows whose time cannot be are left out."""
    member = block.member or member
    kept = belief.rows(block.local_ms)
    findings: list[Finding] = []
    ignored: tuple[Ignored, ...] = ()
    if not kept.all():
        out = np.flatnonzero(~kept)
        belief.refused += [(int(block.line[i]), _clock_face(int(block.local_ms[i]))) for i in out]
        ignored = (Ignored("time_not_believed", len(out)),)
    elapsed = None if block.elapsed_s is None else block.elapsed_s[kept]
    placed = place(block.local_ms[kept], belief.zone, elapsed, block.offset_min)
    line = block.line[kept]
    columns: dict[str, TraceColumn] = {}
    ranges = believed.of_channels([c.channel for c in block.columns])
    for column in block.columns:
        made = _column(column, kept, line, member, ranges, findings)
        name = made.channel
        while name in columns:
            name += "'"
        columns[name] = made if name == made.channel else replace(made, channel=name)
    trace = Trace(
        utc_ms=placed.utc_ms,
        local_ms=placed.local_ms,
        line=line,
        columns=tuple(columns.values()),
        states=tuple(StateTrack(s.name, s.words, s.codes[kept]) for s in block.states),
        elapsed_s=elapsed,
    )
    before = np.concatenate(([0], np.cumsum(kept)))
    segments = tuple(int(before[s]) for s in block.segments)
    return Sampled(trace, placed, segments, ignored, tuple(findings))


def _clock_face(local_ms: int) -> str:
    try:
        return str(utc_of(local_ms).replace(tzinfo=None))
    except OverflowError:
        return str(local_ms)


def _column(
    column: SampleColumn,
    kept: npt.NDArray[np.bool_],
    line: npt.NDArray[np.int32],
    member: str,
    ranges: Mapping[str, Range],
    findings: list[Finding],
) -> TraceColumn:
    mantissa, null = column.mantissa[kept], column.null[kept]
    known = CHANNELS.get(column.channel or "")
    if known is None:
        return TraceColumn(f"x:{column.printed}", column.unit, column.unit, mantissa, column.scale, null)
    changed = _converted(mantissa, column.scale, column.unit, known.unit)
    if changed is None:
        there = np.flatnonzero(~null)
        first = int(line[there[0]]) if len(there) else 0
        params = {"kind": known.id, "value": column.printed, "unit": column.unit, "rows": str(len(there))}
        findings.append(Finding("unit_unknown", Severity.WARNING, member, first, params))
        return TraceColumn(f"x:{column.printed}", column.unit, column.unit, mantissa, column.scale, null)
    made = TraceColumn(known.id, known.unit, column.unit, changed[0], changed[1], null)
    range_ = ranges.get(known.id)
    return made if range_ is None else _within(made, range_, line, member, findings)


def _converted(
    mantissa: npt.NDArray[np.int64], scale: int, spelling: str, unit: str
) -> tuple[npt.NDArray[np.int64], int] | None:
    one, zero = convert(Decimal(1), spelling, unit), convert(Decimal(0), spelling, unit)
    if one is None or zero is None:
        return None
    factor = Fraction(one - zero).limit_denominator(1_000_000)
    over = factor.denominator
    extra = next((e for e in range(_GUARD) if factor.numerator * 10**e % over == 0), _GUARD)
    times = factor.numerator * 10**extra
    most = int(np.abs(mantissa).max(initial=0)) * abs(times) + over
    if most >= _WHOLE_WORD * over:
        return None
    # Products that leave a word are made of Python's own numbers: rare, and right.
    scaled = mantissa * times if most < _WHOLE_WORD else mantissa.astype(object) * times
    rounded = (np.abs(scaled) + over // 2) // over * np.sign(mantissa)
    return rounded.astype(np.int64) + int(zero * 10 ** (scale + extra)), scale + extra


def _within(
    column: TraceColumn,
    range_: Range,
    line: npt.NDArray[np.int32],
    member: str,
    findings: list[Finding],
) -> TraceColumn:
    """Leave out what cannot be, remark upon what is unusual: one finding a channel and kind, however many rows."""
    hard, soft = (_outside(column, bounds) for bounds in (range_.hard, range_.soft))
    for code, rows in (("value_implausible", hard), ("value_unusual", soft & ~hard)):
        which = np.flatnonzero(rows)
        if len(which):
            first = int(which[0])
            value = Decimal(int(column.mantissa[first])).scaleb(-column.scale)
            params = {
                "kind": column.channel,
                "value": str(value),
                "unit": column.unit,
                "rows": str(len(which)),
            }
            findings.append(Finding(code, Severity.WARNING, member, int(line[first]), params))
    return replace(column, null=column.null | hard) if hard.any() else column


def _outside(column: TraceColumn, bounds: tuple[float, float]) -> npt.NDArray[np.bool_]:
    low, high = (exact(bound).scaleb(column.scale) for bound in bounds)
    return ((column.mantissa < math.ceil(low)) | (column.mantissa > math.floor(high))) & ~column.null
