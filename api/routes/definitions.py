"""What a filter of doses leaves out, and what a dose means: to be looked at before anything is downloaded."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from api import describe
from api.answers import Page
from api.auth import require
from api.filters import FILTERS, query_of, wanted
from api.lists import answered, json_page
from api.service import service_of
from ingestor.access.permissions import Caller, Permission
from ingestor.exports.methods import methods, sheet
from ingestor.flow.limits import limits
from ingestor.store.answers import exclusions

router = APIRouter(tags=["doses"])


@router.get(
    "/v1/doses/exclusions", summary="How many sessions a filter leaves out, and why",
    openapi_extra={"parameters": describe.filters()}, responses=describe.exclusions(),
)  # fmt: skip
async def count_exclusions(
    request: Request, caller: Annotated[Caller, Depends(require(Permission.READ_DOSES))]
) -> Response:
    """Count the sessions of the time of a filter: those without a dose, and those each part of the filter leaves out.

    Of the doses that are left it counts status, reasons, lower bounds and missing values.
    """
    return await answered(request, caller, lambda: _exclusions(request, caller))


def _exclusions(request: Request, caller: Caller) -> Page:
    service = service_of(request)
    query = query_of(request, FILTERS)
    asked = wanted(query, service, caller)
    query.finish()
    with service.db.read() as connection:
        return json_page(asdict(exclusions.counted(connection, asked)))


@router.get("/v1/methods", summary="What a dose means", responses=describe.methods())
async def read_methods(
    request: Request, caller: Annotated[Caller, Depends(require(Permission.READ_CODES))]
) -> Response:
    """Return the definition sheet of every method, with this site's limits in it."""
    return await answered(request, caller, lambda: json_page(sheets(request)))


def sheets(request: Request) -> dict[str, Any]:
    """Return all definition sheets."""
    house = service_of(request).house
    return {"items": [sheet(name, limits(house)) for name in methods()], "next": None}
