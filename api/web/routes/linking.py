"""Linking a session to a patient and taking that back, always with a reason."""

from __future__ import annotations

from datetime import date, datetime
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.web import candidates, session_view
from api.web.door import Visit, changing, seeing
from api.web.sight import known_as
from api.web.vouching import second_person
from api.web.wording import said, text
from ingestor.access.permissions import Permission
from ingestor.errors import Denied, Forbidden, IngestorError, Invalid, NotFound
from ingestor.flow import linking
from ingestor.flow import second_person as two
from ingestor.store import link_requests
from ingestor.store.answers import people

if TYPE_CHECKING:
    from sqlalchemy import Connection

router = APIRouter()
_REASONS = ("slip", "list", "asked", "wrong")
_DATES = ("%d.%m.%Y", "%Y-%m-%d", "%d/%m/%Y")


def born(words: str) -> date | None:
    """Return a date of birth that was typed as search words, or None."""
    for form in _DATES:
        try:
            return datetime.strptime(words, form).date()  # noqa: DTZ007 - a day, not an instant
        except ValueError:
            continue
    return None


def find(visit: Visit, connection: Connection, words: str) -> list[dict[str, Any]]:
    """Return the patients that a person searches for."""
    words = words.strip()[:60]
    return people.search(connection, visit.caller.centre, words, born(words))


@router.get("/sessions/{key}/link")
def choose(
    visit: Annotated[Visit, seeing(Permission.LINK)],
    key: str,
    q: str = "",
    part: Annotated[bool, Query()] = False,  # noqa: FBT002 - a query parameter
) -> Response:
    """Search for the patient; `part` asks for the matches alone."""
    with visit.house.db.read() as connection:
        row, started = session_view.start_of(connection, key, visit.caller.ward)
        found = find(visit, connection, q) if q.strip() else []
        typed = session_view.typed_at(session_view.parts_of(connection, row.id)) if not part else []
    address = f"/sessions/{row.id}/link/"
    if part:
        body = visit.fragment("parts/found_patients.html", found=found, q=q, choose=address)
        return HTMLResponse(body)
    return visit.page(
        "link_search.html", session=row, started=started, typed=typed, found=found, q=q, choose=address
    )


@router.get("/sessions/{key}/link/{patient}")
def compare(visit: Annotated[Visit, seeing(Permission.LINK)], key: str, patient: str) -> Response:
    """Show session and patient side by side before anything counts."""
    return _confirmation(visit, key, patient)


def _confirmation(
    visit: Visit,
    key: str,
    patient: str,
    *,
    wrong: str = "",
    trouble: IngestorError | None = None,
    status: int = 200,
) -> Response:
    house = visit.house
    with house.db.read() as connection:
        row, started = session_view.start_of(connection, key, visit.caller.ward)
        wanted = [patient, row.patient_id] if row.patient_id else [patient]
        known = people.by_id(connection, house.centre, wanted)
        if patient not in known:
            raise NotFound("no_such_patient")
        parts = session_view.parts_of(connection, row.id)
        against = candidates.warnings(house, connection, row, patient, visit.language)
    before = known.get(row.patient_id)
    return visit.page(
        "link_confirm.html", status=status, session=row, started=started, who=known[patient],
        typed=session_view.typed_at(parts), now_linked=known_as(before) if before else None, warnings=against,
        machines=[f"{p.run.device.model} {p.run.device.serial}" for p in parts], wrong=wrong,
        reasons=_reasons(visit), compared=_compared(parts, known[patient]), values=visit.form, **_told(visit, trouble),
    )  # fmt: skip


def _told(visit: Visit, trouble: IngestorError | None) -> dict[str, Any]:
    if trouble is None:
        return {}
    return {"notice": {"kind": "bad", **said(trouble.code, visit.language, trouble.details)}}


def _compared(parts: list[session_view.Part], who: dict[str, Any]) -> list[tuple[str, bool]]:
    """Return the identifier nearest to what was typed, piece by piece, each with whether it differs."""
    typed = session_view.typed_at(parts)
    values = [value for _, value in who["identifiers"]]
    if not typed or not values or typed[0] in values:
        return []
    value = max(values, key=lambda one: SequenceMatcher(None, typed[0], one, autojunk=False).ratio())
    pieces = SequenceMatcher(None, typed[0], value, autojunk=False).get_opcodes()
    return [(value[start:end], tag != "equal") for tag, _, _, start, end in pieces if end > start]


def _reasons(visit: Visit) -> list[str]:
    return [text(f"link.suggest.{one}", visit.language) for one in _REASONS]


@router.post("/sessions/{key}/link/{patient}")
def link(visit: Annotated[Visit, changing(Permission.LINK)], key: str, patient: str) -> Response:
    """Link."""
    reason = visit.field("reason")
    if not reason:
        wrong = text("link.reason_missing", visit.language)
        return _confirmation(visit, key, patient, wrong=wrong, status=422)
    try:
        now = visit.house.settings.second_person and visit.field("when") != "later"
        second = second_person(visit) if now else None
    except (Denied, Forbidden, Invalid) as trouble:
        return _confirmation(visit, key, patient, trouble=trouble, status=422)
    with visit.house.db.write() as connection:
        session_view.start_of(connection, key, visit.caller.ward)
        asked = two.link(visit.house, connection, key, patient, visit.actor, reason, second)
    return RedirectResponse(f"/sessions/{key}?done={'proposed' if asked else 'linked'}#patient", 303)


@router.post("/link-requests/{key}")
def decide(visit: Annotated[Visit, changing(Permission.LINK)], key: str) -> Response:
    """Confirm a link that somebody else asked for, or refuse it."""
    confirmed = visit.field("choice") == "confirm"
    with visit.house.db.write() as connection:
        row = link_requests.require_open(connection, key)
        session_view.start_of(connection, row.session_id, visit.caller.ward)
        if confirmed:
            two.confirm(visit.house, connection, key, visit.actor)
        else:
            two.refuse(visit.house, connection, key, visit.actor, visit.field("reason"))
    done = "linked" if confirmed else "not_confirmed"
    address = "/trays/second" if visit.field("from") == "tray" else f"/sessions/{row.session_id}"
    return RedirectResponse(f"{address}?done={done}", 303)


@router.get("/sessions/{key}/unlink")
def ask_unlink(visit: Annotated[Visit, seeing(Permission.LINK)], key: str) -> Response:
    """Ask for the reason."""
    return _undoing(visit, key)


def _undoing(visit: Visit, key: str, *, wrong: str = "", status: int = 200) -> Response:
    with visit.house.db.read() as connection:
        row, started = session_view.start_of(connection, key, visit.caller.ward)
        who = people.by_id(connection, visit.house.centre, [row.patient_id]).get(row.patient_id)
    if who is None:
        return RedirectResponse(f"/sessions/{key}", 303)
    return visit.page(
        "unlink.html", status=status, session=row, started=started, now_linked=known_as(who), wrong=wrong,
        reasons=_reasons(visit),
    )  # fmt: skip


@router.post("/sessions/{key}/unlink")
def unlink(visit: Annotated[Visit, changing(Permission.LINK)], key: str) -> Response:
    """Undo the link."""
    if not visit.field("reason"):
        return _undoing(visit, key, wrong=text("link.reason_missing", visit.language), status=422)
    with visit.house.db.write() as connection:
        session_view.start_of(connection, key, visit.caller.ward)
        linking.unlink(visit.house, connection, key, visit.actor, visit.field("reason"))
    return RedirectResponse(f"/sessions/{key}?done=unlinked#patient", 303)
