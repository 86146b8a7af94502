"""Phases and cycles: a cycle is one load of one column."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from ingestor.model import Cycle, Instant, Phase, PhaseSpan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestor.driver import PhaseRow
    from ingestor.meaning.amounts import Amounts
    from ingestor.meaning.plausibility import Plausibility
    from ingestor.meaning.stamps import Timeline
    from ingestor.meaning.traces import Sampled
    from ingestor.model import ColumnUse

Key = tuple[int, str]


def phase_spans(
    rows: Sequence[PhaseRow], timeline: Timeline, amounts: Amounts, plausibility: Plausibility
) -> tuple[PhaseSpan, ...]:
    """Return the phases in printed order, numbered from 1; times are settled column by column."""
    starts: dict[int, Instant | None] = {}
    ends: dict[int, Instant | None] = {}
    for position in dict.fromkeys(row.position for row in rows):
        mine = [i for i, row in enumerate(rows) if row.position == position]
        stamps = [stamp for i in mine for stamp in (rows[i].start, rows[i].end)]
        lines = [rows[i].line for i in mine for _ in "se"]
        instants = timeline.series(stamps, lines)
        starts |= dict(zip(mine, instants[::2], strict=True))
        ends |= dict(zip(mine, instants[1::2], strict=True))
    number = _cycle_numbers(rows)
    found = []
    for i, row in enumerate(rows):
        range_ = plausibility.load_ml if row.phase is Phase.LOAD else plausibility.phase_ml
        volume = None
        if row.volume is not None:
            volume = amounts.read(row.volume, "mL", row.phase, row.line, range_)
        found.append(
            PhaseSpan(
                i + 1, number[i], row.position, row.phase, starts[i], ends[i], volume,
                row.volume.text if row.volume is not None else "", row.completed, row.line,
            )
        )  # fmt: skip
    return tuple(found)


def _cycle_numbers(rows: Sequence[PhaseRow]) -> list[int]:
    """The printed numbers, or own ones where the printed ones number pairs, or begin again.

    A load that was left for another phase is over: the column's next load is a new one, whatever number the
    machine gives it.
    """
    turns: list[tuple[int, str, int]] = []
    turn: dict[Key, int] = {}
    left: dict[Key, bool] = {}
    for row in rows:
        key = (row.cycle, row.position)
        if row.phase is Phase.LOAD:
            turn[key] = turn.get(key, 0) + left.get(key, False)
            left[key] = False
        elif key in left:
            left[key] = True
        turns.append((*key, turn.get(key, 0)))
    distinct = list(dict.fromkeys(turns))
    if len({cycle for cycle, _, _ in distinct}) == len(distinct):
        return [row.cycle for row in rows]
    own = {key: number for number, key in enumerate(distinct, start=1)}
    return [own[key] for key in turns]


_REGENERATION = frozenset({Phase.ELUTE, Phase.NEUTRALISE, Phase.RECONDITION})


def known_regenerable(columns: Sequence[ColumnUse], rows: Sequence[PhaseRow]) -> tuple[ColumnUse, ...]:
    """Return the columns, marked as regenerable where the record shows it: one was regenerated, or used before."""
    regenerated = {row.position for row in rows if row.phase in _REGENERATION}
    return tuple(
        replace(c, regenerable=True)
        if c.regenerable is None and (c.position in regenerated or (c.use or 0) > 1)
        else c
        for c in columns
    )


def cycles_of(phases: Sequence[PhaseSpan], *, complete: bool) -> tuple[Cycle, ...]:
    """Return the loads. Where no status is printed, a load that was left for another phase was completed."""
    loads: dict[Key, list[PhaseSpan]] = {}
    for span in phases:
        if span.phase is Phase.LOAD:
            loads.setdefault((span.cycle, span.position), []).append(span)
    return tuple(_cycle(spans, phases, complete=complete) for spans in loads.values())


def _cycle(spans: list[PhaseSpan], phases: Sequence[PhaseSpan], *, complete: bool) -> Cycle:
    first, last = spans[0], spans[-1]
    volumes = [s.volume_ml for s in spans if s.volume_ml is not None]
    completed = last.completed
    if completed is None and last.end is not None:
        followed = any(p.position == last.position and p.index > last.index for p in phases)
        completed = True if followed or complete else None
    return Cycle(
        first.cycle, first.position, first.start, last.end,
        sum(volumes[1:], volumes[0]) if len(volumes) == len(spans) else None, completed, first.line,
    )  # fmt: skip


def single_use_cycles(
    columns: Sequence[ColumnUse], sampled: Sampled | None, *, complete: bool
) -> tuple[Cycle, ...]:
    """Return one cycle a column where the machine prints no phases because a column is loaded only once."""
    if sampled is None or not columns or any(c.regenerable for c in columns):
        return ()
    bounds = [0, *sampled.segments, len(sampled.trace)]
    spans: list[tuple[Instant | None, Instant | None]] = [(None, None)] * len(columns)
    if len(bounds) == len(columns) + 1:
        spans = [sampled.flowing(a, b) for a, b in pairwise(bounds)]
    if spans == [(None, None)] and not sampled.flows():
        return ()
    return tuple(
        Cycle(i, c.position, start, end, None, True if complete or i < len(columns) else None, c.line)
        for i, (c, (start, end)) in enumerate(zip(columns, spans, strict=True), start=1)
    )
