"""Local accounts and their logins. Of a secret only its hash comes here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from ingestor.errors import Invalid, NotFound
from ingestor.ids import fresh
from ingestor.store.tables import account, login

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row


@dataclass(frozen=True, slots=True)
class Account:
    """A person, or a machine that hands files in.

    Attributes:
        password: Argon2id hash; None: this account has tokens only.
    """

    id: str
    centre: str
    name: str
    role: str
    ward: str | None
    password: str | None
    language: str | None
    created_at: datetime
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Login:
    """One login of one account; `sha256` is the hash of the secret that the browser keeps."""

    sha256: str
    account_id: str
    created_at: datetime
    seen_at: datetime
    ended_at: datetime | None


_FIND = (
    select(*login.c, *(c.label(f"account_{c.name}") for c in account.c))
    .join(account)
    .where(login.c.sha256 == bindparam("sha256"))
)


def _account(row: Row[tuple[object, ...]] | None) -> Account | None:
    return Account(**row._mapping) if row is not None else None


def add(
    connection: Connection,
    centre_id: str,
    name: str,
    role: str,
    now: datetime,
    *,
    password: str | None = None,
    ward: str | None = None,
) -> str:
    """Add an account and return its id.

    Raises:
        Invalid: the name is taken.
    """
    key = fresh("acc")
    values = {"id": key, "centre": centre_id, "name": name, "role": role, "ward": ward, "created_at": now}
    try:
        with connection.begin_nested():
            connection.execute(insert(account).values(password=password, **values))
    except IntegrityError:
        raise Invalid("name_taken", name=name) from None
    return key


def by_name(connection: Connection, name: str) -> Account | None:
    """Return the account of this name, or None."""
    return _account(connection.execute(select(account).where(account.c.name == name)).one_or_none())


def by_id(connection: Connection, key: str) -> Account | None:
    """Return an account, or None."""
    return _account(connection.execute(select(account).where(account.c.id == key)).one_or_none())


def everybody(connection: Connection, centre_id: str) -> list[Account]:
    """Return all accounts of a centre by name."""
    query = select(account).where(account.c.centre == centre_id).order_by(account.c.name)
    return [Account(**row._mapping) for row in connection.execute(query)]


def _change(connection: Connection, key: str, **values: object) -> None:
    if connection.execute(update(account).where(account.c.id == key).values(**values)).rowcount == 0:
        raise NotFound("no_such_account")


def set_password(connection: Connection, key: str, password: str) -> None:
    """Replace the hash of a password."""
    _change(connection, key, password=password)


def set_language(connection: Connection, key: str, language: str) -> None:
    """Keep the language that a user chose."""
    _change(connection, key, language=language)


def set_role(connection: Connection, key: str, role: str, ward: str | None) -> None:
    """Give an account another role and ward."""
    _change(connection, key, role=role, ward=ward)


def disable(connection: Connection, key: str, now: datetime) -> None:
    """Close an account and all its logins; its tokens stop with it."""
    _change(connection, key, disabled_at=now)
    end_all(connection, key, now)


def enable(connection: Connection, key: str) -> None:
    """Open a closed account again; its logins stay ended."""
    _change(connection, key, disabled_at=None)


def open_login(connection: Connection, sha256: str, account_id: str, now: datetime) -> None:
    """Register a login."""
    connection.execute(
        insert(login).values(sha256=sha256, account_id=account_id, created_at=now, seen_at=now)
    )


def find_login(connection: Connection, sha256: str) -> tuple[Login, Account] | None:
    """Return a login with its account, ended ones included."""
    row = connection.execute(_FIND, {"sha256": sha256}).one_or_none()
    if row is None:
        return None
    given = tuple(row)
    return Login(*given[: len(login.c)]), Account(*given[len(login.c) :])


def touch_login(connection: Connection, sha256: str, now: datetime) -> None:
    """Note that a login is in use."""
    connection.execute(update(login).where(login.c.sha256 == sha256).values(seen_at=now))


def end_login(connection: Connection, sha256: str, now: datetime) -> None:
    """End one login for good."""
    query = update(login).where(login.c.sha256 == sha256, login.c.ended_at.is_(None))
    connection.execute(query.values(ended_at=now))


def end_all(connection: Connection, account_id: str, now: datetime) -> None:
    """End all logins of an account."""
    query = update(login).where(login.c.account_id == account_id, login.c.ended_at.is_(None))
    connection.execute(query.values(ended_at=now))
