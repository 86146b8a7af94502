"""Serial lines as profiles describe them, for the capture."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from drivers.profile import shipped
from drivers.profile.driver import ProfileDriver
from ingestor.talk import Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from drivers.profile.spec import Frames, Layout


def lines(folder: Path | None = None) -> Iterator[Line]:
    """Yield a line for each profile that says how a port is set and how its frames look.

    Args:
        folder: the site's own profiles; None if there are none.
    """
    for driver in shipped(folder):
        layout = driver.profile.layouts[0] if isinstance(driver, ProfileDriver) else None
        if layout is not None and layout.line is not None and layout.frames is not None:
            end = _frames_of([layout.end.tag], layout, layout.frames)
            idle = _frames_of(layout.tags_ignored, layout, layout.frames)
            yield Line(
                layout.name, layout.line.speed, layout.line.bits, re.compile(end, re.DOTALL),
                re.compile(rb"(?:%b)*" % idle if layout.tags_ignored else rb"", re.DOTALL),
            )  # fmt: skip


def _frames_of(tags: Iterable[str], layout: Layout, frames: Frames) -> bytes:
    """Return a pattern of one whole frame whose tag is one of these, its line end included."""
    start, end = re.escape(bytes([frames.start])), re.escape(bytes([frames.end]))
    sign = re.escape(layout.delimiter.encode())
    field = rb"[^%b%b%b]*%b" % (start, end, sign, sign)
    tag = b"|".join(re.escape(tag.encode()) for tag in tags)
    check = rb"[0-9A-F]{2}" if frames.check else rb""
    rest = rb"(?:%b[^%b%b]*)?" % (sign, start, end)
    return rb"%b(?:%b){%d}(?:%b)%b%b%b\r?\n" % (start, field, layout.tag_field - 1, tag, rest, end, check)
