"""The records that the twin-column journal and the serial line share: samples, phases, alarms, in one order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from simulators.clock import time_texts
from simulators.export import Export
from simulators.numbers import decimal, decimals
from simulators.page import Marks
from simulators.sampling import sample
from simulators.truth import Shown, truth_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulators.page import Page
    from simulators.treatment import Phase, Treatment

PHASE_CODES = {
    "prime": 0,
    "load": 1,
    "plasma_return": 2,
    "elute": 3,
    "neutralise": 4,
    "recondition": 5,
    "switch": 6,
}
ON, OFF, SEEN = 1, 0, 2
REPEAT_SECONDS = 30
NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Record:
    """One record without its running number.

    Attributes:
        kind: S, P, A, C, T or B.
        fields: what follows the number (or the time, where there is none), joined.
        counter: the plasma counter on it [mL]; NaN if it is no sample.
        load: place of the load that begins here, or -1.
        load_end: place of the load that is over here, or -1.
        alarm: place of the alarm that begins here, or -1.
        alarm_end: place of the alarm that is over here, or -1.
        column: place of the column that was hung here, in the middle of the treatment, or -1.
    """

    second: int
    kind: str
    fields: str
    counter: float = NAN
    load: int = -1
    load_end: int = -1
    alarm: int = -1
    alarm_end: int = -1
    column: int = -1


def export(layout: str, page: Page, treatment: Treatment, marked: Marks) -> Export:
    """The page with its truth. After a power failure all printed totals are those of the last stretch."""
    restarted = len(treatment.powered) > 1
    shown = Shown(reported_ml=None if restarted else treatment.plasma_ml, counter=marked.counter)
    truth = truth_of(treatment, shown)
    if restarted:
        # Blood and anticoagulant are sampled nowhere.
        truth |= {"blood_processed_ml": None, "ac_volume_ml": None}
    return Export(layout, (replace(page, marks=(marked,)),), (truth,))


def records(treatment: Treatment, separator: str, hz: float, *, heartbeat: int = 0) -> Iterator[list[Record]]:
    """All records of a treatment in order of time, one list for each stretch with power."""
    _, *changes = treatment.powered
    everything = [
        *_phases(treatment, separator),
        *_alarms(treatment, separator),
        *_changed_columns(treatment, separator),
        *_samples(treatment, separator, hz),
    ]
    for start, end in treatment.powered:
        mine = [r for r in everything if start <= r.second < end]
        if changes and start == changes[0][0]:
            mine += _restated(treatment, start, separator)
        if heartbeat:
            mine += [Record(second, "B", "") for second in range(start + heartbeat, end, heartbeat)]
        yield sorted(mine, key=lambda r: r.second)


def times(treatment: Treatment, listed: list[Record]) -> list[str]:
    """What the machine's clock shows at each record, `hhmmss`; the records stand in order of time."""
    seconds = np.array([r.second for r in listed], np.int64)
    return time_texts(treatment.plan.clock.walls(seconds), "")


def column_fields(treatment: Treatment, second: int, separator: str) -> list[str]:
    """One text a column that hangs at `second`: position, product, serial, lot, use."""
    hanging = {c.position: c for c in treatment.columns if c.since <= second}
    return [_column(treatment, c.position, second, separator) for c in hanging.values()]


