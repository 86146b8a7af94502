"""API tokens: shown once, stored as a hash, limited to one role and one end.

`apx_<centre>_<id>_<secret>_<crc>`: the prefix lets scanners of secrets find one that leaked, the checksum
tells a mistyped token from a wrong one without asking the database.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import re
import secrets
import zlib
from datetime import timedelta
from typing import TYPE_CHECKING

from ingestor.access.permissions import AccountRole, Caller
from ingestor.errors import Busy, DatabaseTrouble, Denied
from ingestor.ids import fresh
from ingestor.store import audit, tokens

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from ingestor.store.accounts import Account
    from ingestor.store.audit import Actor
    from ingestor.store.engine import Database

PATTERN = re.compile(r"apx_([a-z0-9-]{1,40})_([a-z2-7]{16})_([A-Za-z0-9_-]{43})_([0-9a-f]{8})")
_NOTE_USE_EVERY = timedelta(seconds=60)


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def issue(
    connection: Connection, account: Account, role: AccountRole, days: int, now: datetime, actor: Actor
) -> str:
    """Make a token for an account and return its text, which cannot be had again."""
    key = fresh("tok")
    secret = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    body = f"apx_{account.centre}_{key.removeprefix('tok-')}_{secret}"
    text = f"{body}_{_checksum(body)}"
    ends = now + timedelta(days=days)
    tokens.add(connection, tokens.Token(key, account.id, role.value, _hash(text), now, ends, None, None))
    audit.record(connection, actor, "issue_token", key, account=account.id, role=role.value, days=days)
    return text


def look_up(db: Database, text: str, now: datetime) -> tuple[Caller, bool]:
    """Return who holds this token, and whether it is time to note that it is in use. Reads only.

    Raises:
        Denied: `token_wrong`, `token_expired` or `token_revoked`.
    """
    match = PATTERN.fullmatch(text)
    if match is None or _checksum(text.rpartition("_")[0]) != match[4]:
        raise Denied("token_wrong")
    with db.read() as connection:
        found = tokens.find(connection, f"tok-{match[2]}")
    if found is None or not hmac.compare_digest(found[0].sha256, _hash(text)):
        raise Denied("token_wrong")
    token, account = found
    if token.revoked_at is not None or account.disabled_at is not None:
        raise Denied("token_revoked")
    if token.expires_at <= now:
        raise Denied("token_expired")
    role = AccountRole(token.role)
    caller = Caller(
        account.id, account.name, role, account.centre, account.ward, account.language, token=token.id
    )
    return caller, token.used_at is None or now - token.used_at > _NOTE_USE_EVERY


def note_use(db: Database, caller: Caller, now: datetime) -> None:
    """Note that a token is in use. A full disk or a busy writer must not keep programs out."""
    if caller.token is not None:
        with contextlib.suppress(Busy, DatabaseTrouble), db.write() as connection:
            tokens.touch(connection, caller.token, now)


def revoke_leaked(db: Database, text: str, now: datetime) -> int:
    """Revoke every token that stands in `text`, and return how many real ones were found."""
    found = 0
    for match in PATTERN.finditer(text):
        key = f"tok-{match[2]}"
        with db.read() as connection:
            row = tokens.find(connection, key)
        if row is None or not hmac.compare_digest(row[0].sha256, _hash(match[0])):
            continue
        found += 1
        with db.write() as connection:
            if tokens.revoke(connection, key, now):
                audit.record(connection, audit.Actor("guard", "none"), "revoke_token", key, "stood in a URL")
    return found
