"""`twin-column-journal`: interleaved tagged records, UTF-16LE, tabs, a CRC over the file."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from simulators.layout import Cells, Layout
from simulators.layouts.tagged_records import (
    Record,
    body,
    column_fields,
    export,
    marks,
    records,
    times,
    totals,
)
from simulators.page import Page
from simulators.plan import Device
from simulators.twin_column import treat_twin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulators.export import Export
    from simulators.layout import Style
    from simulators.treatment import Treatment

NAME = "twin-column-journal"
_TAB = "\t"
_NUMBERED = {"S", "P", "A"}

Line = tuple[str, Record | None]


def render(treatments: Sequence[Treatment], style: Style) -> Export:
    """One file with one treatment."""
    (treatment,) = treatments
    plan = treatment.plan
    lines = _lines(treatment, style.hz)
    reported = next(place for place, (text, _) in enumerate(lines) if "\tPLASMA\t" in text)
    marked = marks([record for _, record in lines], reported)
    page = Page(
        f"{plan.device.serial}_{plan.run}.tcj",
        tuple(text for text, _ in lines),
        encoding="utf-16-le",
        bom=b"\xff\xfe",
        seal=seal,
    )
    return export(NAME, page, treatment, marked)


def _lines(treatment: Treatment, hz: float) -> list[Line]:
    lines: list[Line] = []
    for (start, _), stretch in zip(treatment.powered, records(treatment, _TAB, hz), strict=True):
        lines += _head(treatment, start)
        number = 0
        for record, time in zip(stretch, times(treatment, stretch), strict=True):
            if record.kind in _NUMBERED:
                number += 1
                lines.append((f"{record.kind}\t{time}\t{number}\t{record.fields}", record))
            else:
                lines.append((f"{record.kind}\t{record.fields}", record))
    end = _time(treatment, treatment.seconds)
    lines += [(f"T\t{end}\t{total}", None) for total in totals(treatment, _TAB)]
    return [*lines, (f"E\t{end}\t{number + 1}\t", None)]


def _head(treatment: Treatment, second: int) -> list[Line]:
    plan, wall = treatment.plan, treatment.plan.clock.wall(second)
    device = plan.device
    head = (plan.run, device.serial, device.model, device.software, f"{wall:%Y%m%d\t%H%M%S}", plan.typed_id)
    return [
        ("H\t" + _TAB.join(head), None),
        *((f"C\t{fields}", None) for fields in column_fields(treatment, second, _TAB)),
        *((f"T\t{wall:%H%M%S}\t{total}", None) for total in body(treatment, _TAB)),
    ]


def _time(treatment: Treatment, second: int) -> str:
    return f"{treatment.plan.clock.wall(second):%H%M%S}"


def seal(page: Page) -> tuple[str, ...]:
    """Put the CRC-32 of everything before the `E` record into it."""
    end = page.lines[-1]
    if not end.startswith("E\t"):
        return page.lines
    before = replace(page, lines=page.lines[:-1], seal=None, ends_with_newline=True).content()
    return (*page.lines[:-1], f"{end.rpartition(_TAB)[0]}{_TAB}{zlib.crc32(before):08X}")


LAYOUT = Layout(
    NAME,
    versions=("1",),
    languages=("de", "en"),
    device=Device("", "TC-4 Duo", "TJ-", "4.11"),
    treat=treat_twin,
    render=render,
    restarts=True,
    cells=Cells("\t", ".", flow=4, counter=8),
    checksum=True,
    sums_the_file=True,
)
