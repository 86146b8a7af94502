"""Every row of a filter as a file, streamed; and the codebook that explains the columns."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from api import describe
from api.auth import require
from api.filters import query_of
from api.streams import streamed
from ingestor.access.permissions import Caller, Permission
from ingestor.errors import NotFound
from ingestor.exports.codebook import LANGUAGES, codebook
from ingestor.exports.fields import tables
from ingestor.exports.files import FORMATS

router = APIRouter(tags=["exports"])
_BY_SUFFIX = {one.suffix: name for name, one in FORMATS.items()}
_ABOUT = "Stream every row of the filter as `csv`, `parquet`, `arrow`, `ndjson`, or `excel.csv` for a German Excel."


def _exporting(table: str) -> None:
    async def export(
        suffix: str, request: Request, caller: Annotated[Caller, Depends(require(Permission.EXPORT))]
    ) -> Response:
        if suffix not in _BY_SUFFIX:
            raise NotFound
        return await run_in_threadpool(streamed, request, caller, table, _BY_SUFFIX[suffix])

    router.add_api_route(
        f"/v1/{table}.{{suffix}}", export, methods=["GET"], name=f"export_{table}", description=_ABOUT,
        summary=f"All {table} of a filter as a file", openapi_extra=describe.exported(_BY_SUFFIX),
        responses=describe.files(),
    )  # fmt: skip


for _table in tables():
    _exporting(_table)


@router.get(
    "/v1/codebook", summary="What every column and code means", response_class=PlainTextResponse,
    openapi_extra={"parameters": describe.codebook_parameters()}, responses=describe.markdown(),
)  # fmt: skip
def read_codebook(
    request: Request, caller: Annotated[Caller, Depends(require(Permission.READ_CODES))]
) -> Response:
    """Return the codebook in Markdown, made from the definitions that the exports use."""
    del caller
    query = query_of(request, ("language",))
    language = query.one("language", partial(_one_of, LANGUAGES), f"one of {', '.join(LANGUAGES)}") or "en"
    query.finish()
    return Response(codebook(language), media_type="text/markdown; charset=utf-8")


def _one_of(allowed: tuple[str, ...], text: str) -> str:
    if text not in allowed:
        raise ValueError(text)
    return text
