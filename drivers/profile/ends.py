"""The end of a treatment: is the mark there, and does it agree with what stands before it?"""

from __future__ import annotations

import codecs
import hashlib
import re
import zlib
from functools import reduce
from operator import xor
from typing import TYPE_CHECKING

from drivers._lines import PAD
from drivers._text import printed
from drivers.profile.marks import CHECKSUMS, PLACES
from drivers.profile.raw import EndMark
from ingestor.driver import Severity

if TYPE_CHECKING:
    from drivers._lines import Lines
    from drivers.profile.raw import Raw


def read_end(raw: Raw, lines: Lines, index: int, low: int) -> EndMark | None:
    """Return the end mark that stands in a line, or None where the line is none.

    A count that does not agree is a finding and the treatment is not complete; a checksum that does not
    agree holds the treatment for a person.
    """
    end = raw.layout.end
    text = lines.text(index).strip(" ")
    match = next((found for one in end.lines if (found := one.fullmatch(text))), None)
    if match is None:
        return None
    return judge(raw, lines, index, low, match.groupdict())


def judge(raw: Raw, lines: Lines, index: int, low: int, said: dict[str, str]) -> EndMark:
    """Compare what an end mark says with what was read."""
    counts = {
        "lines": index - low,
        "rows": raw.notes.rows_read + sample_rows(raw),
        "samples": sample_rows(raw),
    }
    agreed = True
    for name, text in said.items():
        if name in CHECKSUMS and not re.fullmatch(PLACES[name], text):
            agreed = False
            raw.notes.find(
                "end_count_wrong", lines.number(index), what=name, expected="–", got=printed(text)[:80]
            )
            continue
        if name in counts and (not text.isascii() or not text.isdigit() or int(text) != counts[name]):
            agreed = False
            raw.notes.find(
                "end_count_wrong",
                lines.number(index),
                what=name,
                expected=str(counts[name]),
                got=printed(text),
            )
        if name in CHECKSUMS:
            is_sum = _checksum(name, _before(raw, lines, index)) == text.upper()
            agreed = agreed and is_sum
            if not is_sum:
                raw.hold = "checksum_wrong"
                raw.notes.find(
                    "checksum_wrong", lines.number(index), Severity.ERROR, what=name, got=printed(text)
                )
    return EndMark(lines.number(index), agreed, said.get("time", ""), said.get("index", ""))


def sample_rows(raw: Raw) -> int:
    """Return how many rows of samples were found so far."""
    return sum(len(one.rows) for one in raw.samples)


def _before(raw: Raw, lines: Lines, index: int) -> bytes:
    """Return the bytes of the file before a line, as they came: order mark and wide characters included."""
    narrow = lines.padded[PAD : lines.start[index]].tobytes()
    codec = next((name for name in raw.layout.encodings if name.startswith("utf-16")), None)
    if codec is None:
        return narrow
    order = "utf-16-be" if codec == "utf-16-be" else "utf-16-le"
    mark = codecs.BOM_UTF16_LE if codec == "utf-16" else b""
    return mark + narrow.decode(lines.codec).encode(order)


def _checksum(name: str, data: bytes) -> str:
    if name == "crc32":
        return f"{zlib.crc32(data):08X}"
    if name == "xor8":
        return f"{reduce(xor, data, 0):02X}"
    if name == "sum8":
        return f"{sum(data) & 0xFF:02X}"
    return hashlib.new(name, data, usedforsecurity=False).hexdigest().upper()


def groups(pattern: re.Pattern[str]) -> set[str]:
    """Return the names that a pattern captures."""
    return set(pattern.groupindex)
