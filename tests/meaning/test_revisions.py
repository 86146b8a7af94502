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
    ColumnUse,
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


def other_half(**more: object) -> Run:
    plain = {"started": at(90), "phases": (), "cycles": (), "alarms": (), "trace": trace(range(90, 120))}
    return replace(run(), **(plain | more))


def test_two_stretches_without_a_common_moment_are_the_halves_of_an_interrupted_run():
    cut = run(complete=False)
    assert compare(cut, other_half()).relation is Relation.DISJOINT
    assert compare(other_half(), cut).relation is Relation.DISJOINT


def test_stretches_that_share_a_moment_or_have_no_number_in_common_are_no_halves():
    cut = run(complete=False)
    touching = other_half(started=at(59), trace=trace(range(59, 120)))
    assert compare(cut, touching).relation is Relation.CONTRADICTS
    nameless = replace(cut, printed_id=None), other_half(printed_id=None)
    assert compare(*nameless).relation is Relation.CONTRADICTS


def test_the_same_sums_at_another_time_are_a_clock_that_was_set_and_not_counted_twice():
    assert compare(run(), other_half()).relation is Relation.CONTRADICTS
    zero = (Total("processed_plasma", Decimal(0), "mL", "0", 90),)
    assert compare(replace(run(), totals=zero), other_half(totals=zero)).relation is Relation.DISJOINT


def test_a_clock_corrected_since_makes_no_difference():
    def later(instant: Instant | None) -> Instant | None:
        moved = None if instant is None else instant.utc + timedelta(minutes=5)
        return None if moved is None else replace(instant, utc=moved, method=TimeMethod.CLOCK_JUMP)

    corrected = replace(
        run(),
        started=later(run().started),
        ended=later(run().ended),
        phases=tuple(replace(p, start=later(p.start), end=later(p.end)) for p in run().phases),
        cycles=tuple(replace(c, start=later(c.start), end=later(c.end)) for c in run().cycles),
        alarms=tuple(replace(a, onset=later(a.onset), cleared=later(a.cleared)) for a in run().alarms),
        device=replace(run().device, software="4.0"),
    )
    assert compare(run(), corrected).relation is Relation.SAME


def test_both_columns_may_still_be_at_work_where_a_record_was_cut():
    whole = run(loads=4)
    open_two = tuple(replace(p, end=None, volume_ml=None, completed=None) for p in whole.phases[2:])
    open_cycles = tuple(replace(c, end=None, load_ml=None, completed=None) for c in whole.cycles[2:])
    cut = replace(
        whole, complete=False, totals=(), phases=(*whole.phases[:2], *open_two), cycles=(*whole.cycles[:2], *open_cycles),
    )  # fmt: skip
    assert compare(cut, whole).relation is Relation.EXTENDS
    assert compare(replace(cut, complete=True), whole).relation is Relation.CONTRADICTS


def test_a_column_shows_only_in_the_whole_record_that_it_is_regenerated():
    def with_column(one: Run, *, regenerable: bool | None) -> Run:
        return replace(one, columns=(ColumnUse("A", 1, "PEP-60", "S-1", regenerable=regenerable),))

    cut, whole = run(loads=2, until=20, complete=False), run()
    later = compare(with_column(cut, regenerable=None), with_column(whole, regenerable=True))
    assert later.relation is Relation.EXTENDS
    other = compare(with_column(cut, regenerable=False), with_column(whole, regenerable=True))
    assert other.relation is Relation.CONTRADICTS


def test_a_volume_that_shrinks_or_a_finished_record_that_changes_is_no_growth():
    cut = run(loads=2, until=20, complete=False)
    for i, volume in ((1, "401"), (0, "400")):
        phases = list(cut.phases)
        phases[i] = replace(phases[i], volume_ml=Decimal(volume))
        answer = compare(replace(cut, phases=tuple(phases)), run())
        assert answer.relation is Relation.CONTRADICTS
        assert [(d.field, d.old, d.new) for d in answer.differences] == [("volume_ml", volume, "400.5")]
    grown = replace(cut, phases=(cut.phases[0], replace(cut.phases[1], volume_ml=Decimal("12.5"))))
    assert compare(grown, run()).relation is Relation.EXTENDS


