"""What only a person decides, for programs: links, withheld doses, held readings, pairs of runs, column warnings.

Each needs a reason, is on record with the name of whoever decided, and is taken back by another one.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Depends
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api import describe
from api.auth import actor_of, require, require_form
from api.service import service_of
from ingestor.access.permissions import Caller, Permission
from ingestor.errors import LimitExceeded, NotFound
from ingestor.exports import plain
from ingestor.exports.session import tidy
from ingestor.flow import columns, decisions, linking, second_person
from ingestor.flow.receipt import finding_json
from ingestor.store import runs, sessions
from ingestor.store.answers import sessions as answers
from ingestor.store.answers import trays

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from ingestor.flow.house import House

router = APIRouter(tags=["decisions"])
_MOST_BYTES = 16384
Linker = Annotated[Caller, Depends(require(Permission.LINK))]
Decider = Annotated[Caller, Depends(require(Permission.DECIDE))]


class _Word(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)
    reason: str = Field(min_length=1, max_length=300, description="Why; it is kept for ever")


class Link(_Word):
    """Whose session it is; nobody's if the patient is null."""

    patient: str | None = Field(max_length=40)


class DoseDecision(_Word):
    """Which reading of the processed plasma counts; null takes the word back."""

    reading: Literal["reported", "cycles", "counter", "integrated"] | None


class HeldDecision(_Word):
    """Whether a reading counts."""

    counts: bool


class PairDecision(_Word):
    """Whether two runs are one treatment."""

    first: str = Field(max_length=40)
    second: str = Field(max_length=40)
    together: bool


class ColumnWord(_Word):
    """A warning about a column of a session: acknowledged, or that taken back."""

    code: str = Field(max_length=60)
    serial: str = Field(max_length=300)
    acknowledged: bool


_Asked = TypeVar("_Asked", bound=_Word)


async def _body(request: Request, kind: type[_Asked]) -> _Asked:
    """Read a small JSON body, after it is known who asks."""
    require_form(request, None)
    data = b""
    async for piece in request.stream():
        data += piece
        if len(data) > _MOST_BYTES:
            raise LimitExceeded("body_too_large", limit_mib=f"{_MOST_BYTES / 2**20:.2f}")
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_context=False)) from None


async def _done(request: Request, work: Callable[[House, Connection], dict[str, Any]]) -> Response:
    """Do something in one transaction and return what it says."""
    house = service_of(request).house

    def change() -> dict[str, Any]:
        with house.db.write() as connection:
            return work(house, connection)

    return JSONResponse(tidy(await run_in_threadpool(change)))


def _seen(house: House, connection: Connection, caller: Caller, key: str) -> str:
    """Return the id under which a session stands now."""
    row = sessions.session_row(connection, key)
    if row.centre != house.centre or (caller.ward is not None and row.ward not in {None, caller.ward}):
        raise NotFound("no_such_session")
    return str(row.id)


@router.post("/v1/sessions/{session}/link", summary="Say whose session it is", **describe.decided(Link))
async def link_session(session: str, request: Request, caller: Linker) -> Response:
    """Link a session to a patient, or to nobody; the answer warns of columns that somebody else used.

    Where the site wants a second person, `request` is what that person confirms, and nobody is linked yet.
    """
    asked = await _body(request, Link)

    def work(house: House, connection: Connection) -> dict[str, Any]:
        key, actor = _seen(house, connection, caller, session), actor_of(caller)
        if asked.patient is None:
            linking.unlink(house, connection, key, actor, asked.reason)
            return {"session_id": key, "patient": None, "request": None, "warnings": []}
        found = columns.against(house, connection, key, asked.patient)
        waits = second_person.link(house, connection, key, asked.patient, actor, asked.reason)
        warnings = [finding_json(one) for one in found]
        return {
            "session_id": key,
            "patient": None if waits else asked.patient,
            "request": waits,
            "warnings": warnings,
        }

    return await _done(request, work)


@router.post(
    "/v1/sessions/{session}/decision", summary="Say which reading counts", **describe.decided(DoseDecision)
)
async def decide_dose(session: str, request: Request, caller: Decider) -> Response:
    """Decide on a withheld dose; the answer is the dose as it is served now."""
    asked = await _body(request, DoseDecision)
    view = service_of(request).view(caller)

    def work(house: House, connection: Connection) -> dict[str, Any]:
        key = _seen(house, connection, caller, session)
        decisions.decide_dose(house, connection, key, asked.reading, actor_of(caller), asked.reason)
        found = answers.facts(connection, house.centre, key)
        if found.dose is None:
            raise NotFound("no_dose")
        return plain.row("doses", found.dose, view.pseudonym)

    return await _done(request, work)


@router.get("/v1/held", summary="Readings that wait for a decision", responses=describe.any_document())
def list_held(request: Request, caller: Decider) -> JSONResponse:
    """List them with the difference from the reading that counts, record by record."""
    with service_of(request).db.read() as connection:
        items = [
            tidy({name: row[name] for name in _HELD} | {"differences": _differences(connection, row["id"])})
            for row in trays.held(connection, caller.centre)
        ]
    return JSONResponse({"items": items, "next": None})


_HELD = ("id", "run_id", "session_id", "source", "hold", "started_local", "read_at", "model", "serial")


def _differences(connection: Connection, revision: str) -> list[dict[str, Any]]:
    compared = decisions.difference(connection, revision)
    return [asdict(one) for one in compared.differences] if compared else []


@router.post(
    "/v1/revisions/{revision}/decision",
    summary="Say whether a reading counts",
    **describe.decided(HeldDecision),
)
async def decide_reading(revision: str, request: Request, caller: Decider) -> Response:
    """Let a held reading count or reject it, or let an older one count again."""
    asked = await _body(request, HeldDecision)

    def work(house: House, connection: Connection) -> dict[str, Any]:
        row = runs.revision_row(connection, revision)
        known = runs.stored_run(connection, row.run_id) if row is not None else None
        if known is None or known.centre != house.centre:
            raise NotFound
        concerned: list[str] = []
        if asked.counts:
            concerned = decisions.let_count(house, connection, revision, actor_of(caller), asked.reason)
        else:
            decisions.reject(connection, revision, actor_of(caller), asked.reason)
        return {"revision": revision, "counts": asked.counts, "sessions": concerned}

    return await _done(request, work)


@router.post("/v1/pairs", summary="Say whether two runs are one treatment", **describe.decided(PairDecision))
async def decide_pair(request: Request, caller: Decider) -> Response:
    """Put two runs into one session, or keep them apart and never ask again."""
    asked = await _body(request, PairDecision)

    def work(house: House, connection: Connection) -> dict[str, Any]:
        both = (asked.first, asked.second)
        found = decisions.declare_pair(
            house, connection, *both, actor_of(caller), asked.reason, together=asked.together
        )
        return {"runs": both, "together": asked.together, "sessions": found}

    return await _done(request, work)


@router.post(
    "/v1/sessions/{session}/column-warnings", summary="Acknowledge a warning about a column",
    **describe.decided(ColumnWord),
)  # fmt: skip
async def decide_column(session: str, request: Request, caller: Linker) -> Response:
    """Say that a warning is known and why it is as it is, or take that back."""
    asked = await _body(request, ColumnWord)
    change = columns.acknowledge if asked.acknowledged else columns.take_back

    def work(house: House, connection: Connection) -> dict[str, Any]:
        key = _seen(house, connection, caller, session)
        changed = change(house, connection, key, asked.code, asked.serial, actor_of(caller), asked.reason)
        return {"session_id": key, "acknowledged": asked.acknowledged, "changed": changed}

    return await _done(request, work)
