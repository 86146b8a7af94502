"""Numbers for cycles where the machine prints none: each load of a column is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestor.driver import Phase

if TYPE_CHECKING:
    from collections.abc import Sequence


def cycle_numbers(phases: Sequence[tuple[str, Phase, int]]) -> list[int]:
    """Return the number of the cycle that each phase belongs to: that of its column's last load, 0 before one.

    What follows never changes a number, so that a record that was cut and the whole one agree.

    Args:
        phases: (position, phase, load) in order; phases of one load share the third value.
    """
    numbers: dict[tuple[str, int], int] = {}
    latest: dict[str, int] = {}
    out = []
    for position, phase, load in phases:
        if phase is Phase.LOAD:
            latest[position] = numbers.setdefault((position, load), len(numbers) + 1)
        out.append(latest.get(position, 0))
    return out
