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
from api.web.wording import text, texts
from ingestor.access.permissions import Permission
from ingestor.phrases import LANGUAGES
from ingestor.store import accounts

router = APIRouter()
_YEAR_S = 365 * 24 * 3600
GROUPS = ("treatment", "phases", "record", "dose", "order")
# The words that everybody meets on the first day.
COMMON = (
    ("treatment", "session"), ("treatment", "cycle"), ("treatment", "column"), ("dose", "processed"),
    ("dose", "multiple"), ("treatment", "course"), ("order", "tray"),
)  # fmt: skip


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
    return visit.page("about.html", words=COMMON)


@router.get("/glossary")
def glossary(visit: Annotated[Visit, seeing(Permission.OWN_ACCOUNT)]) -> Response:
    """Show every word of the pages with its meaning, and the word of the other language."""
    other = next(one for one in LANGUAGES if one != visit.language)
    groups = [
        (group, [_entry(group, key, visit.language, other) for key in _keys(group)]) for group in GROUPS
    ]
    return visit.page("glossary.html", groups=groups, other=other)


def _keys(group: str) -> list[str]:
    prefix = f"glossary.{group}."
    return [
        key.removeprefix(prefix).removesuffix("_is")
        for key in texts()
        if key.startswith(prefix) and key.endswith("_is")
    ]


def _entry(group: str, key: str, language: str, other: str) -> dict[str, str]:
    # The phases are named by the same words as in the drawing.
    word_of = f"phase.{key}" if group == "phases" else f"glossary.{group}.{key}"
    return {
        "key": key, "word": text(word_of, language), "other": text(word_of, other),
        "meaning": text(f"glossary.{group}.{key}_is", language),
    }  # fmt: skip
