"""One member as a table: header lines, a column row found by its content, rows.

The column row begins with `Index;Time;`; on which line it stands differs between members and versions.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from drivers._remarks import Remarks
from drivers._text import decode, printed
from ingestor.driver import ParseError

_LINE = re.compile(r"\r\n|\r|\n")
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
    """

    name: str
    header: dict[str, str]
    columns: tuple[str, ...]
    headings: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    whole: bool
    malformed: int = 0

    def place(self, *names: str) -> int | None:
        """Return where a column stands that goes by one of these names."""
        return next((self.columns.index(name) for name in names if name in self.columns), None)


def text_of(data: bytes, member: str, remarks: Remarks) -> str:
    """Return a member as text.

    A byte order mark decides; without one, UTF-16 shows by its zero bytes. Bytes that are no UTF-8 are shown
    by their numbers, because their code page is not stated: codes and numbers are ASCII and stay readable.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        whole = data[: len(data) // 2 * 2]
        codec = "utf-16-le" if data.startswith(codecs.BOM_UTF16_LE) else "utf-16-be"
        return whole[2:].decode(codec, "replace")
    if data[1:64:2].count(0) > len(data[1:64:2]) // 2:
        return data[: len(data) // 2 * 2].decode("utf-16-le", "replace")
    try:
        return decode(data, ("utf-8",), member)[0]
    except ParseError as error:
        remarks.add("code_page_unknown", error.line, member=member)
        return data.decode("utf-8", "backslashreplace")


def read_head(name: str, data: bytes) -> Table | None:
    """Return header and columns of a member without its rows, None where it has no column row; cheap."""
    lines = _LINE.split(text_of(data[:_HEAD], name, Remarks(name)))
    start = _column_row(lines)
    if start is None:
        return None
    headings = _cells(lines[start], 0)
    return Table(name, _header(lines[:start]), _plain(headings), headings, (), whole=False)


def read_table(name: str, data: bytes, remarks: Remarks, *, whole: bool) -> Table | None:
    """Return the table of a member, None where it has no column row.

    Args:
        name: the member's name.
        data: its bytes.
        remarks: collects what is strange.
        whole: False where its end is known to be missing.

    Raises:
        ParseError: a column stands twice.
    """
    lines = _LINE.split(text_of(data, name, remarks))
    torn = bool(lines[-1])
    start = _column_row(lines)
    if start is None or (start == len(lines) - 1 and not whole):
        return None
    headings = _cells(lines[start], 0)
    columns = _plain(headings)
    for column in columns:
        if columns.count(column) > 1:
            raise ParseError(name, start + 1, "every column once", column, "duplicate_column")
    body = [(i + 1, lines[i]) for i in range(start + 1, len(lines)) if lines[i].strip()]
    if body and torn and (not whole or len(_cells(body[-1][1], len(columns))) < len(columns)):
        remarks.add("truncated", body[-1][0], member=name)
        body, whole = body[:-1], False
    elif not whole:
        remarks.add("truncated", len(lines), member=name)
    rows: list[tuple[int, tuple[str, ...]]] = []
    malformed = 0
    for number, line in body:
        cells = _cells(line, len(columns))
        if _is_column_row(line):
            remarks.add("header_again", number, member=name)
        elif len(cells) < len(columns):
            got, expected = str(len(cells)), str(len(columns))
            remarks.add("row_unreadable", number, member=name, got=got, expected=expected)
            malformed += 1
        else:
            rows.append((number, cells))
    return Table(name, _header(lines[:start]), columns, headings, tuple(rows), whole, malformed)


def _column_row(lines: list[str]) -> int | None:
    return next((i for i, line in enumerate(lines[:_HEAD_LINES]) if _is_column_row(line)), None)


def _is_column_row(line: str) -> bool:
    return re.sub(r"\s", "", line[:40]).lower().startswith(_COLUMNS)


def _plain(headings: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(re.sub(r"[^a-z0-9]", "", heading.lower()) for heading in headings)


def _cells(line: str, columns: int) -> tuple[str, ...]:
    """Cut a line; a delimiter at its end, which some members print and others do not, makes no cell."""
    cells = [printed(cell.strip()) for cell in line.split(";")]
    if len(cells) > max(columns, 1) and not cells[-1]:
        cells.pop()
    return tuple(cells)


def _header(lines: list[str]) -> dict[str, str]:
    """Return the header; a first line without a key is the number of the machine."""
    header: dict[str, str] = {}
    for number, line in enumerate(lines):
        match = _KEY.fullmatch(line.strip().rstrip(";").strip()) or _KEY.match(line.strip())
        key = re.sub(r"\s", "", match[1]).lower() if match else ""
        if match and match[2].strip():
            header.setdefault(key, printed(match[2].strip()))
        elif number == 0 and line.strip(" ;"):
            header.setdefault("monitorid", printed(line.strip(" ;")))
    return header
