"""Exports made in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulators.catalogue import LAYOUTS
from simulators.layout import Style
from simulators.schedule import Order
from simulators.simulation import faults_for, simulate

if TYPE_CHECKING:
    from simulators.export import Written


def exports(layout: str, *faults: str, **options: Any) -> list[Written]:  # noqa: ANN401
    """What `simulate LAYOUT` writes; options of order and style by name."""
    chosen = LAYOUTS[layout]
    style = Style(
        options.pop("language", chosen.languages[0]),
        options.pop("version", chosen.versions[0]),
        options.pop("hz", 1 / 60),
        options.pop("therapy", (*chosen.therapies, "")[0]),
    )
    order = Order(seed=options.pop("seed", 7), **options)
    return list(simulate(order, chosen, style, faults_for(chosen, faults)))


def one(layout: str, *faults: str, **options: Any) -> tuple[list[bytes], dict[str, Any]]:  # noqa: ANN401
    """Members and truth of the only export with its only treatment."""
    (written,) = exports(layout, *faults, **options)
    (truth,) = written.sessions
    return list(written.members.values()), truth
