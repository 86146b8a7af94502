"""Text as machines print it: decoding by a declared list, a strict grammar of numbers, safe display.

Nothing here guesses. A byte, a digit or a sign that the layout did not declare gives no value.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from ingestor.driver import Number, ParseError

_BOMS = (
    ("utf-8", codecs.BOM_UTF8),
    ("utf-16-le", codecs.BOM_UTF16_LE),
    ("utf-16-be", codecs.BOM_UTF16_BE),
)
# Source: Unicode 15, general categories Cc and Cs, the bidirectional controls and the zero-width signs.
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def decode(data: bytes, declared: tuple[str, ...], member: str = "") -> tuple[str, str]:
    """Return the text without byte order mark, and the codec it was read with.

    A byte order mark decides where there is one; else the first declared codec that reads every byte.
    `utf-16` stands for either order with a mark; without a mark the order has to be declared.

    Args:
        data: the bytes, cut at a whole character.
        declared: codec names in order of preference.
        member: for the error.

    Raises:
        ParseError: `undecodable`, with the line where the first declared codec fails.
    """
    mark = next(((name, bom) for name, bom in _BOMS if data.startswith(bom)), None)
    names = tuple(name for name in declared if name != "utf-16")
    if mark is not None and (mark[0] in names or (mark[0].startswith("utf-16") and "utf-16" in declared)):
        names, data = (mark[0],), data[len(mark[1]) :]
    failed: UnicodeDecodeError | None = None
    for name in names:
        try:
            return data.decode(name), name
        except UnicodeDecodeError as error:
            failed = failed or error
    at = failed.start if failed else 0
    line = data.count(b"\n", 0, at) + 1
    raise ParseError(member, line, " or ".join(declared), repr(data[at : at + 16]), "undecodable")


def printed(text: str) -> str:
    r"""Return text that is safe to store and to show: NFC, hidden signs and controls written as `\uXXXX`."""
    if text.isascii() and text.isprintable():
        return text
    return _HIDDEN.sub(lambda m: f"\\u{ord(m[0]):04x}", unicodedata.normalize("NFC", text))


_COUNT = re.compile("[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Grammar:
    """How a layout prints numbers.

    Attributes:
        decimal: the decimal sign.
        thousands: the sign between groups of three digits; empty where the layout has none.
        signed: False refuses a minus sign before anything but zero.
        decimals: digits at the end that are decimals though no sign is printed (`402` with 1 is 40.2).
    """

    decimal: str = "."
    thousands: str = ""
    signed: bool = True
    decimals: int = 0

    def value(self, text: str) -> Decimal | None:
        """Return the exact value, or None where the text does not obey the grammar.

        Up to nine digits and six decimals, ASCII only; no exponent, no NaN, no bare sign.
        """
        match = _pattern(self.decimal, self.thousands).fullmatch(text.strip(" "))
        if match is None:
            return None
        sign, whole, part = match.groups()
        if self.thousands:
            whole = whole.replace(self.thousands, "")
        number = Decimal(f"{whole}.{part}" if part else whole)
        if self.decimals:
            number = number.scaleb(-self.decimals)
        if sign != "-" or not number:
            return number
        return -number if self.signed else None

    def number(self, text: str, unit: str) -> Number:
        """Return the printed number with its text kept."""
        return Number(printed(text.strip(" ")), unit, self.value(text))


@cache
def _pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    whole = r"\d{1,9}"
    if thousands:
        whole = rf"\d{{1,3}}(?:{re.escape(thousands)}\d{{3}}){{1,2}}|{whole}"
    return re.compile(rf"([+-]?)({whole})(?:{re.escape(decimal)}(\d{{1,6}}))?", re.ASCII)


def whole_number(text: str) -> int | None:
    """Return a printed count, or None."""
    text = text.strip(" ")
    return int(text) if _COUNT.fullmatch(text) else None
