"""Who signs on elsewhere: an issuer's name for a person, and the account here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from ingestor.store.tables import sign_on

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


def account_of(connection: Connection, issuer: str, subject: str) -> str | None:
    """Return the account of a person, None the first time."""
    query = select(sign_on.c.account_id).where(sign_on.c.issuer == issuer, sign_on.c.subject == subject)
    return connection.execute(query).scalar()


def bind(connection: Connection, issuer: str, subject: str, account_id: str, now: datetime) -> None:
    """Remember whose account it is; names may change, issuer and subject do not."""
    connection.execute(
        insert(sign_on).values(issuer=issuer, subject=subject, account_id=account_id, created_at=now)
    )
