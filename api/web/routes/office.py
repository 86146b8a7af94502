"""Accounts and tokens, for the administrator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from api.web.door import Visit, changing, seeing
from ingestor.access import passwords, tokens
from ingestor.access.permissions import AccountRole, Permission
from ingestor.errors import Invalid, NotFound
from ingestor.store import accounts, audit, places, second_factors
from ingestor.store import tokens as stored_tokens

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ingestor.store.accounts import Account

router = APIRouter()
_NAME, _DAYS = 120, 3650


@router.get("/accounts")
def overview(visit: Annotated[Visit, seeing(Permission.MANAGE_USERS)]) -> Response:
    """Show all accounts, and a form for a new one."""
    house = visit.house
    with house.db.read() as connection:
        rows = accounts.everybody(connection, house.centre)
        wards = places.wards(connection, house.centre)
    names = {one.id: one.name for one in wards}
    return visit.page("accounts.html", rows=rows, wards=wards, names=names, roles=list(AccountRole))


def _role(visit: Visit) -> AccountRole:
    try:
        return AccountRole(visit.field("role"))
    except ValueError:
        raise NotFound from None


def _ward(visit: Visit, connection: Connection) -> str | None:
    chosen = visit.field("ward") or None
    if chosen is not None:
        places.require_ward(connection, visit.house.centre, chosen)
    return chosen


@router.post("/accounts")
def add(visit: Annotated[Visit, changing(Permission.MANAGE_USERS)]) -> Response:
    """Add an account; without a password it has tokens only."""
    name, role, password = visit.field("name", _NAME + 1), _role(visit), visit.form.get("password", "")
    if not 0 < len(name) <= _NAME or not name.isprintable():
        raise Invalid("account_name")
    if password:
        passwords.require_good(password, name)
    hashed = passwords.hashed(password) if password else None
    house = visit.house
    with house.db.write() as connection:
        ward = _ward(visit, connection)
        key = accounts.add(
            connection, house.centre, name, role.value, house.now(), password=hashed, ward=ward
        )
        audit.record(connection, visit.actor, "add_account", key, role=role.value, ward=ward)
    return RedirectResponse(f"/accounts/{key}", 303)


def _account(visit: Visit, connection: Connection, key: str) -> Account:
    found = accounts.by_id(connection, key)
    if found is None or found.centre != visit.house.centre:
        raise NotFound("no_such_account", name="")
    return found


@router.get("/accounts/{key}")
def show(visit: Annotated[Visit, seeing(Permission.MANAGE_USERS)], key: str) -> Response:
    """Show one account with its tokens."""
    return _page(visit, key)


def _page(visit: Visit, key: str, secret: str | None = None) -> Response:
    with visit.house.db.read() as connection:
        context: dict[str, Any] = {
            "one": _account(visit, connection, key), "tokens": stored_tokens.of_account(connection, key),
            "wards": places.wards(connection, visit.house.centre), "roles": list(AccountRole),
            "factor": second_factors.is_confirmed(connection, key), "secret": secret, "now": visit.house.now(),
        }  # fmt: skip
    return visit.page("account_one.html", **context)


@router.post("/accounts/{key}/place")
def change(visit: Annotated[Visit, changing(Permission.MANAGE_USERS)], key: str) -> Response:
    """Give an account another role or ward."""
    role = _role(visit)
    with visit.house.db.write() as connection:
        one = _account(visit, connection, key)
        if one.id == visit.caller.account and role.value != one.role:
            raise Invalid("own_account")
        ward = _ward(visit, connection)
        accounts.set_role(connection, key, role.value, ward)
        if one.id != visit.caller.account:
            accounts.end_all(connection, key, visit.house.now())
        audit.record(connection, visit.actor, "change_account", key, role=role.value, ward=ward)
    return RedirectResponse(f"/accounts/{key}", 303)


@router.post("/accounts/{key}/password")
def set_password(visit: Annotated[Visit, changing(Permission.MANAGE_USERS)], key: str) -> Response:
    """Set a new password for somebody who forgot it; all logins end."""
    password = visit.form.get("password", "")
    with visit.house.db.read() as connection:
        name = _account(visit, connection, key).name
    passwords.require_good(password, name)
    hashed = passwords.hashed(password)
    with visit.house.db.write() as connection:
        accounts.set_password(connection, key, hashed)
        accounts.end_all(connection, key, visit.house.now())
        audit.record(connection, visit.actor, "set_password", key)
    return RedirectResponse(f"/accounts/{key}", 303)


@router.post("/accounts/{key}/close")
def close(visit: Annotated[Visit, changing(Permission.MANAGE_USERS)], key: str) -> Response:
    """Close the account of somebody who leaves: logins and tokens stop at once."""
    with visit.house.db.write() as connection:
        if _account(visit, connection, key).id == visit.caller.account:
            raise Invalid("own_account")
        accounts.disable(connection, key, visit.house.now())
        audit.record(connection, visit.actor, "close_account", key)
    return RedirectResponse(f"/accounts/{key}", 303)


@router.post("/accounts/{key}/open")
def reopen(visit: Annotated[Visit, changing(Permission.MANAGE_USERS)], key: str) -> Response:
    """Open a closed account again; its logins stay ended, its tokens revoked."""
    with visit.house.db.write() as connection:
        _account(visit, connection, key)
        for one in stored_tokens.of_account(connection, key):
            stored_tokens.revoke(connection, one.id, visit.house.now())
        accounts.enable(connection, key)
        audit.record(connection, visit.actor, "open_account", key)
    return RedirectResponse(f"/accounts/{key}", 303)


@router.post("/accounts/{key}/factor")
def remove_factor(visit: Annotated[Visit, changing(Permission.MANAGE_USERS)], key: str) -> Response:
    """Take a second factor off that was lost with its recovery codes."""
    with visit.house.db.write() as connection:
        if _account(visit, connection, key).id == visit.caller.account:
            raise Invalid("own_account")
        second_factors.remove(connection, key)
        audit.record(connection, visit.actor, "remove_second_factor", key)
    return RedirectResponse(f"/accounts/{key}", 303)


@router.post("/accounts/{key}/tokens")
def issue(visit: Annotated[Visit, changing(Permission.MANAGE_USERS)], key: str) -> Response:
    """Make a token and show it, once."""
    days = visit.field("days", 4)
    if not (days.isascii() and days.isdecimal() and 0 < int(days) <= _DAYS):
        raise Invalid("page_number", value=days)
    with visit.house.db.write() as connection:
        one = _account(visit, connection, key)
        secret = tokens.issue(
            connection, one, AccountRole(one.role), int(days), visit.house.now(), visit.actor
        )
    return _page(visit, key, secret)


@router.post("/accounts/{key}/tokens/{token}")
def revoke(visit: Annotated[Visit, changing(Permission.MANAGE_USERS)], key: str, token: str) -> Response:
    """End a token."""
    with visit.house.db.write() as connection:
        if token not in {one.id for one in stored_tokens.of_account(connection, key)}:
            raise NotFound
        stored_tokens.revoke(connection, token, visit.house.now())
        audit.record(connection, visit.actor, "revoke_token", token)
    return RedirectResponse(f"/accounts/{key}", 303)
