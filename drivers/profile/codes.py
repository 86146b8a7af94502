"""Which code a member is written in: a declared one that reads every byte, or one that the words prove."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

import numpy as np

from drivers._lines import narrow, split_lines
from drivers.profile.frames import framed_lines
from ingestor.driver import ParseError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drivers._lines import Lines
    from drivers.profile.spec import Frames, Layout

HEAD = 64 * 1024
# Enough for the one line by which a layout is known that begins with a line of its own.
FIRST = 4 * 1024


def declared_lines(data: bytes, layout: Layout, member: str) -> Lines:
    """Return the lines in the first declared encoding that reads every byte of every whole line.

    Raises:
        ParseError: `undecodable`, `limit_line` or `limit_lines`.
    """
    known = (*layout.encodings, *layout.other_encodings)
    marked = data.startswith(codecs.BOM_UTF8) and "utf-8" in known
    failed: ParseError | None = None
    for codec in ("utf-8",) if marked else layout.encodings:
        try:
            narrowed, name = narrow(data, (codec,), member)
        except ParseError as error:
            failed = failed or error
            continue
        lines = split_lines(narrowed, name, member)
        bad = undecodable_line(lines)
        if bad is None:
            return lines
        wanted = f"text in {' or '.join(layout.encodings)}"
        failed = failed or lines.fail(bad, wanted, repr(lines.raw(bad)[:40]), "undecodable")
    assert failed is not None  # noqa: S101 - every layout has an encoding
    raise failed


def other_lines(data: bytes, layout: Layout, member: str) -> Iterator[Lines]:
    """Yield the lines in each encoding that the words of the layout would have to prove."""
    for codec in layout.other_encodings:
        try:
            lines = split_lines(*narrow(data, (codec,), member), member)
        except ParseError:
            continue
        if undecodable_line(lines) is None:
            yield lines


def declared_heads(layout: Layout, data: bytes) -> list[Lines]:
    """Return the whole lines at the beginning of a member in its declared encoding, if it is in one."""
    if layout.frames is not None:
        return _framed_heads(layout, layout.frames, data)
    head = _head(layout, data)
    try:
        return [declared_lines(head, layout, "")]
    except ParseError:
        return []


def _framed_heads(layout: Layout, frames: Frames, data: bytes) -> list[Lines]:
    """Return the first frames: there may be noise before them."""
    for size in (FIRST, HEAD):
        head = data[:size]
        lines = framed_lines(head, frames, layout)[0] if frames.start in head else None
        if lines is not None and (len(lines) or size == HEAD):
            return [lines]
    return []


def other_heads(layout: Layout, data: bytes) -> list[Lines]:
    """Return the lines at the beginning in each encoding that words would have to prove."""
    return list(other_lines(_head(layout, data), layout, ""))


def _head(layout: Layout, data: bytes) -> bytes:
    size = FIRST if layout.begin.lines or layout.begin.tag else HEAD
    head = data[:size]
    if len(data) > size:
        wide = layout.encodings[0].startswith("utf-16")
        head = head[: max(head.rfind(b"\n"), head.rfind(b"\r")) + 1 + wide] or head
    return head


def undecodable_line(lines: Lines) -> int | None:
    """Return the index of the first whole line with bytes that its code does not have, or None."""
    if not len(lines) or int(lines.padded.max()) < 128:  # noqa: PLR2004 - above ASCII
        return None
    high = np.flatnonzero(lines.padded >= 128)  # noqa: PLR2004 - above ASCII
    rows = np.maximum(np.searchsorted(lines.start, high, "right") - 1, 0)
    for row in dict.fromkeys(rows.tolist()):
        if lines.torn and row == len(lines) - 1:
            continue
        try:
            lines.raw(row).decode(lines.codec)
        except UnicodeDecodeError:
            return int(row)
    return None
