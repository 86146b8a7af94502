"""Pressures and volumes, one row a minute in two members, as one block of samples.

Rows are joined by their time, never by their position. Where the clock was set back the same time comes twice;
the first goes with the first, the second with the second.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drivers._packing import local_ms, sample_column
from drivers._text import Grammar, whole_number
from drivers.prismaflex.events import read_stamp
from ingestor.driver import SampleBlock, Severity

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from decimal import Decimal

    import numpy.typing as npt

    from drivers._remarks import Remarks
    from drivers.prismaflex.tables import Table
    from ingestor.driver import SampleColumn

PRESSURES = {
    "accesspressure": "access_pressure", "access": "access_pressure",
    "filterpressure": "filter_pressure", "filter": "filter_pressure",
    "effluentpressure": "effluent_pressure", "effl": "effluent_pressure",
    "returnpressure": "return_pressure", "return": "return_pressure",
    "arpspressure": "arps_pressure", "arps": "arps_pressure",
}  # fmt: skip
VOLUMES = {
    "postinfusion": "post_infusion", "postinf": "post_infusion",
    "preinfusion": "pre_infusion", "preinf": "pre_infusion",
    "dialysate": "dialysate", "effluent": "effluent",
    "prebloodinf": "preblood_infusion", "syringeinf": "syringe_infusion",
    "excessptfluid": "excess_fluid", "excessfluid": "excess_fluid",
    "pump1": "pump_speed_1", "pumpone": "pump_speed_1", "pump2": "pump_speed_2", "pumptwo": "pump_speed_2",
    "pump3": "pump_speed_3", "pumpthree": "pump_speed_3", "pump4": "pump_speed_4", "pumpfour": "pump_speed_4",
}  # fmt: skip
RUN_TIME = ("runtime",)
_GRAMMAR = Grammar()
_NOT_SAMPLED = frozenset({"index", "time", *RUN_TIME})


@dataclass(frozen=True, slots=True)
class Series:
    """The rows of one member that have a time.

    Attributes:
        name: of the member.
        times, lines: a row each.
        values: exact values by column, in printed order of the columns.
        channels: channel of each column, None where nobody knows it.
        headings: as printed.
        run_time: seconds of running time, None where the member has none.
        untimed: rows without a readable time.
    """

    name: str
    times: tuple[datetime, ...]
    lines: tuple[int, ...]
    values: tuple[tuple[Decimal | None, ...], ...]
    channels: tuple[str | None, ...]
    headings: tuple[str, ...]
    run_time: tuple[int | None, ...] | None
    untimed: int

    def column(self, channel: str) -> tuple[Decimal | None, ...] | None:
        """Return the values of a channel, None where the member has not got it."""
        return self.values[self.channels.index(channel)] if channel in self.channels else None


def read_series(table: Table, channels: dict[str, str], remarks: Remarks) -> Series:
    """Return the sampled columns of a member."""
    time = table.place("time") or 1
    stamps = [(line, cells, read_stamp(cells[time])) for line, cells in table.rows]
    for line, _, stamp in stamps:
        if stamp is None:
            remarks.add("time_unreadable", line, member=table.name)
    kept = [(line, cells, stamp.local) for line, cells, stamp in stamps if stamp is not None]
    wanted = [i for i, column in enumerate(table.columns) if column not in _NOT_SAMPLED]
    for i in wanted:
        if table.columns[i] not in channels:
            remarks.add("unknown_column", 0, Severity.INFO, member=table.name, column=table.headings[i][:60])
    place = table.place(*RUN_TIME)
    return Series(
        name=table.name,
        times=tuple(at for _, _, at in kept),
        lines=tuple(line for line, _, _ in kept),
        values=tuple(
            tuple(_value(line, cells[i], table, i, remarks) for line, cells, _ in kept) for i in wanted
        ),
        channels=tuple(channels.get(table.columns[i]) for i in wanted),
        headings=tuple(table.headings[i] for i in wanted),
        run_time=None if place is None else tuple(whole_number(cells[place]) for _, cells, _ in kept),
        untimed=len(stamps) - len(kept),
    )


def _value(line: int, text: str, table: Table, column: int, remarks: Remarks) -> Decimal | None:
    value = _GRAMMAR.value(text)
    if value is None and text:
        kind = table.headings[column]
        remarks.add("value_implausible", line, member=table.name, kind=kind[:60], value=text[:40], unit="")
    return value


def joined(volumes: Series | None, pressures: Series | None) -> list[tuple[int | None, int | None]]:
    """Return pairs of row indices (volumes, pressures) that belong to one time, in printed order."""
    left, right = _keys(volumes), _keys(pressures)
    rows: list[tuple[int | None, int | None]] = []
    i = j = 0
    in_left, in_right = set(left), set(right)
    while i < len(left) or j < len(right):
        if i < len(left) and j < len(right) and left[i] == right[j]:
            rows.append((i, j))
            i, j = i + 1, j + 1
        elif j >= len(right) or (i < len(left) and (left[i] not in in_right or right[j] in in_left)):
            rows.append((i, None))
            i += 1
        else:
            rows.append((None, j))
            j += 1
    return rows


def _keys(series: Series | None) -> list[tuple[datetime, int]]:
    """Return each row's time and how often that time came before."""
    seen: Counter[datetime] = Counter()
    keys = []
    for at in series.times if series else ():
        keys.append((at, seen[at]))
        seen[at] += 1
    return keys


