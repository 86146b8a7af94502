"""One session: whose it is, its dose, its curve and where all of it comes from."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, RedirectResponse, Response

from api.web import candidates, column_warnings, session_view
from api.web.door import Visit, seeing
from api.web.formats import Formats
from api.web.samples import document, table
from ingestor.access.permissions import Permission
from ingestor.errors import NotFound
from ingestor.quantity import FACTS
from ingestor.store import link_requests, runs
from ingestor.store.answers import people

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestor.model import Run

router = APIRouter()
_SAMPLES = 300
_DIGITS = {"hematocrit": 1, "weight": 1}


@router.get("/sessions/{key}")
def session(visit: Annotated[Visit, seeing(Permission.READ_SESSIONS)], key: str) -> Response:
    """Show a session."""
    context = _context(visit, key)
    if context["session"].id != key:
        return RedirectResponse(f"/sessions/{context['session'].id}", 303)
    return visit.page("session.html", **context)


@router.get("/sessions/{key}/print")
def printed(visit: Annotated[Visit, seeing(Permission.READ_SESSIONS)], key: str) -> Response:
    """Show a session on one page for the patient's record."""
    return visit.page("session_print.html", printed_at=visit.house.now(), **_context(visit, key))


def _context(visit: Visit, key: str) -> dict[str, Any]:
    house, caller = visit.house, visit.caller
    with house.db.read() as connection:
        row, started = session_view.start_of(connection, key, visit.caller.ward)
        parts = session_view.parts_of(connection, row.id)
        typed = session_view.typed_at(parts) if caller.sees_identity else []
        dose = session_view.dose_of(connection, row.id)
        named = people.by_id(connection, caller.centre, [row.patient_id]) if caller.sees_identity else {}
        suggested = []
        if caller.may(Permission.LINK) and row.patient_id is None:
            suggested = candidates.suggest(house, connection, row, typed, visit.language)
        return {
            "session": row, "started": started, "parts": parts, "typed": typed, "dose": dose,
            "readings": session_view.readings_of(dose),
            "reasons": session_view.reasons_of(dose, visit.language),
            "inputs": session_view.inputs_of(dose, _amount(visit)),
            "missing": session_view.missing_of(dose, visit.language),
            "column_warnings": column_warnings.of_session(visit, connection, row.id),
            "findings": session_view.findings_of(connection, parts, visit.language),
            "who": named.get(row.patient_id), "candidates": suggested, "notices": [],
            "notes": session_view.notes_of(connection, parts) if caller.sees_identity else [],
            "requests": link_requests.waiting(connection, caller.centre, row.id) if caller.sees_identity else [],
            "links": people.link_history(connection, row.id) if caller.sees_identity else [],
            "pseudonym": visit.pseudonyms.of(row.patient_id) if row.patient_id and not caller.sees_identity else None,
        }  # fmt: skip


def _amount(visit: Visit) -> Callable[[str, Decimal], str]:
    formats = Formats(visit.language, visit.house.settings.zone)

    def amount(kind: str, value: Decimal) -> str:
        if kind == "hematocrit":
            return formats.percent(value)
        return formats.quantity(value, FACTS[kind].unit if kind in FACTS else "", _DIGITS.get(kind, 0))

    return amount


@router.get("/sessions/{key}/samples/{run_id}")
def samples(
    visit: Annotated[Visit, seeing(Permission.READ_SESSIONS)], key: str, run_id: str, first: int = 0
) -> Response:
    """Show every sample of a run, some hundred on a page."""
    one = _run(visit, key, run_id)
    total = len(one.trace or ())
    first = max(0, min(first, max(total - 1, 0)))
    return visit.page(
        "samples.html", session={"id": key}, run_id=run_id, run=one, total=total, first=first, size=_SAMPLES,
        rows=table(one.trace, first, _SAMPLES) if one.trace is not None else [],
    )  # fmt: skip


@router.get("/sessions/{key}/trace/{run_id}")
def trace(visit: Annotated[Visit, seeing(Permission.READ_SESSIONS)], key: str, run_id: str) -> Response:
    """Return all samples of a run for zooming: seconds of the wall clock, then one array a channel."""
    one = _run(visit, key, run_id)
    if one.trace is None:
        raise NotFound
    return JSONResponse(document(one.trace, visit.language))


def _run(visit: Visit, key: str, run_id: str) -> Run:
    with visit.house.db.read() as connection:
        stored = runs.stored_run(connection, run_id)
        current = runs.current_revision(connection, run_id)
        session_view.start_of(connection, key, visit.caller.ward)
        if stored is None or stored.session_id != key or current is None:
            raise NotFound
        return runs.load(connection, current)
