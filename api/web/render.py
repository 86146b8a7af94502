"""One way to answer with a page: template, language and person."""

from __future__ import annotations

import hashlib
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from api.auth import form_token_of
from api.service import service_of
from api.web.formats import Formats, unit_of
from api.web.language import language_of
from api.web.sight import known_as
from api.web.wording import said, text, word
from ingestor.access.permissions import Caller, Permission
from ingestor.config import Settings
from ingestor.phrases import PARTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

HERE = Path(str(files(__package__)))
# What may be said after a form was sent: what happened, what it means, what to do.
NOTICES = {
    "linked": ("link.done", "link.dose_moved", "link.can_undo"),
    "proposed": ("second.asked", "second.asked_means", "second.asked_todo"),
    "not_confirmed": ("second.refused", "second.refused_means", "upload.nothing_left"),
    "unlinked": ("link.undone", "link.dose_moved", "link.can_undo"),
    "patient": ("patient.saved", "measure.why", "upload.nothing_left"),
    "measured": ("measure.saved", "link.dose_moved", "upload.nothing_left"),
    "identified": ("patient.saved_identifier", "patient.saved_identifier_means", "upload.nothing_left"),
    "decided": ("decide.decided", "link.dose_moved", "held.reversible"),
    "discarded": ("upload.discarded", "upload.discarded_means", "upload.nothing_left"),
    "accepted": ("accept.saved", "link.dose_moved", "upload.nothing_left"),
    "clock": ("clock.written", "clock.written_means", "clock.written_todo"),
    "clock_revoked": ("clock.taken_back", "clock.taken_back_means", "upload.nothing_left"),
    "zone": ("clock.saved", "clock.saved_means", "upload.nothing_left"),
    "cleared": ("upload.cleared", "upload.cleared_means", "upload.nothing_left"),
    "requested": ("privacy.asked", "privacy.asked_means", "upload.nothing_left"),
    "ended": ("privacy.ended", "privacy.ended_means", "upload.nothing_left"),
    "confirmed": ("upload.confirmed", "upload.confirmed_means", ""),
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
    ("/accounts", "accounts", Permission.MANAGE_USERS),
    ("/site", "site", Permission.MANAGE_MACHINES),
    ("/privacy", "privacy", Permission.REIDENTIFY),
    ("/audit", "audit", Permission.READ_AUDIT),
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
    environment.filters |= {"unit": unit_of, "patient_name": _patient_name}
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


def _patient_name(who: Mapping[str, Any], nameless: str) -> str:
    return known_as(who) or nameless


@cache
def asset(name: str) -> str:
    """Return the address of a static file; it changes with the content, so that browsers may keep it."""
    digest = hashlib.sha256((HERE / "static" / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def fragment(request: Request, template: str, /, **context: Any) -> str:  # noqa: ANN401 - a marker of FastAPI, and the values of a template
    """Return a template as text in the reader's language."""
    settings = service_of(request).settings
    me: Caller | None = context.get("me")
    language = language_of(request, me)
    frame = {
        "request": request, "settings": settings, "centre_name": _centre_name(settings, language), "me": None, "in_tray": False, "form_token": form_token_of(request),
        "notice": _notice(request, language), "here": "/" + request.url.path.split("/")[1],
    }  # fmt: skip
    return _localised(language, settings.zone).get_template(template).render(frame | context)


def page(request: Request, template: str, /, *, status: int = 200, **context: Any) -> HTMLResponse:  # noqa: ANN401 - a marker of FastAPI, and the values of a template
    """Answer with a page."""
    return HTMLResponse(fragment(request, template, **context), status)


def _centre_name(settings: Settings, language: str) -> str:
    """Return the name of the site; where nobody has entered one, words of the language."""
    named = settings.centre_name != Settings.model_fields["centre_name"].default
    return settings.centre_name if named else text("frame.this_centre", language)


def _notice(request: Request, language: str) -> dict[str, str] | None:
    """Return the outcome of the form before, which travels as a bare word in the address."""
    word_ = request.query_params.get("done", "")
    if word_ not in NOTICES:
        return None
    said_ = [text(key, language) if key else "" for key in NOTICES[word_]]
    return {"kind": "good", **dict(zip(PARTS, said_, strict=True))}
