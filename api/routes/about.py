"""What may be asked without a login: is it alive, is it ready, how is it doing, and what can it do."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from api.auth import require
from api.service import Service, service_of
from ingestor import disk
from ingestor.access.permissions import Permission
from ingestor.errors import IngestorError
from ingestor.flow.lines import numbers as line_numbers
from ingestor.flow.lines import standing
from ingestor.store import schema
from ingestor.store.answers import state
from ingestor.store.sqlite import WAL_BYTES, wal_bytes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

router = APIRouter()
_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_DOCS = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Interface of apherelog</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/static/vendor/swagger-ui/swagger-ui.css">
</head>
<body>
<main id="docs" data-openapi="/openapi.json"></main>
<script src="/static/vendor/swagger-ui/swagger-ui-bundle.js"></script>
<script src="/static/docs.js"></script>
</body>
</html>
"""
# The one page with foreign style sheets: their pictures stand inside them as data.
_DOCS_CSP = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)


def public_if(setting: str) -> Callable[[Request], Awaitable[None]]:
    """Return the dependency of a route that a site may take from the public."""

    async def allowed(request: Request) -> None:
        if not getattr(service_of(request).settings, setting):
            await require(Permission.READ_CODES)(request)

    return allowed


@router.get("/health", tags=["service"], summary="Is the process alive")
async def read_health(request: Request) -> dict[str, Any]:
    """Answer as long as the process lives; `warnings` names what is less than safe in this installation.

    `lines` tells how the machines' lines stand: since when, when something came last, and the gaps met.
    """
    service = service_of(request)
    lines, is_large = await run_in_threadpool(_standing, service)
    warnings = [*service.warnings, *(["log_held_back"] if is_large else [])]
    return {"status": "ok", "version": request.app.version, "warnings": warnings, "lines": lines}


def _standing(service: Service) -> tuple[list[dict[str, Any]], bool]:
    """Return how the lines stand, without their names, and whether the write-ahead log is too large."""
    try:
        is_large = service.db.is_sqlite and wal_bytes(service.db.url) > WAL_BYTES
        with service.db.read() as connection:
            found = standing(connection)
    except (IngestorError, OSError):  # `ready` tells what is wrong with the database
        return [], False
    shown = ("way", "state", "since", "heard_at", "connected", "treatments", "gaps")
    return [{name: getattr(line, name) for name in shown} for line in found], is_large


@router.get(
    "/ready", tags=["service"], summary="Can it take and serve data",
    responses={503: {"description": "Not ready; `checks` says why", "content": {"application/json": {}}}},
)  # fmt: skip
def read_ready(request: Request) -> JSONResponse:
    """Look at the database, its version, and the room left; 503 if one of them fails."""
    checks = _checks(service_of(request))
    ready = all(checks.values())
    return JSONResponse(
        {"status": "ready" if ready else "not ready", "checks": checks}, 200 if ready else 503
    )


def _checks(service: Service) -> dict[str, bool]:
    try:
        got, wanted = schema.versions(service.db)
        answers = True
    except IngestorError:
        got, wanted, answers = None, "", False
    try:
        room = disk.room(service.house.archive.tmp).holds()
    except OSError:
        room = False
    return {"database": answers, "schema": got == wanted, "room": room}


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    dependencies=[Depends(public_if("public_metrics"))],
    tags=["service"],
    summary="Numbers for monitoring",
)
def read_metrics(request: Request) -> Response:
    """Return counts in the text format of Prometheus; no ids and no names."""
    service = service_of(request)
    with service.db.read() as connection:
        log_bytes = wal_bytes(service.db.url) if service.db.is_sqlite else 0
        numbers = state.numbers(connection, log_bytes) | line_numbers(connection)
    numbers["disk_free_bytes"] = shutil.disk_usage(service.settings.data_dir).free
    numbers["warnings"] = len(service.warnings)
    return Response(service.metrics.text(numbers), media_type=_TEXT)


@router.get("/openapi.json", dependencies=[Depends(public_if("public_docs"))], include_in_schema=False)
def read_openapi(request: Request) -> JSONResponse:
    """Return the description of this interface."""
    return JSONResponse(request.app.openapi())


@router.get("/docs", dependencies=[Depends(public_if("public_docs"))], include_in_schema=False)
def read_docs() -> HTMLResponse:
    """Return the page on which the interface can be browsed and tried."""
    return HTMLResponse(_DOCS, headers={"Content-Security-Policy": _DOCS_CSP})
