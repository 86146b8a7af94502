"""One's own account: password and second factor."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from api.service import service_of
from api.web.door import Visit, changing, seeing
from ingestor.access import passwords, second_factor
from ingestor.access.permissions import Permission
from ingestor.errors import Invalid
from ingestor.store import accounts, audit, second_factors

router = APIRouter()


@router.get("/account")
def show(visit: Annotated[Visit, seeing(Permission.OWN_ACCOUNT)]) -> Response:
    """Show who one is, and the forms."""
    return _page(visit)


def _page(visit: Visit, secret: str | None = None, codes: list[str] | None = None) -> Response:
    with visit.house.db.read() as connection:
        confirmed = second_factors.is_confirmed(connection, visit.caller.account)
        account = accounts.by_id(connection, visit.caller.account)
    return visit.page(
        "account.html", confirmed=confirmed, secret=secret, codes=codes, shortest=passwords.SHORTEST,
        local=account is not None and account.password is not None,
        address=second_factor.address(secret, visit.caller.name) if secret else "",
    )  # fmt: skip


def _require_password(visit: Visit) -> None:
    """See that whoever sits here knows the password: a browser may have been left open."""
    if visit.caller.login is None:
        raise Invalid("only_signed_in")
    service, key = service_of(visit.request), f"own|{visit.caller.account}"
    if service.settings.rate_limits:
        service.failures.check(key)
    with visit.house.db.read() as connection:
        account = accounts.by_id(connection, visit.caller.account)
    # Blanks at its ends belong to a password.
    if account is None or not passwords.matches(visit.form.get("password", ""), account.password):
        service.failures.failed(key)
        raise Invalid("password_old")
    service.failures.succeeded(key)


@router.post("/account/password")
def set_password(visit: Annotated[Visit, changing(Permission.OWN_ACCOUNT)]) -> Response:
    """Change one's own password; every login of the account ends."""
    _require_password(visit)
    new = visit.form.get("new", "")
    if new != visit.form.get("again", ""):
        raise Invalid("password_repeat")
    passwords.require_good(new, visit.caller.name)
    stored = passwords.hashed(new)
    with visit.house.db.write() as connection:
        accounts.set_password(connection, visit.caller.account, stored)
        accounts.end_all(connection, visit.caller.account, visit.house.now())
        audit.record(connection, visit.actor, "set_password", visit.caller.account)
    return RedirectResponse("/login", 303)


@router.post("/account/factor")
def begin_factor(visit: Annotated[Visit, changing(Permission.OWN_ACCOUNT)]) -> Response:
    """Show a new secret; it counts once its first code was given."""
    _require_password(visit)
    with visit.house.db.write() as connection:
        secret = second_factor.begin(connection, visit.caller.account, visit.house.now())
        audit.record(connection, visit.actor, "begin_second_factor", visit.caller.account)
    return _page(visit, secret)


@router.post("/account/factor/confirm")
def confirm_factor(visit: Annotated[Visit, changing(Permission.OWN_ACCOUNT)]) -> Response:
    """Let the secret count; show the recovery codes once."""
    now, account = visit.house.now(), visit.caller.account
    if visit.caller.login is None:
        raise Invalid("only_signed_in")
    with visit.house.db.write() as connection:
        codes = second_factor.confirm(connection, account, visit.field("code"), now)
        audit.record(connection, visit.actor, "confirm_second_factor", account)
    return _page(visit, codes=codes)


@router.post("/account/factor/remove")
def remove_factor(visit: Annotated[Visit, changing(Permission.OWN_ACCOUNT)]) -> Response:
    """Do without a second factor from now on."""
    _require_password(visit)
    with visit.house.db.write() as connection:
        second_factors.remove(connection, visit.caller.account)
        audit.record(connection, visit.actor, "remove_second_factor", visit.caller.account)
    return RedirectResponse("/account", 303)
