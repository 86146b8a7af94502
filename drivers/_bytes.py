"""Bytes and where they stand, looked at for many places at once: eight bytes or sixty-four bits at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Bytes = npt.NDArray[np.uint8]
    Bools = npt.NDArray[np.bool_]
    Places = npt.NDArray[np.int64]
    Words = npt.NDArray[np.uint64]

WORD = 8
_BITS = np.uint64(64)
_REACH = 64
_ONE = np.uint64(1)


def u64(value: int) -> np.uint64:
    """Return a word."""
    return np.uint64(value)


def words(padded: Bytes, at: Places) -> Words:
    """Return eight bytes from each place as one little-endian word.

    Args:
        padded: bytes, aligned, with at least sixteen of them behind the last place.
        at: places.
    """
    whole = padded[: len(padded) // WORD * WORD].view(np.uint64)
    return _across(whole, at >> 3, (at & 7) << 3)


def _across(whole: Words, at: Places, shift: Places) -> Words:
    """Return words that begin so many bits behind the beginning of one."""
    low = whole.take(at)
    high = whole.take(at + 1)
    bits = shift.view(np.uint64)
    low >>= bits
    high <<= _BITS - bits  # by 64 bits nothing is left
    low |= high
    return low


class Marks:
    """Where a byte stands in a text, as one bit for each byte.

    Args:
        text: bytes.
        low: the first that is looked at.
        high: the one behind the last.
        byte: that is looked for.
    """

    def __init__(self, text: Bytes, low: int, high: int, byte: int) -> None:
        self._low = low & ~63
        bits = np.packbits(text[self._low : high] == byte, bitorder="little")
        self._whole = np.zeros(len(bits) // WORD + 3, np.uint64)
        self._whole.view(np.uint8)[: len(bits)] = bits

    def between(self, start: Places, end: Places, times: int) -> list[Places] | None:
        """Return where the byte stands in each stretch of text, one array for each time that it does.

        Args:
            start: where the stretches begin, none before `low`.
            end: where they end, none behind `high`.
            times: how often it stands in each.

        Returns:
            None if it stands more or less often in some stretch, or not once in sixty-four bytes.
        """
        found: list[Places] = []
        base, bits = start, self._bits(start)
        for _ in range(times):
            if not bits.all():
                base = start
                bits = self._bits(base)
                if not bits.all():
                    return None
            below = bits - _ONE
            stop = base + np.bitwise_count(below & ~bits)
            if (stop >= end).any():
                return None
            bits &= below
            found.append(stop)
            start = stop + 1
        if int((end - base).max()) > _REACH:
            base, bits = start, self._bits(start)
        rest = (end - base).view(np.uint64)
        within = bits & ((_ONE << rest) - _ONE)
        return None if within.any() or int(rest.max()) > _REACH else found

    def _bits(self, start: Places) -> Words:
        """Return sixty-four bits from each place."""
        return _across(self._whole, (start - self._low) >> 6, start & 63)
