"""Signing in and out, the language, and what the program is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from api.web import language
from api.web.door import COOKIE, PageRoute, Visit, changing, local, require_same_site, visitor
from api.web.render import page
from api.web.wording import said
from ingestor.access import logins
from ingestor.access.permissions import Caller, Permission
from ingestor.errors import Denied
from ingestor.phrases import LANGUAGES
from ingestor.store import accounts

if TYPE_CHECKING:
    from ingestor.flow.house import House

router = APIRouter(route_class=PageRoute)
_YEAR_S = 365 * 24 * 3600
WORDS = ("session", "cycle", "column", "processed", "multiple", "course", "tray")


@router.get("/login")
def show_login(request: Request, next: str = "/") -> Response:  # noqa: A002 - the name in the address
    """Show the form."""
    return page(request, "login.html", next=local(next), name="")


@router.post("/login")
def log_in(
    request: Request,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002 - the field's name
) -> Response:
    """Check name and password, and open a login."""
    require_same_site(request)
    house: House = request.app.state.house
    try:
        opened = logins.log_in(house.db, name.strip(), password, house.now())
    except Denied as denied:
        notice = {"kind": "bad", **said(denied.code, language.language_of(request), denied.details)}
        return page(request, "login.html", status=401, next=local(next), name=name, notice=notice)
    answer = RedirectResponse(local(next), 303)
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, opened.secret, httponly=True, samesite="lax", secure=secure)
    return answer


@router.post("/logout")
def log_out(visit: Annotated[Visit, changing(Permission.OWN_ACCOUNT)]) -> Response:
    """End the login."""
    logins.log_out(visit.house.db, visit.caller, visit.house.now())
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE)
    return answer


def _perhaps(request: Request) -> Caller | None:
    try:
        return visitor(request).caller
    except Denied:
        return None


@router.post("/language")
def choose_language(
    request: Request,
    caller: Annotated[Caller | None, Depends(_perhaps)],
    chosen: Annotated[str, Form(alias="language")] = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002 - the field's name
) -> Response:
    """Remember the language, in the browser and for the account."""
    require_same_site(request)
    answer = RedirectResponse(local(next), 303)
    if chosen in LANGUAGES:
        answer.set_cookie(language.COOKIE, chosen, max_age=_YEAR_S, httponly=True, samesite="lax")
        if caller is not None:
            with request.app.state.house.db.write() as connection:
                accounts.set_language(connection, caller.account, chosen)
    return answer


@router.get("/about")
def about(request: Request, caller: Annotated[Caller | None, Depends(_perhaps)]) -> Response:
    """Say what the program is for, what its words mean and whom to ask."""
    token = visitor(request).form_token if caller else ""
    return page(request, "about.html", words=WORDS, caller=caller, form_token=token)
