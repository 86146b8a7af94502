"""Puts one line at a time into what was read of a treatment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers._text import printed
from drivers.profile.headings import cut
from drivers.profile.raw import Printed, Row
from ingestor.driver import Severity

if TYPE_CHECKING:
    from drivers._lines import Lines
    from drivers.profile.raw import Heading, Raw
    from drivers.profile.spec import Block, Field
    from drivers.profile.words import Words

COUNTED = {"samples", "phases", "alarms", "events", "totals", "runs"}


class Rows:
    """The rows of one treatment in one member."""

    def __init__(self, raw: Raw, lines: Lines, words: Words) -> None:
        self.raw, self.lines, self.words = raw, lines, words
        self._translated: dict[str, list[Field]] = {}

    def add(self, heading: Heading, cells: list[str] | None, index: int) -> None:
        """Add a row; one with another number of fields than its heading is ignored, with a finding."""
        block, wanted = heading.block, len(heading.fields)
        if cells is not None and len(cells) == wanted + 1 and not cells[-1]:
            cells = cells[:-1]
        if cells is None or len(cells) != wanted:
            self.unreadable(index, block, wanted, len(cells or ()))
            return
        named = {name: cell for name, cell in zip(heading.names, cells, strict=True) if name}
        if block.name not in self._translated:
            self._translated[block.name] = [one for one in block.fields.values() if one.values]
        for one in self._translated[block.name]:
            if one.source:
                named[one.name] = one.values.get(named.get(one.source, ""), "")
            elif not named.get(one.name, "").isascii():
                self.words.meet(named[one.name], index, declared=named[one.name] in one.values)
        if block.pairs:
            at = block.order.index("key"), block.order.index("value")
            self._keep_pair(block, cells[at[0]], cells[at[1]], index)
        elif block.rows == "header":
            self.raw.header += [
                Printed(name, text, heading.unit(name), self.lines.number(index), self.lines.member)
                for name, text in named.items()
            ]
        else:
            self.raw.notes.rows_read += block.rows in COUNTED
            row = Row(self.lines.number(index), named, heading, self.lines.member)
            self.raw.rows.setdefault(block.name, []).append(row)

    def pair(self, block: Block, text: str, index: int) -> None:
        """Add a line that is a key and a value."""
        if block.separator:
            key, found, value = text.partition(block.separator)
            cells = [key.strip(" "), value.strip(" ")] if found else None
        else:
            cells = cut(text, self.raw.layout)
            while cells and len(cells) > 2 and not cells[-1]:  # noqa: PLR2004 - a key and a value
                cells = cells[:-1]
        if cells is None or len(cells) != 2:  # noqa: PLR2004 - a key and a value
            self.unreadable(index, block, 2, len(cells or ()))
            return
        self._keep_pair(block, cells[0], cells[1], index)

    def _keep_pair(self, block: Block, key: str, value: str, index: int) -> None:
        field = block.by_word().get(key)
        self.words.meet(key, index, declared=field is not None or key in block.ignore)
        counted = block.rows == "totals"
        if field is None:
            if key not in block.ignore:
                self.raw.notes.find(
                    "unknown_key", self.lines.number(index), Severity.INFO, key=printed(key)[:80]
                )
            if counted:
                self.raw.notes.ignore("unknown" if key not in block.ignore else "not_read")
            return
        self.raw.notes.rows_read += counted
        kept = Printed(field.name, value, field.unit_of(key), self.lines.number(index), self.lines.member)
        (self.raw.totals if counted else self.raw.header).append(kept)

    def unreadable(self, index: int, block: Block | None, wanted: int, got: int) -> None:
        """Ignore a line with a finding; a lost phase means that the treatment is not whole."""
        rows = block.rows if block is not None else ""
        self.raw.notes.find(
            "row_unreadable",
            self.lines.number(index),
            Severity.ERROR,
            about=rows,
            expected=str(wanted),
            got=str(got),
        )
        self.raw.gaps |= rows == "phases"
        if rows in COUNTED:
            self.raw.notes.ignore("unreadable")

    def drop_torn(self, index: int, block: Block | None) -> None:
        """Ignore an unterminated last line."""
        self.raw.cut = True
        self.raw.notes.find("line_cut", self.lines.number(index))
        if block is not None and block.rows in COUNTED:
            self.raw.notes.ignore("cut")
