"""Doses: one flat row a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import describe
from api.auth import require
from api.filters import FILTERS, cursor, listing, query_of
from api.lists import answered, page
from api.service import service_of
from api.streams import asked_format, streamed
from ingestor.access.permissions import Caller, Permission
from ingestor.exports import plain
from ingestor.store.answers import doses

if TYPE_CHECKING:
    from api.answers import Page

router = APIRouter(tags=["doses"])
_LIST = FILTERS | {"sort", "limit", "cursor", "count"}


@router.get("/v1/doses", summary="Doses, one row a session", openapi_extra=describe.listed("doses"))
async def list_doses(
    request: Request, caller: Annotated[Caller, Depends(require(Permission.READ_DOSES))]
) -> Response:
    """List doses page by page.

    The rows of all pages together are the doses as they were known when the first page was made: `next` carries
    that moment as `as_of`. With another type in `Accept` the answer is the file of `/v1/doses.{suffix}`.
    """
    kind = asked_format(request)
    if kind is not None:
        caller.require(Permission.EXPORT)
        return await run_in_threadpool(streamed, request, caller, "doses", kind)
    return await answered(request, caller, lambda: _page(request, caller))


def _page(request: Request, caller: Caller) -> Page:
    service = service_of(request)
    view, asked = service.view(caller), listing(query_of(request, _LIST), service, caller)
    now = service.now()
    with service.db.read() as connection:
        raw = doses.rows(connection, asked.wanted, asked.order, asked.limit + 1, asked.after)
        count = doses.count(connection, asked.wanted) if asked.count else None
    rows = [plain.row("doses", row, view.pseudonym) for row in raw[: asked.limit]]
    more = {} if count is None else {"count": count}
    if len(raw) <= asked.limit:
        return page(request, rows, None, **more)
    last = rows[-1]
    after = cursor(asked.order, last[asked.order.by], last["session_id"])
    return page(request, rows, {"as_of": str(plain.instant(now)), "cursor": after}, **more)
