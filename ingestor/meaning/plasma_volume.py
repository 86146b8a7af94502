"""Estimated plasma volume: six published formulas, chosen by id, never mixed.

The same person differs by a third between them, so a volume never travels without its formula. All sums are
decimal, so they are the same on every machine; results are rounded to six decimals, half to even.

Source:
    nadler: Nadler, Hidalgo, Bloch, Surgery 1962;51:224-232.
    kaplan: Kaplan, ASAIO Transactions 1990;36:M597-M599.
    ml-per-kg-70: the same form with the textbook's 70 mL of blood a kilogram.
    lemmens: Lemmens, Bernstein, Brodsky, Obesity Surgery 2006;16:773-776.
    gilcher: Gilcher's rule of fives, as taught in apheresis textbooks.
    icsh: Pearson et al. for the ICSH, British Journal of Haematology 1995;89:748-756; body surface by Du Bois,
        Archives of Internal Medicine 1916;17:863-871.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import TYPE_CHECKING

from ingestor.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Callable

D = Decimal
_EXACT = Context(prec=28, rounding=ROUND_HALF_EVEN)
_SIX = D("0.000001")


def rounded(value: Decimal) -> Decimal:
    """Return a derived value as it is served: six decimals, half to even, without trailing zeros."""
    with localcontext(_EXACT):
        short = value.quantize(_SIX).normalize()
        return short.quantize(D(1)) if short == short.to_integral_value() else short


@dataclass(frozen=True, slots=True)
class Body:
    """What the formulas ask of a person; height in metres."""

    female: bool
    height: Decimal
    weight: Decimal
    hematocrit: Decimal
    build: str

    @property
    def plasma_share(self) -> Decimal:
        """The part of the blood that is plasma."""
        return 1 - self.hematocrit


@dataclass(frozen=True, slots=True)
class Formula:
    """One formula: its volume in litres and the inputs it cannot do without."""

    litres: Callable[[Body], Decimal]
    needs: frozenset[str]


def _nadler(b: Body) -> Decimal:
    if b.female:
        blood = D("0.3561") * b.height**3 + D("0.03308") * b.weight + D("0.1833")
    else:
        blood = D("0.3669") * b.height**3 + D("0.03219") * b.weight + D("0.6041")
    return blood * b.plasma_share


def _lemmens(b: Body) -> Decimal:
    index = b.weight / b.height**2
    return b.weight * D("0.070") / (index / 22).sqrt() * b.plasma_share


# Blood [mL/kg] by build, for men; women have five less.
_GILCHER = {"muscular": 75, "normal": 70, "thin": 65, "obese": 60}


def _gilcher(b: Body) -> Decimal:
    per_kg = _GILCHER[b.build] - (5 if b.female else 0)
    return per_kg * b.weight / 1000 * b.plasma_share


def _icsh(b: Body) -> Decimal:
    surface = D("0.007184") * b.weight ** D("0.425") * (b.height * 100) ** D("0.725")
    return (1395 if b.female else 1578) * surface / 1000


FORMULAS: dict[str, Formula] = {
    "nadler": Formula(_nadler, frozenset({"sex", "height", "weight", "hematocrit"})),
    "kaplan": Formula(lambda b: D("0.065") * b.weight * b.plasma_share, frozenset({"weight", "hematocrit"})),
    "ml-per-kg-70": Formula(
        lambda b: D("0.070") * b.weight * b.plasma_share, frozenset({"weight", "hematocrit"})
    ),
    "lemmens": Formula(_lemmens, frozenset({"height", "weight", "hematocrit"})),
    "gilcher": Formula(_gilcher, frozenset({"sex", "weight", "hematocrit"})),
    "icsh": Formula(_icsh, frozenset({"sex", "height", "weight"})),
}
FALL_BACK = "kaplan"


def formula_named(formula: str) -> Formula:
    """Return a formula by its id.

    Raises:
        Invalid: there is none of that id.
    """
    if formula not in FORMULAS:
        raise Invalid("unknown_formula", formula=formula, known=", ".join(FORMULAS))
    return FORMULAS[formula]


def plasma_volume_ml(
    formula: str,
    *,
    sex: str | None = None,
    height_cm: Decimal | None = None,
    weight_kg: Decimal | None = None,
    hematocrit: Decimal | None = None,
    build: str = "normal",
) -> Decimal | None:
    """Return the plasma volume [mL], or None where an input that the formula needs is missing.

    Args:
        formula: id of the formula.
        sex: female or male; None where it is not known.
        height_cm: height [cm].
        weight_kg: weight [kg].
        hematocrit: a fraction.
        build: muscular, normal, thin or obese; only `gilcher` asks.

    Raises:
        Invalid: the formula or the build is not known.
    """
    chosen = formula_named(formula)
    if build not in _GILCHER:
        raise Invalid("unknown_build", build=build, known=", ".join(_GILCHER))
    given = {"sex": sex, "height": height_cm, "weight": weight_kg, "hematocrit": hematocrit}
    if any(given[name] is None for name in chosen.needs):
        return None
    with localcontext(_EXACT):
        metres = (height_cm or D(1)) / 100
        body = Body(sex == "female", metres, weight_kg or D(0), hematocrit or D(0), build)
        return rounded(chosen.litres(body) * 1000)


def chosen_formula(formula: str, known: frozenset[str]) -> str | None:
    """Return the formula that can be used with the inputs that are known, None where there is none.

    Without sex or height the fall-back stands in; without weight nothing does.
    """
    if formula_named(formula).needs <= known:
        return formula
    return FALL_BACK if FORMULAS[FALL_BACK].needs <= known else None
