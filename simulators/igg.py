"""IgG of a patient in two compartments, through treatments and the days between them.

Source: domain page, section 1 (fall of IgG). The share of 45 % in the blood and the escape of 3 % an hour are
textbook values of the field, editable defaults; docs/simulators.md shows what they give.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulators.pumps import UNITS_PER_ML

if TYPE_CHECKING:
    from datetime import datetime

    from simulators.patient import Patient
    from simulators.treatment import Treatment

INTRAVASCULAR = 0.45
ESCAPE_PER_HOUR = 0.03
RETURN_PER_HOUR = ESCAPE_PER_HOUR * INTRAVASCULAR / (1 - INTRAVASCULAR)
HALF_LIFE_DAYS = 21.0
PLASMA_EXCHANGE_EXTRACTION = 1.0


@dataclass(frozen=True, slots=True)
class Body:
    """IgG in blood and outside it [g], and the plasma it is diluted in [mL]."""

    inside: float
    outside: float
    plasma_ml: float

    @property
    def serum(self) -> float:
        """Concentration in plasma [g/L]."""
        return self.inside / self.plasma_ml * 1000


def at_rest(patient: Patient) -> Body:
    """A patient who has never been treated."""
    inside = patient.igg_g_l * patient.plasma_volume_ml / 1000
    return Body(inside, inside * (1 - INTRAVASCULAR) / INTRAVASCULAR, patient.plasma_volume_ml)


def through(body: Body, treatment: Treatment) -> Body:
    """The body after a treatment, in steps of one minute.

    What a column takes is flow x concentration x extraction; the concentration is that of plasma diluted by
    the anticoagulant in it.
    """
    edges = np.append(np.arange(0, treatment.seconds, 60), treatment.seconds)
    plasma = np.diff(treatment.loaded[edges]) / UNITS_PER_ML
    kept = 1 - dilution(treatment.plan.ratio, treatment.plan.patient.hematocrit)
    cleared = plasma * extraction(treatment, edges[:-1]) * kept / body.plasma_ml
    inside, outside = body.inside, body.outside
    for share in cleared.tolist():
        net = (RETURN_PER_HOUR * outside - ESCAPE_PER_HOUR * inside) / 60
        inside, outside = inside * (1 - share) + net, outside - net
    return Body(inside, outside, body.plasma_ml)


def rested(body: Body, hours: float, normal: Body) -> Body:
    """The body some hours later: the compartments even out, and the patient makes new IgG."""
    total, aim = body.inside + body.outside, normal.inside + normal.outside
    total = aim - (aim - total) * 0.5 ** (hours / 24 / HALF_LIFE_DAYS)
    gap = body.inside - INTRAVASCULAR * (body.inside + body.outside)
    gap *= np.exp(-(ESCAPE_PER_HOUR + RETURN_PER_HOUR) * hours)
    inside = INTRAVASCULAR * total + float(gap)
    return Body(inside, total - inside, body.plasma_ml)


def dilution(ratio: float, hematocrit: float) -> float:
    """Share of anticoagulant in separated plasma.

    Source: domain page, section 3: f = (1/R) / (1/R + (1 - 1/R)(1 - H)).
    """
    return (1 / ratio) / (1 / ratio + (1 - 1 / ratio) * (1 - hematocrit))


def extraction(
    treatment: Treatment, seconds: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Share of IgG taken in one pass at each second; a single-use column takes less as it fills."""
    shares = np.full(len(seconds), PLASMA_EXCHANGE_EXTRACTION)
    for used in treatment.columns:
        shares[seconds >= used.since] = used.column.extraction
    for load in treatment.loads:
        column = next(
            (
                c.column
                for c in reversed(treatment.columns)
                if c.position == load.position and c.since <= load.start
            ),
            None,
        )
        low, high = np.searchsorted(seconds, [load.start, load.end])
        if column is None or low == high:
            continue
        if column.product.is_regenerable:
            shares[low:high] = column.extraction
        else:
            filled = (treatment.loaded[seconds[low:high]] - treatment.loaded[load.start]) / UNITS_PER_ML
            shares[low:high] = column.extraction * np.clip(
                1.35 - 0.7 * filled / column.product.load_ml[1], 0, 1.35
            )
    return shares


class Laboratory:
    """Keeps each patient's body between sessions and measures IgG before and after each."""

    def __init__(self) -> None:
        self._bodies: dict[str, tuple[Body, datetime]] = {}

    def measure(self, treatment: Treatment) -> tuple[float, float]:
        """Serum IgG just before and just after, as a laboratory reports it [g/L]."""
        plan = treatment.plan
        normal = at_rest(plan.patient)
        start = plan.clock.start
        body, since = self._bodies.get(plan.patient.identifier, (normal, start))
        before = rested(body, max((start - since).total_seconds() / 3600, 0.0), normal)
        after = through(before, treatment)
        self._bodies[plan.patient.identifier] = (after, start)
        error = plan.rng("laboratory").normal(1, 0.02, 2)
        return round(before.serum * float(error[0]), 2), round(after.serum * float(error[1]), 2)
