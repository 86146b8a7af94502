"""The list of sessions, those of nobody first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from api.web.door import Visit, seeing
from api.web.sight import shown
from ingestor.access.permissions import Permission
from ingestor.errors import Invalid
from ingestor.store import places
from ingestor.store.answers import worklist
from ingestor.store.answers.worklist import Wanted

router = APIRouter()
_PAGE = 40
_UNLINKED = 10


def midnight(text: str, zone: str) -> datetime | None:
    """Return the beginning of a day of the site as an instant, None where nothing was asked.

    Raises:
        Invalid: `page_date`.
    """
    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), ZoneInfo(zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid("page_date", value=text[:20]) from None


@router.get("/sessions")
def sessions(
    visit: Annotated[Visit, seeing(Permission.READ_SESSIONS)],
    device: str = "",
    status: str = "",
    before: str = "",
) -> Response:
    """Show sessions, newest first."""
    query = visit.request.query_params
    start, end = query.get("from", ""), query.get("to", "")
    zone = visit.house.settings.zone
    last = midnight(end, zone)
    both = Wanted(
        device=device or None, status=status or None, ward=visit.caller.ward, start=midnight(start, zone),
        end=last + timedelta(days=1) if last else None,
    )  # fmt: skip
    centre = visit.caller.centre
    with visit.house.db.read() as connection:
        nobody = replace(both, linked=False)
        unlinked_total = worklist.count(connection, centre, nobody)
        unlinked = [] if before else worklist.sessions(connection, centre, nobody, limit=_UNLINKED)
        wanted = replace(both, linked=True)
        rows = worklist.sessions(connection, centre, wanted, before=_place(before), limit=_PAGE + 1)
        total = worklist.count(connection, centre, wanted) + unlinked_total
        devices = places.known_devices(connection, centre)
    chosen = {"start": start, "end": end, "device": device, "status": status}
    return visit.page(
        "sessions.html", unlinked=shown(visit, unlinked), unlinked_total=unlinked_total, total=total,
        rows=shown(visit, rows[:_PAGE]), older=_older(rows, chosen), devices=devices,
        chosen=chosen | {"any": any(chosen.values())},
    )  # fmt: skip


def _place(text: str) -> tuple[datetime, str] | None:
    if not text:
        return None
    moment, _, key = text.partition("~")
    try:
        return datetime.fromisoformat(moment).astimezone(UTC), key
    except (ValueError, OverflowError):
        raise Invalid("page_date", value=text[:20]) from None


def _older(rows: list[dict[str, object]], chosen: dict[str, str]) -> str | None:
    """Return the address of the next page, or None on the last one."""
    if len(rows) <= _PAGE:
        return None
    last = rows[_PAGE - 1]
    asked = {
        "from": chosen["start"],
        "to": chosen["end"],
        "device": chosen["device"],
        "status": chosen["status"],
    }
    moment = last["started_at"]
    assert isinstance(moment, datetime)  # noqa: S101 - the column is an instant
    asked["before"] = f"{moment.isoformat()}~{last['id']}"
    return "/sessions?" + urlencode({k: v for k, v in asked.items() if v})
