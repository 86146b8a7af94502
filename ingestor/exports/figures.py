"""How each figure of a dose follows from others, from what was printed and from what people entered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Figure: its formula, and the figures, readings or inputs that it follows from. docs/dose-method.md says it in words.
_HOW: dict[str, tuple[str, tuple[str, ...]]] = {
    "processed_plasma_ml": ("the first that there is: reported, cycles, counter, integrated; or the one a person chose",
                            ("reported_ml", "cycles_ml", "counter_ml", "integrated_ml")),
    "reported_ml": ("the total that the machine printed", ()),
    "cycles_ml": ("sum of the printed volumes of all loads", ()),
    "counter_ml": ("gain of the cumulative channel, stretch by stretch", ()),
    "integrated_ml": ("sampled plasma flow, each value held until the next, during loads", ()),
    "max_disagreement": ("largest difference of two readings / the larger",
                         ("reported_ml", "cycles_ml", "counter_ml", "integrated_ml")),
    "native_plasma_ml": ("processed_plasma_ml · (1 − f), f = (1/R) / (1/R + (1 − 1/R)(1 − hematocrit)), R = (blood + anticoagulant) / anticoagulant unless printed",
                         ("processed_plasma_ml", "hematocrit", "blood_processed_ml", "ac_volume_ml")),
    "pv_multiple": ("processed_plasma_ml / plasma_volume_ml", ("processed_plasma_ml", "plasma_volume_ml")),
    "plasma_ml_per_kg": ("processed_plasma_ml / weight_kg", ("processed_plasma_ml", "weight_kg")),
    "weight_kg": ("the measurement nearest to the start, else what the machine recorded", ()),
    "height_cm": ("the measurement nearest to the start, else what the machine recorded", ()),
    "hematocrit": ("the measurement nearest to the start, else what the machine recorded", ()),
    "cycles_completed": ("number of completed loads, else the printed number", ()),
    "cycles_aborted": ("number of aborted loads", ()),
    "plasma_per_cycle_min_ml": ("least volume of a completed load", ()),
    "plasma_per_cycle_mean_ml": ("mean volume of the completed loads", ()),
    "plasma_per_cycle_max_ml": ("largest volume of a completed load", ()),
    "blood_processed_ml": ("the printed total, else the counter; inlet volume − anticoagulant of a separator", ()),
    "ac_volume_ml": ("the printed total, else the counter", ()),
    "connected_min": ("ended_at − started_at", ()),
    "loading_min": ("time in which a column was loaded", ()),
    "interrupted_min": ("stretches of more than 60 s without plasma flow or data between the first and the last load", ()),
    "interruptions": ("number of those stretches", ()),
    "mean_plasma_flow_ml_min": ("processed_plasma_ml / loading_min", ("processed_plasma_ml", "loading_min")),
    "alarms_high": ("number of alarms of this priority", ()),
    "alarms_medium": ("number of alarms of this priority", ()),
    "alarms_low": ("number of alarms of this priority", ()),
    "alarms_info": ("number of alarms of this priority", ()),
    "alarms_unknown": ("number of alarms of this priority", ()),
    "alarm_min": ("time in which at least one alarm was on", ()),
}  # fmt: skip
# W [kg], H [m], Hct a fraction; litres.
_PLASMA_VOLUME: dict[str | None, tuple[str, tuple[str, ...]]] = {
    "nadler": ("(men 0.3669 H³ + 0.03219 W + 0.6041; women 0.3561 H³ + 0.03308 W + 0.1833) · (1 − Hct)",
               ("weight_kg", "height_cm", "hematocrit")),
    "kaplan": ("0.065 W (1 − Hct)", ("weight_kg", "hematocrit")),
    "ml-per-kg-70": ("0.070 W (1 − Hct)", ("weight_kg", "hematocrit")),
    "lemmens": ("0.070 W / √(BMI / 22) · (1 − Hct)", ("weight_kg", "height_cm", "hematocrit")),
    "gilcher": ("0.070 W (men) or 0.065 W (women) · (1 − Hct)", ("weight_kg", "hematocrit")),
    "icsh": ("1.578 (men) or 1.395 (women) · 0.007184 W^0.425 (H in cm)^0.725", ("weight_kg", "height_cm")),
}  # fmt: skip


def figures(
    row: Mapping[str, Any], missing: Mapping[str, str], facts: Mapping[str, Sequence[Any]]
) -> dict[str, dict[str, Any]]:
    """Return for each figure of a dose its value, formula, what it follows from, and where that is printed.

    Args:
        row: the dose as it is served.
        missing: the reason of each empty figure.
        facts: the printed places that a figure is read from directly.
    """
    how = _HOW | {"plasma_volume_ml": _PLASMA_VOLUME.get(row.get("plasma_volume_formula"), ("", ()))}
    return {
        name: {
            "value": row.get(name), "formula": formula, "from": list(used), "missing": missing.get(name),
            "facts": list(facts.get(name, ())),
        }
        for name, (formula, used) in how.items()
    }  # fmt: skip
