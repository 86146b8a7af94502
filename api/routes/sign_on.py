"""The way in through the sign-on of the hospital: there and back."""

from __future__ import annotations

import hmac
from functools import partial

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.auth import cookie_name
from api.routes.login import own_path
from api.service import service_of
from ingestor.access import sign_on
from ingestor.access.sign_on import Provider, SignOnRefused
from ingestor.errors import NotFound

router = APIRouter(include_in_schema=False)
_COOKIE, _COOKIE_S = "sign-on", 600


def _provider(request: Request) -> Provider:
    found: Provider | None = getattr(request.app.state, "sign_on", None)
    if found is None:
        if service_of(request).settings.oidc_issuer is None:
            raise NotFound
        found = request.app.state.sign_on = Provider(service_of(request).settings)
    return found


def _prepare(request: Request, wanted: str) -> None:
    """Let trouble on the way be told by the form of the login: a local account still gets in."""
    request.state.form = {"name": "", "next": wanted}


@router.get("/login/sign-on")
async def leave(request: Request) -> Response:
    """Send the browser to the provider."""
    provider, wanted = _provider(request), own_path(request.query_params.get("next", "/"))
    _prepare(request, wanted)
    back = f"{request.url.scheme}://{request.headers.get('host', '')}/login/sign-on/back"
    address, state = await run_in_threadpool(provider.begin, back, wanted)
    answer = RedirectResponse(address, 303)
    secure = request.url.scheme == "https"
    answer.set_cookie(
        _COOKIE, state, max_age=_COOKIE_S, path="/login", secure=secure, httponly=True, samesite="lax"
    )
    return answer


@router.get("/login/sign-on/back")
async def come_back(request: Request) -> Response:
    """Take what the provider sent; the browser must be the one that left."""
    provider, service = _provider(request), service_of(request)
    _prepare(request, "/")
    state = request.query_params.get("state", "")
    if not state or not hmac.compare_digest(state.encode(), request.cookies.get(_COOKIE, "").encode()):
        raise SignOnRefused
    code = request.query_params.get("code", "")
    claims, wanted = await run_in_threadpool(provider.finish, state, code)
    enter = partial(sign_on.enter, service.db, service.house.centre, provider, claims, service.now())
    opened = await run_in_threadpool(enter)
    answer = RedirectResponse(wanted, 303)
    secure = request.url.scheme == "https"
    answer.delete_cookie(_COOKIE, path="/login", secure=secure, httponly=True, samesite="lax")
    answer.set_cookie(
        cookie_name(request), opened.secret, path="/", secure=secure, httponly=True, samesite="lax"
    )
    return answer
