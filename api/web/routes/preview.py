"""Before it counts: what was understood of a file, what a person adds, and the word that lets it count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from api.web.curve import draw
from api.web.door import Visit, changing, seeing
from api.web.routes.patients import number
from api.web.wording import said, text
from ingestor.access.permissions import Permission
from ingestor.driver import Bundle, Member
from ingestor.errors import Invalid, NotFound
from ingestor.flow import patients as flow
from ingestor.flow import pipeline, second_person
from ingestor.flow.patients import NewMeasurement
from ingestor.meaning.linking import normalise_identifier
from ingestor.model import Status
from ingestor.store import audit, patients, sessions, sources
from ingestor.store.answers import people, uploads
from ingestor.trace import from_block

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ingestor.errors import IngestorError
    from ingestor.model import Run

router = APIRouter()
MEASURED = (("weight", "kg"), ("hematocrit", "%"))
_ALL = 200


@router.get("/upload/{key}")
def preview(visit: Annotated[Visit, seeing(Permission.CONFIRM)], key: str) -> Response:
    """Show what was understood of a submission."""
    return _preview(visit, key)


def _preview(visit: Visit, key: str, trouble: IngestorError | None = None) -> Response:
    row = _submission(visit, key)
    if row["status"] != Status.PREVIEW.value:
        return RedirectResponse(f"/upload#{key}", 303)
    runs = _runs(visit, row)
    with visit.house.db.read() as connection:
        found = [
            {"run": run, "curve": draw(run), "who": _who(visit, connection, run.patient_printed)}
            for run in runs
        ]
    context: dict[str, Any] = {"values": visit.form}
    if trouble is not None:
        context["notice"] = {"kind": "bad", **said(trouble.code, visit.language, trouble.details)}
    typed = next((run.patient_printed for run in runs if run.patient_printed), "")
    findings = (row["receipt"] or {}).get("findings") or []
    return visit.page(
        "preview.html", status=422 if trouble else 200, submission=row, parts=found, typed=typed or "",
        understood=(row["receipt"] or {}).get("preview") or [], measured=MEASURED,
        names=row["names"] or [m["name"] for m in row["members"]],
        findings=[{**one, "text": one["text"][visit.language]} for one in findings], **context,
    )  # fmt: skip


def _submission(visit: Visit, key: str) -> dict[str, Any]:
    with visit.house.db.read() as connection:
        found = uploads.by_id(connection, [key])
    if not found or found[0]["centre"] != visit.caller.centre:
        raise NotFound
    return found[0]


def _runs(visit: Visit, row: dict[str, Any]) -> list[Run]:
    """Read the archived bytes once more: a preview stores nothing that could be drawn."""
    from dataclasses import replace

    house = visit.house
    members = tuple(Member(m["name"], house.archive.read(m["sha256"])) for m in row["members"])
    reading = house.reader.read(Bundle(members), house.clock(row["zone"]), row["driver"])
    return [replace(one.run, trace=from_block(one.block) if one.block else None) for one in reading.runs]


def _who(visit: Visit, connection: Connection, typed: str | None) -> dict[str, Any] | None:
    """Return the one patient who has this identifier now, or None."""
    if not typed:
        return None
    normalised = normalise_identifier(typed, visit.house.settings.identifier_rule)
    keys = {one[0] for one in patients.with_identifier(connection, visit.caller.centre, normalised)}
    return (
        people.by_id(connection, visit.caller.centre, list(keys)).get(next(iter(keys)))
        if len(keys) == 1
        else None
    )


@router.post("/upload/{key}/confirm")
def confirm(visit: Annotated[Visit, changing(Permission.CONFIRM)], key: str) -> Response:
    """Let a submission count, with what the person added."""
    row = _submission(visit, key)
    try:
        identifier, values = visit.field("identifier", 60), _values(visit)
        with visit.house.db.read() as connection:
            who = _who(visit, connection, identifier)
        _require_known(row, identifier, who, values)
    except Invalid as trouble:
        return _preview(visit, key, trouble)
    if visit.field("note"):
        with visit.house.db.write() as connection:
            sources.annotate(connection, key, visit.field("note"))
    receipt = pipeline.confirm(visit.house, row["id"], visit.actor)
    if who is not None and len(receipt["sessions"]) == 1:
        _complete(visit, receipt, who["id"], values)
    return RedirectResponse(f"/upload?done=confirmed#{key}", 303)


def _require_known(
    row: dict[str, Any], identifier: str, who: dict[str, Any] | None, values: list[Any]
) -> None:
    """See that what was added can be kept: a corrected identifier belongs to somebody, and so do values."""
    printed = {one["patient_printed"] for one in (row["receipt"] or {}).get("preview") or []}
    if who is None and (values or (identifier and identifier not in printed)):
        raise Invalid("page_nobody_with_identifier" if identifier else "page_identifier_missing")


def _values(visit: Visit) -> list[tuple[str, Any, str]]:
    """Return the measurements that were filled in."""
    return [(kind, number(typed), unit) for kind, unit in MEASURED if (typed := visit.field(kind, 12))]


def _complete(
    visit: Visit, receipt: dict[str, Any], patient: str, values: list[tuple[str, Any, str]]
) -> None:
    """Link the session that was saved to the patient whom the person named, and record what was measured."""
    reason = text("preview.reason", visit.language)
    with visit.house.db.write() as connection:
        row = sessions.session_row(connection, receipt["sessions"][0])
        if row.patient_id != patient:
            second_person.link(visit.house, connection, row.id, patient, visit.actor, reason)
        for kind, value, unit in values:
            new = NewMeasurement(kind, value, unit, row.started_at)
            flow.measure(visit.house, connection, patient, new, visit.actor)


@router.post("/upload/{key}/discard")
def discard(visit: Annotated[Visit, changing(Permission.CONFIRM)], key: str) -> Response:
    """Say that this file was the wrong one: it never counts, and its bytes stay as long as the site keeps them."""
    row = _submission(visit, key)
    if row["status"] != Status.PREVIEW.value:
        raise NotFound
    with visit.house.db.write() as connection:
        sources.annotate(connection, key, visit.field("note") or text("upload.wrong_machine", visit.language))
        sources.clear(connection, key, visit.house.now())
        audit.record(connection, visit.actor, "discard", key)
    return RedirectResponse(f"/upload?done=discarded#{key}", 303)


@router.post("/upload/confirm-all")
def confirm_all(visit: Annotated[Visit, changing(Permission.CONFIRM)]) -> Response:
    """Let everything count that this person handed in and has not confirmed yet."""
    with visit.house.db.read() as connection:
        waiting = uploads.with_status(connection, visit.caller.centre, [Status.PREVIEW.value], _ALL)
    for row in waiting:
        if row["actor"] == visit.caller.name and row["cleared_at"] is None:
            pipeline.confirm(visit.house, row["id"], visit.actor)
    return RedirectResponse("/upload?done=confirmed", 303)
