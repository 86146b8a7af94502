"""The sheets of a workbook as delimited text in a layout's own dialect, so that one reader reads both."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from python_calamine import CalamineError, CalamineWorkbook

from drivers._stamps import tokens
from ingestor.driver import ParseError

if TYPE_CHECKING:
    from drivers.profile.spec import Layout

# Source: this project's limits for archives inside a file.
MOST_MEMBERS = 50
MOST_BYTES = 64 << 20
MOST_RATIO = 100
_ANY_DAY = date(2000, 1, 1)
_MIDNIGHT = datetime.combine(_ANY_DAY, time())
MOST_ROWS, MOST_COLUMNS = 100_000, 512
_PLACE = re.compile(rb'<(?:c|row|dimension)\b[^>]{0,200}?\br(?:ef)?="(?:[A-Z]+[0-9]+:)?([A-Z]*)([0-9]+)"')


def is_workbook(data: bytes) -> bool:
    """Say whether bytes are an Office workbook."""
    if not data.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


Rows = list[list[object]]


def sheets_of(data: bytes, member: str) -> dict[int, Rows]:
    """Return the rows of every sheet that is not empty, by the number of the sheet from 1.

    Raises:
        ParseError: `workbook_unreadable` or `workbook_limit`.
    """
    clean = _repacked(data, member)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(clean))
        sheets = [book.get_sheet_by_index(at) for at in range(len(book.sheet_names))]
        return {
            number: [list(row) for row in one.to_python(skip_empty_area=False)]
            for number, one in enumerate(sheets, 1)
            if one.end is not None
        }
    except (CalamineError, ValueError, OSError) as error:
        raise ParseError(
            member, 0, "a readable workbook", type(error).__name__, "workbook_unreadable"
        ) from error


def as_text(layout: Layout, rows: Rows) -> bytes:
    """Return a sheet as delimited text in the layout's first encoding."""
    lines = [layout.delimiter.join(_cell(layout, value) for value in row) for row in rows]
    return "".join(f"{line}\n" for line in lines).encode(layout.encodings[0], "replace")


def filled(rows: Rows) -> int:
    """Return how many rows say anything."""
    return sum(any(str(cell).strip() for cell in row) for row in rows)


def _cell(layout: Layout, value: object) -> str:
    text = _text(layout, value)
    if layout.delimiter in text or (layout.quote and layout.quote in text):
        quote = layout.quote or '"'
        return quote + text.replace(quote, quote * 2) + quote
    return text


def _text(layout: Layout, value: object) -> str:
    if isinstance(value, float | int) and not isinstance(value, bool):
        return f"{value:.6f}".rstrip("0").rstrip(".").replace(".", layout.decimal)
    if isinstance(value, time | timedelta):
        since = value if isinstance(value, timedelta) else datetime.combine(_ANY_DAY, value) - _MIDNIGHT
        return _stamped(layout, _MIDNIGHT + since, ("hour",))
    if isinstance(value, datetime) and value.time() != time():
        return _stamped(layout, value, ("day", "hour"))
    if isinstance(value, date):
        return _stamped(layout, datetime.combine(value, time()), ("day",))
    return " ".join(str(value).split())


def _stamped(layout: Layout, moment: datetime, kinds: tuple[str, ...]) -> str:
    """Write a typed time as the layout's first format of that kind prints it."""
    for declared in layout.stamps:
        parts = tokens(declared)
        names = {token for token, _ in parts}
        has = tuple(kind for kind, token in (("day", "dd"), ("hour", "HH")) if token in names)
        if has == kinds and not declared.startswith("+"):
            return "".join(literal or _token(moment, token) for token, literal in parts)
    return moment.isoformat(" ")


def _token(moment: datetime, token: str) -> str:
    known = {
        "yyyy": f"{moment.year:04d}", "yy": f"{moment.year % 100:02d}", "mm": f"{moment.month:02d}",
        "dd": f"{moment.day:02d}", "HH": f"{moment.hour:02d}", "MM": f"{moment.minute:02d}",
        "SS": f"{moment.second:02d}", "fff": f"{moment.microsecond // 1000:03d}",
    }  # fmt: skip
    return known.get(token, "?")


def _repacked(data: bytes, member: str) -> bytes:
    """Return the archive with every member read through a counter: what it says of its sizes is not believed.

    Raises:
        ParseError: `workbook_limit` or `workbook_unreadable`.
    """
    out, total = io.BytesIO(), 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(out, "w") as clean:
            infos = archive.infolist()
            if len(infos) > MOST_MEMBERS:
                raise _limit(member, f"at most {MOST_MEMBERS} parts", str(len(infos)))
            for info in infos:
                room = min(MOST_BYTES - total, max(info.compress_size * MOST_RATIO, 1 << 20))
                content = _inflated(data, info, room, member)
                total += len(content)
                if info.filename.startswith("xl/worksheets/"):
                    _check_size(content, member)
                clean.writestr(info.filename, content)
    except (zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, OSError) as error:
        raise ParseError(
            member, 0, "a readable workbook", type(error).__name__, "workbook_unreadable"
        ) from error
    return out.getvalue()


def _limit(member: str, expected: str, got: str) -> ParseError:
    return ParseError(member, 0, expected, got, "workbook_limit")


def _inflated(data: bytes, info: zipfile.ZipInfo, room: int, member: str) -> bytes:
    """Return the content of one part, read from the bytes themselves."""
    at = info.header_offset
    if data[at : at + 4] != b"PK\x03\x04":
        raise zipfile.BadZipFile
    names = int.from_bytes(data[at + 26 : at + 28], "little") + int.from_bytes(
        data[at + 28 : at + 30], "little"
    )
    raw = data[at + 30 + names : at + 30 + names + info.compress_size]
    if info.compress_type == zipfile.ZIP_STORED:
        content, rest = raw[:room], raw[room:]
    elif info.compress_type == zipfile.ZIP_DEFLATED:
        inflater = zlib.decompressobj(-15)
        content = inflater.decompress(raw, room)
        rest = inflater.unconsumed_tail
    else:
        raise NotImplementedError
    if rest:
        raise _limit(member, f"at most {MOST_BYTES} bytes, packed {MOST_RATIO} times", "more")
    return content


def _check_size(content: bytes, member: str) -> None:
    """Refuse a sheet that reaches far out: its table would be laid out in full."""
    for column, row in _PLACE.findall(content):
        if int(row) > MOST_ROWS or _column(column) > MOST_COLUMNS:
            wanted = f"at most {MOST_ROWS} rows and {MOST_COLUMNS} columns"
            raise _limit(member, wanted, f"{column.decode()}{row.decode()}"[:20])


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters[:4]:
        number = number * 26 + letter - 64
    return number
