"""Data sets that never change: listed, described, fetched, compared."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from api import describe
from api.auth import actor_of, require
from api.service import Service, service_of
from ingestor.access.permissions import Caller, Permission
from ingestor.errors import NotFound
from ingestor.exports.session import tidy
from ingestor.exports.view import View
from ingestor.ops.shelf import SUMS, Shelf, changed_since, difference, folder_of
from ingestor.store import audit, snapshots

router = APIRouter(tags=["snapshots"])
_MOST = 1000
Exporter = Annotated[Caller, Depends(require(Permission.EXPORT))]


def shelf_of(service: Service, caller: Caller) -> Shelf:
    """Return the shelf; a data set is of the whole centre, so somebody of one ward finds nothing."""
    if caller.ward is not None:
        raise NotFound
    folder = service.settings.data_dir / "snapshots"
    pseudonyms = service.pseudonyms
    return Shelf(service.db, folder, caller.centre, View(pseudonyms.of), pseudonyms.key_id)


@router.get("/v1/snapshots", summary="Data sets that never change", responses=describe.snapshot_list())
def list_snapshots(request: Request, caller: Exporter) -> JSONResponse:
    """List the data sets, oldest first. They are made by `apherelog export snapshot NAME`."""
    shelf = shelf_of(service_of(request), caller)
    with shelf.db.read() as connection:
        found = snapshots.everything(connection, caller.centre)
    items = [
        tidy(
            {
                "name": s.name,
                "created_at": s.created_at,
                "as_of": s.as_of,
                "filter": s.asked,
                "sha256": s.sha256,
            }
        )
        for s in found
    ]
    return JSONResponse({"items": items, "next": None})


@router.get(
    "/v1/snapshots/{name}", summary="What a data set says of itself", responses=describe.any_document()
)
def read_snapshot(name: str, request: Request, caller: Exporter) -> JSONResponse:
    """Return the `datapackage.json` of a data set: its files, columns, filter, methods and drivers.

    `changed` is not in that file: the doses of the data set that are served otherwise now, each with when and why.
    """
    shelf = shelf_of(service_of(request), caller)
    _, folder = folder_of(shelf, name)
    try:
        document: dict[str, Any] = json.loads((folder / "datapackage.json").read_text("utf-8"))
    except OSError:
        raise NotFound("snapshot_damaged", name=name) from None
    since = changed_since(shelf, name)
    return JSONResponse(document | {"changed": {"count": len(since), "sessions": since[:_MOST]}})


@router.get(
    "/v1/snapshots/{name}/files/{file}", summary="A file of a data set", responses=describe.any_file()
)
def read_snapshot_file(name: str, file: str, request: Request, caller: Exporter) -> Response:
    """Return one file as it was written down."""
    service = service_of(request)
    _, folder = folder_of(shelf_of(service, caller), name)
    try:
        present = {path.name for path in folder.iterdir()}
    except OSError:
        present = set()
    if file not in present:
        raise NotFound
    with service.db.write() as connection:
        audit.record(connection, actor_of(caller), "export", f"snapshot {name}", file=file)
    kind = "text/plain" if file == SUMS else None
    return FileResponse(folder / file, media_type=kind, filename=f"{name}-{file}")


@router.get(
    "/v1/snapshots/{name}/diff/{other}", summary="How two data sets differ", responses=describe.any_document()
)
def read_snapshot_difference(name: str, other: str, request: Request, caller: Exporter) -> JSONResponse:
    """Return the sessions that came and went, and the fields of doses that changed."""
    return JSONResponse(difference(shelf_of(service_of(request), caller), name, other))
