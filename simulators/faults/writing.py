"""What a machine writes wrongly, before its checksum: lines, encodings, decimal signs, numbers nobody believes."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from simulators.surviving import after_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from simulators.export import Export
    from simulators.layout import Layout
    from simulators.page import Page

SHARE = 0.03
NUMBER = re.compile(r"-?\d+[.,]\d+")
OTHER_SIGN = {".": ",", ",": "."}
# What each encoding is mistaken for: code page, byte order mark.
OTHER_ENCODINGS = {
    "cp1252": (("cp850", b""), ("utf-8", b"")),
    "utf-16-le": (("utf-16-be", b"\xfe\xff"), ("utf-8", b"")),
    "utf-8": (("cp1252", b""), ("utf-16-le", b"\xff\xfe")),
}
UNBELIEVABLE = ("NaN", "1e309", "-4711", "12.345.678", "")


def dropped_lines(export: Export, _layout: Layout, rng: np.random.Generator) -> Export:
    """Some samples were never written."""
    return _rearrange(export, lambda line, chosen: [] if chosen else [line], rng)


def no_rows(export: Export, _layout: Layout, _rng: np.random.Generator) -> Export:
    """The head of the samples stands there, and no sample."""
    pages = []
    for page in export.pages:
        gone = {line for m in page.marks for line in m.samples.tolist()}
        pages.append(page.rearranged([line for line in range(len(page.lines)) if line not in gone]))
    return after_lines(replace(export, pages=tuple(pages)))


def doubled_lines(export: Export, _layout: Layout, rng: np.random.Generator) -> Export:
    """Some samples were written twice."""
    return _rearrange(export, lambda line, chosen: [line, line] if chosen else [line], rng)


def reordered_lines(export: Export, _layout: Layout, rng: np.random.Generator) -> Export:
    """Some samples stand after the sample that should follow them; their times tell, so the truth is the same."""
    pages = []
    for page in export.pages:
        order = list(range(len(page.lines)))
        following = {a: b for m in page.marks for a, b in pairwise(m.samples.tolist())}
        for line in sorted(_chosen(page, rng)):
            after = following[line]
            order[line], order[after] = order[after], order[line]
        pages.append(page.rearranged(order))
    return replace(export, pages=tuple(pages))


def _rearrange(export: Export, rule: Callable[[int, bool], list[int]], rng: np.random.Generator) -> Export:
    pages = []
    for page in export.pages:
        chosen = _chosen(page, rng)
        order = [line for old in range(len(page.lines)) for line in rule(old, old in chosen)]
        pages.append(page.rearranged(order))
    return after_lines(replace(export, pages=tuple(pages)))


def _chosen(page: Page, rng: np.random.Generator) -> set[int]:
    """A few sample lines, never the first or last two: those show where the samples begin and end."""
    chosen: set[int] = set()
    for marks in page.marks:
        inner = marks.samples[2:-2]
        if len(inner):
            count = max(3, int(len(inner) * SHARE))
            chosen |= {int(line) for line in rng.choice(inner, min(count, len(inner)), replace=False)}
    return chosen


def encoding_swap(export: Export, _layout: Layout, rng: np.random.Generator) -> Export:
    """The text is right, its code page is another one."""
    pages = []
    for page in export.pages:
        dresses = [replace(page, encoding=e, bom=b) for e, b in OTHER_ENCODINGS.get(page.encoding, ())]
        # A text of plain letters looks the same in most code pages.
        others = [other for other in dresses if other.content() != page.content()]
        pages.append(others[int(rng.integers(len(others)))] if others else page)
    return replace(export, pages=tuple(pages))


def locale_swap(export: Export, layout: Layout, _rng: np.random.Generator) -> Export:
    """The decimal sign is that of the other locale; a comma-separated table becomes a semicolon-separated one."""
    cells = layout.cells
    if cells is None:
        return export
    separator = ";" if cells.separator == "," else cells.separator
    pages = []
    for page in export.pages:
        first = page.marks[0].known if page.marks else 1
        lines = [
            separator.join(
                cell.replace(cells.decimal, OTHER_SIGN[cells.decimal]) if NUMBER.fullmatch(cell) else cell
                for cell in line.split(cells.separator)
            )
            if place >= first
            else line.replace(cells.separator, separator)
            for place, line in enumerate(page.lines)
        ]
        pages.append(replace(page, lines=tuple(lines)))
    nothing = {"values_readable": False, "processed_plasma_ml": None, "reported_ml": None}
    sessions = tuple({**s, **nothing, "readings": dict.fromkeys(s["readings"])} for s in export.sessions)
    return replace(export, pages=tuple(pages), sessions=sessions)


def unbelievable(export: Export, layout: Layout, rng: np.random.Generator) -> Export:
    """Some plasma flows are no numbers, or numbers nobody believes."""
    cells = layout.cells
    if cells is None:
        return export
    pages = []
    for page in export.pages:
        lines = list(page.lines)
        for place, line in enumerate(sorted(_chosen(page, rng))):
            fields = lines[line].split(cells.separator)
            fields[cells.flow] = UNBELIEVABLE[place % len(UNBELIEVABLE)]
            lines[line] = cells.separator.join(fields)
        pages.append(replace(page, lines=tuple(lines)))
    return replace(export, pages=tuple(pages))
