"""`twin-column-serial`: what a machine says on its serial line, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass
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
    from collections.abc import Iterator, Sequence

    from simulators.export import Export
    from simulators.layout import Style
    from simulators.treatment import Treatment

NAME = "twin-column-serial"
STX, ETX = "\x02", "\x03"
SAMPLE_HZ, HEARTBEAT_SECONDS = 0.1, 5
SEQUENCE = 10_000
_BAR = "|"


@dataclass(frozen=True, slots=True)
class Frame:
    """One payload and the second at which the machine sends it."""

    second: int
    payload: str
    record: Record | None = None


def render(treatments: Sequence[Treatment], _style: Style) -> Export:
    """The raw stream of one treatment."""
    (treatment,) = treatments
    plan = treatment.plan
    sent = list(frames(treatment))
    reported = next(place for place, f in enumerate(sent) if "|PLASMA|" in f.payload)
    marked = marks([f.record for f in sent], reported)
    name = f"{plan.device.serial}_{plan.run}.raw"
    page = Page(name, tuple(f.payload for f in sent), encoding="latin-1", seal=seal)
    return export(NAME, page, treatment, marked)


def frames(treatment: Treatment) -> Iterator[Frame]:
    """Payloads in order of time, numbered as the line numbers them."""
    sequence = 0
    stretches = records(treatment, _BAR, SAMPLE_HZ, heartbeat=HEARTBEAT_SECONDS)
    for (start, end), stretch in zip(treatment.powered, stretches, strict=True):
        number, is_last = 0, end == treatment.seconds
        said = [*_head(treatment, start), *stretch, *(_totals(treatment) if is_last else [])]
        for record, time in zip(said, times(treatment, said), strict=True):
            number += record.kind in "SPAE"
            parts = [f"{sequence % SEQUENCE}", record.kind, time]
            parts += [str(number)] if record.kind in "SPAE" else []
            parts += [record.fields] if record.fields else []
            yield Frame(record.second, _BAR.join(parts), record)
            sequence += 1
        sequence = 0


def framed(payload: str) -> str:
    """STX, payload, ETX, check digits."""
    check = 0
    for byte in (payload + ETX).encode("latin-1"):
        check ^= byte
    return f"{STX}{payload}{ETX}{check:02X}"


def seal(page: Page) -> tuple[str, ...]:
    """Put every payload into its frame."""
    return tuple(framed(line) for line in page.lines)


def _head(treatment: Treatment, second: int) -> list[Record]:
    plan = treatment.plan
    device, day = plan.device, f"{plan.clock.wall(second):%Y%m%d}"
    head = (plan.run, device.serial, device.model, device.software, day, plan.typed_id)
    return [
        Record(second, "H", _BAR.join(head)),
        *(Record(second, "C", fields) for fields in column_fields(treatment, second, _BAR)),
        *(Record(second, "T", fields) for fields in body(treatment, _BAR)),
    ]


def _totals(treatment: Treatment) -> list[Record]:
    end = treatment.seconds
    return [*(Record(end, "T", fields) for fields in totals(treatment, _BAR)), Record(end, "E", "")]


LAYOUT = Layout(
    NAME,
    versions=("1",),
    languages=("de", "en"),
    device=Device("", "TC-5 Serial", "TS-", "5.02"),
    treat=treat_twin,
    render=render,
    restarts=True,
    cells=Cells("|", ".", flow=5, counter=9),
    checksum=True,
)
