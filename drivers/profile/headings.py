"""Which column of a file is which field of a block."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from drivers.profile.raw import Heading
from drivers.profile.vocabulary import is_measured

if TYPE_CHECKING:
    from drivers._lines import Lines
    from drivers.profile.spec import Block, Field, Layout


def cut(text: str, layout: Layout) -> list[str] | None:
    """Return the fields of one line, spaces around them gone; None where a quote is left open."""
    if layout.delimiter == "spaces":
        return text.split()
    if layout.quote and layout.quote in text:
        return _cut_quoted(text, layout.delimiter, layout.quote)
    if not layout.delimiter:
        return [text.strip(" ")]
    cells = text.split(layout.delimiter)
    return [cell.strip(" ") for cell in cells] if " " in text else cells


def _cut_quoted(text: str, delimiter: str, quote: str) -> list[str] | None:
    """Cut by the rules of RFC 4180, inside one line."""
    cells, at = [], 0
    while True:
        begin = at + len(text[at:]) - len(text[at:].lstrip(" "))
        if text[begin : begin + 1] != quote:
            stop = text.find(delimiter, at)
            cells.append(text[at : stop if stop >= 0 else len(text)].strip(" "))
        else:
            close = begin + 1
            while text[close : close + 1] != quote or text[close + 1 : close + 2] == quote:
                if close >= len(text):
                    return None
                close += 2 if text[close] == quote else 1
            cells.append(text[begin + 1 : close].replace(quote * 2, quote))
            rest = text[close + 1 :].lstrip(" ")
            if rest and not rest.startswith(delimiter):
                return None
            stop = len(text) - len(rest) if rest else -1
        if stop < 0:
            return cells
        at = stop + 1


def by_position(block: Block) -> Heading:
    """Return the heading of a block whose fields stand by position."""
    fields = tuple(block.fields.get(name) for name in block.order)
    units = tuple(one.unit_of("") if one is not None else "" for one in fields)
    return Heading(block, block.order, fields, units)


def by_words(block: Block, printed: list[str], lines: Lines, index: int, *, keep_unknown: bool) -> Heading:
    """Match a column row.

    Args:
        block: what the row should head.
        printed: its cells.
        lines: for errors.
        index: of the row in `lines`.
        keep_unknown: a column that nobody knows is kept; otherwise it refuses the file.

    Raises:
        ParseError: `duplicate_column`, `missing_column` or `new_column`.
    """
    while printed and not printed[-1]:
        printed = printed[:-1]
    known = block.by_word()
    fields: list[Field | None] = [known.get(word) for word in printed]
    names = [one.name for one in fields if one is not None]
    for word, one in zip(printed, fields, strict=True):
        if printed.count(word) > 1 or (one is not None and names.count(one.name) > 1):
            raise lines.fail(index, "every column once", word, "duplicate_column")
        if one is None and not keep_unknown and word not in block.ignore:
            raise lines.fail(index, f"one of {', '.join(known)}", word, "new_column")
    for one in block.fields.values():
        if not one.optional and one.name not in names:
            wanted = " or ".join(one.words)
            raise lines.fail(index, f"a column {wanted}", " ".join(printed), "missing_column")
    units = tuple(
        one.unit_of(word) if one is not None else "" for word, one in zip(printed, fields, strict=True)
    )
    return Heading(block, tuple(printed), tuple(fields), units)


def looks_like(block: Block, printed: list[str]) -> bool:
    """Say whether a line is the column row of a block: most of the words it needs are there."""
    known = block.by_word()
    here = {known[word].name for word in printed if word in known}
    needed = [one.name for one in block.fields.values() if not one.optional] or list(block.fields)
    return sum(name in here for name in needed) * 2 > len(needed)


def with_units(heading: Heading, printed: list[str], lines: Lines, index: int) -> Heading:
    """Return the heading with the units that stand in the line behind it; a unit nobody knows gives no values.

    Raises:
        ParseError: `missing_column` if the line has another number of fields.
    """
    if len(printed) < len(heading.fields):
        wanted = f"{len(heading.fields)} units"
        raise lines.fail(index, wanted, " ".join(printed), "missing_column")
    units = tuple(
        (unit.strip("[]() ") or was) if one is not None and is_measured(one.name) else was
        for one, was, unit in zip(heading.fields, heading.units, printed, strict=False)
    )
    return replace(heading, units=units)
