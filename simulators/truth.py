"""The truth beside every export: what a perfect reader would find, and nothing it could not.

All times are naive local times of a right clock at the machine's place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulators.treatment import Treatment

TIME = "%Y-%m-%dT%H:%M:%S"

SessionTruth = dict[str, Any]


def truth_of(
    treatment: Treatment, reported_ml: float | None, *, first: int = 0, last: int | None = None
) -> SessionTruth:
    """What happened in one treatment.

    Args:
        treatment: the simulated treatment.
        reported_ml: the total that the layout prints; None where it prints none.
        first: second that the layout shows as the start.
        last: second that it shows as the end; disconnecting if None.
    """
    plan = treatment.plan
    clock = plan.clock

    def local(second: int) -> str:
        return clock.true_local(second).strftime(TIME)

    return {
        "run": plan.run,
        "device": {
            "maker": plan.device.maker,
            "model": plan.device.model,
            "serial": plan.device.serial,
            "software": plan.device.software,
        },
        "patient_id": plan.typed_id,
        "started_local": local(first),
        "ended_local": local(treatment.seconds if last is None else last),
        "zone": clock.zone,
        "complete": True,
        "processed_plasma_ml": treatment.plasma_ml,
        "reported_ml": reported_ml,
        "blood_processed_ml": treatment.blood_ml,
        "ac_volume_ml": treatment.anticoagulant_ml,
        "cycles": [
            {"index": p.cycle, "column": p.position, "load_ml": p.volume_ml, "completed": p.completed}
            for p in treatment.loads
        ],
        "alarms": [
            {
                "code": str(a.kind.code),
                "kind": a.kind.kind,
                "priority": a.kind.priority,
                "onset_local": local(a.onset),
                "cleared_local": None if a.cleared is None else local(a.cleared),
            }
            for a in treatment.alarms
        ],
        "weight_kg": plan.patient.weight_kg,
        "hematocrit": plan.patient.hematocrit,
        "columns": [
            {
                "position": c.position,
                "product": c.column.product.name,
                "serial": c.column.serial,
                "lot": c.column.lot,
                "use": c.column.use,
            }
            for c in treatment.columns
        ],
        "person": plan.patient.identifier,
    }