def block(volumes: Series | None, pressures: Series | None, *, plasma: bool) -> SampleBlock | None:
    """Return all samples of a treatment, None where there are none.

    Args:
        volumes: of the volume member.
        pressures: of the pressure member.
        plasma: the effluent is taken as removed plasma, as a channel of its own beside the printed one; the
            small negative volumes that a start may print are no plasma.
    """
    rows = joined(volumes, pressures)
    if not rows:
        return None
    times, lines = [], []
    named = next(series for series in (volumes, pressures) if series is not None)
    for i, j in rows:
        source, row = (volumes, i) if i is not None else (pressures, j)
        assert source is not None  # noqa: S101 - a row index comes from its series
        assert row is not None  # noqa: S101 - as above
        times.append(source.times[row])
        lines.append(source.lines[row])
    columns: list[SampleColumn] = []
    for series, side, unit in ((volumes, 0, "mL"), (pressures, 1, "mmHg")):
        columns += _columns(series, [pair[side] for pair in rows], unit, plasma=plasma)
    return SampleBlock(
        local_ms=local_ms(times),
        line=np.array(lines, dtype=np.int32),
        columns=tuple(columns),
        member=named.name,
        elapsed_s=_elapsed(volumes, [pair[0] for pair in rows]),
    )


def _columns(
    series: Series | None, rows: Sequence[int | None], unit: str, *, plasma: bool
) -> list[SampleColumn]:
    made: list[SampleColumn] = []
    if series is None:
        return made
    for channel, heading, values in zip(series.channels, series.headings, series.values, strict=True):
        cells = [None if row is None else values[row] for row in rows]
        printed = "" if channel is None else "/min" if channel.startswith("pump_speed") else unit
        made.append(sample_column(channel, heading, printed, cells))
        if plasma and channel == "effluent":
            removed = [None if cell is None or cell < 0 else cell for cell in cells]
            made.append(sample_column("processed_plasma", heading, unit, removed))
    return made


def _elapsed(volumes: Series | None, rows: Sequence[int | None]) -> npt.NDArray[np.int64] | None:
    """The run-time counter, where every row has it."""
    if volumes is None or volumes.run_time is None:
        return None
    counted = [None if row is None else volumes.run_time[row] for row in rows]
    return None if None in counted else np.array(counted, dtype=np.int64)
