"""Sessions: lists, and one session with everything that belongs to it, down to the raw lines."""

from __future__ import annotations

import contextlib
import io
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from api import describe
from api.answers import Page
from api.auth import actor_of, require
from api.filters import FILTERS, cursor, listing, moment, query_of, whole
from api.lists import answered, json_page, page
from api.service import Service, service_of
from ingestor.access.permissions import Caller, Permission
from ingestor.errors import Busy, DatabaseTrouble, Forbidden, NotFound, TooMany
from ingestor.exports import evidence as raw_lines
from ingestor.exports import pack, plain
from ingestor.exports.session import detail, document
from ingestor.exports.trace import Part, samples
from ingestor.exports.view import View
from ingestor.store import audit, privacy
from ingestor.store.answers import evidence, sessions
from ingestor.store.answers.sessions import SessionFacts

router = APIRouter(tags=["sessions"])
_LIST = FILTERS | {"sort", "limit", "cursor"}
_SORTS = ("started_at",)
_MOST_STRETCHES = 100_000
Seen = Annotated[Caller, Depends(require(Permission.READ_SESSIONS))]


@router.get(
    "/v1/sessions", summary="Sessions, one row each", openapi_extra=describe.listed("sessions", _SORTS)
)
async def list_sessions(request: Request, caller: Seen) -> Response:
    """List sessions by start, those without a dose included unless the filter asks something of the dose."""
    return await answered(request, caller, lambda: _list(request, caller))


def _list(request: Request, caller: Caller) -> Page:
    service = service_of(request)
    asked, view = listing(query_of(request, _LIST), service, caller, _SORTS), service.view(caller)
    with service.db.read() as connection:
        found = sessions.listed(
            connection,
            asked.wanted,
            descending=asked.order.descending,
            limit=asked.limit + 1,
            after=asked.after,
        )
    names = describe.names("sessions")
    rows = [plain.row("sessions", [one[n] for n in names], view.pseudonym) for one in found[: asked.limit]]
    if len(found) <= asked.limit:
        return page(request, rows, None)
    return page(
        request, rows, {"cursor": cursor(asked.order, rows[-1]["started_at"], rows[-1]["session_id"])}
    )


async def _shown(request: Request, caller: Caller, key: str, part: str) -> Response:
    return await answered(request, caller, lambda: _part(request, caller, key, part))


def _part(request: Request, caller: Caller, key: str, part: str) -> Page:
    service = service_of(request)
    facts = _facts(service, caller, key)
    whole = document(facts, service.view(caller))
    return json_page(whole if part == "all" else {"items": whole[part]})


def _facts(service: Service, caller: Caller, key: str) -> SessionFacts:
    with service.db.read() as connection:
        found = sessions.facts(connection, caller.centre, key, caller.ward)
    if caller.sees_identity:
        _record_look(service, caller, found.row.id)
    return found


def _record_look(service: Service, caller: Caller, key: str) -> None:
    """Put on record who looked at whose session, once an hour; a full disk must not hide it from a nurse."""
    with contextlib.suppress(TooMany, Busy, DatabaseTrouble):
        service.looks.take(f"{caller.account}|{key}")
        with service.db.write() as connection:
            audit.record(connection, actor_of(caller), "read-session", key)


@router.get("/v1/sessions/{session}", summary="One session", responses=describe.of_session())
async def read_session(session: str, request: Request, caller: Seen) -> Response:
    """Return a session with its runs, cycles, alarms, events, columns, findings and dose."""
    return await _shown(request, caller, session, "all")


@router.get(
    "/v1/sessions/{session}/cycles", summary="Its column cycles", responses=describe.rows_of_session()
)
async def list_session_cycles(session: str, request: Request, caller: Seen) -> Response:
    """Return the loads of the columns, in order."""
    return await _shown(request, caller, session, "cycles")


@router.get("/v1/sessions/{session}/alarms", summary="Its alarms", responses=describe.rows_of_session())
async def list_session_alarms(session: str, request: Request, caller: Seen) -> Response:
    """Return the alarms, in the order in which the machine printed them."""
    return await _shown(request, caller, session, "alarms")


@router.get("/v1/sessions/{session}/dose", summary="Its dose", responses=describe.dose_of_session())
async def read_session_dose(session: str, request: Request, caller: Seen) -> Response:
    """Return the row of `/v1/doses`, and in `detail` what it was computed from."""
    return await answered(request, caller, lambda: _dose(request, caller, session))


