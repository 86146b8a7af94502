"""What writers of HL7 get wrong, their guide's own examples among them, and messages that come twice."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from simulators.export import Export
    from simulators.layout import Layout
    from simulators.page import Page

REPEATED = 6
# Every n-th line that fits is written as some writers do.
_EVERY = 3
_ERRORS: tuple[tuple[str, str], ...] = (
    (r"\|mL/h\^mL/h\^UCUM\|", "|ml/hr^ml/hr^UCUM|"),
    (r"\|\d+(\^MDCIA_PLASMA_FLOW_RATE\^MDC)", r"|0\1"),
    (r"\|mm\[Hg\]\^mm\[Hg\]\^UCUM\|", "|mm[Hg]^ml[Hg]^UCUM|"),
    (r"(MDC_HDIALY_BLD_PRESS_VEN\^MDC)\|", r"\1 |"),
    (r"\|(\d\d)\|%\^%\^UCUM\|", r"|0.\1|%{vol}^%{vol}^UCUM|"),
    (r"^OBX\|2[45]\|", "OBX|23|"),
)


def writer_errors(export: Export, _layout: Layout, _rng: np.random.Generator) -> Export:
    """Units in wrong letters, codes of 0, spaces before bars, set ids twice, a time without its sign."""
    compiled = [(re.compile(pattern), wrong) for pattern, wrong in _ERRORS]
    pages = []
    for page in export.pages:
        lines, seen = list(page.lines), 0
        for place, line in enumerate(lines):
            for pattern, wrong in compiled:
                if pattern.search(line):
                    seen += 1
                    line = pattern.sub(wrong, line) if seen % _EVERY == 0 else line  # noqa: PLW2901
            lines[place] = _without_sign(line) if line.startswith("MSH|") and place % 7 == 0 else line
        pages.append(replace(page, lines=tuple(lines)))
    return replace(export, pages=tuple(pages))


def _without_sign(head: str) -> str:
    fields = head.split("|")
    fields[6] = fields[6].replace("+", "")
    return "|".join(fields)


def repeated_messages(export: Export, _layout: Layout, rng: np.random.Generator) -> Export:
    """Some messages are sent twice, byte for byte."""
    return replace(export, pages=tuple(_repeated(page, rng) for page in export.pages))


def _repeated(page: Page, rng: np.random.Generator) -> Page:
    starts = [place for place, line in enumerate(page.lines) if line.startswith("MSH|")]
    if len(starts) < REPEATED:
        return page
    stops = [*starts[1:], page.marks[0].end or len(page.lines)]
    chosen = set(rng.choice(len(starts), REPEATED, replace=False).tolist())
    order = list(range(starts[0]))
    for place, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        order += list(range(start, stop)) * (2 if place in chosen else 1)
    return page.rearranged([*order, *range(stops[-1], len(page.lines))])


def stray_answers(export: Export, _layout: Layout, _rng: np.random.Generator) -> Export:
    """The batch holds acknowledgements of somebody else's messages; they count in its trailer."""
    pages = []
    for page in export.pages:
        first = next((p for p, line in enumerate(page.lines) if line.startswith("MSH|")), None)
        if first is None or not page.marks:
            pages.append(page)
            continue
        head = page.lines[first].replace("ORU^R01^ORU_R01", "ACK^R01^ACK")
        fields = head.split("|")
        fields[9] += "A"
        answer = ("|".join(fields), "MSA|AA|4711")
        lines = (*page.lines[:first], *answer, *page.lines[first:])
        pages.append(replace(page, lines=lines, marks=tuple(m.shifted(len(answer)) for m in page.marks)))
    return replace(export, pages=tuple(pages))
