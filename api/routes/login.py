"""Signing in and out. The page of the form belongs to the pages; what it sends comes here."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.auth import FORM_TOKEN, cookie_name, require, require_form, require_own_site, secret_of
from api.service import Service, service_of
from ingestor.access import logins
from ingestor.access.logins import Opened
from ingestor.access.permissions import TABLE, Caller, Permission
from ingestor.errors import Busy, Denied

router = APIRouter()
_PATIENCE_S = 10
_FIELDS, _FIELD_BYTES = 10, 4096


async def small_form(request: Request) -> dict[str, str]:
    """Return the text fields of a small form. Files and floods of fields are refused by the parser."""
    form = await request.form(max_files=0, max_fields=_FIELDS, max_part_size=_FIELD_BYTES)
    return {name: value for name, value in form.items() if isinstance(value, str)}


def own_path(wanted: str) -> str:
    """Return where to go next, if it is an address of this service; else the start page."""
    local = wanted.startswith("/") and wanted[1:2] not in {"/", "\\"} and wanted.isprintable()
    return wanted if local else "/"


@router.post("/login", include_in_schema=False)
async def log_in(request: Request) -> Response:
    """Check name and password; go on to `next` with a cookie."""
    require_own_site(request, strict=False)
    form = await small_form(request)
    request.state.form = {"name": form.get("name", ""), "next": own_path(form.get("next", "/"))}
    service = service_of(request)
    opened = await _checked(service, form, request.client.host if request.client else "")
    earlier = secret_of(request)
    if earlier:
        await run_in_threadpool(_end, service, earlier)
    answer = RedirectResponse(own_path(form.get("next", "/")), 303)
    secure = request.url.scheme == "https"
    answer.set_cookie(
        cookie_name(request), opened.secret, path="/", secure=secure, httponly=True, samesite="lax"
    )
    return answer


async def _checked(service: Service, form: dict[str, str], address: str) -> Opened:
    name, password = form.get("name", "").strip(), form.get("password", "")
    keys = (f"name|{name.casefold()}", f"address|{address}")
    if service.settings.rate_limits:
        service.failures.check(*keys)
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await service.hashing.acquire()
    except TimeoutError:
        raise Busy from None
    try:
        opened = await run_in_threadpool(
            logins.log_in, service.db, name, password, service.now(), form.get("code", "")
        )
    except Denied as error:
        if error.code != "second_factor_needed":
            service.failures.failed(*keys)
        raise
    finally:
        service.hashing.release()
    service.failures.succeeded(keys[0])
    return opened


def _end(service: Service, secret: str) -> None:
    try:
        caller, _ = logins.look_up(service.db, secret, service.now())
        logins.log_out(service.db, caller, service.now())
    except Denied:
        return


@router.post("/logout", include_in_schema=False)
async def log_out(
    request: Request, caller: Annotated[Caller, Depends(require(Permission.OWN_ACCOUNT))]
) -> Response:
    """End this login; the cookie is worth nothing from now on."""
    require_form(request, (await small_form(request)).get(FORM_TOKEN))
    service = service_of(request)
    await run_in_threadpool(logins.log_out, service.db, caller, service.now())
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(
        cookie_name(request), path="/", secure=request.url.scheme == "https", httponly=True, samesite="lax"
    )
    return answer


@router.get("/v1/me", tags=["account"], summary="Who am I, and what may I do")
def read_me(caller: Annotated[Caller, Depends(require(Permission.OWN_ACCOUNT))]) -> dict[str, Any]:
    """Return the name and role behind these credentials, and the permissions of the role."""
    return {
        "name": caller.name, "role": caller.role.value, "centre": caller.centre, "ward": caller.ward,
        "permissions": sorted(p.value for p in TABLE[caller.role]),
    }  # fmt: skip
