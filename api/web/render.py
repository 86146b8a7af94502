"""One way to answer with a page: template, language, person, and the headers that keep it to itself."""

from __future__ import annotations

import hashlib
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from api.web.formats import Formats, unit_of
from api.web.language import language_of
from api.web.wording import said, text, word
from ingestor.access.permissions import Permission
from ingestor.phrases import PARTS

if TYPE_CHECKING:
    from starlette.requests import Request

HERE = Path(str(files(__package__)))
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
# What may be said after a form was sent: what happened, what it means, what to do.
NOTICES = {
    "linked": ("link.done", "link.dose_moved", "link.can_undo"),
    "unlinked": ("link.undone", "link.dose_moved", "link.can_undo"),
    "patient": ("patient.saved", "measure.why", "upload.nothing_left"),
    "measured": ("measure.saved", "link.dose_moved", "upload.nothing_left"),
    "identified": ("patient.saved_identifier", "patient.saved_identifier_means", "upload.nothing_left"),
    "confirmed": ("upload.confirmed", "link.dose_moved", "upload.nothing_left"),
}
NAVIGATION = (
    ("/", "start", Permission.READ_SESSIONS),
    ("/upload", "upload", Permission.SUBMIT),
    ("/sessions", "sessions", Permission.READ_SESSIONS),
    ("/patients", "patients", Permission.READ_IDENTITY),
    ("/machines", "machines", Permission.READ_MACHINES),
    ("/columns", "columns", Permission.READ_SESSIONS),
    ("/week", "week", Permission.READ_SESSIONS),
    ("/cohort", "cohort", Permission.READ_DOSES),
)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"asset": asset, "navigation": NAVIGATION}
    environment.filters["unit"] = unit_of
    return environment


@cache
def _localised(language: str, zone: str) -> Environment:
    """Return the environment whose filters and texts speak one language."""
    environment = _environment().overlay()
    environment.globals = _environment().globals | {
        "lang": language,
        "t": partial(_text, language),
        "word": lambda kind, value: word(kind, value, language),
        "said": lambda code, params=None: said(code, language, params),
    }
    environment.filters = _environment().filters | Formats(language, zone).filters()
    return environment


def _text(language: str, key: str, /, **params: object) -> str:
    return text(key, language, **params)


@cache
def asset(name: str) -> str:
    """Return the address of a static file; it changes with the content, so that browsers may keep it."""
    digest = hashlib.sha256((HERE / "static" / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def fragment(request: Request, template: str, /, **context: Any) -> str:  # noqa: ANN401
    """Return a template as text in the reader's language."""
    settings = request.app.state.house.settings
    language = context.pop("lang", None) or language_of(request)
    frame = {"caller": None, "form_token": "", "notice": _notice(request, language), "here": _section(request)}
    template_ = _localised(language, settings.zone).get_template(template)
    return template_.render(frame | {"request": request, "settings": settings} | context)


def page(request: Request, template: str, /, *, status: int = 200, **context: Any) -> HTMLResponse:  # noqa: ANN401
    """Answer with a page."""
    return HTMLResponse(fragment(request, template, **context), status, HEADERS)


def _section(request: Request) -> str:
    return "/" + request.url.path.split("/")[1]


def _notice(request: Request, language: str) -> dict[str, str] | None:
    """Return the outcome of the form before, which travels as a bare word in the address."""
    word_ = request.query_params.get("done", "")
    if word_ not in NOTICES:
        return None
    said_ = [text(key, language) for key in NOTICES[word_]]
    return {"kind": "good", **dict(zip(PARTS, said_, strict=True))}
