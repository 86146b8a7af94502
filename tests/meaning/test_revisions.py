"""Re-exports: the same, longer, shorter, other, the other half."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from ingestor.meaning.revisions import Relation, compare
from ingestor.model import (
    Alarm,
    Cycle,
    Device,
    Fact,
    Instant,
    Phase,
    PhaseSpan,
    Priority,
    Role,
    Run,
    TimeMethod,
    Total,
)
from ingestor.trace import Trace, TraceColumn

START = datetime(2024, 3, 18, 7, 0, tzinfo=UTC)


def at(minutes: float) -> Instant:
    utc = START + timedelta(minutes=minutes)
    return Instant(utc.replace(tzinfo=None) + timedelta(hours=1), utc, TimeMethod.ZONE)


def trace(minutes: range, rise: int = 30) -> Trace:
    ms = np.array([int(at(m).utc.timestamp() * 1000) for m in minutes], np.int64)
    volume = TraceColumn(
        "processed_plasma",
        "mL",
        "ml",
        np.array([m * rise for m in minutes], np.int64),
        1,
        np.zeros(len(ms), bool),
    )
    return Trace(ms, ms + 3_600_000, np.arange(len(ms), dtype=np.int32), (volume,))


def run(loads: int = 3, until: int = 60, *, complete: bool = True) -> Run:
    phases = [
        PhaseSpan(
            i,
            i,
            "AB"[i % 2],
            Phase.LOAD,
            at(i * 15),
            at(i * 15 + 12),
            Decimal("400.5"),
            "400,5",
            True,
            20 + i,
        )
        for i in range(loads)
    ]
    cycles = [Cycle(i, "AB"[i % 2], p.start, p.end, p.volume_ml, True, p.line) for i, p in enumerate(phases)]
    totals = (Total("processed_plasma", Decimal("1201.5"), "mL", "1201,5", 90),) if complete else ()
    return Run(
        "twin-column-report", "2.1", Device("", "TC-2", "AM-1"), Role.ADSORBER, "20240318-02", "4711", at(0), at(60),
        complete, "Europe/Vienna", "a.txt", 100, facts=(Fact("weight", Decimal(70), "kg", "70", 8),),
        phases=tuple(phases), cycles=tuple(cycles), totals=totals, trace=trace(range(until)),
        alarms=(Alarm(0, "113", "2", "column_pressure_high", Priority.MEDIUM, "", at(5), at(6), None, 40),),
    )  # fmt: skip


def test_equal_records_are_the_same_wherever_they_stand_in_the_file():
    moved = replace(run(), member="b.txt", phases=tuple(replace(p, line=p.line + 7) for p in run().phases))
    assert compare(run(), moved).relation is Relation.SAME


def test_a_complete_export_extends_its_own_beginning_and_the_beginning_is_a_prefix_of_it():
    cut = run(loads=2, until=20, complete=False)
    assert compare(cut, run()).relation is Relation.EXTENDS
    assert compare(run(), cut).relation is Relation.PREFIX


def test_a_partial_export_with_all_records_is_extended_by_the_complete_one():
    partial = replace(run(), complete=False)
    assert compare(partial, run()).relation is Relation.EXTENDS
    assert compare(run(), partial).relation is Relation.PREFIX


@pytest.mark.parametrize(
    "change",
    [
        {"facts": (Fact("weight", Decimal(71), "kg", "71", 8),)},
        {"patient_printed": "4712"},
        {"phases": (replace(run().phases[0], volume_ml=Decimal(399)), *run().phases[1:])},
        {"phases": run().phases[1:]},
        {"alarms": (replace(run().alarms[0], code="105"),)},
        {"totals": (Total("processed_plasma", Decimal(1300), "mL", "1300", 90),)},
        {"trace": trace(range(60), rise=31)},
        {"started": at(-1)},
    ],
)
def test_any_other_value_contradicts_and_the_difference_is_told(change: dict[str, object]):
    old, new = run(), replace(run(), **change)
    if "phases" in change and len(new.phases) < len(old.phases):
        new = replace(new, totals=(Total("processed_plasma", Decimal(800), "mL", "800", 90),))
    answer = compare(old, new)
    assert answer.relation is Relation.CONTRADICTS
    assert answer.differences
    assert answer.total >= len(answer.differences)


def test_a_record_in_the_middle_of_a_complete_export_is_no_extension():
    old = replace(run(), phases=(run().phases[0], run().phases[2]))
    assert compare(old, run()).relation is Relation.CONTRADICTS


def test_one_changed_sample_is_named_with_its_line_and_both_values():
    changed = trace(range(60))
    changed.columns[0].mantissa[17] += 4
    difference = compare(run(), replace(run(), trace=changed)).differences[0]
    assert (difference.record, difference.old, difference.new) == ("samples processed_plasma", "51.0", "51.4")
    assert difference.old_line == 17


def test_zero_is_not_missing_when_samples_are_compared():
    nothing = trace(range(60))
    nothing.columns[0].null[0] = True
    assert compare(run(), replace(run(), trace=nothing)).relation is Relation.CONTRADICTS


def test_an_alarm_that_was_still_on_may_end_in_the_longer_export():
    open_alarm = replace(run().alarms[0], cleared=None)
    cut = replace(run(loads=1, until=6, complete=False), alarms=(open_alarm,))
    assert compare(cut, run()).relation is Relation.EXTENDS


def test_two_stretches_without_a_common_moment_are_the_halves_of_an_interrupted_run():
    later = replace(run(), started=at(90), phases=(), cycles=(), alarms=(), trace=trace(range(90, 120)))
    assert compare(run(), later).relation is Relation.DISJOINT
    assert compare(later, run()).relation is Relation.DISJOINT
