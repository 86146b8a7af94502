"""Cycles and columns of one run, counted. A cycle is one load of one column; an A and B pair is two."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from ingestor.meaning.measured import ColumnFigures
from ingestor.meaning.plasma_volume import rounded
from ingestor.model import Phase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestor.model import Cycle, Run

_PAIR = 2


def has_loads(run: Run) -> bool:
    """Tell whether the machine prints phases, loads among them."""
    return any(p.phase is Phase.LOAD for p in run.phases)


def cycles(run: Run, printed: Decimal | None) -> tuple[int | None, int | None, dict[str, str]]:
    """Return completed and aborted cycles, and why one of them is unknown.

    Args:
        run: its loads are counted; without any, what was printed is believed.
        printed: the machine's own number, of loads or of pairs.
    """
    if run.cycles:
        return (*_outcomes(run.cycles), {})
    if printed is not None and printed == printed.to_integral_value() and not run.segments:
        return int(printed) * _factor(run), None, {"cycles_aborted": "no_phases"}
    return None, None, {"cycles_completed": "no_phases", "cycles_aborted": "no_phases"}


def disagrees(run: Run, printed: Decimal | None) -> bool:
    """Tell whether the printed number does not fit the printed loads."""
    if not run.cycles or printed is None or run.segments:
        return False
    return not _fits(printed, run.cycles, _factor(run))


def _factor(run: Run) -> int:
    return _PAIR if run.cycle_definition == "pair" else 1


def _outcomes(loads: Sequence[Cycle]) -> tuple[int, int]:
    return sum(c.completed is True for c in loads), sum(c.completed is False for c in loads)


def _fits(printed: Decimal, loads: Sequence[Cycle], factor: int) -> bool:
    """The printed number counts all loads, or the completed ones; of pairs, the last may be half."""
    slack = factor - 1
    return any(abs(printed * factor - n) <= slack for n in (len(loads), _outcomes(loads)[0]))


def columns(run: Run) -> tuple[ColumnFigures, ...]:
    """Return what each column of a run did."""
    return tuple(_column(run, index) for index in range(len(run.columns)))


def _column(run: Run, index: int) -> ColumnFigures:
    column, loads = run.columns[index], _cycles_of_column(run, index)
    done, cut = _outcomes(loads) if loads is not None else (None, None)
    volumes = [c.load_ml for c in loads or () if c.load_ml is not None]
    whole = bool(volumes) and len(volumes) == len(loads or ())
    return ColumnFigures(
        column.position, column.sequence, column.product, column.serial, column.lot, column.use,
        done, cut, rounded(sum(volumes, Decimal(0))) if whole else None,
    )  # fmt: skip


def _cycles_of_column(run: Run, index: int) -> Sequence[Cycle] | None:
    """A column's cycles; None where two columns followed each other in one place and phases do not tell."""
    position = run.columns[index].position
    if not run.cycles:
        return None
    if sum(c.position == position for c in run.columns) == 1:
        return [c for c in run.cycles if c.position == position]
    return None if has_loads(run) else [run.cycles[index]]
