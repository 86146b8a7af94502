"""Rows of samples become columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drivers.profile.sample_joins import Table, stacked, together
from drivers.profile.sample_pieces import PieceReader
from drivers.profile.sample_rows import groups_of, pieces_of
from ingestor.driver import SampleBlock

if TYPE_CHECKING:
    from datetime import datetime

    import numpy.typing as npt

    from drivers.profile.raw import Raw, SampleLines


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """What the rows of samples say.

    Attributes:
        block: the columns.
        index: the machine's own running number of each row, -1 where it cannot be read; None without one.
    """

    block: SampleBlock
    index: npt.NDArray[np.int64] | None


def read_samples(raw: Raw, start: datetime) -> Sampled | None:
    """Return the samples of a treatment, None where it has none.

    Args:
        raw: what the reader found.
        start: printed start, from which times without date go on.
    """
    tables = [table for group in groups_of(raw) if (table := _read(raw, group, start)) is not None]
    raw.samples = []
    if not tables:
        return None
    one = tables[0] if len(tables) == 1 else together(tables)
    raw.notes.rows_read += len(one.line)
    restarts = np.searchsorted(one.line, raw.restarts)
    block = SampleBlock(
        local_ms=one.local_ms,
        line=one.line.astype(np.int32),
        columns=tuple(one.columns.values()),
        states=tuple(one.states.values()),
        elapsed_s=one.elapsed_s,
        segments=tuple(int(at) for at in dict.fromkeys(restarts.tolist()) if 0 < at < len(one.line)),
        offset_min=None if one.offset_min is None else int(one.offset_min[0]),
    )
    return Sampled(block, one.index)


def _read(raw: Raw, group: list[SampleLines], start: datetime) -> Table | None:
    reader = PieceReader(raw, group[0].heading, group[0].lines.codec)
    pieces = [piece for part in pieces_of(raw, group) if (piece := reader.read(part)) is not None]
    return stacked(reader, pieces, start) if pieces else None
