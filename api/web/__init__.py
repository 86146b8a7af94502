"""The pages: drawn on the server, with small scripts of our own and nothing from another host."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from api.service import Service
from api.web.kept import kept_of
from api.web.language import language_of
from api.web.render import page
from api.web.routes import router
from api.web.wording import said
from ingestor.errors import Busy, DatabaseTrouble

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import APIRouter, FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

    from ingestor.access.permissions import Caller


def routes() -> APIRouter:
    """Return all addresses of the pages."""
    return router


def warm(app: FastAPI) -> None:
    """Look at every session once, so that the first page need not."""
    service: Service = app.state.service
    with contextlib.suppress(Busy, DatabaseTrouble), service.db.read() as connection:
        kept = kept_of(app)
        kept.column_warnings(connection, service.house.centre)
        kept.missing(connection, service.house.centre)


def error_page(request: Request, status: int, code: str, details: Mapping[str, Any]) -> Response:
    """Say to a person what a problem says to a program; a login that failed shows its form again."""
    caller: Caller | None = getattr(request.state, "caller", None)
    parts = said(code, language_of(request, caller), dict(details))
    form: dict[str, str] | None = getattr(request.state, "form", None)
    if form is not None:
        notice = {"kind": "bad", **parts}
        wants_code = code.startswith("second_factor")
        return page(
            request,
            "login.html",
            status=status,
            next=form["next"],
            name=form["name"],
            notice=notice,
            code=wants_code,
        )
    return page(request, "trouble.html", status=status, me=caller, parts=parts, code=code)
