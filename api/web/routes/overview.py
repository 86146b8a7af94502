"""The week of a ward, and the doses of many sessions."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from api.web import timeline
from api.web.door import Visit, seeing
from api.web.sight import shown
from ingestor.access.permissions import Permission
from ingestor.errors import Invalid, NotFound
from ingestor.flow.privacy import require_led_back
from ingestor.store import privacy
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


def _treated(visit: Visit, pseudonym: str) -> tuple[list[dict[str, Any]], list[timeline.Shown]]:
    """Return a patient's sessions and courses."""
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
    return rows, timeline.courses_of(patient, rows, house.settings.course_gap_days)


@router.get("/courses/{pseudonym}.csv")
def courses_as_file(visit: Annotated[Visit, seeing(Permission.READ_DOSES)], pseudonym: str) -> Response:
    """Return the numbers of the drawing: each session's plasma, and that of its course so far."""
    _, found = _treated(visit, pseudonym)
    text = io.StringIO()
    out = csv.writer(text)
    out.writerow(("course", "session_id", "started_local", "processed_plasma_ml", "course_so_far_ml"))
    for one in found:
        for dot in one.dots:
            plasma = "" if dot.plasma is None else dot.plasma
            out.writerow((one.number, dot.session, dot.when.isoformat(), plasma, dot.total))
    name = {"Content-Disposition": 'attachment; filename="courses.csv"'}
    return Response(text.getvalue(), headers=name, media_type="text/csv; charset=utf-8")


@router.get("/courses/{pseudonym}")
def courses(visit: Annotated[Visit, seeing(Permission.READ_DOSES)], pseudonym: str) -> Response:
    """Show one patient's courses under the pseudonym."""
    rows, found = _treated(visit, pseudonym)
    return visit.page(
        "courses.html",
        pseudonym=pseudonym,
        rows=shown(visit, rows),
        courses=found,
        timeline=timeline.draw(found),
    )
