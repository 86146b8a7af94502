"""Several treatments in one table, told apart by a column that names the run."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from drivers.profile.raw import Notes, Printed, Raw, SampleLines
from drivers.profile.sample_rows import whole_of
from drivers.profile.vocabulary import TEXTS

if TYPE_CHECKING:
    import numpy.typing as npt

    from drivers.profile.sample_rows import Part

    Bools = npt.NDArray[np.bool_]

_LONGEST = 64


def by_run(raw: Raw) -> list[Raw]:
    """Return one treatment for each run that the rows of samples name; the same one where they name none."""
    named = [block for block in raw.layout.of("samples") if "run_id" in block.fields]
    if not named or not raw.samples or raw.broken is not None:
        return [raw]
    groups: dict[str, Raw] = {}
    for one in list(raw.samples):
        _split(raw, one, whole_of(raw, one), groups)
    raw.samples = []
    if not groups:
        return [raw]
    first = next(iter(groups.values()))
    first.notes.add(raw.notes)
    for name, rows in raw.rows.items():
        for row in rows:
            owner = groups.get(row.text("run_id"), first)
            owner.rows.setdefault(name, []).append(row)
    return list(groups.values())


def _split(raw: Raw, one: SampleLines, part: Part, groups: dict[str, Raw]) -> None:
    fields = {field.name: at for at, field in enumerate(part.heading.fields) if field is not None}
    changes = {name: _changes(part, at) for name, at in fields.items() if name in TEXTS}
    edges = [0, *np.flatnonzero(np.logical_or.reduce(list(changes.values()))).tolist(), len(part)]
    for low, high in pairwise(edges):
        if low == high:
            continue
        texts = {name: part.text(fields[name], low) for name in changes}
        line = int(part.line[low])
        run = groups.setdefault(
            texts["run_id"],
            Raw(raw.layout, raw.member, line, Notes(raw.member), raw.version, list(raw.header)),
        )
        run.header += [Printed(name, text, "", line, raw.member) for name, text in texts.items() if text]
        last = int(part.line[high]) if high < len(part) else int(one.lines.number(int(one.rows[-1]))) + 1
        numbers = one.lines.numbers_of(one.rows)
        run.samples.append(
            SampleLines(one.lines, one.rows[(numbers >= line) & (numbers < last)], one.heading)
        )
        run.last_line, run.cut, run.end = last - 1, raw.cut, raw.end


def _changes(part: Part, field: int) -> Bools:
    """Say of each row whether its cell differs from the one in the row before; never of the first."""
    column = part.column(field)
    start, length = column.start, column.end - column.start
    same = np.ones(len(part), np.bool_)
    same[1:] = length[1:] == length[:-1]
    for at in range(min(int(length.max(initial=0)), _LONGEST)):
        byte = part.padded[np.minimum(start + at, len(part.padded) - 1)]
        same[1:] &= (byte[1:] == byte[:-1]) | (at >= length[1:])
    return ~same
