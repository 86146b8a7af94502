"""Printed times. A format is declared in tokens and read strictly.

Tokens: `yyyy yy mm m mmm dd d _d ddd HH H hh h MM SS fff AM zz`. Dates in small letters, times in capitals;
`mmm` and `ddd` are the English short names of the C locale, `_d` is a day padded with a space, `hh` needs
`AM`, `fff` is a fraction of a second, `zz` an offset such as +01:00, +0100 or Z. What stands between
apostrophes is meant literally. A format that begins with `+` counts from the start of the treatment:
`+HH:MM:SS`, `+S` (seconds), `+M` (minutes). `unix` and `unix_ms` count from 1970 in UTC.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    _Way = tuple[int, Callable[[str], re.Match[str] | None], bool, str]

DAY_MS = 86_400_000
# Counts since 1970-01-01 UTC, in milliseconds each.
UNIX = {"unix": 1000, "unix_ms": 1}
_LAST_DAY = 2_000_000
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_YEARS = range(1900, 2200)
_TOKENS = {
    "yyyy": r"(?P<year>\d{4})",
    "yy": r"(?P<short_year>\d\d)",
    "mmm": r"(?P<month_name>[A-Za-z]{3})",
    "mm": r"(?P<month>\d\d)",
    "m": r"(?P<month>\d{1,2})",
    "ddd": r"(?:[A-Za-z]{3})",
    "dd": r"(?P<day>\d\d)",
    "d": r"(?P<day>\d{1,2})",
    "_d": r"(?P<day>[ \d]\d)",
    "HH": r"(?P<hour>\d\d)",
    "H": r"(?P<hour>\d{1,2})",
    "hh": r"(?P<hour>\d\d)",
    "h": r"(?P<hour>\d{1,2})",
    "MM": r"(?P<minute>\d\d)",
    "SS": r"(?P<second>\d\d)",
    "fff": r"(?P<fraction>\d{1,6})",
    "AM": r"(?P<half>[AaPp][Mm])",
    "zz": r"(?P<offset>Z|[+-]\d\d:?\d\d)",
}
_FIXED = {
    "yyyy": 4,
    "yy": 2,
    "mmm": 3,
    "mm": 2,
    "ddd": 3,
    "dd": 2,
    "_d": 2,
    "HH": 2,
    "hh": 2,
    "MM": 2,
    "SS": 2,
    "AM": 2,
}
_SINCE_START = {"HH": r"(?P<hour>\d{1,4})", "S": r"(?P<second>\d{1,8})", "M": r"(?P<minute>\d{1,6})"}
_SPLIT = re.compile(r"'([^']*)'|(yyyy|yy|mmm|mm|m|ddd|dd|d|_d|HH|H|hh|h|MM|SS|fff|AM|zz|S|M)|([^A-Za-z])|(.)")


class Moment(NamedTuple):
    """What one printed time says.

    Attributes:
        day: the date, None where only a time is printed.
        ms: milliseconds since midnight, or since the start where `since_start`; None where only a date is.
        offset_min: offset from UTC, where printed.
    """

    day: date | None
    ms: int | None
    offset_min: int | None = None
    since_start: bool = False


def tokens(declared: str) -> list[tuple[str, str]]:
    """Return the parts of a declared format as (token, literal) pairs, one of each pair empty.

    Raises:
        ValueError: with a sentence, where a letter is no token.
    """
    parts: list[tuple[str, str]] = []
    for match in _SPLIT.finditer(declared.removeprefix("+")):
        quoted, token, sign, letter = match.groups()
        if letter and letter != "T":
            msg = f"{declared!r}: {letter!r} is not a token; known are {' '.join(_TOKENS)}"
            raise ValueError(msg)
        parts.append((token or "", "" if token else (quoted or sign or letter or "")))
    return parts


@cache
def _pattern(declared: str) -> re.Pattern[str]:
    if declared in UNIX:
        return re.compile(r"(?P<unix>\d{9,14})", re.ASCII)
    known = {**_TOKENS, **(_SINCE_START if declared.startswith("+") else {})}
    body = ""
    for token, literal in tokens(declared):
        if token and token not in known:
            msg = f"{declared!r}: {token!r} stands only in a format that begins with +"
            raise ValueError(msg)
        body += known[token] if token else re.escape(literal)
    try:
        return re.compile(body, re.ASCII)
    except re.error as error:
        msg = f"{declared!r}: {error}"
        raise ValueError(msg) from error


def check_format(declared: str) -> None:
    """Raise ValueError with a sentence if the format is not one."""
    names = set(_pattern(declared).groupindex)
    if declared in UNIX:
        return
    if not names & {"hour", "day", "second", "minute"}:
        msg = f"{declared!r} names neither a day nor an hour"
        raise ValueError(msg)
    if names & {"day", "month", "month_name"} and not (
        "day" in names and names & {"month", "month_name"} and names & {"year", "short_year"}
    ):
        msg = f"{declared!r}: a date has day, month and year"
        raise ValueError(msg)
    if any(token in {"hh", "h"} for token, _ in tokens(declared)) != ("half" in names):
        msg = f"{declared!r}: hh and AM go together"
        raise ValueError(msg)


def with_time(formats: tuple[str, ...]) -> tuple[str, ...]:
    """Return the formats that name a time, not only a date."""
    return tuple(
        one for one in formats if {"hour", "minute", "second", "unix"} & set(_pattern(one).groupindex)
    )


# The end of a phase is the beginning of the next: the same text twice in a row or two.
@lru_cache(maxsize=32)
def read_moment(text: str, formats: tuple[str, ...]) -> Moment | None:
    """Return what the text says by the first declared format that fits it exactly, or None."""
    text = text.strip(" ")
    length = len(text)
    for width, fit, is_clock, declared in _ways(formats):
        if (width and width != length) or (match := fit(text)) is None:
            continue
        if is_clock:
            hour, minute, second = map(int, match.groups())
            good = hour < 24 and minute < 60 and second < 60  # noqa: PLR2004 - a clock
            return Moment(None, ((hour * 60 + minute) * 60 + second) * 1000) if good else None
        if declared in UNIX:
            return _since_1970(int(match["unix"]) * UNIX[declared])
        return _moment(match.groupdict(), since_start=declared.startswith("+"))
    return None


@cache
def _ways(formats: tuple[str, ...]) -> tuple[_Way, ...]:
    """Return of each format its width, what fits it, whether it is a clock, and the format itself."""
    return tuple((_width(one), _pattern(one).fullmatch, _is_clock(one), one) for one in formats)


def _width(declared: str) -> int:
    """Return how many signs a format always has, 0 where that changes."""
    if declared in UNIX or declared.startswith("+"):
        return 0
    parts = tokens(declared)
    return (
        sum(len(literal) or _FIXED[token] for token, literal in parts)
        if all(literal or token in _FIXED for token, literal in parts)
        else 0
    )


def _is_clock(declared: str) -> bool:
    """Say whether a format is hours, minutes and seconds of a day, in this order and nothing else."""
    return not declared.startswith("+") and tuple(_pattern(declared).groupindex) == (
        "hour",
        "minute",
        "second",
    )


def _since_1970(ms: int) -> Moment | None:
    days, rest = divmod(ms, DAY_MS)
    day = date(1970, 1, 1) + timedelta(days=days) if days < _LAST_DAY else None
    return Moment(day, rest, 0) if day is not None and day.year in _YEARS else None


def _moment(found: dict[str, str], *, since_start: bool) -> Moment | None:
    day = _day(found)
    if day is None and ("day" in found or "month" in found):
        return None
    ms = _milliseconds(found, since_start=since_start)
    if ms is None and ("hour" in found or since_start):
        return None
    return Moment(day, ms, _offset(found.get("offset")), since_start)


def _day(found: dict[str, str]) -> date | None:
    if "day" not in found:
        return None
    year = int(found["year"]) if "year" in found else 2000 + int(found.get("short_year") or 0)
    name = found.get("month_name")
    month = (
        MONTHS.index(name.lower()) + 1 if name and name.lower() in MONTHS else int(found.get("month") or 0)
    )
    try:
        return date(year, month, int(found["day"])) if year in _YEARS else None
    except ValueError:
        return None


def _milliseconds(found: dict[str, str], *, since_start: bool) -> int | None:
    if not ("hour" in found or "minute" in found or "second" in found):
        return None
    hour, minute, second = (
        int(found.get("hour") or 0),
        int(found.get("minute") or 0),
        int(found.get("second") or 0),
    )
    if half := found.get("half"):
        if not 1 <= hour <= 12:  # noqa: PLR2004 - a clock face
            return None
        hour = hour % 12 + (12 if half.lower() == "pm" else 0)
    if not since_start and not (hour < 24 and minute < 60 and second < 60):  # noqa: PLR2004 - a clock
        return None
    fraction = found.get("fraction")
    ms = int(fraction.ljust(3, "0")[:3]) if fraction else 0
    return ((hour * 60 + minute) * 60 + second) * 1000 + ms


def _offset(text: str | None) -> int | None:
    if text is None:
        return None
    if text == "Z":
        return 0
    hours, minutes = int(text[1:3]), int(text[-2:])
    return (hours * 60 + minutes) * (-1 if text[0] == "-" else 1)
