"""Which columns of a dose are numbers that were observed, and how each is coded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from ingestor.exports.fields import tables


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a dose.

    Attributes:
        name: of the column.
        slug: the same as part of an id.
        unit: UCUM code.
        loinc: code and name, where LOINC has this very thing.
        input: kind of the input that carries its own time; None: it is of the whole session.
        coded: columns with a code that this number cannot be read without.
    """

    name: str
    slug: str
    display: str
    unit: str
    category: str = "procedure"
    loinc: tuple[str, str] | None = None
    input: str | None = None
    coded: tuple[str, ...] = ()


READINGS = ("reported_ml", "cycles_ml", "counter_ml", "integrated_ml")
LOWER_BOUNDS = frozenset({"processed_plasma_ml", "native_plasma_ml", "pv_multiple", "plasma_ml_per_kg"})
# What is withheld with the plasma: the rest is known, or is missing for reasons of its own.
WITHHELD = LOWER_BOUNDS | {"mean_plasma_flow_ml_min"}
_FORMULA = ("plasma_volume_formula",)
_SPECIAL: dict[str, tuple[str, tuple[str, str] | None, str | None, tuple[str, ...]]] = {
    "weight_kg": ("vital-signs", ("29463-7", "Body weight"), "weight", ()),
    "height_cm": ("vital-signs", ("8302-2", "Body height"), "height", ()),
    "hematocrit": ("laboratory", ("20570-8", "Hematocrit [Volume Fraction] of Blood"), "hematocrit", ()),
    "processed_plasma_ml": ("procedure", None, None, ("processed_plasma_reading", "agreement")),
    "plasma_volume_ml": ("procedure", None, None, _FORMULA),
    "pv_multiple": ("procedure", None, None, _FORMULA),
}


@cache
def figures() -> tuple[Figure, ...]:
    """Return every number of a dose, in the order in which it is served."""
    return tuple(
        Figure(f.name, f.name.replace("_", "-"), f.en, f.unit or "1", *_SPECIAL.get(f.name, ("procedure", None, None, ())))
        for f in tables()["doses"]
        if f.kind in {"number", "count"}
    )  # fmt: skip
