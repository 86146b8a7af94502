"""The controller of a twin-column machine: one column is loaded while the other is regenerated."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from simulators.columns import Column, draw_column
from simulators.incidents import Incidents, Pause, draw_incidents
from simulators.pumps import UNITS_PER_ML, Units, availability, counted, speed
from simulators.treatment import ColumnInUse, Phase, Treatment, load_volume_ml, only_loads

if TYPE_CHECKING:
    from simulators.layout import Style
    from simulators.plan import Plan

# Phase, duration [s] for a 62.5 mL column, volume in bed volumes.  [K] defaults, see docs/simulators.md.
REGENERATION = (
    ("plasma_return", 85, 1.04),
    ("elute", 265, 2.9),
    ("neutralise", 120, 1.6),
    ("recondition", 140, 1.9),
)
PRIME_SECONDS, PRIME_VOLUMES = 150, 2.4
RINSEBACK_SECONDS, RINSEBACK_ML = 300, 280.0
# Less plasma than this share of a load is not worth another one.
WORTH_A_LOAD = 0.65
OTHER = {"A": "B", "B": "A"}


@dataclass
class _Run:
    """The controller's state while it steps from load to load."""

    plan: Plan
    rng: np.random.Generator
    moved: Units
    until: int
    phases: list[Phase]
    spans: list[tuple[int, int]]
    ready: dict[str, int]
    hung: list[ColumnInUse]


def treat_twin(plan: Plan, _style: Style | None = None) -> Treatment:
    """Run one treatment on a twin-column machine.

    Source: domain page, section 1, for the phases and their order.
    """
    incidents, outage = _with_outage(plan, draw_incidents(plan))
    rng = plan.rng("twin")
    begin = int(min(450, 0.1 * plan.seconds)) + int(rng.integers(-20, 20))
    until = plan.seconds - int(min(900, 0.15 * plan.seconds))
    set_points = _set_points(plan, begin, until)
    share = availability(plan.seconds, begin, until, incidents.pauses)
    plasma = speed(set_points, share, plan.rng("plasma pump"), 0.12)
    hung = [ColumnInUse(position, column) for position, column in zip("AB", plan.columns, strict=False)]
    run = _Run(plan, rng, counted(plasma), until, [], [], {"A": begin, "B": begin}, hung)
    _prime(run, begin)
    _alternate(run, begin, incidents, outage)
    return _assemble(run, incidents, outage, plasma)


def _with_outage(plan: Plan, incidents: Incidents) -> tuple[Incidents, tuple[int, int] | None]:
    if not plan.troubles.power_failure:
        return incidents, None
    rng = plan.rng("power")
    start = int(plan.seconds * rng.uniform(0.35, 0.6))
    outage = (start, start + int(rng.integers(120, 480)))
    alarms = tuple(
        a
        for a in incidents.alarms
        if (a.cleared or plan.seconds) < outage[0] - 60 or a.onset > outage[1] + 60
    )
    pauses = [p for p in incidents.pauses if p.end < outage[0] - 60 or p.start > outage[1] + 60]
    pauses = sorted([*pauses, Pause(*outage, "power_failure")], key=lambda p: p.start)
    return Incidents(alarms, tuple(pauses)), outage


