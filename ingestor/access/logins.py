"""Logins: a random secret in the browser, its hash in the database, an end after idleness and after a shift."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from ingestor.access import passwords, second_factor
from ingestor.access.permissions import AccountRole, Caller
from ingestor.errors import Busy, DatabaseTrouble, Denied
from ingestor.store import accounts, audit

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from ingestor.store.accounts import Account
    from ingestor.store.engine import Database

IDLE = timedelta(minutes=30)
WHOLE = timedelta(hours=12)
_NOTE_USE_EVERY = timedelta(seconds=60)
NOBODY = audit.Actor("nobody", "none")


@dataclass(frozen=True, slots=True)
class Opened:
    """A login just made; `secret` goes to the browser and is kept nowhere else."""

    secret: str
    caller: Caller


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def form_token(secret: str) -> str:
    """Return what each form of this login carries; it cannot be had without the secret."""
    return hashlib.sha256(f"form|{secret}".encode()).hexdigest()[:32]


def _caller(account: Account, login: str) -> Caller:
    role = AccountRole(account.role)
    return Caller(account.id, account.name, role, account.centre, account.ward, account.language, login=login)


def log_in(db: Database, name: str, password: str, now: datetime, code: str = "") -> Opened:
    """Check name, password and, where the account has a second factor, its code; open a login.

    Raises:
        Denied: `login_wrong`; the same answer, after the same time, whatever was wrong. With the right password:
            `second_factor_needed`, `second_factor_wrong`.
        Busy: too many logins at once.
    """
    account = _checked(db, name, password)
    try:
        with db.write() as connection:
            second_factor.require(connection, account.id, code, now)
            return open_for(connection, account, now)
    except Denied as error:
        if error.code == "second_factor_wrong":
            with db.write() as connection:
                audit.record(connection, NOBODY, "login_failed", account.id, factor="second")
        raise


def open_for(connection: Connection, account: Account, now: datetime, way: str = "password") -> Opened:
    """Open a login for an account that proved who it is."""
    secret = secrets.token_urlsafe(32)
    accounts.open_login(connection, _hash(secret), account.id, now)
    audit.record(connection, audit.Actor(account.name, account.role), "login", account.id, way=way)
    return Opened(secret, _caller(account, _hash(secret)))


def vouch(db: Database, name: str, password: str) -> Caller:
    """Check name and password of somebody who confirms what another one does; no login is opened.

    Raises:
        Denied: `login_wrong`.
        Busy: too many logins at once.
    """
    account = _checked(db, name, password)
    return _caller(account, "")


def _checked(db: Database, name: str, password: str) -> Account:
    with db.read() as connection:
        account = accounts.by_name(connection, name)
    usable = account.password if account and account.disabled_at is None else None
    good = passwords.matches(password, usable)
    if account is None or not good:
        with db.write() as connection:
            # A name that nobody has may be a password typed into the wrong field: it is written nowhere.
            audit.record(connection, NOBODY, "login_failed", account.id if account else "unknown")
        raise Denied("login_wrong")
    return account


def look_up(db: Database, secret: str, now: datetime) -> tuple[Caller, bool]:
    """Return who holds this secret, and whether it is time to note that the login is in use. Reads only.

    Raises:
        Denied: `login_needed`, or `login_over` where there was a login that has ended.
    """
    with db.read() as connection:
        found = accounts.find_login(connection, _hash(secret))
    if found is None:
        raise Denied("login_needed")
    login, account = found
    over = now - login.seen_at > IDLE or now - login.created_at > WHOLE
    if over or login.ended_at is not None or account.disabled_at is not None:
        raise Denied("login_over")
    return _caller(account, login.sha256), now - login.seen_at > _NOTE_USE_EVERY


def note_use(db: Database, caller: Caller, now: datetime) -> None:
    """Note that a login is in use. A full disk or a busy writer must not throw people out."""
    if caller.login is not None:
        with contextlib.suppress(Busy, DatabaseTrouble), db.write() as connection:
            accounts.touch_login(connection, caller.login, now)


def log_out(db: Database, caller: Caller, now: datetime) -> None:
    """End the caller's login; its secret is worth nothing from now on."""
    if caller.login is None:
        return
    with db.write() as connection:
        accounts.end_login(connection, caller.login, now)
        audit.record(connection, audit.Actor(caller.name, caller.role.value), "logout", caller.account)
