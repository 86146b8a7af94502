"""What sampled states say: phases, a change of column, the end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from drivers.profile.cycles import cycle_numbers
from drivers.profile.raw import EndMark
from ingestor.driver import ColumnUse, Phase, PhaseRow, Stamp

if TYPE_CHECKING:
    from drivers.profile.raw import Raw
    from drivers.profile.samples import Sampled
    from drivers.profile.spec import Block
    from ingestor.driver import SampleBlock, StateColumn

ONLY_COLUMN = "A"
# Rows that change places stand near each other; a run time that falls back further began again.
_NEAR = 8
# A state of the whole machine, or one of each column of a pair.
POSITIONS = {"state": "", "state_a": "A", "state_b": "B"}


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Rows of one state, one after the other: first row, row behind the last, printed word, column."""

    first: int
    stop: int
    word: str
    position: str


def read_states(raw: Raw, sampled: Sampled) -> tuple[Sampled, tuple[PhaseRow, ...], int]:
    """Return the samples with their restarts, the phases that the states tell, and the number of columns."""
    blocks = [b for b in raw.layout.of("samples") if POSITIONS.keys() & b.fields.keys()]
    if not blocks:
        return sampled, (), 1
    block = blocks[0]
    printed = _all_stretches(sampled.block)
    _end(raw, sampled.block, printed)
    restarts = _changes(sampled.block, _whole_changes(printed, block), block.new_column)
    segments = tuple(sorted({*sampled.block.segments, *restarts}))
    run = _as_run(sampled.block)
    stretches = printed if run is sampled.block else _all_stretches(run)
    changes = _changes(run, _whole_changes(stretches, block), block.new_column)
    phases = _phases(run, block, stretches, changes)
    return replace(sampled, block=replace(sampled.block, segments=segments)), phases, len(changes) + 1


def _as_run(block: SampleBlock) -> SampleBlock:
    """Return the rows in the order of the machine's own run time: rows that changed places make no new phase.

    Where there is none, or it began again, they stay as printed.
    """
    seconds = block.elapsed_s
    if seconds is None or block.segments or not (falls := np.flatnonzero(np.diff(seconds) < 0)).size:
        return block
    if not (seconds[falls + 1] >= np.maximum.accumulate(seconds)[np.maximum(falls - _NEAR, 0)]).all():
        return block
    order = np.argsort(seconds, kind="stable")
    return replace(
        block,
        local_ms=block.local_ms[order],
        line=block.line[order],
        columns=tuple(replace(c, mantissa=c.mantissa[order], null=c.null[order]) for c in block.columns),
        states=tuple(replace(state, codes=state.codes[order]) for state in block.states),
        elapsed_s=seconds[order],
    )


def _all_stretches(block: SampleBlock) -> list[Stretch]:
    return [one for state in block.states if state.name in POSITIONS for one in _stretches(block, state)]


def _end(raw: Raw, block: SampleBlock, stretches: list[Stretch]) -> None:
    """Take the end as read if the last row is in the state that says so."""
    last = len(block.line)
    if any(
        one.stop == last and one.word == raw.layout.end.state for one in stretches if raw.layout.end.state
    ):
        raw.end = EndMark(int(block.line[-1]), agreed=True)


def _stretches(block: SampleBlock, state: StateColumn) -> list[Stretch]:
    """Return the stretches of one state; a column of positions beside it cuts them too."""
    beside = next((one for one in block.states if one.name == "position"), None)
    split = np.flatnonzero(np.diff(state.codes))
    if beside is not None and state.name == "state":
        split = np.union1d(split, np.flatnonzero(np.diff(beside.codes)))
    edges = [0, *(split + 1).tolist(), len(state.codes)]
    out = []
    for first, stop in pairwise(edges):
        code = state.codes[first]
        if first < stop and code >= 0:
            at = beside.codes[first] if beside is not None else -1
            position = POSITIONS[state.name] or (
                beside.words[at] if beside is not None and at >= 0 else ONLY_COLUMN
            )
            out.append(Stretch(first, stop, state.words[code], position))
    return out


def _phases(
    block: SampleBlock, layout: Block, stretches: list[Stretch], changes: list[int]
) -> tuple[PhaseRow, ...]:
    words = _words(layout)
    told = sorted(
        (one for one in stretches if words.get(one.word, "none") != "none"), key=lambda one: one.first
    )
    loads: list[tuple[str, Phase, int]] = []
    load: dict[str, int] = {}
    before: dict[str, tuple[Phase, int]] = {}
    for one in told:
        phase, column = Phase(words[one.word]), sum(change <= one.first for change in changes)
        if phase is Phase.LOAD and before.get(one.position) != (phase, column):
            load[one.position] = load.get(one.position, 0) + 1
        before[one.position] = (phase, column)
        loads.append((one.position, phase, load.get(one.position, 0)))
    return tuple(
        PhaseRow(
            cycle=number,
            position=one.position,
            phase=phase,
            start=_at(block, one.first),
            end=_at(block, one.stop) if one.stop < len(block.line) else None,
            volume=None,
            completed=None,
            line=int(block.line[one.first]),
        )
        for one, (_, phase, _), number in zip(told, loads, cycle_numbers(loads), strict=True)
    )


def _words(layout: Block) -> dict[str, str]:
    """Return what each word of a state stands for: a phase, or `none`."""
    fields = (one for name, one in layout.fields.items() if name in POSITIONS)
    return {word: phase for one in fields for word, phase in one.values.items()}


def _whole_changes(stretches: list[Stretch], layout: Block) -> list[Stretch]:
    """Return the changes of a column, each up to what is done next: a pause in or behind it belongs to it."""
    words, out = _words(layout), list[Stretch]()
    change: Stretch | None = None
    for one in stretches:
        if words.get(one.word, "none") != "none":
            if change is not None:
                out.append(replace(change, stop=one.first))
            change = None
        elif one.word == layout.new_column:
            change = one if change is None else replace(change, stop=one.stop)
    return out if change is None else [*out, change]


def _changes(block: SampleBlock, stretches: list[Stretch], word: str) -> list[int]:
    """Return the first row of each new column: where the counter falls during the change, else behind it."""
    counter = next((c for c in block.columns if c.channel == "processed_plasma"), None)
    out = []
    for one in stretches:
        if not word or one.word != word or one.stop >= len(block.line):
            continue
        at = one.stop
        if counter is not None:
            low = max(one.first - 1, 0)
            falls = np.flatnonzero(np.diff(counter.mantissa[low : one.stop + 1]) < 0)
            at = low + int(falls[0]) + 1 if len(falls) else at
        out.append(at)
    return out


def _at(block: SampleBlock, row: int) -> Stamp:
    local = datetime.fromtimestamp(int(block.local_ms[row]) / 1000, UTC).replace(tzinfo=None)
    return Stamp(local, "", block.offset_min, int(block.line[row]))


def further_columns(own: ColumnUse, number: int) -> tuple[ColumnUse, ...]:
    """Return the columns in use one after the other; only the first one's product is printed."""
    first = own if own.position else replace(own, position=ONLY_COLUMN)
    later = [
        ColumnUse(position=first.position, sequence=at, regenerable=first.regenerable, line=first.line)
        for at in range(2, number + 1)
    ]
    return (first, *later)
