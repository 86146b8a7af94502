"""The trays: what waits for a person, why, and the button that settles it. Nothing in them expires."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from api.web import column_warnings, outcomes, session_view
from api.web.door import Visit, changing, seeing
from api.web.kept import kept_of
from api.web.sight import of_own_ward, shown
from api.web.wording import said
from ingestor.access.permissions import Permission
from ingestor.errors import NotFound
from ingestor.store import link_requests, places, sources, watching
from ingestor.store.answers import people, trays, uploads, worklist
from ingestor.store.answers.worklist import Wanted

if TYPE_CHECKING:
    from sqlalchemy import Connection

router = APIRouter()
_MOST = 200
ORDER = (
    "unlinked", "second", "preview", "held", "withheld", "questions", "columns", "waiting", "refused", "missing", "unseen",
    "share",
)  # fmt: skip


def counts(visit: Visit, connection: Connection) -> dict[str, int]:
    """Return how much is in each tray, in the order in which they are shown."""
    found = trays.counts(connection, visit.caller.centre, visit.caller.ward)
    found["columns"] = len(kept_of(visit.request.app).column_warnings(connection, visit.caller.centre))
    found["missing"] = sum(one["count"] for one in gaps(visit, connection))
    found["second"] = len(_requests(visit, connection))
    wanted = visit.house.settings.second_person
    return {name: found[name] for name in ORDER if name != "second" or wanted or found[name]}


def gaps(visit: Visit, connection: Connection) -> list[dict[str, Any]]:
    """Return the treatments that machines counted and nobody sent."""
    centre = visit.caller.centre
    known = {one.id: one for one in places.known_devices(connection, centre)}
    return [
        {"device": known[key], "first": gap.first, "last": gap.last, "count": gap.count, "before": gap.before}
        for key, gaps in kept_of(visit.request.app).missing(connection, centre).items()
        for gap in gaps
    ]


@router.get("/trays/{name}")
def tray(visit: Annotated[Visit, seeing(Permission.LINK)], name: str) -> Response:
    """Show one tray."""
    if name not in ORDER:
        raise NotFound
    with visit.house.db.read() as connection:
        content = _CONTENTS[name](visit, connection)
    return visit.page("tray.html", name=name, kind=_KINDS.get(name, name), **content)


def _sessions(wanted: Wanted) -> Any:  # noqa: ANN401 - one of the functions of the table below
    def content(visit: Visit, connection: Connection) -> dict[str, Any]:
        mine = replace(wanted, ward=visit.caller.ward)
        rows = worklist.sessions(connection, visit.caller.centre, mine, limit=_MOST)
        return {"rows": shown(visit, rows)}

    return content


def _submitted(status: str) -> Any:  # noqa: ANN401 - one of the functions of the table below
    def content(visit: Visit, connection: Connection) -> dict[str, Any]:
        found = uploads.with_status(connection, visit.caller.centre, [status], _MOST)
        return {
            "rows": outcomes.shown(visit, connection, [row for row in found if row["cleared_at"] is None])
        }

    return content


def _held(visit: Visit, connection: Connection) -> dict[str, Any]:
    rows = of_own_ward(visit, connection, trays.held(connection, visit.caller.centre))
    for row in rows:
        row["why"] = said(row["hold"] or "page_contradicts", visit.language, {})
    return {"rows": rows}


def _withheld(visit: Visit, connection: Connection) -> dict[str, Any]:
    rows = worklist.sessions(
        connection, visit.caller.centre, Wanted(status="withheld", ward=visit.caller.ward), limit=_MOST
    )
    for row in rows:
        row["readings"] = session_view.readings_of(session_view.dose_of(connection, row["id"]))
    return {"rows": shown(visit, rows)}


def _questions(visit: Visit, connection: Connection) -> dict[str, Any]:
    rows = of_own_ward(visit, connection, trays.questions(connection, visit.caller.centre), "id")
    for row in rows:
        row["flags"] = [
            {**flag, **said(flag["code"], visit.language), "pair": len(flag["runs"]) == 2}  # noqa: PLR2004 - a pair
            for flag in row["flags"]
        ]
    return {"rows": rows}


def _columns(visit: Visit, connection: Connection) -> dict[str, Any]:
    return {"rows": column_warnings.waiting(visit, connection)}


def _requests(visit: Visit, connection: Connection) -> list[dict[str, Any]]:
    ward = visit.caller.ward
    rows = link_requests.waiting(connection, visit.caller.centre)
    return [row for row in rows if ward is None or row["ward"] in {None, ward}]


def _second(visit: Visit, connection: Connection) -> dict[str, Any]:
    rows = _requests(visit, connection)
    keys = [row["session_id"] for row in rows]
    known = {
        row["id"]: row
        for row in worklist.sessions(connection, visit.caller.centre, Wanted(ids=keys), limit=_MOST)
    }
    who = people.by_id(connection, visit.caller.centre, [row["patient_id"] for row in rows])
    return {
        "rows": [
            row | {"session": known.get(row["session_id"]), "who": who.get(row["patient_id"])}
            for row in rows[:_MOST]
        ]
    }


def _missing(visit: Visit, connection: Connection) -> dict[str, Any]:
    return {"rows": gaps(visit, connection)}


def _unseen(visit: Visit, connection: Connection) -> dict[str, Any]:
    rows = trays.unseen(connection, visit.caller.centre)
    for row in rows:
        row["parts"] = said(row["code"], visit.language, json.loads(row["params"]))
    return {"rows": rows}


def _shares(visit: Visit, connection: Connection) -> dict[str, Any]:
    rows = trays.shares(connection, visit.caller.centre)
    for row in rows:
        row["parts"] = said(row["state"], visit.language, {"folder": row["name"]})
        row["waiting"] = [
            {
                "name": file.name,
                "at": file.at,
                "parts": said(file.code, visit.language) if file.code else None,
            }
            for file in watching.open_files(connection, row["id"])[:_MOST]
        ]
    return {"rows": rows}


_KINDS = {"preview": "submitted", "waiting": "submitted", "refused": "submitted"}
_CONTENTS = {
    "unlinked": _sessions(Wanted(linked=False)), "second": _second, "preview": _submitted("preview"), "held": _held,
    "withheld": _withheld, "questions": _questions, "columns": _columns, "waiting": _submitted("waiting"),
    "refused": _submitted("refused"), "missing": _missing, "unseen": _unseen, "share": _shares,
}  # fmt: skip


@router.post("/trays/{name}/clear/{key}")
def clear(visit: Annotated[Visit, changing(Permission.CONFIRM)], name: str, key: str) -> Response:
    """Take a refused submission out of its tray: somebody has seen to it."""
    with visit.house.db.write() as connection:
        sources.clear(connection, key, visit.house.now())
    return RedirectResponse(f"/trays/{name if name in ORDER else 'refused'}?done=cleared", 303)
