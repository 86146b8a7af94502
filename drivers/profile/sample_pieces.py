"""A few thousand rows of samples at a time: small enough to stay near the processor."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from drivers._numbers import Numbers, read_numbers, same_word
from drivers._stamps import with_time
from drivers._text import Grammar, printed
from drivers._times import NO_DAY, Times, read_times
from drivers.profile.sample_rows import Part, trimmed_field
from drivers.profile.units_in_cells import read_with_units
from drivers.profile.vocabulary import canonical_unit
from ingestor.driver import Severity
from ingestor.quantity import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from drivers.profile.raw import Heading, Raw
    from drivers.profile.spec import Field

    Ints = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]

_MS = {"s": 1000, "sec": 1000, "min": 60_000, "h": 3_600_000, "hr": 3_600_000}
_COUNT = Grammar(signed=False)
_MOST_WORDS = 10_000
_WORDS = {"state", "state_a", "state_b", "position"}


@dataclass(slots=True, eq=False)
class Piece:
    """Rows as read: times not yet dated, counters as printed."""

    line: Ints
    times: Times
    elapsed_ms: Ints | None = None
    elapsed_known: bool = True
    index: Ints | None = None
    numbers: dict[str, Numbers] = field(default_factory=dict)
    codes: dict[str, npt.NDArray[np.int16]] = field(default_factory=dict)


class PieceReader:
    """Reads the rows under one heading, piece by piece.

    Attributes:
        words: of each sampled state, word -> code.
    """

    def __init__(self, raw: Raw, heading: Heading, codec: str) -> None:
        self.raw, self.heading = raw, heading
        self.places = {one.name: at for at, one in enumerate(heading.fields) if one is not None}
        self.clock = with_time(raw.layout.stamps)
        self.empty = tuple(word.encode(codec, "replace") for word in raw.layout.empty)
        self.words: dict[str, dict[str, int]] = {
            one.name: {word: code for code, word in enumerate(dict.fromkeys(one.values))}
            for one in heading.fields
            if one is not None and one.name in _WORDS
        }
        self._columns = list(self._sampled())

    def has(self, name: str) -> bool:
        """Say whether the heading has a field."""
        return name in self.places

    def columns(self) -> Iterator[tuple[str, Field | None, str, str]]:
        """Yield (key, field, printed word, unit) of each sampled channel, and of each column nobody knows."""
        for _, key, one, word, unit in self._columns:
            yield key, one, word, canonical_unit(key) if unit == "cell" else unit

    def _sampled(self) -> Iterator[tuple[int, str, Field | None, str, str]]:
        heading = self.heading
        for at, (one, word, unit) in enumerate(
            zip(heading.fields, heading.printed, heading.units, strict=True)
        ):
            if one is not None and one.name in CHANNELS:
                yield at, one.name, one, word, unit
            elif one is None and word not in {"-", *heading.block.ignore}:
                yield at, f"x:{word}", None, word, ""

    def read(self, part: Part) -> Piece | None:
        """Return the rows whose time can be read; the others are ignored with a finding."""
        piece, good = self._timed(part)
        if not good.all():
            self._ignore(part, np.flatnonzero(~good))
            part = part.only(good)
            piece = _only(piece, good)
        if not len(part):
            return None
        if "index" in self.places:
            piece.index = _index(part, self.places["index"])
        for at, key, one, word, unit in self._columns:
            piece.numbers[key] = self._column(part, at, one, word, unit)
        for name in self.words:
            piece.codes[name] = self._states(part, self.places[name], name)
        return piece

    def _timed(self, part: Part) -> tuple[Piece, Bools]:
        rows = len(part)
        times = Times(np.zeros(rows, np.int64), np.ones(rows, np.bool_))
        if "time" in self.places:
            times = self._times(part, self.places["time"], self.clock)
        good = times.good
        if "date" in self.places:
            days = self._times(part, self.places["date"], self.raw.layout.stamps)
            good = good & days.good & (days.day != NO_DAY if days.day is not None else False)
            times = replace(times, day=days.day)
        piece = Piece(part.line, times)
        if "elapsed" in self.places:
            piece.elapsed_ms, known = _elapsed(part, self.places["elapsed"])
            piece.elapsed_known = bool(known.all())
            good = good & (known | ("time" in self.places))
        return piece, good

    def _times(self, part: Part, at: int, formats: tuple[str, ...]) -> Times:
        return read_times(part.padded, part.column(at), formats)

    def _ignore(self, part: Part, rows: Ints) -> None:
        at = self.places.get("time", self.places.get("elapsed", 0))
        for row, text in zip(rows.tolist(), part.texts(at, rows.tolist()), strict=True):
            line, got = int(part.line[row]), printed(text[:80])
            self.raw.notes.find("stamp_unreadable", line, Severity.ERROR, about="samples", got=got)
        self.raw.notes.ignore("unreadable", len(rows))

    def _column(self, part: Part, at: int, one: Field | None, word: str, unit: str) -> Numbers:
        if unit == "cell" and one is not None:
            numbers = read_with_units(part, *trimmed_field(part, at), one, self.raw.layout.empty)
        else:
            grammar = one.grammar if one is not None else self._any_number()
            numbers = read_numbers(part.padded, part.column(at), grammar, self.empty)
        for row, text in zip(numbers.strange, part.texts(at, numbers.strange), strict=True):
            told = {"column": printed(word), "got": printed(text[:80])}
            self.raw.notes.find("value_not_believed", int(part.line[row]), about=word, **told)
        return numbers

    def _any_number(self) -> Grammar:
        """Return how numbers are printed in this file, for a column that nobody knows."""
        fields = (one for block in self.raw.layout.blocks for one in block.fields.values())
        known = next((one.grammar for one in fields), Grammar())
        return Grammar(known.decimal, known.thousands)

    def _states(self, part: Part, at: int, name: str) -> npt.NDArray[np.int16]:
        words, declared = self.words[name], self.heading.fields[at]
        start, end = trimmed_field(part, at)
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
                if declared is not None and declared.values:
                    self.raw.notes.find(
                        "unknown_word", int(part.line[row]), about=word, got=word[:80], what=name
                    )
            codes[row] = words.get(word, -1)
        return codes


def _only(piece: Piece, kept: Bools) -> Piece:
    return replace(
        piece,
        line=piece.line[kept],
        times=piece.times.only(kept),
        elapsed_ms=None if piece.elapsed_ms is None else piece.elapsed_ms[kept],
    )


def _elapsed(part: Part, at: int) -> tuple[Ints, Bools]:
    one = part.heading.fields[at]
    assert one is not None  # noqa: S101 - the caller found it by its name
    numbers = read_numbers(part.padded, part.column(at), one.grammar, ())
    ms = numbers.mantissa * _MS.get(part.heading.units[at], 1000) // 10**numbers.scale
    return ms, ~numbers.null


def _index(part: Part, at: int) -> Ints:
    numbers = read_numbers(part.padded, part.column(at), _COUNT, ())
    return np.where(numbers.null | (numbers.scale > 0), -1, numbers.mantissa)
