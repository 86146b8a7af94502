"""How every list is answered: from memory while nothing has changed, not at all if the asker has it already."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.answers import Page
from api.service import service_of
from ingestor.store.answers import doses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request

    from ingestor.access.permissions import Caller
    from ingestor.store.engine import Database

JSON = "application/json"
_ONCE = {"cursor", "count", "after"}


def _state(db: Database) -> int:
    with db.read() as connection:
        return doses.state(connection)


async def answered(
    request: Request, caller: Caller, make: Callable[[], Page], *, here: bool = False
) -> Response:
    """Answer with a page; 304 if the asker holds what would be sent.

    Args:
        request: the question.
        caller: who asks; what one may see another may not, so answers are kept apart.
        make: makes the page; called in a thread, and only if it is not at hand.
        here: the page takes less time than the way to a thread and back.
    """
    service = service_of(request)
    state = await service.soon(_state)
    query = request.scope["query_string"]
    # Who sees names may have been allowed to know whose a pseudonym is: that is for him alone.
    own = caller.account if caller.sees_identity else None
    key = (request.url.path, query, caller.role, caller.centre, caller.ward, own)
    tag = f'"{hashlib.sha256(repr((state, key, request.app.version)).encode()).hexdigest()[:24]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie, Accept"}
    asked = request.headers.get("if-none-match")
    if asked is not None and tag in (t.strip().removeprefix("W/") for t in asked.split(",")):
        return Response(status_code=304, headers=headers)
    page = service.answers.get(key, state)
    if page is None:
        page = make() if here else await run_in_threadpool(make)
        service.answers.keep(key, state, page)
    if page.link is not None:
        headers["Link"] = f'<{page.link}>; rel="next"'
    return Response(page.body, headers=headers, media_type=JSON)


def json_page(document: Any) -> Page:  # noqa: ANN401 - any JSON
    """Return one document as a page of its own."""
    return Page(to_json(document, inf_nan_mode="null"))


def page_of(request: Request, rows: Sequence[bytes], further: dict[str, str] | None, **more: Any) -> Page:  # noqa: ANN401 - any JSON
    """Return a page of items that are JSON already; otherwise as `page`."""
    link = _link(request, further)
    rest = to_json({"next": link, **more}, inf_nan_mode="null")
    return Page(b'{"items":[' + b",".join(rows) + b"]," + rest[1:], link)


def page(request: Request, items: Sequence[Any], further: dict[str, str] | None, **more: Any) -> Page:  # noqa: ANN401 - any JSON
    """Return a page of items.

    Args:
        request: the question; the next page's address is its own, completed by `further`.
        items: rows as plain JSON values.
        further: parameters that lead to the next page; None on the last. A `cursor` replaces the one before,
            anything else stands back behind what was asked for.
        more: further members of the answer.
    """
    link = _link(request, further)
    body = to_json({"items": items, "next": link, **more}, inf_nan_mode="null")
    return Page(body, link)


def _link(request: Request, further: dict[str, str] | None) -> str | None:
    if further is None:
        return None
    asked = [(name, value) for name, value in request.query_params.multi_items() if name not in _ONCE]
    names = {name for name, _ in asked}
    return (
        f"{request.url.path}?{urlencode([*asked, *((n, v) for n, v in further.items() if n not in names)])}"
    )
