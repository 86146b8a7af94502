"""The form of the login, the language, and what the program is for."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.routes.login import own_path
from api.web import language
from api.web.door import Visit, changing, seeing
from api.web.render import page
from ingestor.access.permissions import Permission
from ingestor.phrases import LANGUAGES
from ingestor.store import accounts

router = APIRouter()
_YEAR_S = 365 * 24 * 3600
WORDS = ("session", "cycle", "column", "processed", "multiple", "course", "tray")


@router.get("/login")
def show_login(request: Request) -> Response:
    """Show the form; `language` chooses the language before anybody is known."""
    wanted, chosen = own_path(request.query_params.get("next", "/")), request.query_params.get("language")
    if chosen is None:
        return page(request, "login.html", next=wanted, name="", code=False)
    answer = RedirectResponse(f"/login?{urlencode({'next': wanted})}", 303)
    return _remember(answer, chosen)


def _remember(answer: Response, chosen: str) -> Response:
    if chosen in LANGUAGES:
        answer.set_cookie(language.COOKIE, chosen, max_age=_YEAR_S, httponly=True, samesite="lax")
    return answer


@router.post("/language")
def choose_language(visit: Annotated[Visit, changing(Permission.OWN_ACCOUNT)]) -> Response:
    """Remember the language, in the browser and for the account."""
    chosen = visit.field("language")
    if chosen in LANGUAGES:
        with visit.house.db.write() as connection:
            accounts.set_language(connection, visit.caller.account, chosen)
    return _remember(RedirectResponse(own_path(visit.field("next")), 303), chosen)


@router.get("/about")
def about(visit: Annotated[Visit, seeing(Permission.OWN_ACCOUNT)]) -> Response:
    """Say what the program is for, what its words mean and whom to ask."""
    return visit.page("about.html", words=WORDS)
