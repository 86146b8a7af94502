"""Machines, columns, alarms of all sessions, courses of a patient."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from api import describe
from api.answers import Page
from api.auth import require
from api.filters import FILTERS, LIMIT, MOST, packed, place_after, query_of, wanted, whole
from api.lists import answered, json_page, page
from api.service import service_of
from ingestor.access.permissions import Caller, Permission
from ingestor.errors import NotFound
from ingestor.exports import plain
from ingestor.exports.codes import codes
from ingestor.exports.session import tidy
from ingestor.flow.dosing import brief
from ingestor.meaning.courses import group
from ingestor.store.answers import inventory, parts, patients, sessions
from ingestor.store.answers.patients import Treated

router = APIRouter()
_OLDEST = 90


@router.get("/v1/devices", tags=["machines"], summary="Machines", responses=describe.devices())
async def list_devices(
    request: Request, caller: Annotated[Caller, Depends(require(Permission.READ_MACHINES))]
) -> Response:
    """List the machines with their sessions, when they were last seen, and what was read of them."""
    return await answered(request, caller, lambda: _devices(request, caller))


def _devices(request: Request, caller: Caller) -> Page:
    query_of(request, ()).finish()
    with service_of(request).db.read() as connection:
        found = inventory.devices(connection, caller.centre, caller.ward)
    return json_page({"items": [tidy(one) for one in found], "next": None})


@router.get(
    "/v1/columns", tags=["machines"], summary="Columns", responses=describe.columns(),
    openapi_extra={"parameters": describe.walking()},
)  # fmt: skip
async def list_columns(
    request: Request, caller: Annotated[Caller, Depends(require(Permission.READ_MACHINES))]
) -> Response:
    """List the columns by serial number. One that was used with more than one patient is a reason to look."""
    return await answered(request, caller, lambda: _columns(request, caller))


def _columns(request: Request, caller: Caller) -> Page:
    query = query_of(request, ("limit", "cursor"))
    limit = query.one("limit", whole(1, MOST), f"a number from 1 to {MOST}") or LIMIT
    after = query.one("cursor", place_after(str, str), "the cursor of an answer to the same question")
    query.finish()
    with service_of(request).db.read() as connection:
        found = inventory.columns(connection, caller.centre, limit + 1, after, caller.ward)
    rows = [tidy(one) for one in found[:limit]]
    further = {"cursor": packed(rows[-1]["serial"], rows[-1]["product"])} if len(found) > limit else None
    return page(request, rows, further)


@router.get(
    "/v1/alarms", tags=["sessions"], summary="Alarms of all sessions",
    openapi_extra={"parameters": describe.alarm_parameters()}, responses=describe.alarms(),
)  # fmt: skip
async def list_alarms(
    request: Request, caller: Annotated[Caller, Depends(require(Permission.READ_DOSES))]
) -> Response:
    """List alarms by the start of their session. The filters are those of doses, and `kind` and `priority`."""
    return await answered(request, caller, lambda: _alarms(request, caller))


def _alarm_place(text: str) -> parts.Place:
    started, session, run, position = place_after(str, str, str, int)(text)
    return datetime.fromisoformat(started), session, run, position


def _alarms(request: Request, caller: Caller) -> Page:
    service = service_of(request)
    query = query_of(request, FILTERS | {"kind", "priority", "limit", "cursor"})
    asked = wanted(query, service, caller)
    kinds, priorities = (
        query.texts("kind", tuple(codes("alarm_kind"))),
        query.texts("priority", tuple(codes("priority"))),
    )
    limit = query.one("limit", whole(1, MOST), f"a number from 1 to {MOST}") or LIMIT
    after = query.one("cursor", _alarm_place, "the cursor of an answer to the same question")
    query.finish()
    with service.db.read() as connection:
        found = parts.rows(connection, "alarms", asked, limit + 1, after, kinds=kinds, priorities=priorities)
        rows = [plain.row("alarms", raw, None) for raw, _ in found[:limit]]
        if not caller.sees_identity:
            texts = sessions.identifying(connection, {row["session_id"] for row in rows})
            view = service.view(caller)
            rows = [row | {"text": view.text(row["text"], texts.get(row["session_id"], ()))} for row in rows]
    if len(found) <= limit:
        return page(request, rows, None)
    started, session, run, position = found[limit - 1][1]
    return page(request, rows, {"cursor": packed(started.isoformat(), session, run, position)})


@router.get(
    "/v1/patients/{pseudonym}/courses",
    tags=["doses"],
    summary="Courses of a patient",
    responses=describe.courses(),
)
async def list_courses(
    pseudonym: str, request: Request, caller: Annotated[Caller, Depends(require(Permission.READ_DOSES))]
) -> Response:
    """Return a patient's courses: sessions without a long gap between them, with what was given in all."""
    return await answered(request, caller, lambda: _courses(request, caller, pseudonym))


def _courses(request: Request, caller: Caller, pseudonym: str) -> Page:
    service = service_of(request)
    patient = service.patient_of(pseudonym, caller) or (pseudonym if caller.sees_identity else None)
    with service.db.read() as connection:
        found = patients.treated(connection, caller.centre, patient, caller.ward) if patient else None
    if found is None:
        raise NotFound("no_such_patient")
    patient_shown = service.view(caller).patient(found.id)
    grouped = group(found.id, [brief(row) for row in found.doses], service.settings.course_gap_days)
    return json_page({
        "patient": patient_shown, "sex": found.sex, "age": _age(found),
        "courses": [tidy({k: v for k, v in asdict(one).items() if k != "id"}) for one in grouped],
    })  # fmt: skip


def _age(found: Treated) -> str | None:
    """Return the age [a] at the first session, as text; the few who are very old share one."""
    if found.birth_year is None or not found.doses:
        return None
    age = found.doses[0].started_at.year - found.birth_year
    return f"{_OLDEST}+" if age >= _OLDEST else str(age)
