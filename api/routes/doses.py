"""Doses: one flat row a session."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends
from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import describe
from api.auth import require
from api.filters import FILTERS, Listing, cursor, listing, query_of
from api.lists import answered, page_of
from api.service import service_of
from api.streams import asked_format, streamed
from ingestor.access.permissions import Caller, Permission
from ingestor.exports import plain
from ingestor.store.answers import doses, printed
from ingestor.store.tables import DOSE_COLUMNS

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from api.answers import Page
    from ingestor.exports.view import View
    from ingestor.store.engine import Database

router = APIRouter(tags=["doses"])
_LIST = FILTERS | {"sort", "limit", "cursor", "count"}
_HARDLY_OVER = timedelta(days=1)


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
    service = service_of(request)
    if service.front is not None and caller.ward is None and _is_quick(request):
        return await answered(
            request, caller, lambda: _page(request, caller, service.front or service.db), here=True
        )
    return await answered(request, caller, lambda: _page(request, caller, service.db))


def _is_quick(request: Request) -> bool:
    """Tell whether a page is read along an index from its first row to its last, and so is not worth a thread."""
    asked = dict(request.query_params)
    filters = asked.keys() - {"limit", "from", "to", "sort", "cursor", "as_of"}
    return (
        len(asked) == len(request.query_params.multi_items())
        and len(filters) <= 1
        and filters <= {"device", "status", "session"}
        and asked.get("sort", "started_at").removeprefix("-") == "started_at"
        and len(asked.get("limit", "")) <= len("99")
        and ("as_of" not in asked or _is_walked(request, asked["as_of"]))
    )


def _is_walked(request: Request, as_of: str) -> bool:
    """Tell whether somebody walks from page to page: few rows are not of a moment that is hardly over."""
    try:
        age = service_of(request).now() - datetime.fromisoformat(as_of)
    except (ValueError, TypeError):
        return False
    return age < _HARDLY_OVER


def _page(request: Request, caller: Caller, db: Database) -> Page:
    service = service_of(request)
    view, asked = service.view(caller), listing(query_of(request, _LIST), service, caller)
    now = service.now()
    with db.read() as connection:
        rows, places = (_printed if db.is_sqlite else _read)(connection, asked, view)
        count = doses.count(connection, asked.wanted) if asked.count else None
    more = {} if count is None else {"count": count}
    if len(places) <= asked.limit:
        return page_of(request, rows, None, **more)
    value, key = places[asked.limit - 1]
    value = plain.instant(value) if asked.order.by == "started_at" else value
    after = cursor(asked.order, value, key)
    return page_of(request, rows, {"as_of": str(plain.instant(now)), "cursor": after}, **more)


def _printed(connection: Connection, asked: Listing, view: View) -> tuple[list[bytes], list[tuple[Any, str]]]:
    """Return rows as JSON, and the place of each and of one more."""
    found = printed.objects(connection, asked.wanted, asked.order, asked.limit + 1, asked.after)
    rows = []
    for one in found[: asked.limit]:
        head = to_json({"session_id": one.session_id, "patient": view.patient(one.patient_id)})
        rows.append(head[:-1] + b"," + one.rest.encode())
    return rows, [(one.place, one.session_id) for one in found]


def _read(connection: Connection, asked: Listing, view: View) -> tuple[list[bytes], list[tuple[Any, str]]]:
    """Return the same, read cell by cell."""
    found = doses.rows(connection, asked.wanted, asked.order, asked.limit + 1, asked.after)
    rows = [to_json(plain.row("doses", row, view.pseudonym)) for row in found[: asked.limit]]
    at, key = DOSE_COLUMNS.index(asked.order.by), DOSE_COLUMNS.index("session_id")
    return rows, [(row[at], row[key]) for row in found]