def totals(treatment: Treatment, separator: str) -> list[str]:
    """The printed totals; after a power failure those of the last stretch, because the counters restarted."""
    since = treatment.powered[-1][0]
    loads = sum(p.start >= since for p in treatment.loads)
    blood = int(treatment.blood[-1] - treatment.blood[since]) // 60 / 10
    pairs = (
        ("PLASMA", decimal(treatment.segment_ml, 1)),
        ("BLOOD", decimal(blood, 0)),
        ("AC", decimal(blood / (treatment.plan.ratio - 1), 0)),
        ("CYCLES", str(loads // 2)),
    )
    return [f"{key}{separator}{value}" for key, value in pairs]


def body(treatment: Treatment, separator: str) -> list[str]:
    """Weight and hematocrit as typed at the start."""
    patient = treatment.plan.patient
    return [
        f"WEIGHT{separator}{decimal(patient.weight_kg, 1)}",
        f"HCT{separator}{decimal(patient.hematocrit * 100, 0)}",
    ]


def _phases(treatment: Treatment, separator: str) -> Iterator[Record]:
    loads = {id(p): place for place, p in enumerate(treatment.loads)}
    following: dict[str, Phase] = {}
    for phase in treatment.phases:
        if phase.kind not in PHASE_CODES:
            continue
        before = following.get(phase.position)
        yield Record(
            phase.start,
            "P",
            f"{phase.position}{separator}{PHASE_CODES[phase.kind]}",
            load=loads.get(id(phase), -1),
            load_end=loads.get(id(before), -1) if before else -1,
        )
        following[phase.position] = phase


def _restated(treatment: Treatment, start: int, separator: str) -> Iterator[Record]:
    """After a restart the machine says again in which phase each column is, as far as it still runs."""
    for phase in treatment.phases:
        if phase.start < start < phase.end and phase.kind in PHASE_CODES and phase.kind != "load":
            yield Record(start + 5, "P", f"{phase.position}{separator}{PHASE_CODES[phase.kind]}")


def _alarms(treatment: Treatment, separator: str) -> Iterator[Record]:
    repeat = treatment.plan.troubles.keep_alives or REPEAT_SECONDS
    for place, alarm in enumerate(treatment.alarms):
        head = f"{alarm.kind.code}{separator}{alarm.kind.klass}{separator}"
        over = treatment.seconds if alarm.cleared is None else alarm.cleared
        for second in range(alarm.onset, over, repeat):
            yield Record(second, "A", f"{head}{ON}", alarm=place if second == alarm.onset else -1)
        if alarm.acknowledged is not None:
            yield Record(alarm.acknowledged, "A", f"{head}{SEEN}")
        if alarm.cleared is not None:
            yield Record(alarm.cleared, "A", f"{head}{OFF}", alarm_end=place)


def _changed_columns(treatment: Treatment, separator: str) -> Iterator[Record]:
    for place, hung in enumerate(treatment.columns):
        if hung.since:
            fields = _column(treatment, hung.position, hung.since, separator)
            yield Record(hung.since, "C", fields, column=place)


def _column(treatment: Treatment, position: str, second: int, separator: str) -> str:
    column = [c for c in treatment.columns if c.position == position and c.since <= second][-1].column
    return separator.join((position, column.product.name, column.serial, column.lot, str(column.use)))


def _samples(treatment: Treatment, separator: str, hz: float) -> Iterator[Record]:
    s = sample(treatment, hz)
    columns = (
        decimals(s.blood_flow, 1),
        decimals(s.plasma_flow, 1),
        decimals(s.access, 0),
        decimals(s.back, 0),
        decimals(s.column, 0),
        decimals(s.plasma, 1),
    )
    rows = map(separator.join, zip(*columns, strict=True))
    for second, row, counter in zip(s.seconds.tolist(), rows, s.plasma.tolist(), strict=True):
        yield Record(second, "S", row, counter=counter)


def marks(listed: list[Record | None], reported: int, known: int = 1) -> Marks:
    """Where the facts stand in a list of lines; the last one is the end record."""
    there = [(line, r) for line, r in enumerate(listed) if r is not None]
    samples = [(line, r.counter) for line, r in there if r.kind == "S"]
    alarms = [(line, r.alarm) for line, r in there if r.alarm >= 0]
    over = {r.alarm_end: line for line, r in there if r.alarm_end >= 0}
    loads = {r.load_end: line for line, r in there if r.load_end >= 0}
    hung = {r.column: line for line, r in there if r.column >= 0}
    return Marks(
        known=known,
        samples=np.array([line for line, _ in samples], np.int64),
        counter=np.array([counter for _, counter in samples]),
        loads=tuple(line for line, r in there if r.load >= 0),
        load_ends=tuple(loads[load] for load in sorted(loads)),
        alarms=tuple(line for line, _ in alarms),
        alarm_ends=tuple(over.get(alarm, -1) for _, alarm in alarms),
        columns=tuple(hung[place] for place in sorted(hung)),
        stop=len(listed) - 1,
        reported=reported,
        totals=reported + 2,
        end=len(listed) - 1,
    )
