"""Columns and their phases: what the private terms of a report say of adsorber columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from drivers._text import whole_number
from ingestor.driver import ColumnUse, Phase, PhaseRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from drivers._remarks import Remarks
    from drivers.hl7_pcd.report import Observation, Report
    from drivers.hl7_pcd.terms import Codes
    from ingestor.driver import Stamp

_PHASES = {phase.value: phase for phase in Phase}


@dataclass(frozen=True, slots=True)
class ColumnState:
    """What one report says of one column."""

    position: str
    cycle: int | None
    phase: Phase | None
    serial: str
    product: str
    line: int


def column_states(report: Report, codes: Codes, model: str, remarks: Remarks) -> Iterator[ColumnState]:
    """Yield the columns of a report; a term that comes again begins the next column."""
    group: dict[str, Observation] = {}
    for one in report.observations:
        meaning = codes.meaning(one.term, model)
        if meaning.kind != "column":
            continue
        if meaning.name in group:
            yield _state(group, remarks)
            group = {}
        group[meaning.name] = one
    if group:
        yield _state(group, remarks)


def _state(group: dict[str, Observation], remarks: Remarks) -> ColumnState:
    text = {name: one.text for name, one in group.items()}
    line = next(iter(group.values())).line
    phase = _PHASES.get(text.get("phase", "").lower())
    if phase is None and text.get("phase"):
        remarks.add("unknown_phase", line, word=text["phase"][:40])
    cycle = whole_number(text.get("cycle", ""))
    if cycle is None and text.get("cycle"):
        remarks.add("value_implausible", line, kind="cycle_number", value=text["cycle"][:40], unit="")
    position = text.get("position", "")
    return ColumnState(position, cycle, phase, text.get("serial", ""), text.get("product", ""), line)


def uses(states: Iterable[ColumnState]) -> tuple[ColumnUse, ...]:
    """Return the columns in the order of their first mention; another serial number is another column."""
    found: dict[tuple[str, str], ColumnUse] = {}
    for state in states:
        key = (state.position, state.serial)
        if not (state.serial or state.product) or key in found:
            continue
        sequence = 1 + sum(use.position == state.position for use in found.values())
        found[key] = ColumnUse(state.position, sequence, state.product, state.serial, line=state.line)
    return tuple(found.values())


def phases(
    reports: Sequence[tuple[Stamp, Sequence[ColumnState]]], ended: Stamp | None, remarks: Remarks
) -> tuple[PhaseRow, ...]:
    """Return the phases; each lasts until a report prints another for its column, the last until the end.

    A cycle whose load was interrupted is still one load, because it keeps its number.
    """
    rows: list[PhaseRow] = []
    running: dict[str, int] = {}
    for at, states in reports:
        for state in states:
            index = running.get(state.position)
            if state.phase is None:
                continue
            if index is not None:
                if (rows[index].cycle, rows[index].phase) == (state.cycle, state.phase):
                    continue
                rows[index] = replace(rows[index], end=replace(at, line=state.line))
            if state.cycle is None:
                remarks.add("cycle_number_missing", state.line)
                running.pop(state.position, None)
                continue
            again = _same_load(rows, state)
            if again is None:
                rows.append(_row(state, at))
                again = len(rows) - 1
            running[state.position] = again
    for index in running.values():
        rows[index] = replace(rows[index], end=ended)
    return tuple(rows)


def _same_load(rows: Sequence[PhaseRow], state: ColumnState) -> int | None:
    if state.phase is not Phase.LOAD:
        return None
    same = (i for i, r in enumerate(rows) if r.phase is Phase.LOAD and r.cycle == state.cycle)
    return next((i for i in same if rows[i].position == state.position), None)


def _row(state: ColumnState, at: Stamp) -> PhaseRow:
    phase = state.phase
    assert phase is not None  # noqa: S101 - the only caller has asked
    return PhaseRow(state.cycle or 0, state.position, phase, at, None, None, None, state.line)
