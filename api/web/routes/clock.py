"""The ledger of a machine's clock: how far it was off, which treatments that concerns, and taking it back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from api.web.door import Visit, changing, seeing
from api.web.routes.decisions import reason_of
from api.web.wording import said
from ingestor.access.permissions import Permission
from ingestor.errors import Invalid, NotFound
from ingestor.flow import clocks
from ingestor.store.answers import machines as answers

if TYPE_CHECKING:
    from ingestor.errors import IngestorError

router = APIRouter()
_SHOWN = 20
_PARTS = (("hours", 3600, 99_999), ("minutes", 60, 59), ("seconds", 1, 59))
FIELDS = ("way", "hours", "minutes", "seconds", "from", "to", "reason")


@router.get("/machines/{key}/clock")
def ask(visit: Annotated[Visit, seeing(Permission.MANAGE_MACHINES)], key: str) -> Response:
    """Show the form of a new entry."""
    return _form(visit, key, {})


@router.post("/machines/{key}/clock")
def enter(visit: Annotated[Visit, changing(Permission.MANAGE_MACHINES)], key: str) -> Response:
    """Show which treatments an entry concerns, and write it down once that was seen."""
    values = {name: visit.field(name) for name in FIELDS}
    try:
        seconds = _seconds(values)
        span = (_local(values["from"]), _local(values["to"]))
        reason_of(visit)
        if visit.field("seen") != "true":
            return _form(visit, key, values, (seconds, span))
        _write(visit, key, seconds, span, values["reason"])
    except Invalid as trouble:
        return _form(visit, key, values, trouble=trouble)
    return RedirectResponse(f"/machines/{key}?done=clock#clock", 303)


def _write(
    visit: Visit,
    key: str,
    seconds: int,
    span: tuple[datetime | None, datetime | None],
    reason: str,
) -> None:
    with visit.house.db.write() as connection:
        one = answers.machines(connection, visit.caller.centre, key)
        if not one:
            raise NotFound("no_such_device")
        zone = ZoneInfo(one[0]["zone"] or visit.house.settings.zone)
        start, end = (None if at is None else at.replace(tzinfo=zone).astimezone(UTC) for at in span)
        clocks.add_offset(visit.house, connection, key, seconds, (start, end), visit.actor, reason)


def _form(
    visit: Visit,
    key: str,
    values: dict[str, str],
    entry: tuple[int, tuple[datetime | None, datetime | None]] | None = None,
    trouble: IngestorError | None = None,
) -> Response:
    with visit.house.db.read() as connection:
        one = answers.machines(connection, visit.caller.centre, key)
        if not one:
            raise NotFound("no_such_device")
        concerned = answers.runs_between(connection, key, *entry[1]) if entry else []
    context: dict[str, Any] = {}
    if trouble is not None:
        context["notice"] = {"kind": "bad", **said(trouble.code, visit.language, trouble.details)}
    return visit.page(
        "clock.html", status=422 if trouble else 200, one=one[0], seconds=entry[0] if entry else None,
        values=dict.fromkeys(FIELDS, "") | values, concerned=concerned[:_SHOWN], count=len(concerned), fields=FIELDS,
        **context,
    )  # fmt: skip


def _seconds(values: dict[str, str]) -> int:
    """Return how far the clock was ahead [s]; negative: behind."""
    total = 0
    for name, factor, most in _PARTS:
        typed = values[name] or "0"
        if not typed.isdecimal() or int(typed) > most:
            raise Invalid("page_number", value=values[name][:20])
        total += int(typed) * factor
    if total == 0:
        raise Invalid("page_number", value="0")
    return total if values["way"] == "ahead" else -total


def _local(typed: str) -> datetime | None:
    try:
        return datetime.fromisoformat(typed).replace(tzinfo=None) if typed else None
    except ValueError:
        raise Invalid("page_date", value=typed[:20]) from None


@router.post("/machines/{key}/clock/{entry}/revoke")
def revoke(visit: Annotated[Visit, changing(Permission.MANAGE_MACHINES)], key: str, entry: str) -> Response:
    """Take an entry back; every time is again what it was."""
    with visit.house.db.write() as connection:
        if entry not in {row["id"] for row in answers.ledger(connection, key)}:
            raise NotFound("no_such_offset")
        clocks.revoke_offset(visit.house, connection, entry, visit.actor, visit.field("reason"))
    return RedirectResponse(f"/machines/{key}?done=clock_revoked#clock", 303)
