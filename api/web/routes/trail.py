"""The audit chain, for those who check what others did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse

from api.web.door import Visit, seeing
from api.web.wording import text
from ingestor.access.permissions import Permission
from ingestor.exports.trail import as_csv
from ingestor.store import audit, site

if TYPE_CHECKING:
    from collections.abc import Iterator

router = APIRouter()
_SHOWN = 100
_FILTERS = ("actor", "action", "object")


@router.get("/audit")
def trail(
    visit: Annotated[Visit, seeing(Permission.READ_AUDIT)], before: str = "", check: str = ""
) -> Response:
    """Show entries, newest first; `check` looks at the whole chain."""
    asked = {name: visit.request.query_params.get(name, "").strip()[:120] for name in _FILTERS}
    equal = {name: value for name, value in asked.items() if value}
    number = int(before) if before.isdecimal() and before.isascii() and len(before) < 18 else None  # noqa: PLR2004 - a number of the database
    with visit.house.db.read() as connection:
        rows = audit.newest(connection, number, _SHOWN + 1, **equal)
        actions = audit.actions(connection)
        anchored = site.fact(connection, "audit_anchor")
        more: dict[str, Any] = _checked(visit, audit.first_bad(connection)) if check else {}
    older = urlencode(equal | {"before": rows[_SHOWN - 1]["seq"]}) if len(rows) > _SHOWN else ""
    return visit.page(
        "audit.html", rows=rows[:_SHOWN], asked=asked, actions=actions, older=older, anchored=anchored, **more
    )


def _checked(visit: Visit, bad: int | None) -> dict[str, Any]:
    outcome = "audit.whole" if bad is None else "audit.broken"
    said = text(outcome, visit.language, **({} if bad is None else {"seq": bad}))
    return {"notice": {"kind": "good" if bad is None else "bad", "happened": said, "means": "", "todo": ""}}


@router.get("/audit.csv")
def trail_as_csv(visit: Annotated[Visit, seeing(Permission.READ_AUDIT)]) -> Response:
    """Give the whole chain away as CSV; that is on record."""
    db = visit.house.db
    with db.write() as connection:
        audit.record(connection, visit.actor, "export", "audit", format="csv")

    def lines() -> Iterator[str]:
        with db.read() as connection:
            yield from as_csv(audit.entries(connection))

    name = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=name)
