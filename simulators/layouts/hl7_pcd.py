"""`hl7-pcd`: the reports and alarms of one treatment, as a batch or message by message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulators.export import Export
from simulators.layout import Layout
from simulators.layouts import hl7_words as words
from simulators.layouts.hl7_messages import Message, eui64, messages, stamp, therapy_id
from simulators.page import Marks, Page
from simulators.plan import Device
from simulators.truth import Shown, truth_of
from simulators.twin_column import treat_twin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulators.layout import Style
    from simulators.treatment import Treatment
    from simulators.truth import SessionTruth

NAME = "hl7-pcd"
BATCH, SINGLE = "batch", "single"


def render(treatments: Sequence[Treatment], style: Style) -> Export:
    """One treatment: a batch file, or a file for every message."""
    (treatment,) = treatments
    sent = messages(treatment, style.hz)
    truth = _truth(treatment, sent)
    stem = f"{eui64(treatment)}_{treatment.plan.clock.wall(0):%Y%m%d%H%M%S}"
    if style.version == SINGLE:
        pages = tuple(Page(f"{stem}_{m.control[-5:]}.hl7", m.segments, newline="\r") for m in sent)
        return Export(NAME, pages, (truth,))
    lines = [f"FHS|^~\\&|{treatment.plan.device.model}||||{stamp(treatment, treatment.seconds)}"]
    lines.append(f"BHS|^~\\&|{treatment.plan.device.model}||||{stamp(treatment, treatment.seconds)}")
    ends = []
    for message in sent:
        lines += message.segments
        ends.append(len(lines) - 1)
    page = Page(
        f"{stem}.hl7", (*lines, "BTS|", "FTS|1"), (_marks(treatment, sent, ends),), newline="\r", seal=seal
    )
    return Export(NAME, (page,), (truth,))


def seal(page: Page) -> tuple[str, ...]:
    """Put the number of messages into the batch trailer."""
    count = sum(line.startswith("MSH|") for line in page.lines)
    return tuple(f"BTS|{count}" if line.startswith("BTS|") else line for line in page.lines)


def _over(reports: list[tuple[Message, int]], cycle: int, position: str, begun: int) -> int:
    """Where the column of a load is first told to do something else; the end of the treatment says so, too."""
    others = (end for m, end in reports if end > begun and m.position == position and m.cycle != cycle)
    return next(others, reports[-1][1])


def _first_told(there: list[tuple[Message, int]], serial: str) -> int:
    """Where the message ends that first names a column; at the end of all if none does."""
    return next(
        (end for m, end in there if any(f"|{serial}|" in line for line in m.segments)), there[-1][1] + 1
    )


def _marks(treatment: Treatment, sent: list[Message], ends: list[int]) -> Marks:
    """A message is there when its last segment is."""
    there = list(zip(sent, ends, strict=True))
    reports = [(m, end) for m, end in there if not np.isnan(m.counter)]
    cycles = sorted({m.cycle for m, _ in reports} - {0})
    first = {c: next((m.position, end) for m, end in reports if m.cycle == c) for c in cycles}
    after = {c: _over(reports, c, *first[c]) for c in cycles}
    over = {m.alarm_end: end for m, end in there if m.alarm_end >= 0}
    begun = [(m.alarm, end) for m, end in there if m.alarm >= 0]
    return Marks(
        known=ends[len([m for m in sent if m.second < 0])] + 1,
        samples=np.array([end for _, end in reports], np.int64),
        counter=np.array([m.counter for m, _ in reports]),
        blood=np.array([m.blood for m, _ in reports]),
        anticoagulant=np.array([m.anticoagulant for m, _ in reports]),
        loads=tuple(first[c][1] for c in cycles),
        load_ends=tuple(after[c] for c in cycles),
        alarms=tuple(end for _, end in begun),
        alarm_ends=tuple(over.get(alarm, -1) for alarm, _ in begun),
        columns=tuple(_first_told(there, c.column.serial) for c in treatment.columns),
        stop=reports[-1][1],
        reported=reports[-1][1],
        totals=reports[-1][1],
        end=ends[-1] + 1,
    )


def _truth(treatment: Treatment, sent: list[Message]) -> SessionTruth:
    counter = np.array([m.counter for m in sent if not np.isnan(m.counter)])
    truth = truth_of(treatment, Shown(reported_ml=float(counter[-1]), counter=counter))
    if treatment.plan.troubles.counter_reset:
        # The last value is what came after the reset: it is a total of nothing.
        truth |= {"reported_ml": None, "readings": truth["readings"] | {"reported": None}}
        truth["processed_plasma_ml"] = truth["readings"]["counter"]
    for told, alarm in zip(truth["alarms"], treatment.alarms, strict=True):
        source = words.ALARMS[alarm.kind.kind]
        told |= {"code": str(source.source.code), "kind": source.kind}
    for column in truth["columns"]:
        column |= {"lot": None, "use": None}
    return truth | {"run": therapy_id(treatment)}


LAYOUT = Layout(
    NAME,
    versions=(BATCH, SINGLE),
    languages=("en", "de"),
    device=Device("Northbrook", "HP-7", "HP-", "1.9.2"),
    treat=treat_twin,
    render=render,
    checksum=True,
    counts_lines=True,
)
