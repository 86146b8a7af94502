"""In which language a page answers: the person's choice, else what the browser asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestor.phrases import LANGUAGES

if TYPE_CHECKING:
    from starlette.requests import Request

    from ingestor.access.permissions import Caller

COOKIE = "language"
FALLBACK = "en"
LOCALES = {"de": "de_AT", "en": "en_GB"}


def asked_for(header: str) -> str:
    """Return the best of our languages for an `Accept-Language` header.

    Source: RFC 9110, 12.5.4; ranges are tried by falling weight, `de-AT` counts as `de`.
    """
    ranges = []
    for place, part in enumerate(header.split(",")):
        tag, _, weight = part.partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            quality = 0.0
        ranges.append((-quality, place, tag.strip().lower()))
    for minus, _, tag in sorted(ranges):
        if minus < 0 and (language := tag.split("-")[0]) in LANGUAGES:
            return language
    return FALLBACK


def language_of(request: Request, caller: Caller | None = None) -> str:
    """Return the language of the answer to `request`; what a person chose goes before the browser."""
    chosen = request.cookies.get(COOKIE) or (caller.language if caller else None)
    return chosen if chosen in LANGUAGES else asked_for(request.headers.get("accept-language", ""))
