"""API tokens. Only the hash of a token comes here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, insert, select, update

from ingestor.store.accounts import Account
from ingestor.store.tables import account, token

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Token:
    """One token of one account; `role` is what it may do, whatever the account may."""

    id: str
    account_id: str
    role: str
    sha256: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


_FIND = (
    select(*token.c, *(c.label(f"account_{c.name}") for c in account.c))
    .join(account)
    .where(token.c.id == bindparam("key"))
)


def add(connection: Connection, one: Token) -> None:
    """Register a token."""
    connection.execute(
        insert(token).values(
            id=one.id, account_id=one.account_id, role=one.role, sha256=one.sha256, created_at=one.created_at,
            expires_at=one.expires_at,
        )
    )  # fmt: skip


def find(connection: Connection, key: str) -> tuple[Token, Account] | None:
    """Return a token with its account, expired and revoked ones included."""
    row = connection.execute(_FIND, {"key": key}).one_or_none()
    if row is None:
        return None
    given = tuple(row)
    return Token(*given[: len(token.c)]), Account(*given[len(token.c) :])


def of_account(connection: Connection, account_id: str) -> list[Token]:
    """Return all tokens of an account, newest first."""
    query = select(token).where(token.c.account_id == account_id).order_by(token.c.created_at.desc())
    return [Token(**row._mapping) for row in connection.execute(query)]


def touch(connection: Connection, key: str, now: datetime) -> None:
    """Note that a token is in use."""
    connection.execute(update(token).where(token.c.id == key).values(used_at=now))


def revoke(connection: Connection, key: str, now: datetime) -> bool:
    """End a token for good; return whether it was alive."""
    query = update(token).where(token.c.id == key, token.c.revoked_at.is_(None)).values(revoked_at=now)
    return connection.execute(query).rowcount > 0
