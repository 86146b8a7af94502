"""Columns of printed numbers, read all at once and exactly.

A cell's last eight bytes are taken as one 64-bit word, so that a column is read by a few operations on whole
arrays. What does not fit that form is read cell by cell with the same grammar; both give the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from drivers._bytes import WORD, u64, words
from drivers._lines import PAD

if TYPE_CHECKING:
    import numpy.typing as npt

    from drivers._cells import Column
    from drivers._text import Grammar

    Words = npt.NDArray[np.uint64]
    Places = npt.NDArray[np.int64]

_MOST_DECIMALS = 6
_MOST_WHOLE = 9
_SPACE, _PLUS, _MINUS = 32, 43, 45


_ALL = (1 << 64) - 1
_TOP = np.array([_ALL ^ (_ALL >> (8 * n)) for n in range(9)], np.uint64)  # the last n bytes of a word
_ZEROS = u64(0x3030303030303030)
_OVER_NINE = u64(0x7676767676767676)
_HIGH = u64(0x8080808080808080)
_POWERS = 10 ** np.arange(19, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """A column as read.

    Attributes:
        mantissa: int64; value = mantissa / 10**scale.
        null: True where there is no value.
        strange: rows whose text is neither a number nor declared as empty.
    """

    mantissa: npt.NDArray[np.int64]
    scale: int
    null: npt.NDArray[np.bool_]
    strange: tuple[int, ...] = ()


def trimmed(padded: npt.NDArray[np.uint8], start: Places, end: Places) -> tuple[Places, Places]:
    """Return the places of cells without the spaces around them."""
    while (inner := (padded[start] == _SPACE) & (start < end)).any():
        start = start + inner
    while (inner := (padded[end - 1] == _SPACE) & (start < end)).any():
        end = end - inner
    return start, end


def read_numbers(
    padded: npt.NDArray[np.uint8], column: Column, grammar: Grammar, empty: tuple[bytes, ...]
) -> Numbers:
    """Read one column.

    Args:
        padded: bytes with `PAD` zero bytes around them.
        column: where the cells stand.
        grammar: how the layout prints numbers.
        empty: cells that mean *no value*; an empty cell always does.
    """
    alike = _read_alike(padded, column, grammar)
    if alike is not None:
        return alike
    start, end = column.start, column.end
    start, end = trimmed(padded, start, end)
    rows = len(start)
    mantissa, scales = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    null = start >= end
    for word in empty:
        null |= same_word(padded, start, end, word)
    done = null.copy()
    if not grammar.thousands:
        _read_fast(padded, start, end, grammar, mantissa, scales, done)
    strange = []
    for row in np.flatnonzero(~done).tolist():
        value = grammar_value(padded, int(start[row]), int(end[row]), grammar)
        if value is None:
            strange.append(row)
            null[row] = True
        else:
            mantissa[row], scales[row] = value
    scale = int(scales.max(initial=0, where=~null))
    if scale and (scales != scale).any():
        mantissa *= _POWERS[np.maximum(scale - scales, 0)]
    mantissa[null] = 0
    return Numbers(mantissa, scale + grammar.decimals, null, tuple(strange))


def _read_alike(padded: npt.NDArray[np.uint8], column: Column, grammar: Grammar) -> Numbers | None:
    """Read a column whose cells all have up to eight bytes and the first cell's decimals, or None.

    The commonest column by far; what it refuses is read in the general way.
    """
    start, end = column.start, column.end
    if not len(start) or grammar.thousands:
        return None
    first = padded[start[0] : end[0]].tobytes()
    scale = len(first) - 1 - at if (at := first.rfind(grammar.decimal.encode("latin-1"))) >= 0 else 0
    if scale > _MOST_DECIMALS:
        return None
    word = words(padded, end - WORD)
    word ^= _plain(grammar.decimal, scale)
    length = end - start
    mantissa = None if first[:1] == b"-" else _alike(word, length, scale)
    if mantissa is None and grammar.signed:
        minus = padded.take(start) == _MINUS
        length -= minus
        mantissa = _alike(word, length, scale)
        if mantissa is not None:
            sign = -minus.astype(np.int64)  # minus one or zero; faster than a negation of some
            mantissa ^= sign
            mantissa -= sign
    if mantissa is None:
        return None
    return Numbers(mantissa, scale + grammar.decimals, np.zeros(len(start), np.bool_))


@cache
def _plain(decimal: str, scale: int) -> np.uint64:
    """Return what takes the digits of a word to their numbers, and its decimal sign to zero."""
    return u64(int(_ZEROS) ^ ((ord(decimal) ^ 0x30) << (8 * (7 - scale)))) if scale else _ZEROS


def _alike(word: Words, length: Places, scale: int) -> npt.NDArray[np.int64] | None:
    """Return the numbers in the last so many bytes of words, None if one is none or has other decimals."""
    shortest, longest = int(length.min()), int(length.max())
    if shortest < (scale + 2 if scale else 1) or longest > WORD:
        return None
    word = word & (_TOP[longest] if shortest == longest else _TOP.take(length))
    if int(word.view(np.uint8).max()) > 9:  # noqa: PLR2004 - a digit
        return None
    if scale:
        sign = u64(0xFF << (8 * (7 - scale)))
        if np.bitwise_or.reduce(word) & sign:
            return None
        whole = word & u64(_ALL >> (8 * (scale + 1)))
        whole <<= u64(8)
        word &= _TOP[scale]
        word |= whole
    return _spelled(word, longest - (scale > 0)).view(np.int64)


def grammar_value(
    padded: npt.NDArray[np.uint8], start: int, end: int, grammar: Grammar
) -> tuple[int, int] | None:
    """Return (mantissa, printed decimals) of one cell by the grammar itself, or None."""
    text = padded[start:end].tobytes().decode("latin-1")
    value = grammar.value(text)
    if value is None:
        return None
    sign, digits, exponent = value.scaleb(grammar.decimals).as_tuple()
    number = int("".join(map(str, digits)))
    return (-number if sign else number), -int(exponent)


def same_word(
    padded: npt.NDArray[np.uint8], start: Places, end: Places, word: bytes
) -> npt.NDArray[np.bool_]:
    """Say of each cell whether it is this word."""
    same: npt.NDArray[np.bool_] = (end - start) == len(word)
    if not same.any():
        return same
    for at, byte in enumerate(word):
        same &= padded[np.minimum(start + at, len(padded) - 1)] == byte
    return same


def _read_fast(
    padded: npt.NDArray[np.uint8],
    start: Places,
    end: Places,
    grammar: Grammar,
    mantissa: npt.NDArray[np.int64],
    scales: npt.NDArray[np.int64],
    done: npt.NDArray[np.bool_],
) -> None:
    """Read every cell of the form [sign] digits [decimal sign, up to six digits]."""
    first = padded.take(np.minimum(start, len(padded) - 1))
    minus = first == _MINUS
    signs = minus | (first == _PLUS)
    begin = start + signs if signs.any() else start
    wide = int((end - begin).max(initial=0)) > 8  # noqa: PLR2004 - bytes of a word
    last = words(padded, end - 8)
    before = words(padded, end - PAD) if wide else None
    length = end - begin
    for scale in _likely_scales(padded, begin, end, done, grammar):
        value, good = _digits(last, before, length, scale, ord(grammar.decimal))
        good &= ~done
        if not grammar.signed:
            good &= ~minus | (value == 0)
        if good.all():
            mantissa[:], scales[:] = value, scale
        else:
            mantissa[good], scales[good] = value[good], scale
        done |= good
        if done.all():
            break
    np.negative(mantissa, out=mantissa, where=minus & done)


def _likely_scales(
    padded: npt.NDArray[np.uint8], begin: Places, end: Places, done: npt.NDArray[np.bool_], grammar: Grammar
) -> list[int]:
    """Return the numbers of decimals to try, that of the first open cell first."""
    open_rows = np.flatnonzero(~done)
    if not len(open_rows):
        return []
    row = open_rows[0]
    cell = padded[begin[row] : end[row]].tobytes()
    sign = cell.rfind(grammar.decimal.encode("latin-1"))
    guess = len(cell) - sign - 1 if sign >= 0 else 0
    return sorted(range(_MOST_DECIMALS + 1), key=lambda scale: (scale != guess, scale))


def _digits(
    last: Words, before: Words | None, length: Places, scale: int, decimal: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return values and which cells are digits with exactly `scale` of them behind the decimal sign."""
    count = length - 1 if scale else length
    good = (count > scale) & (count <= _MOST_WHOLE + scale)
    if scale:
        good &= ((last >> u64(8 * (7 - scale))) & u64(255)) == decimal
        part = _TOP[scale]
        below = u64(_ALL >> (8 * (scale + 1)))
        spill = before >> u64(56) if before is not None else u64(0)
        joined = (last & part) | ((last & below) << u64(8)) | spill
    else:
        joined = last
    value, clean = _eight(joined, np.clip(count, 0, 8))
    good &= clean
    if before is not None:
        front, clean = _eight(before << u64(8) if scale else before, np.clip(count - 8, 0, 8))
        value += front * 100_000_000
        good &= clean
    return value, good


def _eight(word: Words, count: Places) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return the number that the last `count` bytes of each word spell, and whether all are digits."""
    word = (word ^ _ZEROS) & _TOP.take(count)
    clean = ((word | (word + _OVER_NINE)) & _HIGH) == 0
    return _spelled(word).view(np.int64), clean


def _spelled(word: Words, digits: int = 8) -> Words:
    """Return the number that eight digits in a word spell, the first digit in its lowest byte.

    Args:
        word: the digits as numbers.
        digits: how many there are at most; the others are zero.
    """
    word *= u64(10 * 256 + 1)
    word >>= u64(8)
    word &= u64(0x00FF00FF00FF00FF)
    word *= u64(100 * 65_536 + 1)
    if digits <= WORD // 2:
        word >>= u64(48)
        return word
    word >>= u64(16)
    word &= u64(0x0000FFFF0000FFFF)
    word *= u64(10_000 * 4_294_967_296 + 1)
    word >>= u64(32)
    return word
