"""Machines without regeneration: a membrane or a centrifuge gives plasma, one single-use column takes it up.

A saturated column is changed in mid-session. A separator has no column at all: its plasma leaves the machine.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from simulators.columns import draw_column
from simulators.incidents import Incidents, Pause, draw_incidents
from simulators.pumps import UNITS_PER_ML, availability, counted, speed
from simulators.treatment import LOAD, ColumnInUse, Phase, Treatment, load_volume_ml, only_loads

if TYPE_CHECKING:
    from simulators.layout import Style
    from simulators.plan import Plan
    from simulators.pumps import Units

SEPARATE = "separate"
RINSEBACK_SECONDS = 300
# Less plasma than this share of a column's capacity is not worth a fresh one.
WORTH_A_COLUMN = 0.2
OF_COLUMNS = {"column_pressure_high"}


@dataclass
class _Course:
    """What the steps have decided so far."""

    spans: list[tuple[int, int]] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)
    hung: list[ColumnInUse] = field(default_factory=list)
    changes: list[Pause] = field(default_factory=list)


def treat_single(plan: Plan, _style: Style | None = None) -> Treatment:
    """One treatment over single-use columns; its length is a whole number of minutes."""
    return _treat(plan, with_column=True)


def treat_separator(plan: Plan, _style: Style | None = None) -> Treatment:
    """One plasma separation without a column."""
    return _treat(plan, with_column=False)


def _treat(plan: Plan, *, with_column: bool) -> Treatment:
    seconds = plan.seconds // 60 * 60
    begin = int(min(600, 0.12 * seconds)) + int(plan.rng("begin").integers(-30, 30))
    until = seconds - int(min(600, 0.12 * seconds))
    incidents, powered = with_outage(plan, draw_incidents(plan), seconds)
    course = _Course()
    if with_column:
        _load_columns(plan, course, begin, until, incidents)
    else:
        course.spans.append((begin, until))
        course.phases.append(Phase(1, "", SEPARATE, begin, until, 0.0))
    plasma = _flow(plan, seconds, begin, until, (*incidents.pauses, *course.changes))
    blood_share = availability(seconds, 25, until, (*incidents.pauses, *course.changes), ramp=120)
    blood = speed(np.full(seconds, plan.blood_flow), blood_share, plan.rng("blood pump"), 0.3)
    loaded = only_loads(plasma, course.spans)
    resets = tuple(c.since for c in course.hung[1:])
    if plan.troubles.counter_reset:
        resets = tuple(sorted((*resets, sum(course.spans[0]) // 2)))
    return Treatment(
        plan,
        seconds,
        plasma,
        blood,
        loaded,
        counted(blood),
        tuple(_phases(course, loaded, begin, until)),
        tuple(
            a for a in incidents.alarms if a.onset < until and (with_column or a.kind.kind not in OF_COLUMNS)
        ),
        tuple(sorted((*incidents.pauses, *course.changes), key=lambda p: p.start)),
        tuple(course.hung),
        powered,
        resets,
    )


def with_outage(
    plan: Plan, incidents: Incidents, seconds: int
) -> tuple[Incidents, tuple[tuple[int, int], ...]]:
    """The incidents and the stretches with power, if the plan's mains fail."""
    if not plan.troubles.power_failure:
        return incidents, ((0, seconds),)
    rng = plan.rng("power")
    start = int(seconds * rng.uniform(0.35, 0.6))
    end = start + int(rng.integers(150, 480))
    alarms = tuple(a for a in incidents.alarms if (a.cleared or seconds) < start - 60 or a.onset > end + 60)
    pauses = [p for p in incidents.pauses if p.end < start - 60 or p.start > end + 60]
    return Incidents(alarms, (*pauses, Pause(start, end + 60, "power_failure"))), ((0, start), (end, seconds))


def _flow(plan: Plan, seconds: int, begin: int, until: int, pauses: tuple[Pause, ...]) -> Units:
    share = availability(seconds, begin, until, pauses)
    return speed(np.full(seconds, plan.plasma_flow), share, plan.rng("plasma pump"), 0.12)


def _load_columns(plan: Plan, course: _Course, begin: int, until: int, incidents: Incidents) -> None:
    """Load until the column is full or the time is over; a full one is changed if enough plasma is left."""
    rng, column, start = plan.rng("columns"), plan.columns[0], begin
    limit = int(plan.load_ml * UNITS_PER_ML)
    halfway = begin + (until - begin) // 2 if plan.troubles.column_change else until
    for use in range(1, 6):
        course.hung.append(ColumnInUse("A", column, 0 if use == 1 else start))
        moved = counted(
            _flow(plan, plan.seconds // 60 * 60, begin, until, (*incidents.pauses, *course.changes))
        )
        full = int(np.searchsorted(moved, moved[start] + limit))
        end = min(full, until, halfway if start < halfway else until)
        course.spans.append((start, end))
        course.phases.append(Phase(use, "A", LOAD, start, end, 0.0))
        if end >= until - 900 or moved[until] - moved[end] < limit * WORTH_A_COLUMN:
            break
        change = int(rng.integers(180, 420))
        course.changes.append(Pause(end, end + change, "column_change"))
        course.phases.append(
            Phase(use + 1, "A", "prime", end + 30, end + change, 2.4 * column.product.volume_ml)
        )
        start = end + change
        column = draw_column(rng, column.product, plan.clock.start.date())


def _phases(course: _Course, loaded: Units, begin: int, until: int) -> list[Phase]:
    volume = 2.4 * course.hung[0].column.product.volume_ml if course.hung else 400.0
    position = "A" if course.hung else ""
    phases = [Phase(1, position, "prime", 0, begin, volume)]
    for phase in course.phases:
        ml = (
            load_volume_ml(loaded, phase.start, phase.end)
            if phase.kind in {LOAD, SEPARATE}
            else phase.volume_ml
        )
        phases.append(Phase(phase.cycle, phase.position, phase.kind, phase.start, phase.end, ml))
    last = course.phases[-1].cycle
    return [*phases, Phase(last, position, "rinseback", until, until + RINSEBACK_SECONDS, 250.0)]
