"""Pages for analysis: many doses in drawings, what is left out, what a dose means, data sets and what became of them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.responses import Response

from api.routes.snapshots import shelf_of
from api.service import service_of
from api.web import charts
from api.web import cohort as drawings
from api.web.door import Visit, seeing
from api.web.routes.sessions import midnight
from ingestor.access.permissions import Permission
from ingestor.errors import NotFound, StorageTrouble
from ingestor.exports.methods import methods, sheet
from ingestor.flow.limits import limits
from ingestor.ops.shelf import changed_since, folder_of
from ingestor.store import places, snapshots
from ingestor.store.answers import cohort, exclusions
from ingestor.store.answers.doses import Wanted

if TYPE_CHECKING:
    from ingestor.ops.shelf import Shelf

router = APIRouter()
_MOST = 500
# Causes of changes that have words of their own; any other is shown as it stands in the feed.
_CAUSES = (
    "ingest", "superseded", "link", "unlink", "measurement", "reprocess", "acceptance", "decision", "course", "join",
    "no_reading",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What a page of many sessions was asked for, as it was given and as it was understood."""

    given: dict[str, str]
    start: datetime | None
    end: datetime | None
    device: str | None
    least: int

    @property
    def query(self) -> str:
        return urlencode({name: value for name, value in self.given.items() if value})


def _chosen(visit: Visit) -> _Chosen:
    query, settings = visit.request.query_params, visit.house.settings
    given = {name: query.get(name, "") for name in ("from", "to", "device")}
    start, last = midnight(given["from"], settings.zone), midnight(given["to"], settings.zone)
    least = 1 if visit.caller.sees_identity else settings.smallest_cell
    return _Chosen(given, start, last + timedelta(days=1) if last else None, given["device"] or None, least)


@router.get("/cohort")
def analysis(visit: Annotated[Visit, seeing(Permission.READ_DOSES)]) -> Response:
    """Show how much plasma sessions processed, how that went month by month, and how far it can be trusted."""
    asked = _chosen(visit)
    points, quality = _gathered(visit, asked)
    equal = (("device", (asked.device,)),) if asked.device else ()
    wanted = Wanted(visit.caller.centre, equal, start=asked.start, end=asked.end, ward=visit.caller.ward)
    with visit.house.db.read() as connection:
        devices = places.known_devices(connection, visit.caller.centre)
        left_out = exclusions.counted(connection, wanted)
    return visit.page(
        "cohort.html", chosen=asked.given, devices=devices, count=len(points), least=asked.least,
        bars=drawings.distribution(points, asked.least), months=drawings.by_month(points, asked.least),
        mixed=drawings.mixed_formulas(points), charts=_charts(points, quality, asked.least), query=asked.query,
        left_out=left_out, download=f"/v1/doses.csv?{asked.query}",
    )  # fmt: skip


def _gathered(visit: Visit, asked: _Chosen) -> tuple[cohort.Points, cohort.Quality]:
    with visit.house.db.read() as connection:
        which = (visit.caller.centre, asked.start, asked.end, asked.device)
        return cohort.points(connection, *which), cohort.quality(connection, *which)


def _charts(points: cohort.Points, quality: cohort.Quality, least: int) -> list[charts.Chart]:
    found = (
        charts.multiples(points, least), charts.agreement(quality, least), charts.apart(quality, least),
        charts.missing(quality),
    )  # fmt: skip
    return [one for one in found if one is not None]


@router.get("/cohort/{plot}.csv")
def plot_as_file(visit: Annotated[Visit, seeing(Permission.READ_DOSES)], plot: str) -> Response:
    """Return the numbers of one drawing."""
    asked = _chosen(visit)
    points, quality = _gathered(visit, asked)
    tables = {one.name: one.table() for one in _charts(points, quality, asked.least)}
    tables |= {"plasma": _plasma(points, asked.least), "months": _months(points, asked.least)}
    if plot not in tables:
        raise NotFound
    text = io.StringIO()
    csv.writer(text).writerows(tables[plot])
    name = {"Content-Disposition": f'attachment; filename="{plot}.csv"'}
    return Response(text.getvalue(), headers=name, media_type="text/csv; charset=utf-8")


def _plasma(points: cohort.Points, least: int) -> list[tuple[str, ...]]:
    drawn = drawings.distribution(points, least)
    rows = (
        [(f"{b.low:g}", f"{b.high:g}", "" if b.count is None else str(b.count)) for b in drawn.bars]
        if drawn
        else []
    )
    return [("from_ml", "to_ml", "sessions"), *rows]


def _months(points: cohort.Points, least: int) -> list[tuple[str, ...]]:
    drawn = drawings.by_month(points, least)
    rows = [
        (f"{m.year}-{m.month:02}", str(m.count), f"{m.low:g}", f"{m.median:g}", f"{m.high:g}",
         "" if m.multiple is None else f"{m.multiple:g}")
        for m in drawn.months
    ] if drawn else []  # fmt: skip
    return [("month", "sessions", "quartile_1_ml", "median_ml", "quartile_3_ml", "median_pv_multiple"), *rows]


@router.get("/methods")
def definitions(visit: Annotated[Visit, seeing(Permission.READ_CODES)]) -> Response:
    """Show the definition sheet of every method, ready to be printed."""
    return visit.page("methods.html", sheets=[sheet(name, limits(visit.house)) for name in methods()])


def _shelf(visit: Visit) -> Shelf:
    return shelf_of(service_of(visit.request), visit.caller)


@router.get("/snapshots")
def data_sets(visit: Annotated[Visit, seeing(Permission.EXPORT)]) -> Response:
    """List the data sets, and how many of their doses are served otherwise now."""
    shelf = _shelf(visit)
    with shelf.db.read() as connection:
        found = snapshots.everything(connection, visit.caller.centre)
    return visit.page("snapshots.html", rows=[(one, _changed(shelf, one.name)) for one in reversed(found)])


def _changed(shelf: Shelf, name: str) -> int | None:
    """Return how many doses changed; None where the files of a data set are not what they were."""
    try:
        return len(changed_since(shelf, name))
    except StorageTrouble:
        return None


@router.get("/snapshots/{name}")
def data_set(visit: Annotated[Visit, seeing(Permission.EXPORT)], name: str) -> Response:
    """Show one data set: its files, and every dose of it that changed since, with why."""
    shelf = _shelf(visit)
    one, folder = folder_of(shelf, name)
    changed = changed_since(shelf, name)
    files = sorted((path.name, path.stat().st_size) for path in folder.iterdir())
    return visit.page(
        "snapshot.html",
        one=one,
        files=files,
        changed=changed[:_MOST],
        count=len(changed),
        most=_MOST,
        causes=_CAUSES,
    )
