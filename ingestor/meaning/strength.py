"""The dose in relation to the person: plasma volumes, millilitres a kilogram, the person's own plasma."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingestor.meaning.anticoagulant import native_ml, ratio_from_volumes
from ingestor.meaning.inputs import inputs_at, recorded
from ingestor.meaning.plasma_volume import chosen_formula, plasma_volume_ml, rounded
from ingestor.meaning.served import Input

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from decimal import Decimal

    from ingestor.meaning.policy import Policy
    from ingestor.meaning.served import Part
    from ingestor.model import Person


@dataclass(slots=True)
class Strength:
    """What was processed, in relation to the person; None is unknown, and `missing` says why."""

    inputs: dict[str, Input]
    plasma_volume_ml: Decimal | None = None
    formula: str | None = None
    pv_multiple: Decimal | None = None
    per_kg: Decimal | None = None
    native_ml: Decimal | None = None
    missing: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def value(self, kind: str) -> Decimal | None:
        """Return an input's value."""
        found = self.inputs.get(kind)
        return None if found is None else found.value


def strength(
    parts: Sequence[Part],
    person: Person | None,
    policy: Policy,
    started: datetime,
    volumes: tuple[Decimal | None, Decimal | None, Decimal | None],
) -> Strength:
    """Relate the volumes (processed plasma, blood, anticoagulant [mL]) to the person."""
    processed, blood, ac = volumes
    found = Strength(inputs_at(parts, person, policy, started))
    _plasma_volume(found, person, policy)
    weight = found.value("weight")
    if processed is None:
        found.missing |= dict.fromkeys(
            ("pv_multiple", "plasma_ml_per_kg", "native_plasma_ml"), "no_processed_plasma"
        )
        return found
    _multiple(found, processed, policy)
    if weight is None:
        found.missing["plasma_ml_per_kg"] = "no_weight"
    else:
        found.per_kg = rounded(processed / weight)
    _native(found, parts, processed, blood, ac)
    return found


def _plasma_volume(found: Strength, person: Person | None, policy: Policy) -> None:
    sex = person.sex if person is not None else None
    known = frozenset(found.inputs) | (frozenset({"sex"}) if sex else frozenset())
    found.formula = chosen_formula(policy.formula, known)
    if found.formula is None:
        code = "no_weight" if "weight" not in known else "no_hematocrit"
        found.missing |= {"plasma_volume_ml": code, "plasma_volume_formula": code}
        found.remarks.append(code)
        return
    if found.formula != policy.formula:
        found.remarks.append("formula_fallback")
    found.plasma_volume_ml = plasma_volume_ml(
        found.formula,
        sex=sex,
        height_cm=found.value("height"),
        weight_kg=found.value("weight"),
        hematocrit=found.value("hematocrit"),
        build=policy.build,
    )


def _multiple(found: Strength, processed: Decimal, policy: Policy) -> None:
    if found.plasma_volume_ml is None:
        found.missing["pv_multiple"] = found.missing["plasma_volume_ml"]
        return
    multiple = rounded(processed / found.plasma_volume_ml)
    if multiple > policy.pv_hard:
        found.missing["pv_multiple"] = "pv_multiple_implausible"
        found.troubles.append("pv_multiple_implausible")
        return
    found.pv_multiple = multiple
    low, high = policy.pv_soft
    if not low <= multiple <= high:
        found.remarks.append("pv_multiple_unusual")


def _native(
    found: Strength, parts: Sequence[Part], processed: Decimal, blood: Decimal | None, ac: Decimal | None
) -> None:
    hematocrit = found.value("hematocrit")
    printed = recorded("ac_ratio", parts)
    ratio = None if printed is None else printed.value
    if printed is not None:
        found.inputs["ac_ratio"] = printed
    elif ac and blood is not None:
        ratio = ratio_from_volumes(blood, ac)
        found.inputs["ac_ratio"] = Input("ac_ratio", ratio, "1", None, "blood_processed_ml, ac_volume_ml")
    if hematocrit is None:
        found.missing["native_plasma_ml"] = "no_hematocrit"
    elif ratio is None and ac != 0:
        found.missing["native_plasma_ml"] = "no_ac_ratio"
    elif ratio is not None and ratio <= 1:
        found.missing["native_plasma_ml"] = "ac_ratio_implausible"
    else:
        found.native_ml = native_ml(processed, ratio, hematocrit)
