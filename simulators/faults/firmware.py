"""Firmware that nobody has seen: another version in the head, a new column, a column named twice."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from simulators.surviving import expecting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from simulators.export import Export
    from simulators.layout import Layout
    from simulators.page import Page

# Where each layout says which version it is, and what a version from the future would say.
VERSIONS: dict[str, tuple[str, str]] = {
    "twin-column-report": (r"^#TCR \d\.\d$", "#TCR 4.0"),
    "twin-column-journal": (r"^H\t", "H4\t"),
    "twin-column-serial": (r"^(\d+)\|H\|", r"\1|H4|"),
    "single-column-table": (r"^# software: .*$", "# software: 9.0.0"),
    "separator-record": (r"urn:apherelog:separator-record:1", "urn:apherelog:separator-record:2"),
    "hl7-pcd": (r"\|2\.6\|", "|2.9|"),
    "prismaflex": (r"^SW VERSION: .*$", "SW VERSION: 11.40 V01R00;"),
}

# In the others the version is that of the machine's software, which may well print the same layout.
SAY_THEIR_VERSION = {"twin-column-report", "twin-column-journal", "twin-column-serial", "separator-record"}


def unknown_firmware(export: Export, layout: Layout, _rng: np.random.Generator) -> Export:
    """The head names a version from the future."""
    pattern, future = VERSIONS[layout.name]
    compiled = re.compile(pattern)
    pages = [replace(p, lines=tuple(compiled.sub(future, line) for line in p.lines)) for p in export.pages]
    told = replace(export, pages=tuple(pages))
    return _refused(told, [0] * len(export.sessions)) if layout.name in SAY_THEIR_VERSION else told


def _refused(export: Export, lines: Sequence[int]) -> Export:
    """The export, to be refused because of one line of its first page for each treatment.

    Where no samples were written there is no row of columns, and nothing to refuse.
    """
    if len(lines) < len(export.sessions):
        return export
    member = export.pages[0].name
    found = zip(export.sessions, lines, strict=True)
    sessions = tuple(expecting(truth, "refused", member, line) for truth, line in found)
    return replace(export, sessions=sessions)


def _headers(export: Export) -> list[int]:
    """Where the columns of the samples are named, for each treatment."""
    marks = (m for page in export.pages for m in page.marks if len(m.samples))
    return [int(m.samples[0]) - 1 for m in marks]


def unknown_column(export: Export, layout: Layout, _rng: np.random.Generator) -> Export:
    """The samples have one more column, `QX`; a report of 2.1 says that its version is one that may have some.

    Source: formats page, 3.1: 3.x may add columns; no other version of a layout may.
    """
    widened = _with_column(export, layout, lambda _header: "QX")
    if widened.pages[0].lines[0] != "#TCR 2.1":
        return _refused(widened, _headers(widened))
    pages = [
        replace(p, lines=tuple("#TCR 3.0" if line == "#TCR 2.1" else line for line in p.lines))
        for p in widened.pages
    ]
    return replace(widened, pages=tuple(pages))


def doubled_column(export: Export, layout: Layout, _rng: np.random.Generator) -> Export:
    """The samples have two columns of the same name."""
    flow = layout.cells.flow if layout.cells else 0
    separator = layout.cells.separator if layout.cells else ";"
    doubled = _with_column(export, layout, lambda header: header.split(separator)[flow])
    return _refused(doubled, _headers(doubled))


def _with_column(export: Export, layout: Layout, name: Callable[[str], str]) -> Export:
    separator = layout.cells.separator if layout.cells else ";"
    pages = [_widened(page, separator, name) for page in export.pages]
    return replace(export, pages=tuple(pages))


def _widened(page: Page, separator: str, name: Callable[[str], str]) -> Page:
    lines = list(page.lines)
    for marks in page.marks:
        if not len(marks.samples):
            continue
        header = int(marks.samples[0]) - 1
        lines[header] += f"{separator}{name(lines[header])}"
        for place, line in enumerate(marks.samples.tolist()):
            lines[line] += f"{separator}{place % 10}"
    return replace(page, lines=tuple(lines))
