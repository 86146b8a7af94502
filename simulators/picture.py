"""A drawing of one simulated treatment: phases as bands, flows and pressure as lines, alarms as marks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import numpy as np

from simulators.sampling import sample

if TYPE_CHECKING:
    from simulators.numbers import Floats
    from simulators.pumps import Units
    from simulators.treatment import Treatment

WIDTH, LEFT, RIGHT = 860, 64, 12
BANDS = {
    "load": "#cfe3f5",
    "elute": "#f6d9c6",
    "neutralise": "#e4efd4",
    "plasma_return": "#e9e3f4",
    "recondition": "#eeeeee",
    "prime": "#f4eec8",
    "rinseback": "#f4d7e0",
}
PRIORITY = {"high": "#b3261e", "medium": "#b26a00", "low": "#5c6f00"}


@dataclass(frozen=True, slots=True)
class _Panel:
    """One strip of the drawing: a channel on its own scale."""

    name: str
    unit: str
    values: Floats
    top: int
    height: int
    colour: str

    def line(self, x: Floats, breaks: Units) -> str:
        """The channel as a line, open where nothing was sampled, with its scale at the left."""
        low, high = min(0.0, float(self.values.min())), float(self.values.max())
        span = max(high - low, 1e-9)
        y = self.top + self.height - (self.values - low) / span * self.height
        stretches = zip(np.split(x, breaks), np.split(y, breaks), strict=True)
        lines = "".join(self._stretch(a, b) for a, b in stretches)
        bottom = self.top + self.height
        return (
            f'<text x="{LEFT - 6}" y="{self.top + 9}" text-anchor="end">{high:.0f}</text>'
            f'<text x="{LEFT - 6}" y="{bottom}" text-anchor="end">{low:.0f}</text>'
            f'<text x="4" y="{self.top + self.height // 2}" fill="{self.colour}">{escape(self.name)}</text>'
            f'<text x="4" y="{self.top + self.height // 2 + 11}">{escape(self.unit)}</text>'
            f"{lines}"
        )

    def _stretch(self, x: Floats, y: Floats) -> str:
        points = " ".join(f"{a:.0f},{b:.0f}" for a, b in zip(x, y, strict=True))
        return f'<polyline fill="none" stroke="{self.colour}" points="{points}"/>'


def picture(treatment: Treatment, title: str) -> str:
    """The treatment as a small SVG."""
    s = sample(treatment, 1 / 60)
    scale = (WIDTH - LEFT - RIGHT) / treatment.seconds
    x = np.asarray(LEFT + s.seconds * scale, np.float64)
    breaks = np.flatnonzero(np.diff(s.seconds) > 90) + 1
    elutes = any(p.kind == "elute" for p in treatment.phases)
    third = (
        _Panel("pH", "", s.ph, 210, 40, "#b26a00")
        if elutes
        else _Panel("TMP", "mmHg", s.tmp, 210, 40, "#b26a00")
    )
    panels = (
        _Panel("QP", "mL/min", s.plasma_flow, 66, 60, "#1f5fa8"),
        _Panel("PS", "mmHg", s.column, 138, 60, "#7a3e9d"),
        third,
        _Panel("VP", "mL", s.plasma, 262, 60, "#146c43"),
    )
    parts = [
        *_bands(treatment, scale),
        *(panel.line(x, breaks) for panel in panels),
        *_alarms(treatment, scale),
    ]
    parts.append(_hours(treatment, scale))
    head = f'<text x="{LEFT}" y="14" font-size="12">{escape(title)}</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} 346" font-family="sans-serif" font-size="9">'
        f"<title>{escape(title)}</title>{head}{''.join(parts)}</svg>\n"
    )


def _bands(treatment: Treatment, scale: float) -> list[str]:
    """One strip for each position; the colours of the phases."""
    rows = {
        position: 22 + 20 * row for row, position in enumerate(sorted({p.position for p in treatment.phases}))
    }
    bands = [
        f'<rect x="{LEFT + p.start * scale:.1f}" y="{rows[p.position]}" width="{(p.end - p.start) * scale:.1f}"'
        f' height="16" fill="{BANDS[p.kind]}"><title>{p.kind} {p.cycle}</title></rect>'
        for p in treatment.phases
        if p.kind in BANDS
    ]
    labels = [
        f'<text x="{LEFT - 6}" y="{y + 12}" text-anchor="end">{escape(name)}</text>'
        for name, y in rows.items()
    ]
    return [*bands, *labels]


def _alarms(treatment: Treatment, scale: float) -> list[str]:
    marks = []
    for alarm in treatment.alarms:
        over = treatment.seconds if alarm.cleared is None else alarm.cleared
        width = max((over - alarm.onset) * scale, 1.5)
        marks.append(
            f'<rect x="{LEFT + alarm.onset * scale:.1f}" y="64" width="{width:.1f}" height="260" opacity=".3"'
            f' fill="{PRIORITY[alarm.kind.priority]}"><title>{alarm.kind.code} {escape(alarm.kind.english)}</title></rect>'
        )
    return marks


def _hours(treatment: Treatment, scale: float) -> str:
    ticks: Units = np.arange(0, treatment.seconds, 3600)
    return "".join(
        f'<text x="{LEFT + t * scale:.0f}" y="338">{t // 3600} h</text>'
        f'<line x1="{LEFT + t * scale:.0f}" x2="{LEFT + t * scale:.0f}" y1="64" y2="326" stroke="#ccc" stroke-width=".5"/>'
        for t in ticks.tolist()
    )
