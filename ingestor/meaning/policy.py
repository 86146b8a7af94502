"""What a site has decided about doses. The defaults are the house's."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

METHOD = "ia-dose/1"
# How a printed log is given its meaning. Counted up whenever the same log becomes another run or other figures.
NORMALISED = "1"


@dataclass(frozen=True, slots=True)
class Limits:
    """How one run is measured.

    Attributes:
        gap_factor: a pause between samples longer than this many usual intervals is missing data.
        still_s: a stretch without plasma flow counts as an interruption when it is longer [s].
        reset_ml: a counter that falls by more than this and by more than half began again [mL].
        same_fraction: a printed total this near to the counter's last stretch is the total of that stretch.
    """

    gap_factor: int = 3
    still_s: int = 60
    reset_ml: Decimal = Decimal(20)
    same_fraction: Decimal = Decimal("0.02")


@dataclass(frozen=True, slots=True)
class Policy:
    """How a session's dose is judged.

    Attributes:
        formula: id of the plasma volume's formula, see `ingestor.meaning.plasma_volume`.
        build: for `gilcher`: muscular, normal, thin or obese.
        withhold_above: readings that differ by more than this fraction are withheld.
        agree_fraction, agree_integrated, agree_ml: two readings agree within these.
        weight_age, hematocrit_age, height_age: the oldest measurement that is used.
        igg_age: the furthest IgG before and after a session that tells its reduction.
        plasma_soft, plasma_hard: plasma of a session that is remarked upon, and not believed [mL].
        pv_soft, pv_hard: multiples of the plasma volume that are remarked upon, and not believed.
        extraction: mean extraction per pass by column product, for the model of removal only.
        column_uses: how often a column of a product may be used; no limit where none is set.
    """

    formula: str = "nadler"
    build: str = "normal"
    withhold_above: Decimal = Decimal("0.10")
    agree_fraction: Decimal = Decimal("0.02")
    agree_integrated: Decimal = Decimal("0.05")
    agree_ml: Decimal = Decimal(20)
    weight_age: timedelta = timedelta(days=30)
    hematocrit_age: timedelta = timedelta(days=7)
    height_age: timedelta = timedelta(days=3653)
    igg_age: timedelta = timedelta(hours=48)
    plasma_soft: tuple[Decimal, Decimal] = (Decimal(1000), Decimal(12000))
    plasma_hard: Decimal = Decimal(25000)
    pv_soft: tuple[Decimal, Decimal] = (Decimal("0.5"), Decimal(4))
    pv_hard: Decimal = Decimal(8)
    extraction: Mapping[str, Decimal] = field(default_factory=dict)
    column_uses: Mapping[str, int] = field(default_factory=dict)
