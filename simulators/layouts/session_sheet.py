"""`session-sheet`: protocols retyped by hand, one session a row, as CSV or Excel workbook."""

from __future__ import annotations

import csv
import io
from datetime import date, time
from typing import TYPE_CHECKING

from simulators.export import Export
from simulators.layout import Layout
from simulators.numbers import decimal
from simulators.page import Marks, Page
from simulators.plan import Device
from simulators.truth import TIME, Shown, truth_of
from simulators.twin_column import treat_twin
from simulators.workbook import Cell, workbook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulators.export import Members
    from simulators.layout import Style
    from simulators.treatment import Treatment
    from simulators.truth import SessionTruth

NAME = "session-sheet"
HEADERS = {
    "de": (
        "Datum;Beginn;Ende;Patient;Gerät;Seriennummer;Säule;Säulennummer;Anwendung;Plasma ml;Blut ml;"
        "Antikoagulans ml;Ratio;Zyklen;Gewicht kg;Hämatokrit %;Alarme;Bemerkung"
    ),
    "en": (
        "date,start,end,patient,machine,serial,column product,column serial,use,plasma ml,blood ml,"
        "ac ml,ratio,cycles,weight kg,hematocrit %,alarms,remarks"
    ),
}
_SEPARATORS = {"de": ";", "en": ","}
_POINTS = {"de": ",", "en": "."}
_DATES = {"de": "%d.%m.%Y", "en": "%Y-%m-%d"}
_REMARKS = {
    "de": ("", "", "", "Zugang links", "Lagewechsel; danach besser", "Patient müde", "Spülung verlängert"),
    "en": ("", "", "", "left arm", "turned over, better then", "patient tired", "longer rinse"),
}
_DATE_FIELD, _TIME_FIELDS, _NUMBER_FIELDS = 0, {1, 2}, set(range(8, 17))
_BOM = b"\xef\xbb\xbf"


def render(treatments: Sequence[Treatment], style: Style) -> Export:
    """One sheet with one row a treatment."""
    language = style.language
    rows = [_row(t, language) for t in treatments]
    lines = (HEADERS[language], *(_line(row, language) for row in rows))
    marks = tuple(
        Marks(session=place, known=place + 2, reported=place + 1, stop=place + 1, end=place + 1)
        for place in range(len(treatments))
    )
    plan = treatments[0].plan
    name = f"sheet_{plan.device.serial}_{plan.run}"
    truths = tuple(_truth(t) for t in treatments)
    if style.version == "csv":
        return Export(NAME, (Page(f"{name}.csv", lines, marks, bom=_BOM),), truths)
    page = Page(f"{name}.xlsx", lines, marks)

    def pack(members: Members) -> Members:
        return {n: _workbook(content.decode("utf-8"), language) for n, content in members.items()}

    return Export(NAME, (page,), truths, pack=pack, unpack=lambda _: {})


def _row(treatment: Treatment, language: str) -> list[str]:
    plan, clock = treatment.plan, treatment.plan.clock
    start, end = clock.wall(0), clock.wall(treatment.seconds)
    hung = [c.column for c in treatment.columns]
    remarks = _REMARKS[language]
    return [
        start.strftime(_DATES[language]),
        f"{start:%H:%M}",
        f"{end:%H:%M}",
        plan.typed_id,
        plan.device.model,
        plan.device.serial,
        hung[0].product.name,
        "/".join(column.serial for column in hung),
        str(hung[0].use),
        decimal(treatment.plasma_ml, 0),
        decimal(treatment.blood_ml, 0),
        decimal(treatment.anticoagulant_ml, 0),
        decimal(plan.ratio, 0),
        str(len(treatment.loads)),
        decimal(plan.patient.weight_kg, 1, _POINTS[language]),
        decimal(plan.patient.hematocrit * 100, 0),
        str(len(treatment.alarms)),
        remarks[int(plan.rng("remark").integers(len(remarks)))],
    ]


def _line(row: list[str], language: str) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=_SEPARATORS[language], lineterminator="").writerow(row)
    return text.getvalue()


def _workbook(text: str, language: str) -> bytes:
    header, *rows = csv.reader(io.StringIO(text), delimiter=_SEPARATORS[language])
    return workbook("Sitzungen" if language == "de" else "sessions", [list(header), *map(_cells, rows)])


def _cells(row: list[str]) -> list[Cell]:
    return [_cell(place, text) for place, text in enumerate(row)]


def _cell(place: int, text: str) -> Cell:
    if place == _DATE_FIELD:
        parts = [int(p) for p in text.replace("-", ".").split(".")]
        return date(*parts) if len(text.split("-")) > 1 else date(*reversed(parts))
    if place in _TIME_FIELDS:
        return time.fromisoformat(text)
    if place in _NUMBER_FIELDS and text:
        number = float(text.replace(",", "."))
        return int(number) if number.is_integer() else number
    return text


def _truth(treatment: Treatment) -> SessionTruth:
    truth = truth_of(treatment, Shown(reported_ml=float(decimal(treatment.plasma_ml, 0))))
    clock = treatment.plan.clock
    hung = [c.column for c in treatment.columns]
    return truth | {
        "run": None,
        "started_local": clock.true_local(0).replace(second=0).strftime(TIME),
        "ended_local": clock.true_local(treatment.seconds).replace(second=0).strftime(TIME),
        "printed_start": clock.wall(0).replace(second=0).strftime(TIME),
        "printed_end": clock.wall(treatment.seconds).replace(second=0).strftime(TIME),
        "blood_processed_ml": float(decimal(treatment.blood_ml, 0)),
        "ac_volume_ml": float(decimal(treatment.anticoagulant_ml, 0)),
        "alarms": [],
        "alarm_count": len(treatment.alarms),
        "columns": [
            {
                "position": None,
                "product": hung[0].product.name,
                "serial": "/".join(column.serial for column in hung),
                "lot": None,
                "use": hung[0].use,
            }
        ],
    }


LAYOUT = Layout(
    NAME,
    versions=("csv", "xlsx"),
    languages=("de", "en"),
    device=Device("", "TC-1", "AM1-", ""),
    treat=treat_twin,
    render=render,
    holds_many=True,
)
