"""Pseudonyms: the same for one patient and one purpose as long as the key lives, and of no use without it.

The key stands in `DATA/pseudonym.key`, readable by its owner alone. The database remembers which key it is, so
that a lost or exchanged key stops the program instead of silently giving everybody a new pseudonym. A key that takes
its place stands in `pseudonym-<key id>.key`; the former one is kept and still leads old pseudonyms back.
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
from ingestor.errors import Invalid, SettingsError
from ingestor.store import audit, site

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ingestor.store.audit import Actor
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
        former: earlier keys; pseudonyms made with them are still led back.
    """

    def __init__(self, key: bytes, purpose: str = ANALYSIS, former: Iterable[bytes] = ()) -> None:
        self._key, self.purpose = key, purpose
        self._former_keys = tuple(former)
        self.former = tuple(Pseudonyms(one, purpose) for one in self._former_keys)
        self._own = hmac.digest(key, f"purpose|{purpose}".encode(), "sha256")
        self._known: dict[str, str] = {}
        self._back: dict[str, str] = {}

    @property
    def key_id(self) -> str:
        """Name of the key; says nothing about it."""
        return key_id_of(self._key)

    def for_purpose(self, purpose: str) -> Pseudonyms:
        """Return the pseudonyms of another purpose."""
        return Pseudonyms(self._key, purpose, self._former_keys)

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
        """Return which of these patients has this pseudonym, or had it under a former key; else None."""
        if pseudonym not in self._back:
            known = list(patients)
            for patient in known:
                self.of(patient)
            if pseudonym not in self._back:
                found = (one.patient_of(pseudonym, known) for one in self.former)
                return next((patient for patient in found if patient is not None), None)
        return self._back.get(pseudonym)


def key_id_of(key: bytes) -> str:
    """Return the name of a key; it says nothing about the key."""
    return hashlib.sha256(b"key|" + key).hexdigest()[:16]


def prepare_key(db: Database, data_dir: Path) -> Pseudonyms:
    """Return this store's pseudonyms; on the first start of a store make its key.

    Raises:
        SettingsError: `pseudonym_key_missing`, `pseudonym_key_changed`, `pseudonym_key_open` or
            `pseudonym_key_damaged`. Nothing was changed.
    """
    path = data_dir / FILE
    with db.read() as connection:
        wanted = site.fact(connection, _FACT)
    if wanted is None and not path.exists():
        _write(path, secrets.token_bytes(_KEY_BYTES))
    found = keys_in(data_dir)
    if wanted is None:
        with db.write() as connection:
            wanted = site.settle_fact(connection, _FACT, key_id_of(_read(path)))
    if wanted not in found:
        raise SettingsError(
            "pseudonym_key_changed" if path.exists() else "pseudonym_key_missing", path=str(path)
        )
    return Pseudonyms(found[wanted], former=[key for name, key in found.items() if name != wanted])


def keys_in(data_dir: Path) -> dict[str, bytes]:
    """Return every key that stands in the data folder, by its name.

    Raises:
        SettingsError: `pseudonym_key_open`, `pseudonym_key_damaged`.
    """
    return {key_id_of(key): key for key in map(_read, sorted(data_dir.glob("pseudonym*.key")))}


def rotate(db: Database, data_dir: Path, actor: Actor, reason: str) -> tuple[str, str]:
    """Make a new key and use it from the next start on; return the names of the former and of the new one.

    Nothing else may run on this data: it would go on with the former key.
    """
    former = prepare_key(db, data_dir).key_id
    key = secrets.token_bytes(_KEY_BYTES)
    new = key_id_of(key)
    _write(data_dir / f"pseudonym-{new}.key", key)
    with db.write() as connection:
        site.set_fact(connection, _FACT, new)
        audit.record(connection, actor, "rotate-key", new, reason, former=former)
    return former, new


def put_back(data_dir: Path, key: bytes, wanted: str) -> Path:
    """Write a key that was kept elsewhere into the data folder again; return its file.

    Raises:
        Invalid: `escrow_other_key`: it is not the key that was wanted; nothing was written.
    """
    if len(key) != _KEY_BYTES or key_id_of(key) != wanted:
        raise Invalid("escrow_other_key", key_id=wanted)
    path = data_dir / FILE
    if path.exists():
        path = data_dir / f"pseudonym-{wanted}.key"
    _write(path, key)
    return path


def _write(path: Path, key: bytes) -> None:
    text = base64.b64encode(key) + b"\n"
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
