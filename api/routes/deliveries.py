"""Sessions in the data models of others: FHIR and OMOP. Always by pseudonym, whoever asks.

Source: HL7 FHIR Bulk Data Access (Flat FHIR) 2.0.0, for the order of requests and answers.
"""

from __future__ import annotations

from email.utils import format_datetime
from typing import TYPE_CHECKING, Annotated, Any

import pydantic_core
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from api import describe
from api.auth import actor_of, require
from api.deliveries import Deliveries, behind, pseudonyms_for
from api.describe import deliveries as described
from api.filters import FILTERS, moment, query_of, wanted
from api.orders import Kept
from api.routes.snapshots import shelf_of
from api.service import Service, service_of
from ingestor.access.permissions import Caller, Permission
from ingestor.errors import IngestorError, NotFound
from ingestor.exports import asked
from ingestor.exports.fhir.bulk import TYPES
from ingestor.exports.fhir.bundle import bundle
from ingestor.exports.fhir.releases import RELEASES
from ingestor.exports.treatments import treatments, why_left_out
from ingestor.exports.view import View
from ingestor.ops.deliveries import of_snapshot, shown, site_concepts
from ingestor.store import audit
from ingestor.store.answers.doses import Wanted

if TYPE_CHECKING:
    from ingestor.exports.asked import Query

router = APIRouter(tags=["other data models"])
Exporter = Annotated[Caller, Depends(require(Permission.EXPORT))]
_OWN = {"omop": frozenset({"snapshot"}), "fhir": frozenset({"snapshot", "release", "_type", "_outputFormat"})}
_MEDIA = {".ndjson": described.NDJSON, ".csv": "text/csv; charset=utf-8", ".json": "application/json"}
_AGAIN_S = "1"


def deliveries_of(request: Request) -> Deliveries:
    """Return the orders of this service."""
    found: Deliveries = request.app.state.deliveries
    return found


@router.get(
    "/v1/fhir/$export", summary="Order all sessions of a filter as FHIR", status_code=202,
    openapi_extra=described.ordering("fhir"), responses=described.ordered(),
)  # fmt: skip
def order_fhir(request: Request, caller: Exporter) -> Response:
    """Begin to write files with one FHIR resource a line, one file a type; `Content-Location` says where to ask."""
    return _order(request, caller, "fhir")


@router.get(
    "/v1/omop/$export", summary="Order all sessions of a filter as OMOP tables", status_code=202,
    openapi_extra=described.ordering("omop"), responses=described.ordered(),
)  # fmt: skip
def order_omop(request: Request, caller: Exporter) -> Response:
    """Begin to write the tables of the OMOP Common Data Model 5.4; `Content-Location` says where to ask."""
    return _order(request, caller, "omop")


def _order(request: Request, caller: Caller, kind: str) -> Response:
    service = service_of(request)
    query = query_of(request, FILTERS | _OWN[kind])
    release, types = _form(query) if kind == "fhir" else ("R4", TYPES)
    found, given, facts = _asked(request, query, service, caller, kind)
    as_of = found.as_of or service.now()
    pseudonyms = pseudonyms_for(service, caller)
    pairs = [*shown(given, found, View(pseudonyms.of)), ("as_of", as_of.isoformat())]
    job = deliveries_of(request).take(
        Kept(
            caller.account, pseudonyms.purpose, caller.centre, caller.ward, kind, release, list(types), [list(p) for p in pairs],
            facts, f"/v1/{kind}/$export", service.now().isoformat(),
        )
    )  # fmt: skip
    with service.db.write() as connection:
        used = sorted({name for name, _ in given})
        audit.record(connection, actor_of(caller), "export", kind, delivery=job, filters=used, **facts)
    headers = {"Content-Location": f"{_root(request)}/v1/deliveries/{job}"}
    return JSONResponse({"delivery": job}, 202, headers)


def _form(query: Query) -> tuple[str, tuple[str, ...]]:
    release = query.one("release", _one_of(*RELEASES), f"one of {', '.join(RELEASES)}") or "R4"
    query.one("_outputFormat", _format, f"one of {', '.join(described.FORMATS)}")
    types = tuple(t for text in query.texts("_type") for t in text.split(","))
    if not set(types) <= set(TYPES):
        query.refuse("_type", f"takes {', '.join(TYPES)}")
    return release, types or TYPES


def _one_of(*allowed: str) -> Any:  # noqa: ANN401 - a reader of texts
    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(text)
        return text

    return read


