"""Pseudonyms: the same for one patient and one purpose as long as the key lives, and of no use without it.

The key stands in `DATA/pseudonym.key`, readable by its owner alone. The database remembers which key it is, so
that a lost or exchanged key stops the program instead of silently giving everybody a new pseudonym.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import stat
from typing import TYPE_CHECKING

from ingestor.disk import sync_folder
from ingestor.errors import SettingsError
from ingestor.store import site

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ingestor.store.engine import Database

FILE = "pseudonym.key"
ANALYSIS = "analysis"
_FACT = "pseudonym_key"
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_KEY_BYTES = 32
_LETTERS = 26
_PREFIX = "ps-"


def _check_letter(body: str) -> str:
    """Return the letter that makes the Luhn sum modulo 32 vanish: one wrong letter is always found."""
    total = 0
    for place, letter in enumerate(reversed(body)):
        twice = _ALPHABET.index(letter) * (2 if place % 2 == 0 else 1)
        total += twice // 32 + twice % 32
    return _ALPHABET[-total % 32]


def is_pseudonym(text: str) -> bool:
    """Tell whether this has the form of a pseudonym and its check letter fits."""
    body = text.removeprefix(_PREFIX)
    fits = len(body) == _LETTERS + 1 and text.startswith(_PREFIX) and all(c in _ALPHABET for c in body)
    return fits and _check_letter(body[:-1]) == body[-1]


class Pseudonyms:
    """One key and what is made of it. Thread-safe: a value computed twice is the same.

    Args:
        key: 32 random bytes.
        purpose: pseudonyms of different purposes cannot be brought together without the key.
    """

    def __init__(self, key: bytes, purpose: str = ANALYSIS) -> None:
        self._key, self._purpose = key, purpose
        self._own = hmac.digest(key, f"purpose|{purpose}".encode(), "sha256")
        self._known: dict[str, str] = {}
        self._back: dict[str, str] = {}

    @property
    def key_id(self) -> str:
        """Name of the key; says nothing about it."""
        return hashlib.sha256(b"key|" + self._key).hexdigest()[:16]

    def for_purpose(self, purpose: str) -> Pseudonyms:
        """Return the pseudonyms of another purpose."""
        return Pseudonyms(self._key, purpose)

    def of(self, patient_id: str) -> str:
        """Return the pseudonym of a patient: `ps-`, 128 bits in base32, one check letter."""
        known = self._known.get(patient_id)
        if known is None:
            known = self._known[patient_id] = _PREFIX + self._letters("v1", patient_id)
            self._back[known] = patient_id
        return known

    def of_course(self, course: str) -> str:
        """Return the pseudonym of a course, whose own id would lead back to the patient."""
        return "cs-" + self._letters("course", course)

    def _letters(self, kind: str, text: str) -> str:
        digest = hmac.digest(self._own, f"{kind}|{text}".encode(), "sha256")[:16]
        body = base64.b32encode(digest).decode().lower().rstrip("=")
        return body + _check_letter(body)

    def patient_of(self, pseudonym: str, patients: Iterable[str]) -> str | None:
        """Return which of these patients has this pseudonym, or None."""
        if pseudonym not in self._back:
            for patient in patients:
                self.of(patient)
        return self._back.get(pseudonym)


def prepare_key(db: Database, data_dir: Path) -> Pseudonyms:
    """Return this store's pseudonyms; on the first start of a store make its key.

    Raises:
        SettingsError: `pseudonym_key_missing`, `pseudonym_key_changed`, `pseudonym_key_open` or
            `pseudonym_key_damaged`. Nothing was changed.
    """
    path = data_dir / FILE
    with db.read() as connection:
        wanted = site.fact(connection, _FACT)
    if not path.exists():
        if wanted is not None:
            raise SettingsError("pseudonym_key_missing", path=str(path))
        _make(path)
    found = Pseudonyms(_read(path))
    if wanted is None:
        with db.write() as connection:
            wanted = site.settle_fact(connection, _FACT, found.key_id)
    if wanted != found.key_id:
        raise SettingsError("pseudonym_key_changed", path=str(path))
    return found


def _make(path: Path) -> None:
    text = base64.b64encode(secrets.token_bytes(_KEY_BYTES)) + b"\n"
    temp = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(temp)
        except FileExistsError:
            return  # another process was first: its key is the key
    finally:
        temp.unlink()
    sync_folder(path.parent)


def _read(path: Path) -> bytes:
    if stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError("pseudonym_key_open", path=str(path))
    try:
        key = base64.b64decode(path.read_bytes().strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != _KEY_BYTES:
        raise SettingsError("pseudonym_key_damaged", path=str(path))
    return key
