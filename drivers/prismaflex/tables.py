"""One member as a table: header lines, a column row found by its content, rows.

The column row begins with `Index;Time;`; on which line it stands differs between members and versions.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers._lines import split_lines
from drivers._remarks import Remarks
from drivers._text import decode, printed
from ingestor.driver import ParseError

if TYPE_CHECKING:
    from drivers._lines import Lines

_KEY = re.compile(r"([^:;]{1,60})[:;]([^;]*)")
_COLUMNS = "index;time;"
_HEAD, _HEAD_LINES = 2**17, 500


@dataclass(frozen=True, slots=True)
class Table:
    """A member as read.

    Attributes:
        name: the member's name.
        header: lines before the column row, by key in small letters without spaces.
        columns: headings in small letters, letters and digits only.
        headings: as printed.
        rows: line number and stripped cells; more cells than columns where a text holds the delimiter.
        whole: nothing is missing at its end, as far as it can tell.
        malformed: number of rows that have too few cells.
        software_line: number of the header's line that names the software, 0 where none does.
    """

    name: str
    header: dict[str, str]
    columns: tuple[str, ...]
    headings: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    whole: bool
    malformed: int = 0
    software_line: int = 0

    def place(self, *names: str) -> int | None:
        """Return where a column stands that goes by one of these names."""
        return next((self.columns.index(name) for name in names if name in self.columns), None)


def lines_of(data: bytes, member: str, remarks: Remarks) -> Lines:
    """Return the lines of a member.

    A byte order mark decides; without one, UTF-16 shows by its zero bytes. Bytes that are no UTF-8 are shown
    by their numbers, because their code page is not stated: codes and numbers are ASCII and stay readable.

    Raises:
        ParseError: `limit_line` or `limit_lines`.
    """
    wide = _wide_codec(data)
    if wide is not None:
        text = data[: len(data) // 2 * 2].decode(wide, "replace").removeprefix("\ufeff")
        return split_lines(text.encode("utf-8", "replace"), "utf-8", member)
    try:
        decode(data, ("utf-8",), member)
    except ParseError as error:
        remarks.add("code_page_unknown", error.line, member=member)
    return split_lines(data.removeprefix(codecs.BOM_UTF8), "utf-8", member)


def _wide_codec(data: bytes) -> str | None:
    if data.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    if data.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    odd = data[1:64:2]
    return "utf-16-le" if odd.count(0) > len(odd) // 2 else None


def _text(lines: Lines, index: int) -> str:
    return lines.raw(index).decode("utf-8", "backslashreplace")


def read_head(name: str, data: bytes) -> Table | None:
    """Return header and columns of a member without its rows, None where it has no column row; cheap."""
    try:
        lines = lines_of(data[:_HEAD], name, Remarks(name))
    except ParseError:
        return None
    start = _column_row(lines)
    if start is None:
        return None
    headings = _cells(_text(lines, start), 0)
    software = next((n + 1 for n in range(start) if _text(lines, n).lower().startswith("sw version")), 0)
    return Table(
        name,
        _header(lines, start),
        _plain(headings),
        headings,
        (),
        whole=False,
        software_line=software,
    )


def read_table(name: str, data: bytes, remarks: Remarks, *, whole: bool) -> Table | None:
    """Return the table of a member, None where it has no column row.

    Args:
        name: the member's name.
        data: its bytes.
        remarks: collects what is strange.
        whole: False where its end is known to be missing.

    Raises:
        ParseError: a column stands twice; a line is too long, or there are too many.
    """
    lines = lines_of(data, name, remarks)
    start = _column_row(lines)
    if start is None or (start == len(lines) - 1 and not whole):
        return None
    headings = _cells(_text(lines, start), 0)
    columns = _plain(headings)
    if twice := next((column for column in columns if columns.count(column) > 1), None):
        raise ParseError(name, start + 1, "every column once", twice, "duplicate_column")
    if not whole:
        remarks.add("truncated", len(lines), member=name)
    last = len(lines)
    if lines.torn and last - 1 > start:
        short = len(_cells(_text(lines, last - 1), len(columns))) < len(columns)
        if short and whole:
            remarks.add("truncated", last, member=name)
        last -= short or not whole
        whole = whole and not short
    rows, malformed = _rows(lines, range(start + 1, last), len(columns), remarks)
    return Table(name, _header(lines, start), columns, headings, rows, whole, malformed)


def _rows(
    lines: Lines, indices: range, width: int, remarks: Remarks
) -> tuple[tuple[tuple[int, tuple[str, ...]], ...], int]:
    """Return rows with their line numbers, and how many have too few cells."""
    rows: list[tuple[int, tuple[str, ...]]] = []
    malformed = 0
    for index in indices:
        cells = _cells(_text(lines, index), width)
        if cells == ("",):
            continue
        if _is_column_row(lines, index):
            remarks.add("header_again", index + 1, member=lines.member)
        elif len(cells) < width:
            got, expected = str(len(cells)), str(width)
            remarks.add("row_unreadable", index + 1, member=lines.member, got=got, expected=expected)
            malformed += 1
        else:
            rows.append((index + 1, cells))
    return tuple(rows), malformed


def _column_row(lines: Lines) -> int | None:
    return next((i for i in range(min(len(lines), _HEAD_LINES)) if _is_column_row(lines, i)), None)


def _is_column_row(lines: Lines, index: int) -> bool:
    return re.sub(r"\s", "", _text(lines, index)[:40]).lower().startswith(_COLUMNS)


def _plain(headings: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(re.sub(r"[^a-z0-9]", "", heading.lower()) for heading in headings)


def _cells(line: str, columns: int) -> tuple[str, ...]:
    """Cut a line; a delimiter at its end, which some members print and others do not, makes no cell."""
    cells = [printed(cell.strip()) for cell in line.split(";")]
    if len(cells) > max(columns, 1) and not cells[-1]:
        cells.pop()
    return tuple(cells)


def _header(lines: Lines, start: int) -> dict[str, str]:
    """Return the header; a first line without a key is the number of the machine."""
    header: dict[str, str] = {}
    for number in range(start):
        line = _text(lines, number).strip()
        match = _KEY.fullmatch(line.rstrip(";").strip()) or _KEY.match(line)
        key = re.sub(r"\s", "", match[1]).lower() if match else ""
        if match and match[2].strip():
            header.setdefault(key, printed(match[2].strip()))
        elif number == 0 and line.strip(" ;"):
            header.setdefault("monitorid", printed(line.strip(" ;")))
    return header
