"""Estimated plasma volume: six published formulas, chosen by id, never mixed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

FORMULAS = ("nadler", "kaplan", "ml-per-kg-70", "lemmens", "gilcher", "icsh")


def plasma_volume_ml(
    formula: str,
    *,
    sex: str | None,
    height_cm: Decimal | None,
    weight_kg: Decimal,
    hematocrit: Decimal,
    build: str = "normal",
) -> Decimal | None:
    """Return the plasma volume [mL], or None where an input the formula needs is missing."""
    raise NotImplementedError
