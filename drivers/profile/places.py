"""Where in a file something has to be looked at, so that rows of samples can be passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drivers._bytes import WORD, u64, words

if TYPE_CHECKING:
    import numpy.typing as npt

    from drivers._lines import Lines
    from drivers.profile.spec import Block, Layout


class Tags:
    """The type field of every line.

    Args:
        lines: all lines.
        layout: says which field it is.
    """

    def __init__(self, lines: Lines, layout: Layout) -> None:
        self._lines = lines
        spaces = layout.delimiter == "spaces"
        self._delimiter = " " if spaces else layout.delimiter
        find = _word_start if spaces else _field_start
        self._start = find(lines, self._delimiter, layout.tag_field) if self._delimiter else lines.start
        self._head: npt.NDArray[np.uint64] | None = None

    def are(self, tag: str) -> npt.NDArray[np.bool_]:
        """Say of every line whether it is of a type."""
        word = f"{tag}{self._delimiter}".encode(self._lines.codec)
        here: npt.NDArray[np.bool_] = self._start + len(word) <= self._lines.end
        if len(word) > WORD:
            padded = self._lines.padded
            for place, byte in enumerate(word):
                here &= padded[np.minimum(self._start + place, len(padded) - 1)] == byte
            return here
        if self._head is None:
            self._head = words(self._lines.padded, self._start)
        shift = u64(8 * (WORD - len(word)))
        here &= (self._head << shift) >> shift == u64(int.from_bytes(word, "little"))
        return here


def _field_start(lines: Lines, delimiter: str, field: int) -> npt.NDArray[np.int64]:
    """Return where a field begins in every line, the end of the line where it has none."""
    if field == 1 or not len(lines):
        return lines.start
    found = np.flatnonzero(lines.padded == ord(delimiter))
    after = np.searchsorted(found, lines.start) + field - 2
    behind = np.append(found, len(lines.padded))[np.minimum(after, len(found))] + 1
    start: npt.NDArray[np.int64] = np.minimum(behind, lines.end)
    return start


def _word_start(lines: Lines, delimiter: str, field: int) -> npt.NDArray[np.int64]:
    """Return where a field between runs of spaces begins in every line, its end where it has none."""
    ink = lines.padded > ord(delimiter)
    begins = np.flatnonzero(ink[1:] & ~ink[:-1]) + 1
    after = np.searchsorted(begins, lines.start) + field - 1
    found = np.append(begins, len(lines.padded))[np.minimum(after, len(begins))]
    start: npt.NDArray[np.int64] = np.minimum(found, lines.end)
    return start


def notable(lines: Lines, layout: Layout, blocks: list[Block], types: Tags) -> npt.NDArray[np.int64]:
    """Return the indices of all lines that may be more than a row of the block they stand in."""
    begins = [*layout.begin.literal, *layout.end.literal, *layout.lines_ignored]
    begins += [word for block in blocks for word in (*block.section, block.prefix) if word]
    if layout.heading is not None:
        begins.append(layout.heading.pattern.removeprefix("\\").removeprefix(".*"))
    tags = [*(block.tag for block in blocks), layout.begin.tag, layout.end.tag, *layout.tags_ignored]
    tags = [tag for tag in tags if tag]
    begins += tags if layout.tag_field == 1 else []
    if "" in begins:
        return np.arange(len(lines))
    firsts = {word[:1].encode(lines.codec, "replace")[0] for word in begins}
    found = lines.begin_with({0, *b" \t\r\n", *firsts})
    if layout.tag_field > 1:
        for tag in tags:
            found |= types.are(tag)
    if lines.torn:
        found[-1] = True
    return np.flatnonzero(found)
