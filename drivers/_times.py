"""Columns of printed times, read all at once; the same answers as `_stamps`, only faster."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

import numpy as np

from drivers._bytes import WORD, u64, words
from drivers._numbers import trimmed
from drivers._stamps import DAY_MS, UNIX, read_moment, tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from drivers._cells import Column

    Places = npt.NDArray[np.int64]
    Table = npt.NDArray[np.uint8]

EPOCH = date(1970, 1, 1)
NO_DAY = np.int64(-(2**31))
_WIDTHS = {"yyyy": 4, "yy": 2, "mm": 2, "dd": 2, "HH": 2, "MM": 2, "SS": 2, "fff": 3}
_ZERO = ord("0")
# What is less than so many, and how many milliseconds one of it is.
_OF_A_DAY = {"HH": (24, 3_600_000), "MM": (60, 60_000), "SS": (60, 1000)}


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """A column of times.

    Attributes:
        ms: milliseconds since midnight, or since the start; 0 where only a date is printed.
        good: False where the text is no declared time.
        day: days since 1970-01-01, `NO_DAY` where only a time is printed; None where that is so everywhere.
        offset_min: offset from UTC, None where none is printed.
        since_start: True where `ms` counts from the start of the treatment; None where it nowhere does.
    """

    ms: npt.NDArray[np.int64]
    good: npt.NDArray[np.bool_]
    day: npt.NDArray[np.int64] | None = None
    offset_min: npt.NDArray[np.int64] | None = None
    since_start: npt.NDArray[np.bool_] | None = None

    def only(self, kept: npt.NDArray[np.bool_]) -> Times:
        """Return some of the rows."""
        return Times(
            self.ms[kept],
            self.good[kept],
            None if self.day is None else self.day[kept],
            None if self.offset_min is None else self.offset_min[kept],
            None if self.since_start is None else self.since_start[kept],
        )


def joined(parts: Sequence[Times]) -> Times:
    """Return the rows of all parts."""
    if len(parts) == 1:
        return parts[0]
    days = [np.full(len(one.ms), NO_DAY) if one.day is None else one.day for one in parts]
    zeros = [np.zeros(len(one.ms), np.int64) for one in parts]
    offsets = [
        zero if one.offset_min is None else one.offset_min for one, zero in zip(parts, zeros, strict=True)
    ]
    since = [
        zero > 0 if one.since_start is None else one.since_start
        for one, zero in zip(parts, zeros, strict=True)
    ]
    return Times(
        np.concatenate([one.ms for one in parts]),
        np.concatenate([one.good for one in parts]),
        None if all(one.day is None for one in parts) else np.concatenate(days),
        None if all(one.offset_min is None for one in parts) else np.concatenate(offsets),
        None if all(one.since_start is None for one in parts) else np.concatenate(since),
    )


def read_times(padded: Table, column: Column, formats: tuple[str, ...]) -> Times:
    """Read one column by the declared formats; the first that fits a cell exactly stands."""
    start, end = column.start, column.end
    rows = len(start)
    width = end - start
    for declared in formats:
        fixed = _fixed(declared)
        if fixed is None:
            break
        if rows and (width == fixed[1]).all():
            ms = _read_clocks(padded, start, *fixed)
            if ms is not None:
                return Times(ms, np.ones(rows, np.bool_))
            fits, days, ms = _read_fixed(padded, start, *fixed)
            if fits.all():
                return Times(ms, fits, days)
            break
    return _read_mixed(padded, *trimmed(padded, start, end), formats)


def _read_clocks(
    padded: Table, start: Places, parts: tuple[tuple[str, str, int], ...], width: int
) -> npt.NDArray[np.int64] | None:
    """Read times of day of up to eight signs, in a word each; None if not all of them are of this format."""
    if width > WORD or any(token not in {"", *_OF_A_DAY} for token, _, _ in parts):
        return None
    signs = b"".join(b"00" if token else literal.encode("latin-1", "replace") for token, literal, _ in parts)
    digits = np.frombuffer(signs.ljust(WORD, b"\0"), np.uint8).view("<u8")[0]
    word = words(padded, start)
    word ^= digits
    if width < WORD:
        word &= u64((1 << (8 * width)) - 1)
    if int(word.view(np.uint8).max()) > 9:  # noqa: PLR2004 - a digit
        return None
    between = sum(
        0xFF << (8 * at) for _, literal, place in parts for at in range(place, place + len(literal))
    )
    if int(np.bitwise_or.reduce(word)) & between:
        return None
    word *= u64(10 * 256 + 1)  # ten times a digit and the one behind it stand where the latter stood
    found = {token: (word >> u64(8 * place + 8)) & u64(0xFF) for token, _, place in parts if token}
    out = np.zeros(len(start), np.int64)
    for token, (most, ms) in _OF_A_DAY.items():
        if token in found:
            if int(found[token].max()) >= most:
                return None
            out += found[token].view(np.int64) * ms
    return out


def _read_mixed(padded: Table, start: Places, end: Places, formats: tuple[str, ...]) -> Times:
    """Read a column in which not all cells have the same format."""
    rows = len(start)
    day, ms = np.full(rows, NO_DAY), np.zeros(rows, np.int64)
    good, since = np.zeros(rows, np.bool_), np.zeros(rows, np.bool_)
    for declared in formats:
        fixed = _fixed(declared)
        if fixed is None:
            break  # an earlier format has the first word: from here on cell by cell
        here = np.flatnonzero(~good & (end - start == fixed[1]))
        if len(here):
            fits, days, times = _read_fixed(padded, start[here], *fixed)
            ms[here[fits]], good[here[fits]] = times[fits], True
            if days is not None:
                day[here[fits]] = days[fits]
        if good.all():
            break
    offset = None
    for row in np.flatnonzero(~good).tolist():
        moment = read_moment(padded[start[row] : end[row]].tobytes().decode("latin-1"), formats)
        if moment is None:
            continue
        good[row], since[row], ms[row] = True, moment.since_start, moment.ms or 0
        day[row] = NO_DAY if moment.day is None else (moment.day - EPOCH).days
        if moment.offset_min is not None:
            offset = np.zeros(rows, np.int64) if offset is None else offset
            offset[row] = moment.offset_min
    return Times(ms, good, day, offset, since)


def _fixed(declared: str) -> tuple[tuple[tuple[str, str, int], ...], int] | None:
    """Return (token, literal, place) parts and the width, or None for a format of changing width."""
    if declared.startswith("+") or declared in UNIX:
        return None
    parts, place = [], 0
    for token, literal in tokens(declared):
        if token and token not in _WIDTHS:
            return None
        parts.append((token, literal, place))
        place += _WIDTHS[token] if token else len(literal)
    return tuple(parts), place


def _read_fixed(
    padded: Table, start: Places, parts: tuple[tuple[str, str, int], ...], width: int
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64] | None, npt.NDArray[np.int64]]:
    window = np.ndarray((len(padded) - width + 1,), f"V{width}", padded.data, 0, (1,))
    table = np.ascontiguousarray(window[start].view(np.uint8).reshape(len(start), width).T)
    fits = np.ones(len(start), np.bool_)
    found: dict[str, npt.NDArray[np.int64]] = {}
    for token, literal, place in parts:
        if token:
            digits = table[place : place + _WIDTHS[token]] - np.uint8(_ZERO)
            if int(digits.max(initial=0)) > 9:  # noqa: PLR2004 - a digit
                fits &= (digits < 10).all(axis=0)  # noqa: PLR2004 - a digit
            number = digits[0].astype(np.int64)
            for digit in digits[1:]:
                number *= 10
                number += digit
            found[token] = number
        else:
            for at, sign in enumerate(literal.encode("latin-1", "replace")):
                fits &= table[place + at] == sign
    ms = _time_of_day(found, fits)
    return fits, _days(found, fits), ms


def _time_of_day(
    found: dict[str, npt.NDArray[np.int64]], fits: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    zero = np.zeros(len(fits), np.int64)
    hour, minute, second = (found.get(token, zero) for token in ("HH", "MM", "SS"))
    fits &= (hour < 24) & (minute < 60) & (second < 60)  # noqa: PLR2004 - a clock
    ms: npt.NDArray[np.int64] = ((hour * 60 + minute) * 60 + second) * 1000 + found.get("fff", zero)
    return ms


def _days(
    found: dict[str, npt.NDArray[np.int64]], fits: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64] | None:
    if "dd" not in found:
        return None
    year = found["yyyy"] if "yyyy" in found else found["yy"] + 2000
    code = (year * 100 + found["mm"]) * 100 + found["dd"]
    first = np.flatnonzero(np.diff(code, prepend=-1))
    days = np.array([_day(int(code[at])) for at in first], np.int64)
    out = np.repeat(days, np.diff(np.append(first, len(code))))
    fits &= out != NO_DAY
    return out


def _day(code: int) -> int:
    text = f"{code // 10_000:04d}-{code // 100 % 100:02d}-{code % 100:02d}"
    moment = read_moment(text, ("yyyy-mm-dd",))
    return int(NO_DAY) if moment is None or moment.day is None else (moment.day - EPOCH).days


def dated(times: Times, start: datetime) -> npt.NDArray[np.int64]:
    """Return naive wall clocks in milliseconds since 1970-01-01, in the order printed.

    Times without date go on from the start of the treatment; see `_clock.midnight_days`.
    """
    begin = (start.date() - EPOCH).days * DAY_MS
    begin_ms = int((start - datetime.combine(start.date(), datetime.min.time())).total_seconds() * 1000)
    if times.day is None and times.since_start is None:
        return _in_order(times.ms, begin, begin_ms)
    day = np.full(len(times.ms), NO_DAY) if times.day is None else times.day
    since = np.zeros(len(day), np.bool_) if times.since_start is None else times.since_start
    local = day * DAY_MS + times.ms
    bare = (day == NO_DAY) & ~since
    if bare.any():
        local[bare] = _in_order(times.ms[bare], begin, begin_ms)
    local[since] = begin + begin_ms + times.ms[since]
    return local


def _in_order(clock: npt.NDArray[np.int64], begin: int, begin_ms: int) -> npt.NDArray[np.int64]:
    """Date times of day, one after the other."""
    local = clock + begin
    if not len(clock):
        return local
    step = np.empty_like(clock)
    step[0] = clock[0] - begin_ms
    np.subtract(clock[1:], clock[:-1], out=step[1:])
    if int(step.min()) <= -DAY_MS // 2 or int(step.max()) > DAY_MS // 2:
        local += np.cumsum((step <= -DAY_MS // 2).astype(np.int64) - (step > DAY_MS // 2)) * DAY_MS
    return local
