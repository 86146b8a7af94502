"""`apherelog users`: accounts and tokens."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from ingestor.access import passwords, tokens
from ingestor.access.permissions import AccountRole
from ingestor.commands.front import Front, pass_front
from ingestor.errors import Invalid, NotFound
from ingestor.store import accounts, audit
from ingestor.store import tokens as stored_tokens

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ingestor.store.accounts import Account

_ROLE = click.Choice([role.value for role in AccountRole])
_NAME = 120


@click.group()
def users() -> None:
    """Accounts, their roles and their tokens."""


@users.command()
@click.argument("name")
@click.option("--role", type=_ROLE, required=True, help="What the account is for.")
@click.option("--ward", help="Id of the ward whose sessions it may see; all by default.")
@pass_front
def add(front: Front, name: str, role: str, ward: str | None) -> None:
    """Add an account. The password comes from standard input, or is asked for twice.

    Without one (standard input is empty) the account has tokens only.
    """
    name = _good_name(name)
    password = _password() if role != AccountRole.AGENT else None
    if password is not None:
        passwords.require_good(password, name)
    with front.store() as (settings, db), db.write() as connection:
        key = accounts.add(
            connection, settings.centre, name, role, datetime.now(UTC), ward=ward,
            password=passwords.hashed(password) if password else None,
        )  # fmt: skip
        audit.record(connection, front.actor(), "add_account", key, role=role)
    front.emit(
        {"id": key, "name": name, "role": role, "password": password is not None},
        f"{name} ({role}) was added.",
    )
    if password is None:
        front.tell(
            f"No password was given: {name} cannot sign in with a browser and has tokens only"
            f" (apherelog users token {name}). To set one: apherelog users password {name}"
        )


@users.command("list")
@pass_front
def show(front: Front) -> None:
    """List accounts and their tokens; secrets are not kept and not shown."""
    with front.store() as (settings, db), db.read() as connection:
        rows = [_shown(connection, a) for a in accounts.everybody(connection, settings.centre)]
    for row in rows:
        state = "closed" if row["disabled_at"] else f"{len(row['tokens'])} tokens"
        front.emit(row, f"{row['name']}  {row['role']}  {state}")
    if not rows:
        front.tell("There are no accounts yet: apherelog users add NAME --role ROLE")


@users.command()
@click.argument("name")
@click.option("--role", type=_ROLE, help="What the token may do; the account's role by default.")
@click.option(
    "--days", type=click.IntRange(1, 3650), default=90, show_default=True, help="Days until it ends."
)
@pass_front
def token(front: Front, name: str, role: str | None, days: int) -> None:
    """Make a token for programs. It is shown once."""
    with front.store() as (_, db), db.write() as connection:
        account = _account(connection, name)
        chosen = AccountRole(role or account.role)
        text = tokens.issue(connection, account, chosen, days, datetime.now(UTC), front.actor())
    if front.json:
        front.emit({"token": text, "role": chosen.value, "days": days})
    else:
        click.echo(text)
    front.tell("Keep this token safe: it is not stored and cannot be shown again.")


@users.command()
@click.argument("name")
@pass_front
def password(front: Front, name: str) -> None:
    """Set a new password, read like that of `add`; ends all logins of the account."""
    with front.store() as (_, db):
        new = _password() or ""
        passwords.require_good(new, name)
        stored = passwords.hashed(new)
        with db.write() as connection:
            key = _account(connection, name).id
            accounts.set_password(connection, key, stored)
            accounts.end_all(connection, key, datetime.now(UTC))
            audit.record(connection, front.actor(), "set_password", key)
    front.emit({"name": name, "password": "changed"}, "The password was changed.")


@users.command()
@click.argument("name")
@pass_front
def close(front: Front, name: str) -> None:
    """Close an account: its logins and tokens stop at once; what it did stays on record."""
    with front.store() as (_, db), db.write() as connection:
        key = _account(connection, name).id
        accounts.disable(connection, key, datetime.now(UTC))
        audit.record(connection, front.actor(), "close_account", key)
    front.emit({"name": name, "closed": True}, f"{name} was closed.")


def _account(connection: Connection, name: str) -> Account:
    found = accounts.by_name(connection, name)
    if found is None:
        raise NotFound("no_such_account", name=name)
    return found


def _shown(connection: Connection, one: Account) -> dict[str, Any]:
    hidden = {"password", "centre", "sha256", "account_id"}
    mine = stored_tokens.of_account(connection, one.id)
    return {k: v for k, v in asdict(one).items() if k not in hidden} | {
        "tokens": [{k: v for k, v in asdict(t).items() if k not in hidden} for t in mine]
    }


def _good_name(name: str) -> str:
    """Return the name as it is stored: printable, one line, no blanks around it."""
    plain = name.strip()
    if not 0 < len(plain) <= _NAME or not plain.isprintable():
        raise Invalid("account_name")
    return plain


def _password() -> str | None:
    """Return the password typed or piped in; None if the pipe is empty."""
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    line = sys.stdin.readline()
    return line.rstrip("\r\n") if line else None
