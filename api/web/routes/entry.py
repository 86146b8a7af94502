"""The form of the login, the language, and what the program is for."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from api.auth import identify, require_own_site
from api.routes.login import own_path
from api.service import service_of
from api.web import language
from api.web.render import page
from ingestor.access.permissions import Caller
from ingestor.errors import Denied
from ingestor.phrases import LANGUAGES
from ingestor.store import accounts

router = APIRouter()
_YEAR_S = 365 * 24 * 3600
WORDS = ("session", "cycle", "column", "processed", "multiple", "course", "tray")


def _perhaps(request: Request) -> Caller | None:
    """Return who asks, or None: these pages are for everybody."""
    try:
        return identify(request)
    except Denied:
        return None


@router.get("/login")
def show_login(request: Request) -> Response:
    """Show the form."""
    wanted = own_path(request.query_params.get("next", "/"))
    return page(request, "login.html", next=wanted, name="")


@router.post("/language")
def choose_language(
    request: Request,
    caller: Annotated[Caller | None, Depends(_perhaps)],
    chosen: Annotated[str, Form(alias="language")] = "",
    back: Annotated[str, Form(alias="next")] = "/",
) -> Response:
    """Remember the language, in the browser and for the account."""
    require_own_site(request, strict=False)
    answer = RedirectResponse(own_path(back), 303)
    if chosen in LANGUAGES:
        answer.set_cookie(language.COOKIE, chosen, max_age=_YEAR_S, httponly=True, samesite="lax")
        if caller is not None:
            with service_of(request).db.write() as connection:
                accounts.set_language(connection, caller.account, chosen)
    return answer


@router.get("/about")
def about(request: Request, caller: Annotated[Caller | None, Depends(_perhaps)]) -> Response:
    """Say what the program is for, what its words mean and whom to ask."""
    return page(request, "about.html", words=WORDS, me=caller)
