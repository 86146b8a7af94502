"""Every error as RFC 9457 says: one form, a stable `code`, and what happened, what it means, what to do."""

from __future__ import annotations

import contextlib
import logging
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pydantic_core
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from api.auth import record_missing
from ingestor.errors import (
    Busy,
    DatabaseTrouble,
    Denied,
    Forbidden,
    IngestorError,
    Invalid,
    LimitExceeded,
    NotFound,
    OtherWard,
    Refused,
    SourceTrouble,
    StorageTrouble,
    TooMany,
)
from ingestor.phrases import LANGUAGES, both, catalogue, phrase
from ingestor.store import audit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI
    from starlette.requests import Request

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
# The first that fits counts.
_STATUS: tuple[tuple[type[IngestorError], int], ...] = (
    (Denied, 401), (Forbidden, 403), (NotFound, 404), (LimitExceeded, 413), (TooMany, 429), (Invalid, 422),
    (Refused, 422), (SourceTrouble, 422), (Busy, 503), (StorageTrouble, 507), (DatabaseTrouble, 503),
)  # fmt: skip
_EXACT = {
    "sign_on_refused": 403, "sign_on_no_role": 403, "sign_on_name_taken": 403, "sign_on_closed": 403, "sign_on_down": 503,
    "foreign_form": 403, "form_over": 403, "too_slow": 408, "bad_request": 400, "unknown_host": 400,
    "storage": 503, "method_not_allowed": 405, "media_type": 415, "key_reused": 409,
}  # fmt: skip
_HTTP_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
_AGAIN_S = 10
_SERVER_ERROR = 500


def status_of(error: IngestorError) -> int:
    """Return the HTTP status that tells a program what the code tells a person."""
    if error.code in _EXACT:
        return _EXACT[error.code]
    return next((status for kind, status in _STATUS if isinstance(error, kind)), _SERVER_ERROR)


def answer(
    status: int,
    code: str,
    details: Mapping[str, Any] | None = None,
    language: str = "en",
    **more: Any,  # noqa: ANN401
) -> Response:
    """Return one problem.

    Args:
        status: HTTP status.
        code: key of `ingestor.phrases`.
        details: values that the phrase needs; they become members of the problem.
        language: of title and detail.
        more: further members.
    """
    details = dict(details or {})
    known = code if code in catalogue() else "internal"
    said = phrase(known, language, **details)
    body = {
        "type": f"urn:apherelog:problem:{code}",
        "title": said["happened"],
        "status": status,
        "detail": f"{said['means']} {said['todo']}",
        "code": code,
        "message": both(known, **details),
        "parts": {lang: phrase(known, lang, **details) for lang in LANGUAGES},
        **({"details": told} if (told := {k: v for k, v in details.items() if k != "places"}) else {}),
        **more,
    }
    headers = {"Content-Language": language, "Cache-Control": "no-store"}
    if status == 401:  # noqa: PLR2004
        headers["WWW-Authenticate"] = 'Bearer realm="apherelog"'
    if status in {429, 503, 507}:
        headers["Retry-After"] = str(details.get("wait_s", _AGAIN_S))
    if code in {"too_slow", "body_too_large"}:
        headers["Connection"] = "close"
    return Response(pydantic_core.to_json(body), status, headers, MEDIA_TYPE)


def language_of(request: Request) -> str:
    """Return the first language of ours that the request accepts."""
    wanted = request.headers.get("accept-language", "").lower()
    places = {lang: wanted.find(lang) for lang in LANGUAGES if lang in wanted}
    return min(places, key=lambda lang: places[lang]) if places else "en"


def wants_page(request: Request) -> bool:
    """Tell whether a person's browser waits for a page."""
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/v1/")


def respond(request: Request, status: int, code: str, details: Mapping[str, Any], **more: Any) -> Response:  # noqa: ANN401
    """Return a problem to a program, and to a browser a page that says the same."""
    page = getattr(request.app.state, "page_for_error", None)
    if page is not None and wants_page(request):
        if status == 401 and request.method in {"GET", "HEAD"}:  # noqa: PLR2004
            back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/login?next={quote(back, safe='')}", 303)
        shown: Response = page(request, status, code, dict(details))
        return shown
    return answer(status, code, details, language_of(request), **more)


async def _from_house(request: Request, error: Exception) -> Response:
    assert isinstance(error, IngestorError)  # noqa: S101 - registered for this type alone
    if isinstance(error, OtherWard):
        await run_in_threadpool(_record_other_ward, request, error)
        return respond(request, 404, error.code, {})
    status = status_of(error)
    if status >= _SERVER_ERROR:
        log.warning("request_failed", extra={"code": error.code, "status": status})
    if isinstance(error, NotFound):
        await record_missing(request)
    # The places of an invalid request are told once in words, and once for programs.
    details = {name: value for name, value in error.details.items() if name != "errors"}
    more = {name: value for name, value in error.details.items() if name == "errors"}
    return respond(request, status, error.code, details, **more)


def _record_other_ward(request: Request, error: OtherWard) -> None:
    caller = getattr(request.state, "caller", None)
    if caller is None:
        return
    with contextlib.suppress(Busy, DatabaseTrouble), request.app.state.service.db.write() as connection:
        actor = audit.Actor(caller.name, caller.role.value)
        audit.record(connection, actor, "refused", str(error.details["session"]), ward=caller.ward)


async def _from_framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type alone
    code = _HTTP_CODES.get(error.status_code, "bad_request")
    found = respond(request, error.status_code, code, {})
    for name, value in (error.headers or {}).items():
        found.headers[name] = value
    return found


async def _from_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type alone
    # What was sent is not repeated: it may hold what the reader of a log must not see.
    errors = [{"where": ".".join(str(p) for p in e["loc"]), "problem": e["msg"]} for e in error.errors()]
    return respond(
        request, 422, "invalid_request", {"places": ", ".join(e["where"] for e in errors)}, errors=errors
    )


def reference() -> str:
    """Return a short mark by which a person and a log line find each other."""
    return secrets.token_hex(4)


def install(app: FastAPI) -> None:
    """Let every error of `app` leave as a problem."""
    app.add_exception_handler(IngestorError, _from_house)
    app.add_exception_handler(HTTPException, _from_framework)
    app.add_exception_handler(RequestValidationError, _from_validation)
