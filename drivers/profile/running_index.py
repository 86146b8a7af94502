"""The machine's own running number: what is missing, what stands twice. The treatment stays complete: its end was read."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

import numpy as np

from drivers._text import whole_number
from ingestor.driver import Severity

if TYPE_CHECKING:
    import numpy.typing as npt

    from drivers.profile.raw import Raw, Row
    from drivers.profile.samples import Sampled

    Ints = npt.NDArray[np.int64]


def drop_repeated(raw: Raw) -> None:
    """Ignore rows other than samples that were written twice under one number, word for word."""
    for name, rows in raw.rows.items():
        if not any("index" in row.cells for row in rows):
            continue
        seen: dict[tuple[int, str], dict[str, str]] = {}
        kept: list[Row] = []
        for row in rows:
            index = row.text("index")
            key = (_segment(raw, row.line), index)
            if index and seen.get(key) == row.cells:
                raw.notes.find("number_repeated", row.line, about="rows", number=index[:20])
                raw.notes.ignored["repeated"] += 1
                continue
            seen.setdefault(key, row.cells)
            kept.append(row)
        raw.rows[name] = kept


def _segment(raw: Raw, line: int) -> int:
    return bisect_right(raw.restarts, line)


def check_numbers(raw: Raw, sampled: Sampled | None) -> None:
    """Note numbers that are missing or stand twice; the end of the treatment was read all the same."""
    lines, numbers = _all_numbers(raw, sampled)
    if not len(numbers):
        return
    edges = np.searchsorted(lines, raw.restarts)
    for part_lines, part in zip(np.split(lines, edges), np.split(numbers, edges), strict=True):
        good = part > 0
        _check_segment(raw, part_lines[good], part[good])


def _check_segment(raw: Raw, lines: Ints, numbers: Ints) -> None:
    if not len(numbers):
        return
    order = np.argsort(numbers, kind="stable")
    step = np.diff(numbers[order], prepend=0)
    for at in np.flatnonzero(step > 1).tolist():
        count, line = int(step[at]) - 1, int(lines[order[at]])
        raw.notes.find(
            "numbers_missing", line, about="numbers", count=str(count), number=str(numbers[order[at]])
        )
    twice = np.flatnonzero(step == 0)
    if len(twice):
        raw.notes.find("numbers_twice", int(lines[order[twice[0]]]), Severity.INFO, count=str(len(twice)))
    if len(order) and (np.diff(numbers) < 0).any():
        at = int(np.flatnonzero(np.diff(numbers) < 0)[0]) + 1
        raw.notes.find("numbers_out_of_order", int(lines[at]), Severity.INFO, number=str(numbers[at]))


def _all_numbers(raw: Raw, sampled: Sampled | None) -> tuple[Ints, Ints]:
    """Return line numbers and running numbers of all rows that have one, in printed order."""
    pairs = [
        (row.line, whole_number(row.text("index")) or -1)
        for rows in raw.rows.values()
        for row in rows
        if "index" in row.cells
    ]
    if raw.end is not None and raw.end.index:
        pairs.append((raw.end.line, whole_number(raw.end.index) or -1))
    lines = np.array([line for line, _ in pairs], np.int64)
    numbers = np.array([number for _, number in pairs], np.int64)
    if sampled is not None and sampled.index is not None:
        lines = np.concatenate((lines, sampled.block.line.astype(np.int64)))
        numbers = np.concatenate((numbers, sampled.index))
    order = np.argsort(lines, kind="stable")
    return lines[order], numbers[order]
