"""Where in a file something has to be looked at, so that rows of samples can be passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from drivers._lines import Lines
    from drivers.profile.spec import Block, Layout


def with_tag(lines: Lines, tag: str, delimiter: str, tag_field: int) -> npt.NDArray[np.bool_]:
    """Say of every line whether its type field is `tag`."""
    at = lines.start
    if tag_field > 1:
        found = np.flatnonzero(lines.padded == ord(delimiter))
        after = np.searchsorted(found, lines.start) + tag_field - 2
        inside = after < len(found)
        at = (
            np.where(inside, found[np.minimum(after, len(found) - 1)] + 1, lines.end)
            if len(found)
            else lines.end
        )
    word = f"{tag}{delimiter}".encode(lines.codec)
    good: npt.NDArray[np.bool_] = at + len(word) <= lines.end
    for place, byte in enumerate(word):
        good &= lines.padded[np.minimum(at + place, len(lines.padded) - 1)] == byte
    return good


def notable(lines: Lines, layout: Layout, blocks: list[Block]) -> npt.NDArray[np.int64]:
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
            found |= with_tag(lines, tag, layout.delimiter, layout.tag_field)
    if lines.torn:
        found[-1] = True
    return np.flatnonzero(found)
