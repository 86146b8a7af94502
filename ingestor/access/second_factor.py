"""A second factor for a login: codes of 30 seconds from a secret that is shown once, and codes for the day it is lost.

Source: RFC 6238 (TOTP) over RFC 4226 (HOTP), SHA-1, six digits, steps of 30 s: what every authenticator app speaks.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from ingestor.errors import Denied, Invalid
from ingestor.store import second_factors

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

_STEP_S = 30
_DIGITS = 6
_SECRET_BYTES = 20
_RECOVERY_CODES, _RECOVERY_BYTES = 10, 15
# A clock may be half a minute off either way.
_WINDOW = (0, -1, 1)


def code_at(secret: str, step: int) -> str:
    """Return the code of a step; `secret` is base32 without padding."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, step.to_bytes(8, "big"), "sha1")
    at = digest[-1] & 0x0F
    number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**_DIGITS:0{_DIGITS}d}"


def step_of(now: datetime) -> int:
    """Return the number of the step in which a moment lies."""
    return int(now.timestamp()) // _STEP_S


def begin(connection: Connection, account: str, now: datetime) -> str:
    """Make a new secret, which counts once a code of it was given; return it."""
    secret = base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    second_factors.begin(connection, account, secret, now)
    return secret


def address(secret: str, name: str) -> str:
    """Return the address that authenticator apps read."""
    label = quote(f"apherelog:{name}")
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': 'apherelog'})}"


def confirm(connection: Connection, account: str, code: str, now: datetime) -> list[str]:
    """Let the begun secret count from now on; return recovery codes, each good once. They are not shown again.

    Raises:
        Invalid: `second_factor_code`: the code is not one of the begun secret.
    """
    factor = second_factors.of_account(connection, account)
    if factor is None or factor.confirmed_at is not None or not _took(connection, account, code, now):
        raise Invalid("second_factor_code")
    codes = [_recovery_code() for _ in range(_RECOVERY_CODES)]
    second_factors.confirm(connection, account, [_hash(one) for one in codes], now)
    return codes


def require(connection: Connection, account: str, code: str, now: datetime) -> None:
    """See that a login with this code is one; without a second factor any login is.

    Raises:
        Denied: `second_factor_needed` without a code; `second_factor_wrong`.
    """
    factor = second_factors.of_account(connection, account)
    if factor is None or factor.confirmed_at is None:
        return
    if not code.strip():
        raise Denied("second_factor_needed")
    if not (_took(connection, account, code, now) or _spent(connection, account, code)):
        raise Denied("second_factor_wrong")


def _took(connection: Connection, account: str, code: str, now: datetime) -> bool:
    """Tell whether this is a code of now, and take it: nobody can use it again."""
    factor = second_factors.of_account(connection, account)
    digits = "".join(code.split())
    if factor is None or len(digits) != _DIGITS or not (digits.isascii() and digits.isdigit()):
        return False
    for step in (step_of(now) + shift for shift in _WINDOW):
        if hmac.compare_digest(code_at(factor.secret, step), digits):
            return second_factors.take_step(connection, account, step)
    return False


def _spent(connection: Connection, account: str, code: str) -> bool:
    return second_factors.spend(connection, account, _hash(code))


def _recovery_code() -> str:
    letters = base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower()
    return "-".join(letters[i : i + 4] for i in range(0, len(letters), 4))


def _hash(code: str) -> str:
    plain = "".join(c for c in code.lower() if c.isalnum())
    return hashlib.sha256(f"recovery|{plain}".encode()).hexdigest()
