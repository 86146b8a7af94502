"""What the codes in the data mean, and what changed in the data."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from api import describe
from api.answers import Page
from api.auth import require
from api.filters import LIMIT, MOST, moment, query_of, whole
from api.lists import answered, json_page, page
from api.service import service_of
from ingestor.access.permissions import Caller, Permission
from ingestor.errors import NotFound
from ingestor.exports.codes import all_codes
from ingestor.exports.session import tidy
from ingestor.store.answers import changes

router = APIRouter()
_MOST_SEQ = 2**53


@router.get("/v1/codes", tags=["codes"], summary="All codes and their words", responses=describe.code_lists())
async def read_codes(
    request: Request, caller: Annotated[Caller, Depends(require(Permission.READ_CODES))]
) -> Response:
    """Return every list of codes that may stand in the data, in German and English."""
    return await answered(request, caller, lambda: json_page(all_codes()))


@router.get("/v1/codes/{name}", tags=["codes"], summary="One list of codes", responses=describe.code_lists())
async def read_code_list(
    name: str, request: Request, caller: Annotated[Caller, Depends(require(Permission.READ_CODES))]
) -> Response:
    """Return one list of codes."""
    if name not in all_codes():
        raise NotFound
    return await answered(request, caller, lambda: json_page({name: all_codes()[name]}))


@router.get(
    "/v1/changes", tags=["doses"], summary="What changed in the doses",
    openapi_extra={"parameters": describe.change_parameters()}, responses=describe.changes(),
)  # fmt: skip
async def list_changes(
    request: Request, caller: Annotated[Caller, Depends(require(Permission.READ_DOSES))]
) -> Response:
    """List changes of served doses by number, each with its cause; whoever kept the last number asks `after` it."""
    return await answered(request, caller, lambda: _changes(request, caller))


def _changes(request: Request, caller: Caller) -> Page:
    service = service_of(request)
    query = query_of(request, ("after", "since", "limit"))
    after = query.one("after", whole(0, _MOST_SEQ), "a number") or 0
    limit = query.one("limit", whole(1, MOST), f"a number from 1 to {MOST}") or LIMIT
    since = query.one("since", moment(service.settings.zone), "a date or an instant")
    query.finish()
    with service.db.read() as connection:
        found = changes.since(connection, caller.centre, after, limit + 1, start=since)
    rows = [tidy({k: v for k, v in row._mapping.items() if k != "id"}) for row in found[:limit]]
    return page(request, rows, {"after": str(rows[-1]["seq"])} if len(found) > limit else None)