def test_a_difference_names_the_record_as_a_person_would():
    other = replace(run(), alarms=(replace(run().alarms[0], code="105"),))
    told = compare(run(), other).differences[0]
    assert told.record == "alarm 113 08:05:00"
    assert told.new is None
    assert "kind column_pressure_high, priority medium, onset 2024-03-18 08:05:00" in told.old
    assert told.old_line == 40
    added = compare(
        replace(run(), alarms=(replace(run().alarms[0], onset=at(7)),)),
        replace(run(), alarms=(run().alarms[0], replace(run().alarms[0], onset=at(7)))),
    ).differences[0]
    assert (added.record, added.old, added.new_line) == ("alarm 113 08:05:00", None, 40)


def test_the_list_of_differences_is_bounded_and_the_count_is_not():
    many = tuple(replace(run().alarms[0], onset=at(i / 10)) for i in range(300))
    one = replace(run().alarms[0], code="105")
    answer = compare(replace(run(), alarms=many), replace(run(), alarms=(one,)))
    assert (len(answer.differences), answer.total) == (200, 300)


def test_more_samples_after_a_complete_record_extend_it_and_before_it_do_not():
    assert compare(run(until=30), run()).relation is Relation.EXTENDS
    assert compare(run(), run(until=30)).relation is Relation.PREFIX
    late = replace(run(), trace=trace(range(10, 60)))
    assert compare(late, run()).relation is Relation.CONTRADICTS
    assert compare(replace(late, complete=False), run()).relation is Relation.EXTENDS
    assert compare(run(), replace(run(), trace=None)).relation is Relation.PREFIX


@pytest.mark.parametrize(("complete", "relation"), [(False, Relation.EXTENDS), (True, Relation.CONTRADICTS)])
def test_a_value_that_a_cut_file_could_not_show_is_gained_by_the_whole_one(
    complete: bool, relation: Relation
):
    new = run()
    assert new.trace is not None
    (column,) = new.trace.columns
    null = column.null.copy()
    null[-3:] = True
    old = replace(run(complete=complete), trace=replace(new.trace, columns=(replace(column, null=null),)))
    assert compare(old, new).relation is relation


def test_the_words_for_what_a_reading_is_to_another_are_what_they_are():
    assert [r.value for r in Relation] == ["same", "extends", "prefix", "contradicts", "disjoint"]
    assert (compare(run(), run()).total, compare(run(), run()).differences) == (0, ())


def test_halves_that_touch_in_one_moment_are_none_whichever_comes_first():
    first = replace(run(complete=False), trace=trace(range(60)))
    touching = other_half(started=at(59), trace=trace(range(59, 120)))
    for pair in ((first, touching), (touching, first)):
        assert compare(*pair).relation is Relation.CONTRADICTS


def test_the_same_number_of_cycles_says_nothing_of_two_halves():
    def counted(one: Run, plasma: str) -> Run:
        totals = (
            Total("processed_plasma", Decimal(plasma), "mL", plasma, 90),
            Total("cycles", Decimal(4), "", "4", 91),
        )
        return replace(one, totals=totals)

    assert compare(counted(run(), "1201.5"), counted(other_half(), "300")).relation is Relation.DISJOINT


def test_what_has_no_samples_reaches_to_its_last_phase_or_else_to_its_end():
    bare = replace(run(complete=False), trace=None, phases=(), cycles=(), alarms=())
    later = replace(bare, started=at(61), ended=at(90))
    within = replace(bare, started=at(30), ended=at(90))
    assert compare(bare, later).relation is Relation.DISJOINT
    assert compare(bare, within).relation is Relation.CONTRADICTS
    open_end = replace(bare, ended=None)
    assert compare(open_end, within).relation is Relation.DISJOINT
    phased = replace(run(complete=False), trace=None)
    assert compare(phased, replace(bare, started=at(43), ended=at(90))).relation is Relation.DISJOINT
    half_open = replace(phased, phases=(*phased.phases[:2], replace(phased.phases[2], end=None)))
    assert compare(half_open, replace(bare, started=at(31), ended=at(90))).relation is Relation.DISJOINT
    empty = replace(bare, trace=trace(range(0)))
    assert compare(empty, within).relation is Relation.CONTRADICTS
