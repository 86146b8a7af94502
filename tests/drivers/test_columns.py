"""What is read for many rows at once is what an exact reading of each cell says, to the last bit."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drivers._bytes import Marks, words
from drivers._cells import Cells, Column, by_delimiter, by_spaces, by_width
from drivers._lines import PAD, Lines, split_lines
from drivers._numbers import read_numbers
from drivers._stamps import read_moment
from drivers._text import Grammar
from drivers._times import EPOCH, NO_DAY, read_times

MANY = settings(max_examples=150, deadline=None)
# Cells of one kind, of which a column mostly is, and cells that are anything.
DIGITS = st.text("0123456789", min_size=1, max_size=11)
PLAIN = st.builds(
    lambda sign, whole, point, part: sign + whole + (point + part if part else ""),
    st.sampled_from(("", "", "", "-", "+")), DIGITS, st.sampled_from(",."), st.text("0123456789", max_size=7),
)  # fmt: skip
ODD = st.one_of(
    st.sampled_from(
        ("", "-", "---", "NaN", "1e3", " 1", "1 ", "-0", "-0,0", "1,,5", ",5", "5,", "--1", "1-", "1_0")
    ),
    st.text("0123456789,.-+ e", max_size=12),
)
ALIKE = st.tuples(st.integers(0, 5), st.integers(0, 3), st.booleans()).flatmap(
    lambda form: st.lists(
        st.integers(-(10 ** form[0]) + 1 if form[2] else 0, 10 ** form[0]).map(
            lambda n: f"{n}" if not form[1] else f"{n},{abs(n) % 10 ** form[1]:0{form[1]}d}"
        ),
        min_size=1, max_size=30,
    )
)  # fmt: skip
COLUMN = st.one_of(ALIKE, st.lists(st.one_of(PLAIN, PLAIN, ODD), max_size=30))
GRAMMAR = st.builds(
    Grammar, st.sampled_from((",", ".")), st.sampled_from(("", "", "'")), st.booleans(), st.integers(0, 2)
)


def column_of(
    cells: list[str], between: str = ";"
) -> tuple[np.ndarray[tuple[int], np.dtype[np.uint8]], Column]:
    """Return bytes with the cells in them, each between the same signs, and where they stand."""
    data = bytearray(b"\0" * PAD)
    starts, ends = [], []
    for cell in cells:
        data += between.encode()
        starts.append(len(data))
        data += cell.encode("latin-1")
        ends.append(len(data))
    data += between.encode() + b"\0" * PAD
    return np.frombuffer(bytes(data), np.uint8).copy(), Column(np.array(starts, int), np.array(ends, int))


@MANY
@given(COLUMN, GRAMMAR, st.sampled_from((";", "-", "7", " ", ",")))
@example(["99999999", "1"], Grammar(","), "9")
@example(["-1", "1", "-12345678"], Grammar(","), ";")
@example(["1,5", "1;5"], Grammar(","), ";")
def test_a_column_of_numbers_is_what_the_grammar_says_of_each_cell(
    cells: list[str], grammar: Grammar, between: str
):
    padded, column = column_of(cells, between)
    numbers = read_numbers(padded, column, grammar, (b"---",))
    for row, cell in enumerate(cells):
        text = cell.strip(" ")
        value = None if text in {"", "---"} else grammar.value(text)
        assert bool(numbers.null[row]) == (value is None)
        assert (row in numbers.strange) == (value is None and text not in {"", "---"})
        if value is not None:
            assert Decimal(int(numbers.mantissa[row])).scaleb(-numbers.scale) == value


TIMES = st.tuples(st.integers(0, 25), st.integers(0, 61), st.integers(0, 61))
FORMATS = ("HH:MM:SS", "HHMMSS", "HH:MM", "HH.MM", "dd.mm.yyyy HH:MM:SS", "yyyymmdd", "HH:MM:SS.fff", "MM:SS")


@MANY
@given(
    st.lists(TIMES, min_size=1, max_size=30),
    st.permutations(FORMATS).map(lambda some: tuple(some[:3])),
    st.sampled_from(("{0:02d}:{1:02d}:{2:02d}", "{0:02d}{1:02d}{2:02d}", "{0:02d}:{1:02d}", "{0:02d}.{1:02d}",
                     "{1:02d}.{0:02d}.2024 {0:02d}:{1:02d}:{2:02d}", "2024{0:02d}{1:02d}", "{0:02d}:{1:02d}:{2:02d}.500")),
    st.lists(st.tuples(st.integers(0, 29), st.sampled_from(("", "24:00:00", "1:2:3", "٠٨:١٢:٤٠".encode().decode("latin-1"),
                                                            "08;12:40", "08:12:4a", " 08:12", "0812:40:"))), max_size=2),
)  # fmt: skip
def test_a_column_of_times_is_what_the_format_says_of_each_cell(
    moments: list[tuple[int, int, int]], formats: tuple[str, ...], spelt: str, odd: list[tuple[int, str]]
):
    cells = [spelt.format(*moment) for moment in moments]
    for at, cell in odd:
        cells[at % len(cells)] = cell
    padded, column = column_of(cells)
    times = read_times(padded, column, formats)
    for row, cell in enumerate(cells):
        moment = read_moment(cell, formats)
        assert bool(times.good[row]) == (moment is not None)
        if moment is not None:
            assert int(times.ms[row]) == (moment.ms or 0)
            day = int(NO_DAY) if times.day is None else int(times.day[row])
            assert day == (int(NO_DAY) if moment.day is None else (moment.day - EPOCH).days)


LINE = st.lists(st.text("ab5 ", max_size=70) | st.text("0123456789", max_size=9), min_size=1, max_size=6).map(
    ";".join
)
ENDS = st.sampled_from(("\n", "\r\n", "\r"))


def cut(lines: Lines, cells: Cells, fields: int) -> dict[int, list[str]]:
    columns = [cells.column(at) for at in range(fields)]
    return {
        int(row): [
            lines.padded[int(c.start[at]) : int(c.end[at])].tobytes().decode(lines.codec) for c in columns
        ]
        for at, row in enumerate(cells.rows)
    }


@MANY
@given(st.lists(LINE, max_size=40), st.integers(1, 6), ENDS, st.booleans())
@example(["1;2", "3;4", "5", "6;7;8"], 2, "\n", False)
@example(["a" * 70 + ";1", "b;" + "2" * 70], 2, "\n", False)
def test_lines_are_cut_where_the_delimiter_stands(texts: list[str], fields: int, end: str, torn: bool):
    lines = split_lines((end.join(texts) + ("" if torn else end)).encode(), "utf-8")
    cells = by_delimiter(lines, np.arange(len(lines)), ord(";"), fields)
    apart = [lines.text(at).split(";") for at in range(len(lines))]
    assert cut(lines, cells, fields) == {at: one for at, one in enumerate(apart) if len(one) == fields}
    assert cells.odd.tolist() == [at for at, one in enumerate(apart) if len(one) != fields]


@MANY
@given(st.lists(LINE, max_size=40), st.integers(1, 4))
def test_lines_are_cut_at_spaces_and_at_fixed_places(texts: list[str], fields: int):
    lines = split_lines("\n".join([*texts, ""]).encode(), "utf-8")
    cells = by_spaces(lines, np.arange(len(lines)), fields)
    apart = [lines.text(at).split() for at in range(len(lines))]
    assert cut(lines, cells, fields) == {at: one for at, one in enumerate(apart) if len(one) == fields}
    widths = (2, 3, 4)[: min(fields, 3)]
    cells = by_width(lines, np.arange(len(lines)), widths)
    for row, found in cut(lines, cells, len(widths)).items():
        assert "".join(found) == lines.text(row)
        assert [len(one) for one in found[:-1]] == list(widths[:-1])


@MANY
@given(st.binary(max_size=300), st.integers(0, 255))
def test_marks_stand_where_the_byte_stands(data: bytes, byte: int):
    padded = np.frombuffer(b"\0" * PAD + data + b"\0" * PAD, np.uint8).copy()
    begin, end = np.array([PAD]), np.array([PAD + len(data)])
    wanted = [PAD + at for at, one in enumerate(data) if one == byte]
    found = Marks(padded, PAD, PAD + len(data), byte).between(begin, end, len(wanted))
    if found is None:  # not one in sixty-four bytes
        gaps = np.diff([PAD - 1, *wanted, PAD + len(data)])
        assert gaps.max() > 64
    else:
        assert [int(one[0]) for one in found] == wanted
    if len(wanted) < 6:
        assert Marks(padded, PAD, PAD + len(data), byte).between(begin, end, len(wanted) + 1) is None


@given(st.binary(min_size=1, max_size=60))
def test_a_word_is_the_eight_bytes_from_a_place_on(data: bytes):
    padded = np.frombuffer(b"\0" * PAD + data + b"\0" * PAD, np.uint8).copy()
    at = np.arange(PAD + len(data) + 1)
    assert words(padded, at).tolist() == [int.from_bytes(padded[a : a + 8].tobytes(), "little") for a in at]


@pytest.mark.parametrize("hostile", [b"\0", b"\xff", b";", b"\r"])
def test_a_number_is_not_read_from_beyond_its_cell(hostile: bytes):
    padded, column = column_of(["1", "12", "123"], hostile.decode("latin-1"))
    padded[: column.start[0]] = hostile[0]
    assert read_numbers(padded, column, Grammar(), ()).mantissa.tolist() == [1, 12, 123]