def _dose(request: Request, caller: Caller, key: str) -> Page:
    service = service_of(request)
    facts, view = _facts(service, caller, key), service.view(caller)
    if facts.dose is None:
        raise NotFound("no_dose")
    return json_page(plain.row("doses", facts.dose, view.pseudonym) | {"detail": detail(facts, view)})


@router.get(
    "/v1/sessions/{session}/evidence",
    summary="Where its dose stands in the files",
    responses=describe.evidence(),
)
async def read_session_evidence(session: str, request: Request, caller: Seen) -> Response:
    """Return for every reading of the dose the lines it was read from.

    Lines on which a person may be named are hidden from those who may not know who the patient is.
    """
    return await answered(request, caller, lambda: _evidence(request, caller, session))


def _evidence(request: Request, caller: Caller, key: str) -> Page:
    service = service_of(request)
    facts = _facts(service, caller, key)
    with service.db.read() as connection:
        places, files = evidence.gathered(connection, facts)
        if any(privacy.source_is_closed(connection, one.sha256) for one in files):
            raise Forbidden("source_closed")
    view, content = service.view(caller), service.house.archive.content
    return json_page(raw_lines.document(facts, places, files, content, view))


@router.get(
    "/v1/sessions/{session}/evidence.zip", summary="Its evidence as one file", responses=describe.pack(),
)  # fmt: skip
def read_evidence_pack(
    session: str,
    request: Request,
    caller: Seen,
    identifiers: Annotated[bool, Query(description="false: as somebody who may not know the patient")] = True,  # noqa: FBT002 - a query parameter
) -> Response:
    """Return session, dose, raw lines and originals in one file that can be checked without this program.

    The originals are left out, and the patient is a pseudonym, for those who may not know who the patient is, and
    for everybody who asks for that.
    """
    service = service_of(request)
    facts = _facts(service, caller, session)
    view = service.view(caller) if identifiers else View(service.pseudonyms.of)
    with service.db.read() as connection:
        places, files = evidence.gathered(connection, facts)
        if any(privacy.source_is_closed(connection, one.sha256) for one in files):
            raise Forbidden("source_closed")
    content = service.house.archive.content
    lines = raw_lines.document(facts, places, files, content, view)
    originals = content if identifiers and caller.may(Permission.READ_RAW) else None
    with service.db.write() as connection:
        audit.record(
            connection, actor_of(caller), "evidence-pack", facts.row.id, originals=originals is not None
        )
    sink = io.BytesIO()
    pack.write(pack.Contents(document(facts, view), lines, files, originals), sink)
    name = {"Content-Disposition": f'attachment; filename="{facts.row.id}.zip"'}
    return Response(sink.getvalue(), headers=name, media_type="application/zip")


@router.get(
    "/v1/sessions/{session}/trace", summary="Its samples", openapi_extra={"parameters": describe.trace_parameters()},
    responses=describe.trace(),
)  # fmt: skip
async def read_session_trace(session: str, request: Request, caller: Seen) -> Response:
    """Return the sampled channels of its runs as columns; times in milliseconds since 1970 (UTC).

    `stretches` cuts the time into so many equal parts and keeps of each the rows in which some channel is least or
    greatest: enough for a drawing, and no peak is lost. `samples` is the number of all rows.
    """
    return await answered(request, caller, lambda: _trace(request, caller, session))


def _trace(request: Request, caller: Caller, key: str) -> Page:
    service = service_of(request)
    query, zone = query_of(request, ("channel", "from", "to", "stretches")), service.settings.zone
    channels = query.texts("channel")
    start = query.one("from", moment(zone), "an instant such as 2026-11-01T08:15:00Z")
    end = query.one("to", moment(zone, end=True), "an instant such as 2026-11-01T08:15:00Z")
    stretches = query.one("stretches", whole(1, _MOST_STRETCHES), f"a number from 1 to {_MOST_STRETCHES}")
    query.finish()
    part = Part(_ms(start), _ms(end), stretches)
    facts = _facts(service, caller, key)
    with service.db.read() as connection:
        blocks = {one.row.id: sessions.block(connection, one) for one in facts.runs}
    runs: list[dict[str, Any]] = [
        {"run": run, **samples(block, channels, part)} for run, block in blocks.items() if block is not None
    ]
    return json_page({"session_id": facts.row.id, "runs": runs})


def _ms(at: datetime | None) -> int | None:
    return None if at is None else round(at.timestamp() * 1000)
