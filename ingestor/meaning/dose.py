"""The dose that a session delivered, by the method `ia-dose/1`.

Numbers are decimal from the printed digit to the served one, with 28 digits on the way; sums of printed numbers
are exact, and what is derived from them is rounded once, to six decimals, half to even. So the same session gives
the same dose on every machine. docs/dose-method.md states the method.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ingestor.meaning.detail import detail
from ingestor.meaning.duration import alarm_counts, alarm_minutes, duration
from ingestor.meaning.judgement import judge
from ingestor.meaning.plasma_volume import rounded
from ingestor.meaning.policy import METHOD, Policy
from ingestor.meaning.processed import processed
from ingestor.meaning.served import Decision, Dose, Input, Part, Situation
from ingestor.meaning.strength import strength
from ingestor.model import Person, Priority, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestor.meaning.duration import Duration
    from ingestor.meaning.processed import Processed
    from ingestor.meaning.strength import Strength

__all__ = ["Decision", "Dose", "Input", "Part", "Situation", "compute"]

Fields = dict[str, Any]


def compute(
    parts: Sequence[Part],
    person: Person | None,
    policy: Policy | None = None,
    situation: Situation | None = None,
) -> Dose:
    """Return the dose of one session.

    Args:
        parts: one or more runs, in any order.
        person: the linked patient; None while nobody is linked.
        policy: the site's settings; the house's defaults if None.
        situation: what is known beside the runs.

    Raises:
        Invalid: the policy names a formula or a build that does not exist.
    """
    policy, situation = policy or Policy(), situation or Situation()
    parts = sorted(parts, key=lambda p: (p.figures.started, p.run))
    separators = [p for p in parts if p.figures.role == Role.SEPARATOR]
    plasma = [p for p in parts if p.figures.role != Role.SEPARATOR] or separators
    volume = processed(plasma, policy, situation.decision)
    times = duration([p.figures for p in parts], [p.figures for p in plasma])
    blood = _volume("blood_processed_ml", separators or plasma, plasma)
    ac = _volume("ac_volume_ml", separators or plasma, plasma)
    relation = strength([*separators, *plasma], person, policy, times.started, (volume.ml, blood, ac))
    status, reasons = judge(parts, person, volume, relation, situation)
    served: Fields = {
        **_provenance(parts, plasma[0]),
        **_volumes(volume),
        **_relations(relation),
        **_cycles(plasma),
        **_durations(times, volume.ml),
        **_alarms(parts),
        "blood_processed_ml": blood,
        "ac_volume_ml": ac,
        "status": status,
        "status_reasons": reasons,
    }
    missing = _missing(served, parts, (volume, relation, times))
    about = detail(parts, plasma, person, policy, (volume, relation, times), situation)
    return Dose(**served, method=METHOD, detail=about | {"missing": missing})


def _provenance(parts: Sequence[Part], head: Part) -> Fields:
    first = parts[0].figures
    return {
        "started_local": first.started_local,
        "time_method": first.time_method,
        "device": head.device,
        "device_model": head.device_model,
        "device_serial": head.device_serial,
        "role": head.figures.role,
        "driver": head.driver,
        "driver_version": head.driver_version,
        "evidence": head.evidence,
        "complete": all(p.figures.complete for p in parts),
        "sources": tuple(sorted({p.source for p in parts})),
    }


def _volumes(volume: Processed) -> Fields:
    return {
        "processed_plasma_ml": volume.ml,
        "processed_plasma_reading": volume.reading,
        **{f"{name}_ml": value for name, value in volume.readings.values.items()},
        "agreement": volume.agreement.outcome,
        "max_disagreement": volume.agreement.worst,
    }


def _relations(relation: Strength) -> Fields:
    return {
        "native_plasma_ml": relation.native_ml,
        "plasma_volume_ml": relation.plasma_volume_ml,
        "plasma_volume_formula": relation.formula,
        "pv_multiple": relation.pv_multiple,
        "plasma_ml_per_kg": relation.per_kg,
        "weight_kg": relation.value("weight"),
        "height_cm": relation.value("height"),
        "hematocrit": relation.value("hematocrit"),
    }


def _cycles(plasma: Sequence[Part]) -> Fields:
    volumes = [v for p in plasma for v in p.figures.load_volumes]
    mean = rounded(sum(volumes, Decimal(0)) / len(volumes)) if volumes else None
    return {
        "cycles_completed": _sum([p.figures.cycles_completed for p in plasma]),
        "cycles_aborted": _sum([p.figures.cycles_aborted for p in plasma]),
        "plasma_per_cycle_min_ml": min(volumes, default=None),
        "plasma_per_cycle_mean_ml": mean,
        "plasma_per_cycle_max_ml": max(volumes, default=None),
    }


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _durations(times: Duration, processed_ml: Decimal | None) -> Fields:
    flow = None
    if processed_ml is not None and times.loading:
        flow = rounded(processed_ml / times.loading)
    return {
        "started_at": times.started,
        "ended_at": times.ended,
        "connected_min": times.connected,
        "loading_min": times.loading,
        "interrupted_min": times.interrupted,
        "interruptions": times.interruptions,
        "mean_plasma_flow_ml_min": flow,
    }


def _alarms(parts: Sequence[Part]) -> Fields:
    runs = [p.figures for p in parts]
    counts = alarm_counts(runs)
    return {f"alarms_{p.value}": counts[p.value] for p in Priority} | {"alarm_min": alarm_minutes(runs)}


def _volume(field: str, preferred: Sequence[Part], others: Sequence[Part]) -> Decimal | None:
    """The separator's volume where it has one: it is the device that sees the blood; else the adsorber's."""
    for parts in (preferred, others):
        found = [getattr(p.figures, field) for p in parts]
        if all(value is not None for value in found):
            return rounded(sum(found, Decimal(0)))
    return None


_WHY = {
    "agreement": "no_plasma_reading", "max_disagreement": "single_reading", "weight_kg": "no_weight",
    "height_cm": "no_height", "hematocrit": "no_hematocrit", "alarm_min": "alarm_end_unknown",
    "plasma_per_cycle_min_ml": "load_volumes_not_printed", "plasma_per_cycle_mean_ml": "load_volumes_not_printed",
    "plasma_per_cycle_max_ml": "load_volumes_not_printed",
}  # fmt: skip


def _missing(
    served: Fields, parts: Sequence[Part], results: tuple[Processed, Strength, Duration]
) -> dict[str, str]:
    """Return for each value that is null the code why."""
    volume, relation, times = results
    told = {f"{name}_ml": code for name, code in volume.readings.missing.items()}
    told |= dict.fromkeys(("processed_plasma_ml", "processed_plasma_reading"), volume.missing or "")
    for part in parts:
        told |= part.figures.missing
    told |= relation.missing | times.missing
    told["mean_plasma_flow_ml_min"] = (
        "no_processed_plasma" if volume.ml is None else told.get("loading_min", "no_loads")
    )
    why = _WHY | told
    return {name: why.get(name, "not_printed") for name, value in served.items() if value is None}
