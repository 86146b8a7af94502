"""Who asks, and may they? One dependency a route; nothing is decided by looking at a path."""

from __future__ import annotations

import contextlib
import hmac
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from api.service import Service, service_of
from ingestor.access import logins, tokens
from ingestor.access.permissions import AccountRole, Caller, Permission
from ingestor.errors import Busy, DatabaseTrouble, Denied, Forbidden, TooMany
from ingestor.store import audit, second_factors
from ingestor.store.engine import hide_identities

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ingestor.store.engine import Database

_SAFE = {"GET", "HEAD", "OPTIONS"}
# What takes files in must find out whose they are, whoever sends them; what only reads need not.
_LOOKING = frozenset({
    Permission.READ_RECEIPTS, Permission.READ_SESSIONS, Permission.READ_DOSES, Permission.EXPORT, Permission.READ_MACHINES,
    Permission.READ_CODES, Permission.READ_AUDIT, Permission.OWN_ACCOUNT,
})  # fmt: skip
FORM_TOKEN = "form_token"  # noqa: S105 - the name of a field
_FORM_HEADER = "x-form-token"


def cookie_name(request: Request) -> str:
    """Return the name of the login's cookie: bound to this host by its prefix wherever TLS allows that."""
    return "__Host-sid" if request.url.scheme == "https" else "sid"


def secret_of(request: Request) -> str | None:
    """Return the secret of the browser's login, if it sent one."""
    return request.cookies.get(cookie_name(request))


def form_token_of(request: Request) -> str:
    """Return what every form of this login must carry; empty without a login."""
    secret = secret_of(request)
    return logins.form_token(secret) if secret else ""


async def identify(request: Request) -> Caller:
    """Return who asks.

    Raises:
        Denied: nobody known.
        Forbidden: a browser was made to send this by another site.
    """
    service, now = service_of(request), service_of(request).now()
    given = request.headers.get("authorization")
    if given is not None:
        scheme, _, text = given.partition(" ")
        if scheme.lower() != "bearer":
            raise Denied
        caller, is_due = await service.soon(tokens.look_up, text.strip(), now)
        note = tokens.note_use
    else:
        secret = secret_of(request)
        if not secret:
            raise Denied
        caller, is_due = await service.soon(logins.look_up, secret, now)
        note = logins.note_use
        if request.method not in _SAFE:
            require_own_site(request, strict=True)
    if is_due:
        await run_in_threadpool(note, service.db, caller, now)
    return caller


def require_own_site(request: Request, *, strict: bool) -> None:
    """See that a changing request comes from one of our own pages.

    Source: https://go.dev/src/net/http/csrf.go for the rule; a browser that says nothing is refused here.

    Args:
        request: the request.
        strict: refuse if the browser sent neither header.

    Raises:
        Forbidden: `foreign_form`.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None:
        own = site in {"same-origin", "none"}
    elif origin is not None:
        parts = urlsplit(origin)
        own = (parts.scheme, parts.netloc) == (request.url.scheme, request.headers.get("host", ""))
    else:
        own = not strict
    if not own:
        raise Forbidden("foreign_form")


def require_form(request: Request, given: str | None) -> None:
    """See that a form belongs to this login. Requests with a bearer token need none.

    Raises:
        Forbidden: `form_over`.
    """
    if "authorization" in request.headers:
        return
    sent = given or request.headers.get(_FORM_HEADER, "")
    if not hmac.compare_digest(sent.encode(), form_token_of(request).encode()):
        raise Forbidden("form_over")


@cache
def require(permission: Permission) -> Callable[[Request], Awaitable[Caller]]:
    """Return the dependency that lets only callers with this permission pass.

    A refusal is on record; the same one again within a minute is not recorded twice.
    """

    async def allowed(request: Request) -> Caller:
        caller = await identify(request)
        request.state.caller = caller
        try:
            caller.require(permission)
        except Forbidden:
            await run_in_threadpool(_record, service_of(request), caller, "refused", permission.value)
            raise
        if _needs_second_factor(request, caller, permission):
            await service_of(request).soon(_require_second_factor, caller)
        hide_identities(hidden=permission in _LOOKING and not caller.sees_identity)
        return caller

    allowed.permission = permission  # type: ignore[attr-defined] # read by the table test and the description
    return allowed


def _needs_second_factor(request: Request, caller: Caller, permission: Permission) -> bool:
    demanded = service_of(request).settings.admin_second_factor and caller.role is AccountRole.ADMIN
    return demanded and caller.login is not None and permission is not Permission.OWN_ACCOUNT


def _require_second_factor(db: Database, caller: Caller) -> None:
    with db.read() as connection:
        if not second_factors.is_confirmed(connection, caller.account):
            raise Forbidden("second_factor_missing")


async def record_missing(request: Request) -> None:
    """Put on record that somebody asked for a thing by an id that leads nowhere, or to another ward.

    The id itself is not written down: it may be anything that somebody typed.
    """
    caller = getattr(request.state, "caller", None)
    path = getattr(request.scope.get("route"), "path", "")
    if caller is not None and request.path_params:
        await run_in_threadpool(_record, service_of(request), caller, "not_found", path)


def _record(service: Service, caller: Caller, action: str, target: str) -> None:
    with contextlib.suppress(TooMany, Busy, DatabaseTrouble):
        service.refusals.take(f"{caller.account}|{action}|{target}")
        with service.db.write() as connection:
            audit.record(connection, actor_of(caller), action, target)


def actor_of(caller: Caller) -> audit.Actor:
    """Return how the audit trail names a caller."""
    return audit.Actor(caller.name, caller.role.value)
