"""Rows of samples become columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from drivers._numbers import Numbers, read_numbers, same_word
from drivers._stamps import with_time
from drivers._text import Grammar, printed
from drivers._times import EPOCH, NO_DAY, Times, dated, read_times
from drivers.profile.sample_rows import Part, parts_of, trimmed_field
from drivers.profile.units_in_cells import read_with_units
from ingestor.driver import SampleBlock, SampleColumn, Severity, StateColumn
from ingestor.quantity import CHANNELS

if TYPE_CHECKING:
    from datetime import datetime

    import numpy.typing as npt

    from drivers.profile.raw import Raw
    from drivers.profile.spec import Field

    Ints = npt.NDArray[np.int64]

_MS = {"s": 1000, "sec": 1000, "min": 60_000, "h": 3_600_000, "hr": 3_600_000}
_COUNT = Grammar(signed=False)
_MOST_WORDS = 10_000
_WORDS = {"state", "state_a", "state_b", "position"}


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """What the rows of samples say.

    Attributes:
        block: the columns.
        index: the machine's own running number of each row, -1 where it cannot be read; None without one.
    """

    block: SampleBlock
    index: Ints | None


@dataclass(slots=True, eq=False)
class _Table:
    """One part as read; every array has one entry a row."""

    line: Ints
    local_ms: Ints
    offset_min: Ints | None = None
    elapsed_s: Ints | None = None
    index: Ints | None = None
    columns: dict[str, SampleColumn] = field(default_factory=dict)
    states: dict[str, StateColumn] = field(default_factory=dict)


def read_samples(raw: Raw, start: datetime) -> Sampled | None:
    """Return the samples of a treatment, None where it has none.

    Args:
        raw: what the reader found.
        start: printed start, from which times without date go on.
    """
    tables = [table for part in parts_of(raw) if (table := _read(raw, part, start)) is not None]
    raw.samples = []
    if not tables:
        return None
    one = tables[0] if len(tables) == 1 else _together(tables)
    raw.notes.rows_read += len(one.line)
    restarts = np.searchsorted(one.line, raw.restarts)
    offsets = one.offset_min
    block = SampleBlock(
        local_ms=one.local_ms,
        line=one.line.astype(np.int32),
        columns=tuple(one.columns.values()),
        states=tuple(one.states.values()),
        elapsed_s=one.elapsed_s,
        segments=tuple(int(at) for at in dict.fromkeys(restarts.tolist()) if 0 < at < len(one.line)),
        offset_min=None if offsets is None else int(offsets[0]),
    )
    return Sampled(block, one.index)


def _read(raw: Raw, part: Part, start: datetime) -> _Table | None:
    part, local, offset, elapsed = _timed(raw, part, start)
    if not len(part):
        return None
    table = _Table(part.line, local, offset, elapsed)
    for at, (one, word, unit) in enumerate(
        zip(part.heading.fields, part.heading.printed, part.heading.units, strict=True)
    ):
        name = one.name if one is not None else None
        if one is not None and name in _WORDS:
            table.states[name] = _states(raw, part, at, one)
        elif name == "index":
            table.index = _index(part, at)
        elif name in CHANNELS or (one is None and word not in {"-", *part.heading.block.ignore}):
            table.columns[name or f"x:{word}"] = _column(raw, part, at, one, unit)
    return table


def _timed(raw: Raw, part: Part, start: datetime) -> tuple[Part, Ints, Ints | None, Ints | None]:
    """Return the rows whose time can be read, and their times; the others are ignored with a finding."""
    places = {one.name: at for at, one in enumerate(part.heading.fields) if one is not None}
    rows = len(part)
    nowhen = Times(
        np.full(rows, NO_DAY), np.zeros(rows, np.int64), None, np.zeros(rows, bool), np.ones(rows, bool)
    )
    clock = with_time(raw.layout.stamps)
    times = _times_at(part, places["time"], clock) if "time" in places else nowhen
    good = times.good
    if "date" in places:
        days = _times_at(part, places["date"], raw.layout.stamps)
        times.day[:] = days.day
        good = good & days.good & (days.day != NO_DAY)
    elapsed_ms = None
    if "elapsed" in places:
        elapsed_ms, known = _elapsed(part, places["elapsed"])
        good = good & (known | ("time" in places))
    if not good.all():
        _ignore(raw, part, np.flatnonzero(~good), places.get("time", places.get("elapsed", 0)))
    local: Ints = dated(times, start)
    if "time" not in places and elapsed_ms is not None:
        local = elapsed_ms + _ms_of(start)
    offset = times.offset_min
    if offset is not None and len(offset):
        local = local + (offset[0] - offset) * 60_000  # one offset for all rows; the instants stay
    seconds = elapsed_ms // 1000 if elapsed_ms is not None and known.all() else None
    if good.all():
        return part, local, offset, seconds
    return (
        part.only(good), local[good],
        None if offset is None else offset[good], None if seconds is None else seconds[good],
    )  # fmt: skip


def _times_at(part: Part, at: int, formats: tuple[str, ...]) -> Times:
    return read_times(part.padded, *trimmed_field(part, at), formats)


def _ms_of(start: datetime) -> int:
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    return (start.date() - EPOCH).days * 86_400_000 + int((start - midnight).total_seconds() * 1000)


def _elapsed(part: Part, at: int) -> tuple[Ints, npt.NDArray[np.bool_]]:
    one = part.heading.fields[at]
    assert one is not None  # noqa: S101 - the caller found it by its name
    numbers = read_numbers(part.padded, *part.place(at), one.grammar, ())
    ms = numbers.mantissa * _MS.get(part.heading.units[at], 1000) // 10**numbers.scale
    return ms, ~numbers.null


def _ignore(raw: Raw, part: Part, rows: Ints, at: int) -> None:
    for row, text in zip(rows.tolist(), part.texts(at, rows.tolist()), strict=True):
        got = printed(text[:80])
        raw.notes.find("stamp_unreadable", int(part.line[row]), Severity.ERROR, about="samples", got=got)
    raw.notes.ignore("unreadable", len(rows))


def _index(part: Part, at: int) -> Ints:
    numbers = read_numbers(part.padded, *part.place(at), _COUNT, ())
    return np.where(numbers.null | (numbers.scale > 0), -1, numbers.mantissa)


def _column(raw: Raw, part: Part, at: int, one: Field | None, unit: str) -> SampleColumn:
    grammar = one.grammar if one is not None else _any_number(raw)
    empty = tuple(word.encode(part.codec) for word in raw.layout.empty)
    if unit == "cell" and one is not None:
        numbers, unit = read_with_units(part, *trimmed_field(part, at), one, raw.layout.empty)
    else:
        numbers = read_numbers(part.padded, *part.place(at), grammar, empty)
    word = part.heading.printed[at]
    for row, text in zip(numbers.strange, part.texts(at, numbers.strange), strict=True):
        told = {"column": printed(word), "got": printed(text[:80])}
        raw.notes.find("value_not_believed", int(part.line[row]), about=word, **told)
    mantissa = numbers.mantissa if one is None else _since_start(one, numbers)
    name = one.name if one is not None else None
    return SampleColumn(name, printed(word), unit, mantissa, numbers.scale, numbers.null)


def _since_start(one: Field, numbers: Numbers) -> Ints:
    """Return a counter as it would stand had it counted from the start."""
    if one.interval:
        return np.cumsum(numbers.mantissa)
    if not one.wraps_at:
        return numbers.mantissa
    full = one.wraps_at * 10**numbers.scale
    known = np.flatnonzero(~numbers.null)
    step = np.diff(numbers.mantissa[known], prepend=0)
    out = numbers.mantissa.copy()
    out[known] += np.cumsum(step < -full // 2) * full
    return out


def _any_number(raw: Raw) -> Grammar:
    """Return how numbers are printed in this file, for a column that nobody knows."""
    for block in raw.layout.blocks:
        for one in block.fields.values():
            return Grammar(one.grammar.decimal, one.grammar.thousands)
    return Grammar()


def _states(raw: Raw, part: Part, at: int, one: Field) -> StateColumn:
    start, end = trimmed_field(part, at)
    words = {word: code for code, word in enumerate(dict.fromkeys(one.values))}
    codes = np.full(len(part), -1, np.int16)
    done = start >= end
    for word, code in words.items():
        here = same_word(part.padded, start, end, word.encode(part.codec, "replace"))
        codes[here], done = code, done | here
    other = np.flatnonzero(~done).tolist()
    for row, text in zip(other, part.texts(at, other), strict=True):
        word = printed(text)
        if word not in words and len(words) < _MOST_WORDS:
            words[word] = len(words)
            if one.values:
                raw.notes.find("unknown_word", int(part.line[row]), about=word, got=word[:80], what=one.name)
        codes[row] = words.get(word, -1)
    return StateColumn(one.name, tuple(words), codes)


def _together(tables: list[_Table]) -> _Table:
    """Join parts with other columns: rows in the order of time, no value where a part has no such column."""
    local = np.concatenate([table.local_ms for table in tables])
    order = np.argsort(local, kind="stable")
    sizes = [len(table.line) for table in tables]
    whole = all(table.elapsed_s is not None for table in tables)
    joined = _Table(np.concatenate([table.line for table in tables])[order], local[order])
    offsets = [table.offset_min for table in tables]
    if all(one is not None for one in offsets):
        joined.offset_min = np.concatenate([one for one in offsets if one is not None])[order]
    if whole:
        joined.elapsed_s = np.concatenate([t.elapsed_s for t in tables if t.elapsed_s is not None])[order]
    for key in dict.fromkeys(key for table in tables for key in table.columns):
        joined.columns[key] = _joined_column([table.columns.get(key) for table in tables], sizes, order)
    for table, size in zip(tables, sizes, strict=True):
        for name, state in table.states.items():
            codes = [
                state.codes if t is table else np.full(n, -1, np.int16)
                for t, n in zip(tables, sizes, strict=True)
            ]
            joined.states[name] = StateColumn(state.name, state.words, np.concatenate(codes)[order])
        assert size == len(table.line)  # noqa: S101
    return joined


def _joined_column(found: list[SampleColumn | None], sizes: list[int], order: Ints) -> SampleColumn:
    model = next(one for one in found if one is not None)
    scale = max(one.scale for one in found if one is not None)
    mantissa = [
        one.mantissa * 10 ** (scale - one.scale) if one is not None else np.zeros(size, np.int64)
        for one, size in zip(found, sizes, strict=True)
    ]
    null = [
        one.null if one is not None else np.ones(size, np.bool_)
        for one, size in zip(found, sizes, strict=True)
    ]
    return SampleColumn(
        model.channel,
        model.printed,
        model.unit,
        np.concatenate(mantissa)[order],
        scale,
        np.concatenate(null)[order],
    )
