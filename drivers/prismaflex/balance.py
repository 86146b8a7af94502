"""The fluid balance that the volume member carries in itself.

Excess fluid = prescribed removal so far - (effluent - what was infused), within one millilitre a row.

Source: exports of software 8.x that are public.
"""

from __future__ import annotations

from bisect import bisect_right
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from drivers.prismaflex.samples import Series

_TOLERANCE = Decimal(1)
_HOUR = Decimal(3600)
_OUT = "effluent"
_IN = ("post_infusion", "pre_infusion", "dialysate", "preblood_infusion", "syringe_infusion")


def off_balance(volumes: Series, removal: Sequence[tuple[datetime, Decimal]]) -> list[int]:
    """Return the lines at which the balance does not hold; none where it cannot be checked.

    Args:
        volumes: rows of the volume member.
        removal: prescribed removal [mL/h] from each time on. Between two rows the one before the row holds,
            so that a change within a minute may be off by what one minute makes of it.
    """
    excess = volumes.column("excess_fluid")
    flows = [volumes.column(name) for name in (_OUT, *_IN)]
    if not removal or volumes.run_time is None or excess is None or None in flows:
        return []
    since = [at for at, _ in removal]
    due, slack, before = Decimal(0), _TOLERANCE, 0
    wrong: list[int] = []
    rate = removal[0][1]
    for row, at in enumerate(volumes.times):
        ran = volumes.run_time[row]
        balance = [column[row] for column in (excess, *flows) if column is not None]
        if ran is None or any(value is None for value in balance):
            continue
        now = removal[max(0, bisect_right(since, at) - 1)][1]
        slack += abs(now - rate) * max(ran - before, 0) / _HOUR
        due += now * (ran - before) / _HOUR
        rate, before = now, ran
        printed, out, *infused = (value for value in balance if value is not None)
        if abs(printed - (due - (out - sum(infused)))) > slack:
            wrong.append(volumes.lines[row])
    return wrong
