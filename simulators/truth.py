"""The truth beside every export: what a perfect reader would find, and nothing it could not.

All times are naive local times of a right clock at the machine's place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from simulators.incidents import Alarm
    from simulators.numbers import Floats
    from simulators.treatment import Treatment

TIME = "%Y-%m-%dT%H:%M:%S"

SessionTruth = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a layout shows of a treatment.

    Attributes:
        reported_ml: the total it prints; None where it prints none.
        loads: whether it prints the volume of each load.
        counter: what its plasma counter shows, sample by sample [mL]; None where it has none.
        start, end: seconds it shows as start and end; disconnecting if `end` is None.
        body: whether it shows weight and hematocrit.
        columns: whether it shows which columns hung.
        status: whether it shows that a load was given up.
    """

    reported_ml: float | None = None
    loads: bool = False
    counter: Floats | None = None
    start: int = 0
    end: int | None = None
    body: bool = True
    columns: bool = True
    status: bool = False


def truth_of(treatment: Treatment, shown: Shown) -> SessionTruth:
    """What happened in one treatment, as far as the layout can show it.

    `processed_plasma_ml` is what can be found in the export, `delivered_ml` what flowed; they differ only
    where an export is damaged. `readings` says which of the layout's readings exist and what each gives;
    `given_up` names the loads that were aborted, also where the layout has no word for that.
    """
    plan, clock = treatment.plan, treatment.plan.clock

    def local(second: int) -> str:
        return clock.true_local(second).strftime(TIME)

    readings = {
        "reported": shown.reported_ml,
        "cycles": round(sum(p.volume_ml for p in treatment.loads), 1) if shown.loads else None,
        "counter": None if shown.counter is None else counter_reading(shown.counter),
    }
    last = treatment.seconds if shown.end is None else shown.end
    return {
        "run": plan.run,
        "device": {
            "maker": plan.device.maker or None,
            "model": plan.device.model,
            "serial": plan.device.serial,
            "software": plan.device.software or None,
        },
        "patient_id": plan.typed_id,
        "started_local": local(shown.start),
        "ended_local": local(last),
        "printed_start": clock.wall(shown.start).strftime(TIME),
        "printed_end": clock.wall(last).strftime(TIME),
        "zone": clock.zone,
        "complete": True,
        "processed_plasma_ml": next((v for v in readings.values() if v is not None), None),
        "delivered_ml": treatment.plasma_ml,
        "reported_ml": shown.reported_ml,
        "readings": readings,
        "blood_processed_ml": treatment.blood_ml,
        "ac_volume_ml": treatment.anticoagulant_ml,
        "cycles": [
            {
                "index": p.cycle,
                "column": p.position,
                "load_ml": p.volume_ml,
                "completed": p.completed or not shown.status,
            }
            for p in treatment.loads
        ],
        "given_up": [p.cycle for p in treatment.loads if not p.completed],
        "alarms": [alarm_truth(treatment, a) for a in treatment.alarms],
        "weight_kg": plan.patient.weight_kg if shown.body else None,
        "hematocrit": plan.patient.hematocrit if shown.body else None,
        "columns": _columns(treatment) if shown.columns else [],
        "person": plan.patient.identifier,
    }


def counter_reading(shown: Floats) -> float | None:
    """Sum over the stretches between restarts of a counter [mL]; None without samples.

    Source: domain page, section 3: a fall by more than max(20 mL, half) is a restart, a smaller one is jitter.
    A counter that restarts between two samples takes with it what it had counted since the first of them.
    """
    if not len(shown):
        return None
    falls = np.flatnonzero(-np.diff(shown) > np.maximum(20.0, shown[:-1] / 2))
    return round(float(shown[falls].sum() + shown[-1]), 1)


def alarm_truth(treatment: Treatment, alarm: Alarm) -> dict[str, Any]:
    """One alarm: the machine's code, what it means, when it began and when it was over."""
    clock = treatment.plan.clock
    cleared = None if alarm.cleared is None else clock.true_local(alarm.cleared).strftime(TIME)
    return {
        "code": str(alarm.kind.code),
        "kind": alarm.kind.kind,
        "priority": alarm.kind.priority,
        "onset_local": clock.true_local(alarm.onset).strftime(TIME),
        "cleared_local": cleared,
    }


def _columns(treatment: Treatment) -> list[dict[str, Any]]:
    return [
        {
            "position": c.position,
            "product": c.column.product.name,
            "serial": c.column.serial,
            "lot": c.column.lot,
            "use": c.column.use,
        }
        for c in treatment.columns
    ]
