"""What a sampled state says: phases, a change of column, the end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from drivers.profile.raw import EndMark
from ingestor.driver import ColumnUse, Phase, PhaseRow, Stamp

if TYPE_CHECKING:
    import numpy.typing as npt

    from drivers.profile.raw import Raw
    from drivers.profile.samples import Sampled
    from ingestor.driver import SampleBlock

ONLY_COLUMN = "A"


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Rows of one state, one after the other: first row, row behind the last, printed word."""

    first: int
    stop: int
    word: str


def read_states(raw: Raw, sampled: Sampled) -> tuple[Sampled, tuple[PhaseRow, ...], int]:
    """Return the samples with their restarts, the phases that the state tells, and the number of columns."""
    block = next((b for b in raw.layout.of("samples") if "state" in b.fields), None)
    states = sampled.block.states
    if block is None or not states:
        return sampled, (), 1
    stretches = _stretches(states[0].codes, states[0].words)
    changes = _changes(sampled.block, stretches, block.new_column)
    if raw.layout.end.state and stretches and stretches[-1].word == raw.layout.end.state:
        raw.end = EndMark(int(sampled.block.line[-1]), agreed=True)
    segments = tuple(sorted({*sampled.block.segments, *changes}))
    meaning = block.fields["state"].values
    phases = tuple(
        PhaseRow(
            cycle=sum(change <= one.first for change in changes) + 1,
            position=ONLY_COLUMN,
            phase=Phase(meaning[one.word]),
            start=_at(sampled.block, one.first),
            end=_at(sampled.block, one.stop) if one.stop < len(sampled.block.line) else None,
            volume=None,
            completed=None,
            line=int(sampled.block.line[one.first]),
        )
        for one in stretches
        if meaning.get(one.word, "none") != "none"
    )
    return replace(sampled, block=replace(sampled.block, segments=segments)), phases, len(changes) + 1


def _stretches(codes: npt.NDArray[np.int16], words: tuple[str, ...]) -> list[Stretch]:
    edges = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
    return [
        Stretch(first, stop, words[codes[first]])
        for first, stop in pairwise(edges)
        if first < stop and codes[first] >= 0
    ]


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
