"""What the parts of a sample may be: samples, alarms, phases, columns, sums."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from drivers import teach_words as words
from drivers.teach_structure import format_of, is_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.teach_structure import Pairs, Table


def is_totals(pairs: Pairs) -> bool:
    """Say whether a section of pairs is the machine's own sums."""
    sums = [key for key, value, _ in pairs.entries if words.guess(key, words.SUMS) and is_number(value)]
    return bool(pairs.section) and 2 * len(sums) > len(pairs.entries)


def is_state(heading: str) -> bool:
    """Say whether a column may be the machine's state."""
    return words.guess(heading, words.SAMPLES) == "state"


def fits(name: str, cells: Sequence[str]) -> bool:
    """Say whether the values can be what the heading promises."""
    if not cells:
        return True
    if name in {"time", "start", "end", "cleared", "acknowledged", "started", "ended", "date"}:
        return sum(format_of([cell]) is not None for cell in cells) * 2 > len(cells)
    if words.needs_unit(name) or name == "cycle":
        return sum(is_number(cell) for cell in cells) * 2 > len(cells)
    return True


def kind_of(table: Table) -> str | None:
    """Return what the rows of a table may be, None where nobody guesses."""
    named = {kind: {words.guess(h, known) for h in table.headings} for kind, known in words.TABLES.items()}
    numeric = sum(_numeric(table.column(i)) for i in range(len(table.headings)))
    kinds = (
        ("phases", {"phase", "start"} <= named["phases"]),
        ("alarms", "code" in named["alarms"] and bool({"text", "priority"} & named["alarms"])),
        ("samples", bool({"time", "elapsed"} & named["samples"]) and numeric > 1),
        ("runs", {"serial", "date", "started"} <= {words.guess(h, words.HEADER) for h in table.headings}),
        ("columns", len({"product", "serial", "lot", "use"} & named["columns"]) > 1),
    )
    return next((kind for kind, fits in kinds if fits), None)


def _numeric(cells: Sequence[str]) -> bool:
    counts = Counter(is_number(cell) for cell in cells)
    return bool(cells) and counts[True] > counts[False]
