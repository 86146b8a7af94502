"""The week of a ward, and the doses of many sessions."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from api.web import cohort as drawings
from api.web import timeline
from api.web.door import Visit, seeing
from api.web.routes.sessions import midnight
from api.web.sight import shown
from ingestor.access.permissions import Permission
from ingestor.errors import Invalid, NotFound
from ingestor.flow.privacy import require_led_back
from ingestor.store import places, privacy
from ingestor.store.answers import cohort, worklist

router = APIRouter()
_WEEK = timedelta(days=7)
_MOST = 500


@router.get("/week")
def week(visit: Annotated[Visit, seeing(Permission.READ_SESSIONS)], of: str = "") -> Response:
    """Show the sessions of a week, day by day, by the machines' own clocks."""
    zone = ZoneInfo(visit.house.settings.zone)
    try:
        chosen = date.fromisoformat(of) if of else visit.house.now().astimezone(zone).date()
        first = chosen - timedelta(days=chosen.weekday())
        start = datetime.combine(first, time(), zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid("page_date", value=of[:20]) from None
    wanted = worklist.Wanted(
        start=start - timedelta(days=1), end=start + _WEEK + timedelta(days=1), ward=visit.caller.ward
    )
    with visit.house.db.read() as connection:
        rows = worklist.sessions(connection, visit.caller.centre, wanted, limit=_MOST)
    days: dict[date, list[dict[str, Any]]] = {first + timedelta(days=i): [] for i in range(7)}
    for row in reversed(shown(visit, rows)):
        begun = row["started_local"] or row["started_at"].astimezone(zone)
        if begun.date() in days:
            days[begun.date()].append(row)
    return visit.page(
        "week.html",
        days=days,
        first=first,
        last=first + timedelta(days=6),
        before=first - _WEEK,
        after=first + _WEEK,
    )


@router.get("/cohort")
def analysis(visit: Annotated[Visit, seeing(Permission.READ_DOSES)], device: str = "") -> Response:
    """Show how much plasma sessions processed, and how that went month by month."""
    query, zone = visit.request.query_params, visit.house.settings.zone
    chosen = {"from": query.get("from", ""), "to": query.get("to", ""), "device": device}
    start, last = midnight(chosen["from"], zone), midnight(chosen["to"], zone)
    end = last + timedelta(days=1) if last else None
    with visit.house.db.read() as connection:
        points = cohort.points(connection, visit.caller.centre, start, end, device or None)
        devices = places.known_devices(connection, visit.caller.centre)
    least = 1 if visit.caller.sees_identity else visit.house.settings.smallest_cell
    asked = {"started_from": chosen["from"], "started_to": chosen["to"], "device": device}
    return visit.page(
        "cohort.html", chosen=chosen, devices=devices, count=len(points), bars=drawings.distribution(points, least),
        months=drawings.by_month(points, least), least=least, mixed=drawings.mixed_formulas(points),
        download="/v1/doses.csv?" + urlencode({k: v for k, v in asked.items() if v}),
    )  # fmt: skip


@router.get("/courses/{pseudonym}")
def courses(visit: Annotated[Visit, seeing(Permission.READ_DOSES)], pseudonym: str) -> Response:
    """Show one patient's courses under the pseudonym."""
    house = visit.house
    with house.db.read() as connection:
        known = cohort.patient_ids(connection, visit.caller.centre)
        patient = visit.pseudonyms.patient_of(pseudonym, known)
        if patient is None:
            raise NotFound("no_such_patient")
        if visit.caller.sees_identity:
            require_led_back(house, connection, patient, visit.caller.name)
        elif privacy.is_restricted(connection, patient):
            raise NotFound("no_such_patient")
        wanted = worklist.Wanted(patient=patient)
        rows = worklist.sessions(connection, visit.caller.centre, wanted, limit=_MOST)
    found = timeline.courses_of(patient, rows, house.settings.course_gap_days)
    return visit.page(
        "courses.html",
        pseudonym=pseudonym,
        rows=shown(visit, rows),
        courses=found,
        timeline=timeline.draw(found),
    )