def _set_points(plan: Plan, begin: int, until: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Plasma flow asked for in each second: an operator changes it once in a third of the treatments."""
    rng = plan.rng("operator")
    wanted = np.full(plan.seconds, plan.plasma_flow)
    if rng.random() < 0.33:
        second = int(rng.integers(begin + 300, max(begin + 301, until - 300)))
        wanted[second:] = round(float(np.clip(plan.plasma_flow * rng.uniform(0.85, 1.08), 20, 45)), 1)
    return wanted


def _prime(run: _Run, begin: int) -> None:
    length = min(PRIME_SECONDS, begin // 3)
    for cycle, used in enumerate(run.hung[:2], start=1):
        start = begin - 10 - (3 - cycle) * length
        volume = round(used.column.product.volume_ml * PRIME_VOLUMES, 1)
        run.phases.append(Phase(cycle, used.position, "prime", start, start + length, volume))


def _alternate(run: _Run, begin: int, incidents: Incidents, outage: tuple[int, int] | None) -> None:
    target = _target_units(run.plan)
    aborts = [a.onset + 2 for a in incidents.alarms if a.aborts_load]
    start, position, cycle = begin, "A", 1
    while start < run.until - 60:
        full = int(np.searchsorted(run.moved, run.moved[start] + target))
        stops = [full, run.until, *(a for a in aborts if a > start + 20)]
        if outage and outage[0] > start:
            stops.append(outage[0])
        end = min(stops)
        run.spans.append((start, end))
        completed = end in {full, run.until}
        run.phases.append(Phase(cycle, position, "load", start, end, 0.0, completed))
        free = _regenerate(run, cycle, position, end, outage)
        run.ready[position] = free
        if run.plan.troubles.column_change and len(run.hung) == 2 and end > run.plan.seconds // 2:
            _change_column(run, cycle, position, free)
        if end >= run.until - 60 or run.moved[run.until] - run.moved[end] < target * WORTH_A_LOAD:
            break
        position = OTHER[position]
        begin_again = outage[1] + 90 if outage and end == outage[0] else end
        start = max(begin_again + int(run.rng.integers(4, 9)), run.ready[position] + 5)
        cycle += 1
        run.phases.append(Phase(cycle, position, "switch", start - 4, start, 0.0))


def _target_units(plan: Plan) -> int:
    """Units of a full load: at least as long as the other column needs to be ready again."""
    slowness = _slowness(plan.columns[0])
    needed = sum(seconds for _, seconds, _ in REGENERATION) * slowness * 1.12 + 40
    return int(max(plan.load_ml, plan.plasma_flow / 60 * needed) * UNITS_PER_ML)


def _slowness(column: Column) -> float:
    return 1.1 if column.product.volume_ml > 100 else 1.0


def _regenerate(run: _Run, cycle: int, position: str, start: int, outage: tuple[int, int] | None) -> int:
    column = next(c.column for c in reversed(run.hung) if c.position == position)
    at = outage[1] + 90 if outage and start == outage[0] else start
    for kind, seconds, volumes in REGENERATION:
        length = int(seconds * _slowness(column) * run.rng.uniform(0.92, 1.08))
        end = at + length
        if outage and at < outage[0] < end:
            end += outage[1] - outage[0] + 90
        volume = round(column.product.volume_ml * volumes * float(run.rng.uniform(0.97, 1.03)), 1)
        run.phases.append(Phase(cycle, position, kind, at, end, volume))
        at = end
    return at


def _change_column(run: _Run, cycle: int, position: str, free: int) -> None:
    day = run.plan.clock.start.date()
    product = run.plan.columns[0].product
    run.hung.append(ColumnInUse(position, draw_column(run.plan.rng("fresh column"), product, day), free))
    volume = round(product.volume_ml * PRIME_VOLUMES, 1)
    run.phases.append(Phase(cycle + 2, position, "prime", free, free + PRIME_SECONDS, volume))
    run.ready[position] = free + PRIME_SECONDS


def _assemble(run: _Run, incidents: Incidents, outage: tuple[int, int] | None, plasma: Units) -> Treatment:
    last = run.spans[-1][1]
    finished = max(p.end for p in run.phases)
    rinse = Phase(
        run.phases[-1].cycle,
        _last_loaded(run),
        "rinseback",
        last + 30,
        last + 30 + RINSEBACK_SECONDS,
        RINSEBACK_ML,
    )
    seconds = max(finished, rinse.end, run.plan.seconds - 60) + int(run.rng.integers(30, 90))
    plasma = _stand_still(plasma, run.spans, seconds)
    loaded = only_loads(plasma, run.spans)
    blood_speed = _blood(run.plan, incidents.pauses, last + 30, seconds)
    phases = [
        replace(p, volume_ml=load_volume_ml(loaded, p.start, p.end)) if p.kind == "load" else p
        for p in (*run.phases, rinse)
    ]
    return Treatment(
        run.plan,
        seconds,
        plasma,
        blood_speed,
        loaded,
        counted(blood_speed),
        tuple(sorted(phases, key=lambda p: (p.start, p.cycle))),
        tuple(a for a in incidents.alarms if a.onset < last),
        tuple(p for p in incidents.pauses if p.start < last),
        tuple(run.hung),
        ((0, outage[0]), (outage[1], seconds)) if outage else ((0, seconds),),
        _resets(run),
    )


def _last_loaded(run: _Run) -> str:
    return next(p.position for p in reversed(run.phases) if p.kind == "load")


def _stand_still(plasma: Units, spans: list[tuple[int, int]], seconds: int) -> Units:
    """The plasma pump waits with the columns: it runs through a valve swap, not through a longer wait."""
    flowing = np.zeros(seconds, np.int64)
    upto = min(seconds, len(plasma))
    flowing[:upto] = plasma[:upto]
    for (_, end), (start, _) in itertools.pairwise(spans):
        if start - end > 10:
            flowing[end:start] = 0
    flowing[spans[-1][1] :] = 0
    return flowing


def _blood(plan: Plan, pauses: tuple[Pause, ...], until: int, seconds: int) -> Units:
    share = availability(seconds, 25, until, pauses, ramp=120)
    return speed(np.full(seconds, plan.blood_flow), share, plan.rng("blood pump"), 0.3)


def _resets(run: _Run) -> tuple[int, ...]:
    if not run.plan.troubles.counter_reset:
        return ()
    start, end = run.spans[len(run.spans) // 2]
    return ((start + end) // 2,)
