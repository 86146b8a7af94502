"""Frames of a serial line, taken out of the bytes as they came.

A frame is a start byte, a payload, an end byte, and the check in hex digits over payload and end byte. What is
damaged is passed over and told; the frame after it is found again by its start byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drivers._cells import Column
from drivers._lines import PAD, Lines
from drivers._numbers import read_numbers
from drivers._text import Grammar
from drivers.profile.places import Tags

if TYPE_CHECKING:
    import numpy.typing as npt

    from drivers.profile.spec import Frames, Layout

    Places = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]

_DIGITS = np.full(256, 255, np.uint8)
_DIGITS[np.frombuffer(b"0123456789ABCDEF", np.uint8)] = np.arange(16, dtype=np.uint8)
_CHECK_DIGITS = 2
_LF, _CR = 10, 13
# The bytes end inside a frame; the frames before it are whole.
CUT = "line_cut"


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that is wrong with the line itself; `is_record` if it cost records that did arrive."""

    code: str
    line: int
    count: int
    is_record: bool = False


def framed_lines(data: bytes, frames: Frames, layout: Layout, member: str = "") -> tuple[Lines, list[Remark]]:
    """Return the payloads of all good frames as lines, and what was wrong with the rest."""
    padded = np.zeros(len(data) + 2 * PAD, np.uint8)
    padded[PAD : PAD + len(data)] = np.frombuffer(data, np.uint8)
    marks = np.flatnonzero((padded == frames.start) | (padded == frames.end))
    is_start = padded[marks] == frames.start
    paired = np.flatnonzero(is_start[:-1] & ~is_start[1:])
    begins, ends = marks[paired], marks[paired + 1]
    last = PAD + len(data)
    width = _CHECK_DIGITS if frames.check else 0
    whole = ends + width < last
    torn = _is_torn(padded, marks, frames, last, width)
    begins, ends = begins[whole], ends[whole]
    good = _checked(padded, begins, ends, frames)
    feeds = np.flatnonzero(padded == _LF)
    numbers = np.searchsorted(feeds, begins) + 1
    lines = Lines(
        member, padded, begins[good] + 1, ends[good], torn=False, codec="ascii", numbers=numbers[good]
    )
    remarks = []
    if torn:
        remarks.append(Remark(CUT, int(np.searchsorted(feeds, marks[-1])) + 1, 1))
    if not good.all():
        first = int(np.flatnonzero(~good)[0])
        remarks.append(Remark("frames_damaged", int(numbers[first]), int((~good).sum()), is_record=True))
    remarks += _stray(padded, begins, ends + width, feeds, last, torn=torn)
    return lines, remarks + _lost(lines, frames, layout)


def _is_torn(padded: npt.NDArray[np.uint8], marks: Places, frames: Frames, last: int, width: int) -> bool:
    """Say whether the bytes end inside a frame."""
    if not len(marks):
        return False
    return bool(padded[marks[-1]] == frames.start or marks[-1] + width >= last)


def _checked(padded: npt.NDArray[np.uint8], begins: Places, ends: Places, frames: Frames) -> Bools:
    """Say of each frame whether its check agrees."""
    if not frames.check or not len(begins):
        return np.ones(len(begins), np.bool_)
    spans = np.column_stack((begins + 1, ends + 1)).ravel()
    fold = np.bitwise_xor if frames.check == "xor8" else np.add
    sums = fold.reduceat(padded, spans, dtype=np.uint8)[::2]
    high, low = _DIGITS[padded[ends + 1]], _DIGITS[padded[ends + 2]]
    good: Bools = (high < 16) & (low < 16) & (high * np.uint8(16) + low == sums)  # noqa: PLR2004 - a hex digit
    return good


def _stray(
    padded: npt.NDArray[np.uint8], begins: Places, stops: Places, feeds: Places, last: int, *, torn: bool
) -> list[Remark]:
    """Remark on bytes outside frames other than line ends; the beginning of a cut frame is none."""
    outside = np.ones(last, np.bool_)
    outside[:PAD] = False
    if len(begins) and _only_line_ends(padded, begins, stops):
        outside[begins[0] : stops[-1] + 1] = False
    else:
        inside = np.zeros(len(padded) + 1, np.int8)
        inside[begins] = 1
        inside[stops + 1] -= 1
        outside &= np.cumsum(inside[:-1], dtype=np.int8)[:last] == 0
    outside &= (padded[:last] != _LF) & (padded[:last] != _CR)
    places = np.flatnonzero(outside)
    if torn and len(begins):
        places = places[places < _tail(padded, stops, last)]
    if not len(places):
        return []
    return [Remark("bytes_between_frames", int(np.searchsorted(feeds, places[0])) + 1, len(places))]


def _only_line_ends(padded: npt.NDArray[np.uint8], begins: Places, stops: Places) -> bool:
    """Say whether there is one line end between each frame and the next, and nothing else."""
    behind = stops[:-1]
    if not (begins[1:] - behind == 3).all():  # noqa: PLR2004 - a carriage return and a line feed
        return False
    return bool((padded[behind + 1] == _CR).all() and (padded[behind + 2] == _LF).all())


def _tail(padded: npt.NDArray[np.uint8], stops: Places, last: int) -> int:
    """Return where the last, cut line begins."""
    feeds = np.flatnonzero(padded[:last] == _LF)
    return int(max(feeds[-1] if len(feeds) else 0, stops[-1])) + 1


def _lost(lines: Lines, frames: Frames, layout: Layout) -> list[Remark]:
    """Remark on gaps in the numbers of the frames; where a treatment begins anew they begin anew."""
    if not frames.sequence or len(lines) < 2:  # noqa: PLR2004 - a gap has two sides
        return []
    numbers = _numbers(lines, ord(layout.delimiter), frames.sequence)
    step = np.diff(numbers)
    lost = (step - 1) % frames.modulo if frames.modulo else step - 1
    known = (numbers[1:] >= 0) & (numbers[:-1] >= 0) & (step != 0)
    if frames.modulo:
        known &= (
            lost < frames.modulo // 2
        )  # more than half: a frame that came late, not thousands that are lost
    anew = Tags(lines, layout).are(layout.begin.tag)[1:]
    return [
        Remark("frames_lost", lines.number(int(at) + 1), int(lost[at]))
        for at in np.flatnonzero((lost > 0) & known & ~anew)
    ]


def _numbers(lines: Lines, delimiter: int, field: int) -> Places:
    """Return the running number of each frame, -1 where it has none."""
    found = np.flatnonzero(lines.padded == delimiter)
    first = np.searchsorted(found, lines.start) + field - 2
    inside = np.concatenate((found, np.full(field + 1, len(lines.padded), np.int64)))
    start = lines.start if field == 1 else inside[np.maximum(first, 0)] + 1
    end = np.minimum(inside[first + 1], lines.end)
    numbers = read_numbers(lines.padded, Column(np.minimum(start, end), end), Grammar(signed=False), ())
    return np.where(numbers.null | (numbers.scale > 0), -1, numbers.mantissa)