def _format(text: str) -> str:
    # A plus that was not escaped is a blank.
    return str(_one_of(*described.FORMATS)(text.replace(" ", "+")))


def _asked(
    request: Request, query: Query, service: Service, caller: Caller, kind: str
) -> tuple[Wanted, list[tuple[str, str]], dict[str, str]]:
    """Return the filter, as it was given, and what the files say of the data set it is of."""
    given = [(n, v) for n, v in request.query_params.multi_items() if n not in _OWN[kind]]
    names = query.texts("snapshot")
    if len(names) > 1 or (names and given):
        query.refuse("snapshot", "stands alone, once: it brings its own filter")
    found = wanted(query, service, caller)
    query.finish()
    if not names:
        return found, given, {}

    pairs, facts = of_snapshot(shelf_of(service, caller), names[0])
    own = asked.Query(pairs, FILTERS)
    found = asked.wanted(
        own,
        asked.Asker(caller.centre, service.settings.zone, behind(service, service.pseudonyms), caller.ward),
    )
    own.finish()
    return found, pairs, facts


def _root(request: Request) -> str:
    return str(request.base_url).rstrip("/")


@router.get("/v1/deliveries/{job}", summary="How far an order is", responses=described.state())
def read_delivery(job: str, request: Request, caller: Exporter) -> Response:
    """Return 202 while it is carried out, then 200 with the list of files; they are deleted a day later."""
    state, sessions = deliveries_of(request).state(job, caller.account)
    if state.failed is not None:
        raise IngestorError("delivery_failed", reason=state.failed)
    if state.manifest is None:
        headers = {"X-Progress": f"{sessions} sessions", "Retry-After": _AGAIN_S}
        return JSONResponse({"sessions": sessions}, 202, headers)
    place = f"{_root(request)}/v1/deliveries/{job}"
    listed = {
        name: [one | {"url": f"{place}/{one['url']}"} for one in state.manifest[name]]
        for name in ("output", "error")
    }
    headers = {} if state.ends is None else {"Expires": format_datetime(state.ends, usegmt=True)}
    asked_at = {"request": f"{_root(request)}{state.manifest['request']}"}
    return JSONResponse(state.manifest | listed | asked_at, headers=headers)


@router.get("/v1/deliveries/{job}/{file}", summary="A file of an order", responses=describe.any_file())
def read_delivery_file(job: str, file: str, request: Request, caller: Exporter) -> Response:
    """Return one file as it was written."""
    path = deliveries_of(request).file(job, caller.account, file)
    with service_of(request).db.write() as connection:
        audit.record(connection, actor_of(caller), "export", f"delivery {job}", file=file)
    return FileResponse(path, media_type=_MEDIA.get(path.suffix, "text/plain"), filename=path.name)


@router.delete(
    "/v1/deliveries/{job}",
    summary="Delete an order and its files",
    status_code=202,
    responses=described.dropped(),
)
def delete_delivery(job: str, request: Request, caller: Exporter) -> Response:
    """Delete what was written, or stop writing."""
    deliveries_of(request).drop(job, caller.account)
    return Response(status_code=202)


@router.get(
    "/v1/sessions/{session}/fhir", summary="One session as a FHIR Bundle", responses=described.session_bundle(),
    openapi_extra={"parameters": described.of_one()},
)  # fmt: skip
def read_session_bundle(session: str, request: Request, caller: Exporter) -> Response:
    """Return Patient, Devices, Procedure, Observations and Provenance of one session; references resolve inside."""
    service = service_of(request)
    query = query_of(request, ("release", "as_of"))
    release = query.one("release", _one_of(*RELEASES), f"one of {', '.join(RELEASES)}") or "R4"
    as_of = query.one("as_of", moment(service.settings.zone, end=True), "a date or an instant")
    query.finish()
    found = Wanted(caller.centre, (("session", (session,)),), as_of=as_of or service.now(), ward=caller.ward)
    one = next(
        (
            t
            for piece in treatments(service.db, found, View(pseudonyms_for(service, caller).of))
            for t in piece
        ),
        None,
    )
    if one is None:
        raise NotFound("no_dose")
    if why_left_out(one) is not None:
        raise NotFound("no_fhir")
    with service.db.write() as connection:
        audit.record(connection, actor_of(caller), "export", f"session {one.id}", format="fhir")
    concepts, _ = site_concepts(service.settings.data_dir)
    return Response(pydantic_core.to_json(bundle(one, concepts, release)), media_type=described.FHIR_JSON)
