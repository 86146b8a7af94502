"""A sample without persons in it: same shape, same numbers, other names and days.

What stands under keys and headings of persons, machines' numbers and unknown texts is replaced sign by sign,
wherever it stands; every date is moved by whole weeks, so that weekdays, nights and durations stay.
"""

from __future__ import annotations

import codecs
import re
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING

from drivers import teach_words as words
from drivers.teach_kinds import kind_of
from drivers.teach_privacy import SHORTEST, may_name_somebody, shape_of
from drivers.teach_structure import clock_of, format_of, is_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drivers.teach_structure import Look, Table

_PERSON = re.compile(
    r".*(patient|name|geburt|birth|adress|address|arzt|ärzt|physician|doctor|pflege|nurse|user|benutzer"
    r"|station|ward|klinik|clinic|hospital|bemerkung|remark|comment|kommentar|notiz|note).*",
    re.IGNORECASE,
)
# Regenerable columns belong to one person: their numbers tell who it was.
_MASKED_FIELDS = frozenset({"patient", "serial", "remark", "column_serial"})
_KEYS = (*words.HEADER, *words.SUMS)
_YEAR, _MONTH, _DAY = r"(?P<y>(?:19|20)\d\d)", r"(?P<m>0[1-9]|1[0-2])", r"(?P<d>[0-2]\d|3[01])"
# Orders in which machines print a date, and how it is written again.
_DATES = (
    (re.compile(rf"(?<!\d){_YEAR}(?P<s>[-/.]?){_MONTH}(?P=s){_DAY}(?!\d)"), "{y:04d}{s}{m:02d}{s}{d:02d}"),
    (re.compile(rf"(?<!\d){_DAY}(?P<s>[./-]){_MONTH}(?P=s){_YEAR}(?!\d)"), "{d:02d}{s}{m:02d}{s}{y:04d}"),
    (re.compile(rf"(?<!\d){_MONTH}(?P<s>/){_DAY}(?P=s){_YEAR}(?!\d)"), "{m:02d}{s}{d:02d}{s}{y:04d}"),
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_C_LOCALE = re.compile(rf"({'|'.join(_MONTHS)}) ([ 0-3]?\d)( \d\d:\d\d:\d\d )(\d{{4}})")


def fixture(seen: Look, weeks: int) -> bytes:
    """Return the sample with persons, machines' numbers and days replaced, in the encoding it came in.

    Args:
        seen: what was seen of it.
        weeks: by how much its dates are moved back.
    """
    text = seen.text
    for secret in sorted(set(_secrets(seen)), key=len, reverse=True):
        text = text.replace(secret, shape_of(secret))
    mark = codecs.BOM_UTF8 if seen.encoding == "utf-8" and seen.marked else b""
    return mark + moved(text, weeks).encode(seen.encoding, "replace")


def moved(text: str, weeks: int) -> str:
    """Return a text with every date in it moved back by whole weeks."""
    step = timedelta(weeks=weeks)

    def again(match: re.Match[str], template: str) -> str:
        try:
            day = date(int(match["y"]), int(match["m"]), int(match["d"])) - step
        except ValueError:
            return match[0]
        return template.format(y=day.year, m=day.month, d=day.day, s=match["s"])

    def by_name(match: re.Match[str]) -> str:
        try:
            day = date(int(match[4]), _MONTHS.index(match[1]) + 1, int(match[2])) - step
        except ValueError:
            return match[0]
        return f"{_MONTHS[day.month - 1]} {day.day:2d}{match[3]}{day.year}"

    for pattern, template in _DATES:
        if pattern.search(text):
            text = pattern.sub(partial(again, template=template), text)
    return _C_LOCALE.sub(by_name, text)


def _secrets(seen: Look) -> Iterator[str]:
    for pairs in seen.pairs:
        for key, value, _ in pairs.entries:
            name = words.guess(key, _KEYS)
            unknown = name is None and not is_number(value) and format_of([value]) is None
            if (unknown or name in _MASKED_FIELDS or _PERSON.fullmatch(key)) and len(value) >= SHORTEST:
                yield value
    for table in seen.tables:
        yield from _secrets_of(table)


def _secrets_of(table: Table) -> Iterator[str]:
    kind = kind_of(table)
    known = words.TABLES.get(kind or "", _KEYS)
    if table.tag:
        for index in range(1, max(len(row) for row in table.rows)):
            cells = table.column(index)
            if clock_of(cells) is None:
                yield from (c for c in cells if may_name_somebody(c) and words.guess(c, _KEYS) is None)
        return
    for index, heading in enumerate(table.headings):
        name = words.guess(heading, known)
        masked = name in _MASKED_FIELDS or _PERSON.fullmatch(heading) is not None
        for cell in table.column(index):
            if len(cell) >= SHORTEST and (masked or (name is None and may_name_somebody(cell))):
                yield cell
