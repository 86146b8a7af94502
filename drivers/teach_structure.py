"""What an unknown text export looks like: encoding, sign between fields, sections, pairs, tables, tags, times."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from dataclasses import dataclass, field

from drivers._stamps import read_moment
from drivers._text import printed

FORMATS = (
    "dd.mm.yyyy HH:MM:SS", "dd.mm.yyyy HH:MM", "dd.mm.yyyy", "yyyy-mm-dd HH:MM:SS", "yyyy-mm-ddTHH:MM:SS",
    "yyyy-mm-ddTHH:MM:SSzz", "yyyy-mm-dd", "dd/mm/yyyy HH:MM:SS", "mm/dd/yyyy HH:MM:SS", "dd.mm.yy HH:MM:SS",
    "ddd mmm _d HH:MM:SS yyyy", "HH:MM:SS", "HH:MM", "H'h'MM", "yyyymmddHHMMSS", "yyyymmdd",
)  # fmt: skip
_SIGNS = (";", "\t", "|", "~", "^", ",")
_SECTION = re.compile(r"\[[^\[\]]{1,60}\]")
_TAG = re.compile(r"[A-Z][A-Z0-9]{0,3}")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?")
_EMPTY = frozenset({"", "-", "--", "---", "n/a", "NA"})
_MOST_LINES = 20_000
_MOST_TAGS = 12


@dataclass(slots=True)
class Table:
    """Rows of one width under one column row, or of one tag; `headings` is empty where there is no column row."""

    section: str
    line: int
    headings: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    tag: str = ""

    def column(self, index: int) -> list[str]:
        """Return the cells of one column that hold something."""
        return [row[index] for row in self.rows if index < len(row) and row[index] not in _EMPTY]


@dataclass(slots=True)
class Pairs:
    """Lines with a key and a value."""

    section: str
    prefix: str
    separator: str
    entries: list[tuple[str, str, int]] = field(default_factory=list)


@dataclass(slots=True)
class Look:
    """Everything that is seen of a sample.

    Attributes:
        encoding: codec name; `sure` False where any one-byte code would do.
        first, last: lines that are neither pair, row nor section, where they stand first or last.
        first_at, last_at: their line numbers.
        marked: the file begins with a byte order mark.
    """

    text: str
    lines: list[str]
    encoding: str
    sure: bool
    delimiter: str
    decimal: str = "."
    empty: set[str] = field(default_factory=set)
    stamps: list[str] = field(default_factory=list)
    pairs: list[Pairs] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    first: str = ""
    last: str = ""
    first_at: int = 0
    last_at: int = 0
    marked: bool = False

    @property
    def tagged(self) -> bool:
        """Every row begins with the name of its kind."""
        return bool(self.tables) and all(table.tag for table in self.tables)


def look(data: bytes) -> Look | None:
    """Look at a sample; None where it is no text that a profile could describe."""
    decoded = _decoded(data)
    if decoded is None:
        return None
    text, encoding, sure = decoded
    lines = [line.rstrip() for line in re.split(r"\r\n|\r|\n", text)[:_MOST_LINES]]
    seen = Look(text, lines, encoding, sure, _delimiter(lines), marked=data.startswith(codecs.BOM_UTF8))
    _walk(seen)
    _settle(seen)
    return seen if seen.tables or seen.pairs else None


def _decoded(data: bytes) -> tuple[str, str, bool] | None:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace"), "utf-16", True
    if data.startswith(codecs.BOM_UTF8):
        return data[3:].decode("utf-8", "replace"), "utf-8", True
    if b"\0" in data[:4096]:
        return None
    try:
        return data.decode("utf-8"), "utf-8", not data.isascii()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace"), "cp1252", False


def _delimiter(lines: list[str]) -> str:
    """Return the sign that cuts most lines into the same numbers of fields."""

    def regular(sign: str) -> int:
        counts = Counter(line.count(sign) for line in lines if line.count(sign) >= 2)  # noqa: PLR2004 - three fields
        return sum(sorted(counts.values(), reverse=True)[:4])

    best = max(_SIGNS, key=regular)
    return best if regular(best) > 1 else ";"


def is_plain_word(cell: str) -> bool:
    """Say whether a cell is a word and no value."""
    return any(c.isalpha() for c in cell) and not _NUMBER.fullmatch(cell) and format_of([cell]) is None


def format_of(cells: list[str]) -> str | None:
    """Return the format that all cells are times in, None where there is none."""
    if not cells:
        return None
    return next((f for f in FORMATS if all(read_moment(cell, (f,)) is not None for cell in cells)), None)


def clock_of(cells: list[str]) -> str | None:
    """Return the format of a column of times of day, `HHMMSS` among them; None where it is none."""
    found = format_of(cells)
    if found is None and cells and all(re.fullmatch(r"\d{6}", cell) for cell in cells):
        found = "HHMMSS" if all(read_moment(cell, ("HHMMSS",)) is not None for cell in cells) else None
    return found if found is not None and found.startswith("HH") else None


def is_number(cell: str) -> bool:
    """Say whether a cell is a number in either locale."""
    return _NUMBER.fullmatch(cell) is not None


def _walk(seen: Look) -> None:
    section = ""
    rows: list[tuple[int, tuple[str, ...]]] = []
    for number, line in enumerate(seen.lines, start=1):
        cells = tuple(printed(cell.strip()) for cell in line.split(seen.delimiter))
        if not line.strip():
            continue
        if len(cells) > 2 and not line.startswith("#"):  # noqa: PLR2004 - a row has three fields
            rows.append((number, cells))
            continue
        _tables(seen, section, rows)
        rows = []
        if _SECTION.fullmatch(line.strip()):
            section = printed(line.strip())
        elif not _pair(seen, section, number, line, cells):
            if not seen.first and not seen.pairs and not seen.tables:
                seen.first, seen.first_at = printed(line.strip()), number
            else:
                seen.last, seen.last_at = printed(line.strip()), number
    _tables(seen, section, rows)


def _pair(seen: Look, section: str, number: int, line: str, cells: tuple[str, ...]) -> bool:
    prefix, separator = "", seen.delimiter
    if line.startswith("#"):
        prefix = line[: len(line) - len(line.lstrip("# "))]
        found = re.match(r"([A-Za-zÄÖÜäöüß][^:=]{0,60})([:=])(.*)", line[len(prefix) :])
        if found is None:
            return False
        key, separator, value = found.groups()
    elif len(cells) == 2 and any(c.isalpha() for c in cells[0]):  # noqa: PLR2004 - a pair
        key, value = cells
    else:
        found = re.match(r"([A-Za-zÄÖÜäöüß][^:;,|\t]{0,60}):\s+(.*)", line)
        if found is None:
            return False
        key, value, separator = found[1], found[2], ":"
    last = seen.pairs[-1] if seen.pairs else None
    if last is None or (last.section, last.prefix, last.separator) != (section, prefix, separator):
        last = Pairs(section, prefix, separator)
        seen.pairs.append(last)
    last.entries.append((printed(key.strip()), printed(value.strip()), number))
    return True


def _tables(seen: Look, section: str, rows: list[tuple[int, tuple[str, ...]]]) -> None:
    """Take rows that follow each other apart into tables."""
    if not rows:
        return
    tags = {cells[0] for _, cells in rows}
    words = [all(is_plain_word(cell) for cell in cells if cell) for _, cells in rows]
    if not any(words) and 1 < len(tags) <= _MOST_TAGS and all(_TAG.fullmatch(tag) for tag in tags):
        for tag in dict.fromkeys(cells[0] for _, cells in rows):
            mine = [(number, cells) for number, cells in rows if cells[0] == tag]
            seen.tables.append(Table(section, mine[0][0], (), [cells for _, cells in mine], tag))
        return
    table: Table | None = None
    for (number, cells), is_heading in zip(rows, words, strict=True):
        if is_heading and (table is None or table.rows or table.headings != cells):
            table = Table(section, number, cells)
            seen.tables.append(table)
        elif table is None:
            table = Table(section, number, (), [cells])
            seen.tables.append(table)
        else:
            table.rows.append(cells)


def _settle(seen: Look) -> None:
    """Find the decimal sign, the words for an empty cell and the formats of times."""
    cells = [cell for table in seen.tables for row in table.rows for cell in row]
    cells += [value for pairs in seen.pairs for _, value, _ in pairs.entries]
    commas = sum(re.fullmatch(r"[+-]?\d+,\d+", cell) is not None for cell in cells)
    points = sum(re.fullmatch(r"[+-]?\d+\.\d+", cell) is not None for cell in cells)
    seen.decimal = "," if commas > points else "."
    seen.empty = {cell for cell in cells if cell in _EMPTY and cell}
    columns = [t.column(i) for t in seen.tables for i in range(max((len(r) for r in t.rows), default=0))]
    columns += [[value] for pairs in seen.pairs for _, value, _ in pairs.entries if value]
    for column in columns:
        found = format_of(column)
        if found is not None and found not in seen.stamps and not all(is_number(cell) for cell in column):
            seen.stamps.append(found)
    clocks = (clock_of(t.column(i)) for t in seen.tables if t.tag for i in range(1, len(t.rows[0])))
    seen.stamps += [
        found for found in dict.fromkeys(clocks) if found is not None and found not in seen.stamps
    ]
