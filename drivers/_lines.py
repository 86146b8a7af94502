"""Bytes as lines, by position: nothing is decoded that is not looked at.

Lines end with CR LF, LF or CR, mixed as they come. Numbers are counted from 1, as an editor shows them.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drivers._text import decode, printed
from ingestor.driver import ParseError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

LONGEST_LINE = 64 * 1024
MOST_LINES = 2_000_000
PAD = 16
_LF, _CR = 10, 13
_MIXED = ("shift_jis", "euc_jp")
_WIDE = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """The lines of one member.

    Attributes:
        member: its name.
        padded: the bytes in an ASCII-compatible code, with `PAD` zero bytes before and after.
        start, end: where each line's content stands in `padded`, int64.
        torn: True if the last line has no line end.
        codec: how text is decoded.
        zeros: how many zero bytes stood behind the last line.
        numbers: line numbers in the member, where they do not simply count up from 1.
    """

    member: str
    padded: npt.NDArray[np.uint8]
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    torn: bool
    codec: str
    zeros: int = 0
    numbers: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        """Return the number of lines."""
        return len(self.start)

    def number(self, index: int) -> int:
        """Return the number of a line, from 1."""
        return index + 1 if self.numbers is None else int(self.numbers[index])

    def numbers_of(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the numbers of some lines."""
        return rows + 1 if self.numbers is None else self.numbers[rows]

    def raw(self, index: int) -> bytes:
        """Return the bytes of a line without its end."""
        return self.padded[self.start[index] : self.end[index]].tobytes()

    def text(self, index: int) -> str:
        """Return a line as text, safe to keep; line ends and the padding around it are gone."""
        return self.raw(index).decode(self.codec, "replace")

    def texts(self, low: int, high: int) -> Iterator[str]:
        """Yield lines that follow each other as text, as `text` returns them."""
        starts, ends = self.start[low:high].tolist(), self.end[low:high].tolist()
        first = starts[0]
        data = self.padded[first : ends[-1]].tobytes()
        for start, end in zip(starts, ends, strict=True):
            yield data[start - first : end - first].decode(self.codec, "replace")

    def begin_with(self, wanted: set[int]) -> npt.NDArray[np.bool_]:
        """Say of every line whether its first byte is one of these; an empty line's is that of its end."""
        table = np.zeros(256, np.bool_)
        table[list(wanted)] = True
        return table.take(self.padded.take(self.start))

    def fail(self, index: int, expected: str, got: str, code: str | None = None) -> ParseError:
        """Return the error that something else was expected in a line."""
        return ParseError(self.member, self.number(index), expected, printed(got), code)


def narrow(data: bytes, declared: tuple[str, ...], member: str = "") -> tuple[bytes, str]:
    """Return bytes in an ASCII-compatible code and their codec.

    Codes in which a byte of ASCII can be part of another character become UTF-8; half a character at the end,
    where a file was cut, is dropped. Of several one-byte codes the first is returned.

    Raises:
        ParseError: `undecodable`.
    """
    for mark, name in _WIDE.items():
        if data.startswith(mark) and {name, "utf-16"} & set(declared):
            return _respelled(data[2:], name, member), "utf-8"
    if data.startswith(codecs.BOM_UTF8) and "utf-8" in declared:
        data, declared = data[3:], ("utf-8",)
    if declared[0].startswith("utf-16-") or declared[0] in _MIXED:
        return _respelled(data, declared[0], member), "utf-8"
    if declared[0] == "utf-16":
        declared = declared[1:]
    if not declared:
        raise ParseError(member, 1, "a byte order mark of UTF-16", repr(data[:4]), "undecodable")
    return data, declared[0]


def _respelled(data: bytes, codec: str, member: str) -> bytes:
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        return decoder.decode(data).encode()
    except UnicodeError:
        decode(data, (codec,), member)
        raise


def split_lines(data: bytes, codec: str, member: str = "") -> Lines:
    """Cut narrow bytes into lines.

    Raises:
        ParseError: `limit_line` or `limit_lines`.
    """
    content = data.rstrip(b"\0")
    last = PAD + len(content)
    padded = np.empty(last + PAD, np.uint8)
    padded[:PAD] = padded[last:] = 0
    padded[PAD:last] = np.frombuffer(content, np.uint8)
    stop, after = _line_ends(padded)
    torn = bool(len(content)) and (not len(after) or int(after[-1]) != last)
    start, end = np.empty((2, len(after) + torn), np.int64)
    if len(start):
        start[0], start[1:] = PAD, after[: len(start) - 1]
        end[: len(stop)] = stop
        end[len(stop) :] = last
    lines = Lines(member, padded, start, end, torn, codec, len(data) - len(content))
    _check_limits(lines)
    return lines


def _line_ends(padded: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return where each line's content stops, and where the next line begins."""
    feeds = np.flatnonzero(padded == _LF)
    returned = padded.take(feeds - 1) == _CR
    stop, after = feeds - returned, feeds + 1
    if np.count_nonzero(padded == _CR) != np.count_nonzero(returned):
        returns = np.flatnonzero(padded == _CR)
        alone = returns[padded[returns + 1] != _LF]
        stop, after = np.concatenate((stop, alone)), np.concatenate((after, alone + 1))
        order = np.argsort(after, kind="stable")
        stop, after = stop[order], after[order]
    return stop, after


def _check_limits(lines: Lines) -> None:
    if len(lines) > MOST_LINES:
        error = ParseError(
            lines.member, MOST_LINES, f"at most {MOST_LINES} lines", str(len(lines)), "limit_lines"
        )
        error.details["limit"] = MOST_LINES
        raise error
    longest = lines.end - lines.start
    if len(lines) and int(longest.max()) > LONGEST_LINE:
        at = int(np.flatnonzero(longest > LONGEST_LINE)[0])
        error = lines.fail(at, f"at most {LONGEST_LINE} bytes in a line", str(int(longest[at])), "limit_line")
        error.details["limit_kib"] = LONGEST_LINE // 1024
        raise error
