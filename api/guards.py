"""What stands before every route: host names, secrets in addresses, slow and large bodies, headers, bugs."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from api.problems import answer, reference
from ingestor.access import tokens
from ingestor.errors import IngestorError, LimitExceeded

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

CSP = "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
_HEADERS = (
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
    (b"cache-control", b"no-store"),
)
_HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
BODY_LIMIT = "apherelog.body_limit"
_SMALL_BODY = 1 << 20
_GRACE_S, _LEAST_BYTES_A_SECOND = 15.0, 1000


def _header(scope: Scope, name: bytes) -> str:
    """Return a header of a request; empty where it has none."""
    return next((value.decode("latin-1") for key, value in scope.get("headers", ()) if key == name), "")


class Outermost:
    """Puts the headers on every answer, counts it, and turns a bug into a problem with a reference."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = message["headers"]
                names = {name for name, _ in given}
                message["headers"] = [*given, *(h for h in _HEADERS if h[0] not in names)]
                if scope["scheme"] == "https":
                    message["headers"].append(_HSTS)
            await send(message)

        try:
            await self._app(scope, receive, with_headers)
        except Exception as error:  # noqa: BLE001 - the last door: a bug must not end the service
            mark = reference()
            # The message of an exception may quote what was sent; where it happened is enough to find it.
            frames = "".join(traceback.format_tb(error.__traceback__))
            log.error("bug", extra={"reference": mark, "kind": type(error).__name__, "frames": frames})  # noqa: TRY400
            if status:
                return  # a broken stream: the connection is closed without an end, so nobody takes it for whole
            await answer(500, "internal", {"reference": mark})(scope, receive, with_headers)
        finally:
            _count(scope, status, time.perf_counter() - began)


def _count(scope: Scope, status: int, seconds: float) -> None:
    service = getattr(scope["app"].state, "service", None) if "app" in scope else None
    if service is not None:
        route = getattr(scope.get("route"), "path", "none")
        service.metrics.answered(scope["method"], route, status, seconds)


class Hosts:
    """Answers to the names of this service only; `*.example.org` and `*` are allowed."""

    def __init__(self, app: ASGIApp, allowed: tuple[str, ...]) -> None:
        self._app, self._allowed = app, tuple(name.lower() for name in allowed)
        self._any = "*" in self._allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "http" and not self._any and not self._is_ours(_header(scope, b"host")):
            await answer(400, "unknown_host")(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_ours(self, host: str) -> bool:
        name = host.lower()
        name = name[: name.index("]") + 1] if name.startswith("[") and "]" in name else name.split(":")[0]
        return any(
            allowed == name or (allowed.startswith("*.") and name.endswith(allowed[1:]))
            for allowed in self._allowed
        )


class Addresses:
    """Refuses a token that stands in an address, and revokes it: addresses are written down everywhere."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        query = scope["query_string"]
        if query and b"%" in query:
            query = unquote_plus(query.decode("latin-1")).encode("latin-1", "replace")
        if b"apx_" in query or "apx_" in scope["path"]:
            text = f"{scope['path']}?{query.decode('latin-1')}"
            if tokens.PATTERN.search(text) is None:
                await self._app(scope, receive, send)
                return
            service = getattr(scope["app"].state, "service", None)
            if service is not None:
                await asyncio.to_thread(tokens.revoke_leaked, service.db, text, service.now())
            await answer(401, "token_in_url")(scope, receive, send)
            return
        await self._app(scope, receive, send)


class TooSlow(IngestorError):
    """A body came more slowly than any line a hospital has."""

    code = "too_slow"


class Bodies:
    """Bounds every body: its size, and how slowly it may come (1 kB/s after a quarter of a minute).

    A route for large bodies raises its own limit: `scope["apherelog.body_limit"] = bytes`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a bounded `receive`."""
        announced = _header(scope, b"content-length") or "0"
        if announced == "0" and not _header(scope, b"transfer-encoding"):
            await self._app(scope, receive, send)
            return
        scope[BODY_LIMIT] = _SMALL_BODY
        began, size, ended = time.monotonic(), 0, False

        async def bounded() -> Message:
            nonlocal size, ended
            if ended:
                return await receive()
            if announced.isdigit() and int(announced) > scope[BODY_LIMIT]:
                raise _too_large(scope[BODY_LIMIT])
            left = began + _GRACE_S + size / _LEAST_BYTES_A_SECOND - time.monotonic()
            try:
                message = await asyncio.wait_for(receive(), max(left, 0.001))
            except TimeoutError:
                raise TooSlow from None
            size += len(message.get("body", b""))
            ended = message["type"] != "http.request" or not message.get("more_body", False)
            if size > scope[BODY_LIMIT]:
                raise _too_large(scope[BODY_LIMIT])
            return message

        await self._app(scope, bounded, send)


def _too_large(limit: int) -> LimitExceeded:
    return LimitExceeded("body_too_large", limit_mib=max(1, limit >> 20))
