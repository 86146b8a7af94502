"""The samples of a run, as few as a drawing can show, as rows of a table, and all of them for zooming."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from api.web.formats import unit_of
from api.web.wording import word

if TYPE_CHECKING:
    import numpy.typing as npt

    from ingestor.trace import Trace


def reduced(
    at: npt.NDArray[np.int64], values: npt.NDArray[np.float64], width: int
) -> tuple[list[int], list[float]]:
    """Return at most two points (least and greatest, in their order) for each of `width` equal stretches.

    No peak is lost by that.

    Args:
        at: milliseconds, ascending.
        values: NaN where there is none; such samples are left out.
        width: number of stretches.
    """
    known = ~np.isnan(values)
    at, values = at[known], values[known]
    if len(at) <= 2 * width:
        return at.tolist(), values.tolist()
    stretch = (at - at[0]) * width // (at[-1] - at[0] + 1)
    first = np.flatnonzero(np.r_[True, np.diff(stretch) > 0])
    kept: list[int] = []
    for begin, end in zip(first, np.r_[first[1:], len(at)], strict=True):
        part = values[begin:end]
        kept += sorted({int(begin + part.argmin()), int(begin + part.argmax())})
    return at[kept].tolist(), values[kept].tolist()


@dataclass(frozen=True, slots=True)
class Row:
    """The state of all channels at one moment; `line` is where it stands in the source."""

    local: datetime
    line: int
    values: tuple[float | None, ...]


def table(trace: Trace, first: int = 0, count: int | None = None, every: int = 1) -> list[Row]:
    """Return samples as rows: from row `first`, at most `count`, only every so many-th."""
    places = np.arange(first, len(trace), every)[:count]
    columns = [column.values()[places] for column in trace.columns]
    return [
        Row(
            datetime.fromtimestamp(int(trace.local_ms[place]) / 1000, UTC).replace(tzinfo=None),
            int(trace.line[place]),
            tuple(None if np.isnan(c[i]) else float(c[i]) for c in columns),
        )
        for i, place in enumerate(places)
    ]


def document(trace: Trace, language: str) -> dict[str, Any]:
    """Return all samples in the order of time: seconds of the wall clock of the start, then one array a channel.

    A clock that was set during the run makes no step here, as it makes none in the drawing.
    """
    order = np.argsort(trace.utc_ms, kind="stable")
    shift = int(trace.local_ms[order[0]] - trace.utc_ms[order[0]]) if len(trace) else 0
    return {
        "local_s": ((trace.utc_ms[order] + shift) / 1000).tolist(),
        "channels": [
            {
                "label": word("channel", c.channel, language), "unit": unit_of(c.unit),
                "values": [None if np.isnan(v) else v for v in c.values()[order].tolist()],
            }
            for c in trace.columns
            if not c.channel.startswith("x:")
        ],
    }  # fmt: skip
