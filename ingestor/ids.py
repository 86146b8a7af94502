"""Identities: derived where the thing itself says who it is, random where a person made it."""

from __future__ import annotations

import base64
import hashlib
import secrets


def derived(prefix: str, *parts: str) -> str:
    """Return the identity of a thing that is known by `parts`: the same parts, the same identity, everywhere.

    80 bits of SHA-256 in lower-case base32, so that two sites or two databases agree without asking each other.
    """
    digest = hashlib.sha256("\x1f".join((prefix, *parts)).encode()).digest()[:10]
    return f"{prefix}-{base64.b32encode(digest).decode().lower()}"


def fresh(prefix: str) -> str:
    """Return a new random identity of 80 bits."""
    return f"{prefix}-{base64.b32encode(secrets.token_bytes(10)).decode().lower()}"
