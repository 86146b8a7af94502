"""Files handed in over HTTP, and what became of them."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Annotated, Any
from zoneinfo import available_timezones

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from api import describe, intake
from api.auth import actor_of, require, require_form
from api.filters import LIMIT, MOST, boolean, query_of, whole
from api.guards import BODY_LIMIT
from api.multipart import Form, FormReader
from api.service import Service, service_of
from ingestor.access.permissions import Caller, Permission
from ingestor.errors import Invalid, NotFound
from ingestor.exports.receipts import shown
from ingestor.flow import pipeline
from ingestor.flow.pipeline import Receipt
from ingestor.store.answers import uploads
from ingestor.store.sources import Order

router = APIRouter(tags=["imports"])
_FORM_BYTES = 512 << 20
_KEY, _NOTE = 200, 2000
_PARAMETERS = ("preview", "zone", "driver", "note")


@router.post(
    "/v1/imports", summary="Hand in an export", status_code=201, openapi_extra=describe.upload(),
    responses=describe.receipts(),
)  # fmt: skip
async def hand_in(
    request: Request, caller: Annotated[Caller, Depends(require(Permission.SUBMIT))]
) -> Response:
    """Take in one file as the body (its name in `X-Filename`, percent-encoded) or several as a form.

    The answer comes when the bytes are durable and, if that takes a few seconds only, understood. The same bytes
    sent twice change nothing. With an `Idempotency-Key` a request may be repeated until it was answered. With
    `Prefer: respond-async` the answer comes as soon as the bytes are durable, and `Location` tells the rest.
    """
    service = service_of(request)
    if service.settings.rate_limits:
        service.uploads.take(caller.account)
    is_form = request.headers.get("content-type", "").lower().startswith("multipart/")
    if not is_form:
        require_form(request, None)
    order = _order(request, caller)
    try:
        if is_form:
            request.scope[BODY_LIMIT] = _FORM_BYTES
            form = await _form(request, service)
            files, order = form.files, _completed(order, form.fields)
        else:
            request.scope[BODY_LIMIT] = (service.settings.max_file_mib << 20) + 1
            files = [await _file(request, service)]
    except ClientDisconnect:
        return Response(status_code=400)
    receipts = await intake.taken(service, files, order, later=_is_patient(request))
    return _answer(service, caller, receipts)


async def _file(request: Request, service: Service) -> tuple[str, Any]:
    announced = request.headers.get("content-length", "0")
    expected = int(announced) if announced.isdigit() else 0
    name = intake.header_name(request.headers.get("x-filename"))
    return name, await intake.keep_body(service.house.archive, expected, request.stream())


def _is_patient(request: Request) -> bool:
    """Say whether the sender asks for the answer before the file is understood (RFC 7240, section 4.1)."""
    wishes = request.headers.get("prefer", "").lower().split(",")
    return any(wish.split(";")[0].strip() == "respond-async" for wish in wishes)


async def _form(request: Request, service: Service) -> Form:
    def before_files(form: Form) -> None:
        require_form(request, form.fields.get("form_token"))

    reader = FormReader(request.headers["content-type"], service.house.archive, before_files)
    try:
        async for piece in intake.pieces(request.stream()):
            await run_in_threadpool(reader.write, piece)
        form = reader.finish()
    finally:
        reader.abort()
    if not form.files:
        raise Invalid("no_files")
    return form


def _order(request: Request, caller: Caller) -> Order:
    query = query_of(request, _PARAMETERS)
    preview = bool(query.one("preview", boolean, "true or false"))
    zone = query.one("zone", _zone, "a zone such as Europe/Vienna")
    driver = query.one("driver", _short, "the name of a driver")
    note = query.one("note", _short, f"at most {_NOTE} characters")
    query.finish()
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= _KEY:
        raise Invalid("bad_request")
    way = "api" if caller.token else "web"
    # A key is the sender's own: two senders who chose the same one do not meet.
    own = hashlib.sha256(f"{caller.account}|{key}".encode()).hexdigest() if key else None
    return Order(way, actor_of(caller), zone, driver, preview, own, note)


def _completed(order: Order, fields: dict[str, str]) -> Order:
    """Return the order with what a form without script says in its fields."""
    given = {name: fields[name] for name in _PARAMETERS if fields.get(name)}
    if not given:
        return order
    try:
        return Order(
            order.way, order.actor, _zone(given["zone"]) if "zone" in given else order.zone,
            _short(given["driver"]) if "driver" in given else order.driver,
            given.get("preview", str(order.preview).lower()) in {"true", "on", "1"}, order.idempotency_key,
            _short(given["note"]) if "note" in given else order.note,
        )  # fmt: skip
    except ValueError:
        raise Invalid("bad_request") from None


@cache
def _zones() -> set[str]:
    return available_timezones()


def _zone(text: str) -> str:
    if text not in _zones():
        raise ValueError(text)
    return text


def _short(text: str) -> str:
    if not 0 < len(text) <= _NOTE or "\0" in text:
        raise ValueError(text)
    return text


def _answer(service: Service, caller: Caller, receipts: list[Receipt]) -> Response:
    view = service.view(caller)
    # Whoever hands a file in may read what became of it: it is their own.
    documents = [shown(r, view) if not caller.may(Permission.SUBMIT) else r for r in receipts]
    headers = {"Location": f"/v1/imports/{receipts[0]['submission']}"}
    body = documents[0] if len(documents) == 1 else documents
    return JSONResponse(body, intake.http_status(receipts), headers)


@router.get("/v1/imports", summary="What was handed in", openapi_extra=describe.imports())
def list_imports(
    request: Request, caller: Annotated[Caller, Depends(require(Permission.READ_RECEIPTS))]
) -> JSONResponse:
    """List submissions, newest first, each with its receipt."""
    query = query_of(request, ("limit", "status"))
    limit = query.one("limit", whole(1, MOST), f"a number from 1 to {MOST}") or LIMIT
    statuses = query.texts("status", describe.STATUSES)
    query.finish()
    service = service_of(request)
    with service.db.read() as connection:
        rows = uploads.newest(connection, caller.centre, limit, statuses, _only(caller))
    return JSONResponse({"items": [_document(service, caller, row) for row in rows]})


@router.get("/v1/imports/{key}", summary="What became of a source", responses=describe.receipts(300))
def read_import(
    key: str, request: Request, caller: Annotated[Caller, Depends(require(Permission.READ_RECEIPTS))]
) -> JSONResponse:
    """Return the newest receipt of a source (its SHA-256), or the receipt of one submission (`sub-…`)."""
    service = service_of(request)
    with service.db.read() as connection:
        row = uploads.of_key(connection, caller.centre, key, _only(caller))
    if row is None:
        raise NotFound
    return JSONResponse(_document(service, caller, row))


@router.post(
    "/v1/imports/{submission}/confirm", summary="Let a preview count", status_code=201,
    responses=describe.receipts(),
)  # fmt: skip
async def confirm_import(
    submission: str, request: Request, caller: Annotated[Caller, Depends(require(Permission.CONFIRM))]
) -> Response:
    """Let count what was only understood so far; confirming twice changes nothing."""
    require_form(request, None)
    service = service_of(request)
    with service.db.read() as connection:
        row = uploads.of_key(connection, caller.centre, submission, _only(caller))
    if row is None:
        raise NotFound

    def confirmed(running: Service, key: str) -> Receipt:
        return pipeline.confirm(running.house, key, actor_of(caller))

    return _answer(service, caller, [await intake.understood(service, row["id"], confirmed)])


def _only(caller: Caller) -> str | None:
    """Return whose submissions a caller sees: somebody of one ward only the own ones."""
    return caller.name if caller.ward is not None else None


def _document(service: Service, caller: Caller, row: dict[str, Any]) -> Receipt:
    found: Receipt = dict(row["receipt"]) if row["receipt"] else intake.queued(service, row["id"])
    return shown(found, service.view(caller)) | {"at": row["at"].isoformat(), "way": row["way"]}
