"""What only a person can decide: which of two readings counts, which figure a withheld dose has, what belongs together."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from api.web import session_view
from api.web.door import Visit, changing, seeing
from api.web.wording import said, word
from ingestor.access.permissions import Permission
from ingestor.errors import Invalid, NotFound
from ingestor.flow import decisions
from ingestor.store import runs

if TYPE_CHECKING:
    from ingestor.meaning.differences import Difference

router = APIRouter()
_READINGS = ("reported", "cycles", "counter", "integrated")


def reason_of(visit: Visit) -> str:
    """Return the reason that stands in the form.

    Raises:
        Invalid: `page_reason_missing`.
    """
    reason = visit.field("reason")
    if not reason:
        raise Invalid("page_reason_missing")
    return reason


@router.get("/held/{revision}")
def held(visit: Annotated[Visit, seeing(Permission.LINK)], revision: str) -> Response:
    """Show a held reading beside the one that counts, difference by difference."""
    with visit.house.db.read() as connection:
        row = runs.revision_row(connection, revision)
        if row is None:
            raise NotFound
        compared = decisions.difference(connection, revision)
        current = runs.current_revision(connection, row.run_id)
        before = runs.revision_row(connection, current) if current else None
        stored = runs.stored_run(connection, row.run_id)
        if stored and stored.session_id:
            session_view.start_of(connection, stored.session_id, visit.caller.ward)
    return visit.page(
        "held.html", row=row, before=before, compared=compared, session_id=stored.session_id if stored else None,
        why=said(row.hold or "page_contradicts", visit.language),
        differences=[_shown(one, visit.language) for one in compared.differences] if compared else [],
    )  # fmt: skip


def _shown(one: Difference, language: str) -> dict[str, Any]:
    """Return a difference with its record named in the reader's words."""
    kind, *rest = one.record.split(" ")
    tokens = [word("record", kind, language), *(word("phase", token, language) for token in rest)]
    if kind == "samples" and rest:
        tokens = [word("record", kind, language), word("channel", rest[0], language)]
    return {f.name: getattr(one, f.name) for f in fields(one)} | {"label": " ".join(tokens)}


@router.post("/held/{revision}")
def decide_held(visit: Annotated[Visit, changing(Permission.DECIDE)], revision: str) -> Response:
    """Let the held reading count, or reject it."""
    reason = reason_of(visit)
    with visit.house.db.write() as connection:
        if visit.field("choice") == "new":
            decisions.let_count(visit.house, connection, revision, visit.actor, reason)
        else:
            decisions.reject(connection, revision, visit.actor, reason)
    return RedirectResponse("/trays/held?done=decided", 303)


@router.post("/sessions/{key}/decide")
def decide_dose(visit: Annotated[Visit, changing(Permission.DECIDE)], key: str) -> Response:
    """Say which reading counts for a withheld dose; no reading takes the word back."""
    reading = visit.field("reading")
    chosen = reading if reading in _READINGS else None
    with visit.house.db.write() as connection:
        decisions.decide_dose(visit.house, connection, key, chosen, visit.actor, reason_of(visit))
    return RedirectResponse(f"/sessions/{key}?done=decided#dose", 303)


@router.post("/pairs")
def pair(visit: Annotated[Visit, changing(Permission.DECIDE)]) -> Response:
    """Say whether two runs are one treatment."""
    first, second = visit.field("first"), visit.field("second")
    with visit.house.db.write() as connection:
        decisions.declare_pair(
            visit.house, connection, first, second, visit.actor, reason_of(visit),
            together=visit.field("choice") == "together",
        )  # fmt: skip
    return RedirectResponse("/trays/questions?done=decided", 303)
