"""Passwords: what is good enough, and hashes that are slow on purpose.

Source: OWASP Password Storage Cheat Sheet for the Argon2id parameters (19 MiB, two passes, one lane);
NIST SP 800-63B section 3.1.1 for length and blocklist instead of rules of composition.
"""

from __future__ import annotations

import threading
import unicodedata
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from pwdlib.hashers.argon2 import Argon2Hasher

from ingestor.errors import Busy, Invalid

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORTEST = 8
LONGEST = 256
_MEMORY_KIB, _PASSES, _LANES = 19 * 1024, 2, 1
_DIFFERENT = 4
_DIGITS = 14
_PATIENCE_S = 10.0

_hasher = Argon2Hasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES)
# More at once would let a flood of logins take the machine's memory and both its cores.
_two_at_once = threading.BoundedSemaphore(2)


@cache
def _common() -> frozenset[str]:
    lines = files("ingestor.access").joinpath("common_passwords.txt").read_text("utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


def require_good(password: str, name: str = "") -> None:
    """See that a new password is not one of the first that anybody would try.

    Raises:
        Invalid: `password_short`, `password_long`, `password_common`.
    """
    plain = _plain(password)
    if len(plain) < SHORTEST:
        raise Invalid("password_short", least=SHORTEST)
    if len(plain) > LONGEST:
        raise Invalid("password_long", most=LONGEST)
    folded = plain.casefold()
    stem = folded.rstrip("0123456789!?.,;:-_+*#$%&/() ")
    known = {folded, stem} & (_common() | {name.casefold()})
    only_digits = not stem and len(plain) < _DIGITS
    if known or only_digits or len(set(folded)) < _DIFFERENT or folded in _runs():
        raise Invalid("password_common")


@cache
def _runs() -> frozenset[str]:
    rows = ("abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "qwertzuiopü", "qwertyuiop", "asdfghjklöä")
    both = [r for row in rows for r in (row, row[::-1])]
    return frozenset(
        row[i : i + n] for row in both for n in range(SHORTEST, len(row) + 1) for i in range(len(row) - n + 1)
    )


def hashed(password: str) -> str:
    """Return the Argon2id hash that is stored.

    Raises:
        Busy: too many are being hashed.
    """
    with _turn():
        return _hasher.hash(_plain(password))


def matches(password: str, stored: str | None) -> bool:
    """Tell whether this is the password; takes as long for an account that does not exist (`stored` None).

    Raises:
        Busy: too many are being checked.
    """
    with _turn():
        found = _hasher.verify(_plain(password)[: LONGEST + 1], stored or _nobody())
    return found and stored is not None


@cache
def _nobody() -> str:
    return _hasher.hash("nobody's password")


@contextmanager
def _turn() -> Iterator[None]:
    if not _two_at_once.acquire(timeout=_PATIENCE_S):
        raise Busy
    try:
        yield
    finally:
        _two_at_once.release()


def _plain(password: str) -> str:
    """Return one form for what different keyboards make of the same letters."""
    return unicodedata.normalize("NFKC", password)
