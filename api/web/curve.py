"""The curve of a run as lines, bands and marks on a plane; a template draws them as SVG.

Positions are in the units of the SVG's view box.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from api.web.samples import reduced
from api.web.scale import minutes_between, steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestor.model import Alarm, Instant, PhaseSpan, Run
    from ingestor.trace import Trace, TraceColumn

WIDTH, LEFT, RIGHT = 960, 52, 12
PANEL, GAP, LANE = 132, 46, 16
PANELS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("flows", "mL/min", ("plasma_flow", "blood_flow", "ac_flow")),
    (
        "pressures",
        "mm[Hg]",
        (
            "access_pressure",
            "return_pressure",
            "column_pressure",
            "filter_pressure",
            "effluent_pressure",
            "tmp",
        ),
    ),
    ("plasma", "mL", ("processed_plasma",)),
)
_GAP_FACTOR = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One channel: `points` is the path; `style` counts from 1 within its panel."""

    channel: str
    style: int
    points: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis with the value that stands there."""

    at: float
    value: float | datetime


@dataclass(frozen=True, slots=True)
class Panel:
    """One plane with its own vertical axis."""

    name: str
    unit: str
    top: float
    lines: tuple[Line, ...]
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Band:
    """A phase of a column, from `left` over `width`."""

    left: float
    width: float
    span: PhaseSpan


@dataclass(frozen=True, slots=True)
class Lane:
    """The phases of one column."""

    position: str
    top: float
    bands: tuple[Band, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """An alarm."""

    at: float
    alarm: Alarm


@dataclass(frozen=True, slots=True)
class Curve:
    """Everything that is drawn of one run; `start` and `end` are the machine's wall clock."""

    height: float
    start: datetime
    end: datetime
    lanes: tuple[Lane, ...]
    alarm_top: float
    marks: tuple[Mark, ...]
    panels: tuple[Panel, ...]
    hours: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class _Time:
    """Maps UTC milliseconds to the horizontal axis, and back to the machine's wall clock."""

    start: int
    end: int
    offset: int

    def x(self, at: float) -> float:
        share = (at - self.start) / max(self.end - self.start, 1)
        return round(LEFT + min(max(share, 0), 1) * (WIDTH - LEFT - RIGHT), 1)

    def of(self, instant: Instant) -> float:
        return self.x(_ms(instant.utc))

    def local(self, at: int) -> datetime:
        return datetime.fromtimestamp((at + self.offset) / 1000, UTC).replace(tzinfo=None)


def draw(run: Run) -> Curve | None:
    """Return the drawing of a run, or None where it has no time to draw along."""
    time = _time_of(run)
    if time is None:
        return None
    lanes = _lanes(run.phases, time)
    alarm_top = 6 + LANE * len(lanes)
    top = alarm_top + LANE + 22
    panels = []
    for name, unit, channels in PANELS:
        panel = _panel(name, unit, channels, run.trace, time, top) if run.trace is not None else None
        if panel:
            panels.append(panel)
            top += PANEL + GAP
    marks = tuple(Mark(time.of(at), a) for a in run.alarms if (at := a.onset or a.cleared))
    return Curve(
        height=top - 18, start=time.local(time.start), end=time.local(time.end), lanes=lanes,
        alarm_top=alarm_top, marks=marks, panels=tuple(panels), hours=_hours(time),
    )  # fmt: skip


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _time_of(run: Run) -> _Time | None:
    instants = [_ms(run.started.utc)]
    instants += [_ms(run.ended.utc)] if run.ended else []
    if run.trace is not None and len(run.trace):
        instants += [int(run.trace.utc_ms.min()), int(run.trace.utc_ms.max())]
    instants += [_ms(p.end.utc) for p in run.phases if p.end]
    if max(instants) <= min(instants):
        return None
    offset = _ms(run.started.local.replace(tzinfo=UTC)) - _ms(run.started.utc)
    return _Time(min(instants), max(instants), offset)


def _lanes(phases: Sequence[PhaseSpan], time: _Time) -> tuple[Lane, ...]:
    drawn = [p for p in phases if p.start and p.end]
    lanes = []
    for number, position in enumerate(sorted({p.position for p in drawn})):
        bands = []
        for span in drawn:
            if span.position == position and span.start and span.end:
                left = time.of(span.start)
                bands.append(Band(left, max(round(time.of(span.end) - left, 1), 0.5), span))
        lanes.append(Lane(position, 6 + LANE * number, tuple(bands)))
    return tuple(lanes)


def _panel(
    name: str, unit: str, channels: Sequence[str], trace: Trace, time: _Time, top: float
) -> Panel | None:  # fmt: skip
    found = [column for channel in channels if (column := trace.column(channel))]
    found = [column for column in found if not bool(column.null.all())]
    if not found:
        return None
    low = min(0.0, *(float(np.nanmin(c.values())) for c in found))
    high = max(0.0, *(float(np.nanmax(c.values())) for c in found))
    values = steps(low, high)
    bottom, span = top + PANEL, values[-1] - values[0]
    lines = tuple(
        Line(column.channel, number, _path(trace, column, time, bottom, values[0], PANEL / span))
        for number, column in enumerate(found, start=1)
    )
    ticks = tuple(Tick(round(bottom - (v - values[0]) / span * PANEL, 1), v) for v in values)
    return Panel(name, unit, top, lines, ticks)


def _path(trace: Trace, column: TraceColumn, time: _Time, bottom: float, lowest: float, factor: float) -> str:
    order = np.argsort(trace.utc_ms, kind="stable")
    at, values = reduced(trace.utc_ms[order], column.values()[order], (WIDTH - LEFT - RIGHT) // 2)
    pause = _GAP_FACTOR * float(np.median(np.diff(trace.utc_ms[order]))) if len(order) > 1 else np.inf
    pause = max(pause, 2 * (time.end - time.start) / (WIDTH - LEFT - RIGHT))
    parts, before = [], -np.inf
    for moment, value in zip(at, values, strict=True):
        verb = "L" if moment - before <= pause else "M"
        parts.append(f"{verb}{time.x(moment):g} {bottom - (value - lowest) * factor:.1f}")
        before = moment
    return "".join(parts)


def _hours(time: _Time) -> tuple[Tick, ...]:
    first, last = time.local(time.start), time.local(time.end)
    step = timedelta(minutes=minutes_between((last - first).total_seconds(), 10))
    tick = datetime.combine(first.date(), datetime.min.time())
    tick += -(-(first - tick) // step) * step
    found = []
    while tick <= last:
        found.append(Tick(time.x(time.start + (tick - first).total_seconds() * 1000), tick))
        tick += step
    return tuple(found)
