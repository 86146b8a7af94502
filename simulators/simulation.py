"""From an order to exports: plans, treatments, renderings, faults, laboratory values."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from simulators.export import Written
from simulators.faults import ALIASES, CONTRADICTING, FAULTS, NEVER_TOGETHER, Fault
from simulators.faults.transit import contradicted, in_folders
from simulators.igg import Laboratory
from simulators.schedule import schedule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np

    from simulators.export import Export
    from simulators.layout import Layout, Style
    from simulators.plan import Plan
    from simulators.schedule import Order


class NotPossibleError(ValueError):
    """A fault that nobody knows, or that cannot happen to this layout."""


def faults_for(layout: Layout, names: Iterable[str]) -> list[Fault]:
    """The faults of that name, in the order of the table.

    Raises:
        NotPossibleError: a name is unknown or does not fit the layout.
    """
    wanted = {ALIASES.get(name, name) for name in names}
    for name in sorted(wanted):
        if name not in FAULTS:
            raise NotPossibleError(f"no fault is called {name}; there are {', '.join(FAULTS)}")
        if not FAULTS[name].fits(layout):
            fitting = ", ".join(f.name for f in FAULTS.values() if f.fits(layout))
            raise NotPossibleError(f"{name} cannot happen to {layout.name}; these can: {fitting}")
        if clash := sorted(wanted & NEVER_TOGETHER.get(name, frozenset())):
            raise NotPossibleError(f"{name} cannot happen together with {', '.join(clash)}")
    return [fault for fault in FAULTS.values() if fault.name in wanted]


def simulate(order: Order, layout: Layout, style: Style, faults: list[Fault]) -> Iterator[Written]:
    """Every export of an order, damaged as asked, each with its truth."""
    if any(f.name == "second-patient" for f in faults) and layout.holds_many:
        order = replace(order, per_file=max(2, order.per_file))
    plans: list[Plan] = []
    laboratory = Laboratory()
    for number, plan in enumerate(schedule(order, layout)):
        plans.append(at_bedside(plan, layout, number, faults))
        if len(plans) == order.per_file:
            yield from exported(plans, layout, style, faults, laboratory)
            plans = []


def at_bedside(plan: Plan, layout: Layout, number: int, faults: Iterable[Fault]) -> Plan:
    """The plan after what goes wrong at the bedside."""
    for fault in faults:
        if fault.at_bedside:
            plan = fault.at_bedside(plan, layout, number)
    return plan


def exported(
    plans: list[Plan], layout: Layout, style: Style, faults: list[Fault], laboratory: Laboratory
) -> list[Written]:
    """What lies in the export folder after these treatments: one export, or two if it is sent again."""
    rng = plans[0].rng("faults")
    export = _rendered(plans, layout, style, laboratory)
    written = _travelled(_written_down(export, layout, faults, rng), faults, rng)
    if not any(f.name == CONTRADICTING for f in faults):
        return in_folders(written)
    others = [replace(plan, seed=(*plan.seed, zlib.crc32(CONTRADICTING.encode()))) for plan in plans]
    second = _rendered(others, layout, style, Laboratory())
    return in_folders([*written, contradicted(written, Written(second.members(), second.sessions))])


def _rendered(plans: list[Plan], layout: Layout, style: Style, laboratory: Laboratory) -> Export:
    treatments = [layout.treat(plan, style) for plan in plans]
    export = layout.render(treatments, style)
    measured = [_measured(t, laboratory) for t in treatments]
    sessions = tuple({**s, **m} for s, m in zip(export.sessions, measured, strict=True))
    return replace(export, sessions=sessions)


def _measured(treatment: Any, laboratory: Laboratory) -> dict[str, float | None]:  # noqa: ANN401
    if not treatment.removes_igg:
        return {"igg_before_g_l": None, "igg_after_g_l": None}
    before, after = laboratory.measure(treatment)
    return {"igg_before_g_l": before, "igg_after_g_l": after}


def _written_down(export: Export, layout: Layout, faults: list[Fault], rng: np.random.Generator) -> Export:
    for fault in faults:
        if fault.writing:
            export = fault.writing(export, layout, rng)
    for fault in faults:
        if fault.on_medium:
            export = fault.on_medium(export, layout, rng)
    return export


def _travelled(export: Export, faults: list[Fault], rng: np.random.Generator) -> list[Written]:
    written = [Written(export.members(), export.sessions)]
    for fault in faults:
        if fault.in_transit:
            written = fault.in_transit(export, written, rng)
    return written
