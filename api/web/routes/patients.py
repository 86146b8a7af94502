"""Patients: found, added, measured; their sessions in courses."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from api.web import session_view, timeline
from api.web.door import Visit, changing, seeing
from api.web.formats import Formats, unit_of
from api.web.routes.linking import find
from api.web.wording import said, text
from ingestor.access.permissions import Permission
from ingestor.errors import IngestorError, Invalid, NotFound
from ingestor.flow import patients as flow
from ingestor.flow.patients import NewMeasurement, NewPatient
from ingestor.quantity import FACTS
from ingestor.store import privacy
from ingestor.store.answers import people, worklist

if TYPE_CHECKING:
    from sqlalchemy import Connection

router = APIRouter()
# What a nurse enters, in the unit in which it is spoken of.
KINDS = (
    ("weight", "kg"),
    ("height", "cm"),
    ("hematocrit", "%"),
    ("igg", "g/L"),
    ("iga", "g/L"),
    ("igm", "g/L"),
)
_NUMBER = re.compile(r"\d{1,6}([.,]\d{1,4})?", re.ASCII)
_SHOWN = 200
_FIELDS = {"identifier": 60, "system": 40, "name": 100, "birth_date": 10, "sex": 10, "test": 5}
_EARLIEST_BIRTH = 1880


def number(typed: str) -> Decimal:
    """Return a number typed with comma or point.

    Raises:
        Invalid: `page_number`.
    """
    if not _NUMBER.fullmatch(typed.strip()):
        raise Invalid("page_number", value=typed[:20])
    return Decimal(typed.strip().replace(",", "."))


@router.get("/patients")
def patients(visit: Annotated[Visit, seeing(Permission.READ_IDENTITY)], q: str = "") -> Response:
    """Show patients, by name."""
    with visit.house.db.read() as connection:
        return visit.page("patients.html", rows=find(visit, connection, q), q=q)


@router.get("/patients/new")
def ask_new(visit: Annotated[Visit, seeing(Permission.EDIT_PATIENTS)], session: str = "") -> Response:
    """Show the form of a new patient."""
    return _new(visit, {}, session)


def _new(
    visit: Visit, values: dict[str, str], session: str, trouble: IngestorError | None = None
) -> Response:
    with visit.house.db.read() as connection:
        systems = people.systems(connection, visit.house.centre)
        typed = _typed(visit, connection, session) if session else []
    default = systems[0] if systems else text("patient.system_default", visit.language)
    blank = {"identifier": "", "system": default, "name": "", "birth_date": "", "sex": "", "test": ""}
    context: dict[str, Any] = {
        "values": blank | values,
        "systems": systems,
        "session": session,
        "typed": typed,
    }
    if trouble is not None:
        context["notice"] = {"kind": "bad", **said(trouble.code, visit.language, trouble.details)}
    return visit.page("patient_new.html", status=422 if trouble else 200, **context)


def _typed(visit: Visit, connection: Connection, session: str) -> list[str]:
    """Return what stands in the patient field of the session for which the patient is added."""
    row, _ = session_view.start_of(connection, session, visit.caller.ward)
    return session_view.typed_at(session_view.parts_of(connection, row.id))


@router.post("/patients")
def add(visit: Annotated[Visit, changing(Permission.EDIT_PATIENTS)]) -> Response:
    """Add a patient; sessions that wait for this identifier find it."""
    values = {name: visit.field(name, most) for name, most in _FIELDS.items()}
    session = visit.field("session")
    try:
        new = _checked(values, visit.house.now().date())
        with visit.house.db.write() as connection:
            key = flow.add(visit.house, connection, new, visit.actor)
    except Invalid as trouble:
        return _new(visit, values, session, trouble)
    if session:
        return RedirectResponse(f"/sessions/{quote(session)}/link/{key}", 303)
    return RedirectResponse(f"/patients/{key}?done=patient", 303)


def _checked(values: dict[str, str], today: date) -> NewPatient:
    _require_identifier(values["system"], values["identifier"])
    born = _born(values["birth_date"], today) if values["birth_date"] else None
    return NewPatient(
        sex=values["sex"] if values["sex"] in {"female", "male"} else None,
        birth_date=born,
        name=values["name"] or None,
        test=values["test"] == "true",
        identifiers={values["system"]: values["identifier"]},
    )


def _born(typed: str, today: date) -> date:
    try:
        born = date.fromisoformat(typed)
    except ValueError:
        born = date.max
    if born.year < _EARLIEST_BIRTH or born > today:
        raise Invalid("page_date", value=typed[:20])
    return born


@router.get("/patients/{key}")
def patient(visit: Annotated[Visit, seeing(Permission.READ_IDENTITY)], key: str) -> Response:
    """Show a patient."""
    return _patient(visit, key)


def _patient(
    visit: Visit, key: str, values: dict[str, str] | None = None, trouble: IngestorError | None = None
) -> Response:
    house = visit.house
    with house.db.read() as connection:
        who = people.by_id(connection, house.centre, [key]).get(key)
        if who is None:
            raise NotFound("no_such_patient")
        rows = worklist.sessions(
            connection, house.centre, worklist.Wanted(patient=key, ward=visit.caller.ward), limit=_SHOWN
        )
        measured = people.measurements(connection, key)
        restricted = privacy.is_restricted(connection, key)
        systems = people.systems(connection, house.centre)
    formats = Formats(visit.language, house.settings.zone)
    for one in measured:
        one["shown"] = _shown(formats, one["kind"], one["value"])
    courses = timeline.courses_of(key, rows, house.settings.course_gap_days)
    now = house.now().astimezone(ZoneInfo(house.settings.zone))
    context: dict[str, Any] = {
        "who": who, "restricted": restricted, "rows": rows, "measurements": measured, "systems": systems, "courses": courses,
        "kinds": [(kind, unit_of(unit)) for kind, unit in KINDS], "timeline": timeline.draw(courses),
        "values": {"kind": "weight", "value": "", "at": f"{now:%Y-%m-%dT%H:%M}"} | (values or {}),
    }  # fmt: skip
    if trouble is not None:
        context["notice"] = {"kind": "bad", **said(trouble.code, visit.language, trouble.details)}
    return visit.page("patient.html", status=422 if trouble else 200, **context)


def _shown(formats: Formats, kind: str, value: Decimal) -> str:
    if kind == "hematocrit":
        return formats.percent(value)
    unit = FACTS[kind].unit if kind in FACTS else ""
    return formats.quantity(value, unit, max(0, -int(value.normalize().as_tuple().exponent)))


@router.post("/patients/{key}/measurements")
def measure(visit: Annotated[Visit, changing(Permission.EDIT_PATIENTS)], key: str) -> Response:
    """Record a measured value."""
    values = {name: visit.field(name, 40) for name in ("kind", "value", "at")}
    try:
        moment = _moment(values["at"], ZoneInfo(visit.house.settings.zone))
        unit = dict(KINDS).get(values["kind"], "")
        new = NewMeasurement(values["kind"], number(values["value"]), unit, moment)
        with visit.house.db.write() as connection:
            flow.measure(visit.house, connection, key, new, visit.actor)
    except Invalid as trouble:
        return _patient(visit, key, values, trouble)
    return RedirectResponse(f"/patients/{key}?done=measured#measured", 303)


def _moment(typed: str, zone: ZoneInfo) -> datetime:
    try:
        return datetime.fromisoformat(typed).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid("page_date", value=typed[:20]) from None


def _require_identifier(system: str, identifier: str) -> None:
    if not identifier or not system:
        raise Invalid("page_identifier_missing")


@router.post("/patients/{key}/identifiers")
def identify(visit: Annotated[Visit, changing(Permission.EDIT_PATIENTS)], key: str) -> Response:
    """Give a patient a further identifier."""
    system, identifier = visit.field("system", 40), visit.field("identifier", 60)
    try:
        _require_identifier(system, identifier)
        with visit.house.db.write() as connection:
            flow.identify(visit.house, connection, key, system, identifier, visit.actor)
    except Invalid as trouble:
        return _patient(visit, key, trouble=trouble)
    return RedirectResponse(f"/patients/{key}?done=identified", 303)
