"""What is believed of a printed number, and what is only remarked upon. Everything here can be set by a site."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from ingestor.quantity import CHANNELS, FACTS, TOTALS, Quantity, Range

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_CUMULATIVE = Range((0, 12_000), (0, 25_000))
_BLOOD = Range((0, 40_000), (0, 100_000))
_LOAD = Range((100, 1_000), (0, 25_000))
_PHASE = Range((0, 5_000), (0, 25_000))
_FLUID = Range((-1_000, 100_000), (-5_000, 250_000))

_BALANCED = (
    "effluent",
    "dialysate",
    "pre_infusion",
    "post_infusion",
    "preblood_infusion",
    "syringe_infusion",
    "excess_fluid",
)
# Cumulative channels; machines that balance fluids print small negative volumes at a start.
_COUNTERS: dict[str, Range] = {
    "processed_plasma": _CUMULATIVE,
    "blood_processed": _BLOOD,
    "ac_volume": Range((0, 3_000), (0, 10_000)),
    **dict.fromkeys(_BALANCED, _FLUID),
}


def _ranges(quantities: Mapping[str, Quantity]) -> dict[str, Range]:
    return {key: quantity.range for key, quantity in quantities.items() if quantity.range is not None}


@dataclass(frozen=True, slots=True)
class Plausibility:
    """Ranges by kind of value: outside `soft` is a finding, outside `hard` is null with a finding.

    Attributes:
        channels, totals, facts: by canonical id, in canonical units.
        load_ml, phase_ml: volume of one load, of any other phase [mL].
        duration: of a run.
        earliest_year: times before it are not believed.
    """

    channels: Mapping[str, Range] = field(default_factory=lambda: _COUNTERS | _ranges(CHANNELS))
    totals: Mapping[str, Range] = field(default_factory=lambda: _ranges(TOTALS))
    facts: Mapping[str, Range] = field(default_factory=lambda: _ranges(FACTS))
    load_ml: Range = _LOAD
    phase_ml: Range = _PHASE
    duration: tuple[timedelta, timedelta] = (timedelta(hours=1), timedelta(hours=8))
    earliest_year: int = 1995

    def of_channels(self, sampled: Collection[str | None]) -> Mapping[str, Range]:
        """Return the ranges for a machine with these channels: one that balances fluids may count below zero."""
        if not set(sampled) & set(_BALANCED):
            return self.channels
        usual = self.channels["processed_plasma"]
        low = _FLUID.soft[0]
        return {**self.channels, "processed_plasma": Range((low, usual.soft[1]), (low, usual.hard[1]))}
