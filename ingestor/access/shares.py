"""A key in several sheets of paper: any few of them give it back, one fewer say nothing about it at all.

Source: A. Shamir, "How to share a secret", Communications of the ACM 22 (1979) 612-613, byte by byte over the field
of 256 elements with the polynomial of FIPS 197, section 4.2.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import zlib
from functools import reduce
from typing import TYPE_CHECKING

from ingestor.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

_MARK = "APHK1"
_POLYNOMIAL = 0x11B
_GROUP = 4
_CHECK_BYTES = 4


def _tables() -> tuple[list[int], list[int]]:
    powers, logs, value = [0] * 510, [0] * 256, 1
    for exponent in range(255):
        powers[exponent] = powers[exponent + 255] = value
        logs[value] = exponent
        doubled = value << 1
        value = (doubled ^ (_POLYNOMIAL if doubled > 0xFF else 0)) ^ value  # noqa: PLR2004 - one byte
    return powers, logs


_POWERS, _LOGS = _tables()


def _times(a: int, b: int) -> int:
    return _POWERS[_LOGS[a] + _LOGS[b]] if a and b else 0


def _over(a: int, b: int) -> int:
    return _POWERS[_LOGS[a] - _LOGS[b] + 255] if a else 0


def split(secret: bytes, sheets: int, needed: int) -> list[str]:
    """Return one text a sheet; any `needed` of them give the secret back.

    Raises:
        Invalid: `escrow_numbers`: not 2 <= needed <= sheets <= 9.
    """
    if not 2 <= needed <= sheets <= 9:  # noqa: PLR2004 - as documented
        raise Invalid("escrow_numbers")
    curves = [(byte, *secrets.token_bytes(needed - 1)) for byte in secret]
    return [_text(x, bytes(_at(curve, x) for curve in curves)) for x in range(1, sheets + 1)]


def _at(curve: Sequence[int], x: int) -> int:
    return reduce(lambda sum_, factor: _times(sum_, x) ^ factor, reversed(curve), 0)


def _text(x: int, share: bytes) -> str:
    body = bytes([x]) + share
    checked = body + zlib.crc32(body).to_bytes(_CHECK_BYTES, "big")
    letters = base64.b32encode(checked).decode().rstrip("=")
    return "-".join([_MARK, *(letters[i : i + _GROUP] for i in range(0, len(letters), _GROUP))])


def _read(text: str) -> tuple[int, bytes]:
    letters = "".join(text.upper().split()).replace("-", "").removeprefix(_MARK)
    try:
        checked = base64.b32decode(letters + "=" * (-len(letters) % 8))
    except binascii.Error:
        checked = b""
    body = checked[:-_CHECK_BYTES]
    if len(body) < 2 or zlib.crc32(body).to_bytes(_CHECK_BYTES, "big") != checked[-_CHECK_BYTES:]:  # noqa: PLR2004 - a number and a byte
        raise Invalid("escrow_sheet")
    return body[0], body[1:]


def joined(texts: Sequence[str]) -> bytes:
    """Return the secret of some sheets. Too few of them give another secret: compare its key id.

    Raises:
        Invalid: `escrow_sheet`: a text was mistyped, or the sheets are not different ones of one secret.
    """
    read = [_read(text) for text in texts]
    places = [x for x, _ in read]
    if not read or len(set(places)) < len(places) or len({len(share) for _, share in read}) > 1:
        raise Invalid("escrow_sheet")
    weights = [reduce(_times, (_over(other, other ^ x) for other in places if other != x), 1) for x in places]
    return bytes(
        reduce(int.__xor__, (_times(w, share[i]) for w, (_, share) in zip(weights, read, strict=True)))
        for i in range(len(read[0][1]))
    )
