"""May this dose be used? The status and its reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestor.meaning.columns import ANOTHER
from ingestor.model import DoseStatus, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestor.meaning.processed import Processed
    from ingestor.meaning.served import Part, Situation
    from ingestor.meaning.strength import Strength
    from ingestor.model import Person

Verdict = tuple[DoseStatus, tuple[str, ...]]


def judge(
    parts: Sequence[Part],
    person: Person | None,
    volume: Processed,
    relation: Strength,
    situation: Situation,
) -> Verdict:
    """Return the status and the codes: what stands in the way of a final dose, then what is to be read along.

    Args:
        parts: all runs of the session.
        person: the linked patient.
        volume: the processed plasma.
        relation: the same in relation to the person.
        situation: what is known beside the runs.
    """
    if situation.bench or all(p.figures.bench for p in parts):
        return DoseStatus.BENCH, ("bench_run",)
    concerns = [one.code for one in situation.columns if not one.acknowledged]
    remarks = (
        *volume.remarks,
        *relation.remarks,
        *(code for code in concerns if code != ANOTHER),
        *(("column_acknowledged",) if len(concerns) < len(situation.columns) else ()),
    )
    troubles = (
        *(("readings_withheld",) if volume.withheld else ()),
        *((volume.missing,) if volume.missing and not volume.withheld else ()),
        *(("no_patient",) if person is None else ()),
        *(("incomplete",) if not all(p.figures.complete for p in parts) else ()),
        *(("separator_only",) if all(p.figures.role == Role.SEPARATOR for p in parts) else ()),
        *volume.troubles,
        *relation.troubles,
        *(() if all(p.accepted for p in parts) else ("driver_not_accepted",)),
        *situation.reasons,
        *(code for code in concerns if code == ANOTHER),
    )
    status = DoseStatus.PROVISIONAL if troubles else DoseStatus.FINAL
    if volume.withheld:
        status = DoseStatus.WITHHELD
    return status, tuple(dict.fromkeys((*troubles, *remarks)))
