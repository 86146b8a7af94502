"""The laws of one run in numbers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestor.meaning.figures import RunFigures
from ingestor.meaning.policy import Limits
from ingestor.model import ColumnUse, Finding, Role
from tests.meaning.making import Making

D = Decimal


def utc(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2024, 3, 18, hour, minute, second, tzinfo=UTC)


def two_loads(make, **more):
    """A from 08:20 to 08:30, B from 08:30 to 08:40, 30 mL a minute in both; then two minutes of nothing."""
    minutes = range(20, 43)
    flow = ["30" if m < 40 else "0" for m in minutes]
    count = [str(30 * min(m - 20, 20)) for m in minutes]
    plain = {
        "phases": (
            make.phase(1, "A", "load", "08:20:00", "08:30:00", "300"),
            make.phase(1, "A", "elute", "08:30:00", "08:35:00", "180"),
            make.phase(2, "B", "load", "08:30:00", "08:40:00", "300"),
        ),
        "totals": (make.total("processed_plasma", "600"), make.total("cycles", "2", "")),
        "samples": make.samples(
            [f"08:{m}:00" for m in minutes],
            make.column("plasma_flow", flow, "ml/min"),
            make.column("processed_plasma", count, "ml"),
        ),
        "patient": "17",
    }
    return make.run_figures(**(plain | more))


def test_one_run_has_four_independent_readings(make):
    figures = two_loads(make)
    assert figures.readings == dict.fromkeys(("reported", "cycles", "counter", "integrated"), D(600))
    assert figures.missing == {"blood_processed_ml": "no_blood_volume", "ac_volume_ml": "no_ac_volume"}


def test_figures_survive_being_written_down(make):
    figures = two_loads(
        make,
        alarms=(make.alarm("08:21:00", "08:22:00", line=5), make.alarm("08:23:00")),
        columns=(ColumnUse("A", 1, "P", "S", "L", 3),),
        facts=(make.total("weight", "71.50", "kg"),),
    )
    document = json.loads(json.dumps(figures.to_json()))
    assert RunFigures.from_json(document) == figures
    assert document["facts"] == {"weight": "71.5"}


def test_elution_is_never_dose(make):
    big = make.phase(1, "A", "elute", "08:30:00", "08:35:00", "4000")
    rows = (
        make.phase(1, "A", "load", "08:20:00", "08:30:00", "300"), big,
        make.phase(1, "A", "neutralise", "08:35:00", "08:36:00", "500"),
        make.phase(1, "A", "plasma_return", "08:35:00", "08:36:00", "65"),
        make.phase(1, "A", "recondition", "08:35:00", "08:36:00", "500"),
        make.phase(1, "A", "prime", "08:10:00", "08:20:00", "500"),
        make.phase(1, "A", "rinseback", "08:36:00", "08:37:00", "500"),
        make.phase(1, "A", "storage_fill", "08:37:00", "08:38:00", "500"),
    )  # fmt: skip
    assert two_loads(make, phases=rows).readings["cycles"] == 300


def test_an_aborted_load_counts_as_dose_and_not_in_plasma_per_cycle(make):
    rows = (
        make.phase(1, "A", "load", "08:20:00", "08:30:00", "300"),
        make.phase(2, "B", "load", "08:30:00", "08:33:00", "90", completed=False),
    )
    figures = two_loads(make, phases=rows)
    assert figures.readings["cycles"] == 390
    assert figures.load_volumes == (D(300),)
    assert (figures.cycles_completed, figures.cycles_aborted) == (1, 1)


def test_a_sum_with_a_load_missing_is_no_sum(make):
    rows = (
        make.phase(1, "A", "load", "08:20:00", "08:30:00", "300"),
        make.phase(2, "B", "load", "08:30:00", "08:40:00", "---"),
    )
    figures = two_loads(make, phases=rows)
    assert figures.readings["cycles"] is None
    assert figures.missing["cycles"] == "load_volumes_incomplete"


def test_loads_without_printed_volumes_are_counted_and_not_summed(make):
    rows = (make.phase(1, "A", "load", "08:20:00", "08:30:00"),)
    figures = two_loads(make, phases=rows)
    assert figures.missing["cycles"] == "load_volumes_not_printed"
    assert figures.cycles_completed == 1


def test_nothing_printed_is_no_zero(make):
    figures = make.run_figures(patient="17")
    assert figures.readings == dict.fromkeys(("reported", "cycles", "counter", "integrated"))
    assert figures.missing == {
        "reported": "not_printed", "cycles": "load_volumes_not_printed", "counter": "no_counter",
        "integrated": "no_flow", "blood_processed_ml": "no_blood_volume", "ac_volume_ml": "no_ac_volume",
        "cycles_completed": "no_phases", "cycles_aborted": "no_phases", "loading_min": "no_phases",
        "interrupted_min": "no_flow",
    }  # fmt: skip
    assert figures.still is None
    assert figures.load_span is None
    assert not figures.bench


def test_a_printed_zero_is_zero(make):
    figures = make.run_figures(patient="17", totals=(make.total("processed_plasma", "0"),))
    assert figures.readings["reported"] == 0


def test_a_sum_printed_after_a_restart_tells_of_the_last_stretch_only(make):
    totals = (
        make.total("processed_plasma", "150"), make.total("blood_processed", "400"),
        make.total("ac_volume", "30"), make.total("cycles", "1", ""),
    )  # fmt: skip
    block = make.samples(
        ["08:20:00", "08:21:00", "08:30:00", "08:31:00"],
        make.column("processed_plasma", ["0", "300", "0", "150"], "ml"),
        make.column("blood_processed", ["0", "600", "0", "400"], "ml"),
        segments=(2,),
    )
    figures = make.run_figures(patient="17", totals=totals, samples=block)
    assert figures.readings["reported"] is None
    assert figures.missing["reported"] == "reported_after_restart"
    assert figures.readings["counter"] == 450
    assert figures.blood_processed_ml == 1000
    assert figures.ac_volume_ml is None
    assert figures.cycles_completed is None


@pytest.mark.parametrize(
    ("printed", "reported"),
    [
        ("1000", None),
        ("1020", None),
        ("1021", "1021"),
        ("1500", "1500"),
        ("1480", "1480"),
        ("979", "979"),
        ("980", None),
    ],
)
def test_after_a_silent_restart_of_the_counter_a_total_that_fits_the_last_stretch_tells_of_that_only(
    make, printed, reported
):
    count = make.column("processed_plasma", ["0", "500", "0", "1000"], "ml")
    block = make.samples([f"08:2{m}:00" for m in range(4)], count)
    figures = make.run_figures(totals=(make.total("processed_plasma", printed),), samples=block, patient="17")
    assert figures.readings["counter"] == 1500
    assert figures.readings["reported"] == (None if reported is None else D(reported))
    assert figures.missing.get("reported") == ("reported_after_restart" if reported is None else None)


def test_a_small_last_stretch_does_not_swallow_the_total_of_all(make):
    count = make.column("processed_plasma", ["0", "50", "0", "5"], "ml")
    block = make.samples([f"08:2{m}:00" for m in range(4)], count)
    for printed, reported in (("55", 55), ("26", 26), ("25", None)):
        figures = make.run_figures(
            totals=(make.total("processed_plasma", printed),), samples=block, patient="17"
        )
        assert figures.readings["reported"] == reported


def test_volumes_of_blood_and_anticoagulant_are_the_printed_ones_else_the_counters(make):
    totals = (make.total("blood_processed", "11020"), make.total("ac_volume", "918"))
    block = make.samples(
        ["08:20:00", "08:21:00"],
        make.column("blood_processed", ["0", "500"], "ml"), make.column("ac_volume", ["0", "40"], "ml"),
    )  # fmt: skip
    printed = make.run_figures(totals=totals, samples=block)
    assert (printed.blood_processed_ml, printed.ac_volume_ml) == (11020, 918)
    counted = make.run_figures(samples=block)
    assert (counted.blood_processed_ml, counted.ac_volume_ml) == (500, 40)


def test_the_inlet_includes_anticoagulant_and_blood_does_not(make):
    totals = (make.total("inlet_processed", "11938"), make.total("ac_volume", "918"))
    assert make.run_figures(totals=totals, role=Role.SEPARATOR).blood_processed_ml == 11020
    alone = make.run_figures(totals=totals[:1], role=Role.SEPARATOR)
    assert alone.blood_processed_ml is None
    odd = (make.total("inlet_processed", "100"), make.total("ac_volume", "918"))
    assert make.run_figures(totals=odd, role=Role.SEPARATOR).blood_processed_ml == 0


@pytest.mark.parametrize(
    ("role", "found"), [(Role.SEPARATOR, 6000), (Role.COMBINED, 6000), (Role.ADSORBER, None)]
)
def test_removed_plasma_is_a_reading_of_a_separator_and_never_of_an_adsorber(make, role, found):
    figures = make.run_figures(role=role, totals=(make.total("plasma_removed", "6000"),))
    assert figures.readings["reported"] == found


def test_a_therapy_without_plasma_says_so(make):
    log = {"role": Role.COMBINED, "findings": (Finding("no_plasma_therapy"), Finding("other"))}
    figures = make.run_figures(**log)
    assert figures.missing["reported"] == "no_plasma_therapy"
    assert figures.notes == ("no_plasma_therapy",)


def test_the_flow_counts_during_loads_only_and_over_the_whole_run_where_phases_are_unknown(make):
    block = make.samples(
        [f"08:{m}:00" for m in range(10, 51)], make.column("plasma_flow", ["30"] * 41, "ml/min")
    )
    assert two_loads(make, samples=block).readings["integrated"] == 600
    assert make.run_figures(samples=block).readings["integrated"] == 1200


def test_loads_at_unknown_times_are_not_integrated(make):
    rows = (make.phase(1, "A", "load", None, "08:30:00", "300"),)
    figures = two_loads(make, phases=rows)
    assert figures.readings["integrated"] is None
    assert figures.missing["integrated"] == "load_times_missing"
    assert figures.missing["loading_min"] == "load_times_missing"


def test_a_load_that_was_never_ended_lasts_to_the_next_phase_of_its_column_or_to_the_end_of_the_record(make):
    rows = (
        make.phase(1, "A", "load", "08:20:00", None, "300"),
        make.phase(1, "A", "elute", "08:25:00", "08:35:00", "180"),
        make.phase(2, "B", "load", "08:30:00", None, "300"),
    )
    figures = two_loads(make, phases=rows, end=None, end_reached=False)
    assert figures.last_seen == utc(7, 42)
    assert figures.loading_s == 5 * 60 + 12 * 60
    assert figures.load_span == (utc(7, 20), utc(7, 42))


def test_loading_is_the_time_of_loads_else_the_time_with_flow(make):
    assert two_loads(make).loading_s == 1200
    figures = two_loads(make, phases=())
    assert figures.loading_s == 1200
    assert figures.load_span == (utc(7, 20), utc(7, 40))


def test_samples_missing_within_a_load_are_told_in_seconds(make):
    times = [f"08:{m}:00" for m in (*range(20, 25), *range(35, 43))]
    block = make.samples(times, make.column("plasma_flow", ["30"] * 13, "ml/min"))
    figures = two_loads(make, samples=block)
    assert figures.integrated_gap_s == 11 * 60
    assert figures.readings["integrated"] == 270


def test_stretches_without_flow_of_more_than_a_minute_are_kept_and_those_at_the_edges(make):
    flow = ["0", "30", "0", "30", "0", "0", "30", "0"]
    block = make.samples([f"08:2{m}:00" for m in range(8)], make.column("plasma_flow", flow, "ml/min"))
    figures = make.run_figures(samples=block)
    assert figures.still == ((utc(7, 20), utc(7, 21)), (utc(7, 24), utc(7, 26)))


@pytest.mark.parametrize(
    ("printed", "definition", "told"),
    [
        ("2", "load", False),
        ("1", "pair", False),
        ("3", "load", True),
        ("2", "pair", True),
        ("1", "load", True),
    ],
)
def test_a_printed_number_of_cycles_is_compared_with_the_loads(make, printed, definition, told):
    figures = two_loads(make, totals=(make.total("cycles", printed, ""),), cycle_definition=definition)
    assert figures.cycles_completed == 2
    assert ("cycles_disagree" in figures.notes) is told


@pytest.mark.parametrize(("definition", "loads"), [("load", 14), ("pair", 28)])
def test_without_phases_the_printed_number_counts_and_a_pair_is_two_loads(make, definition, loads):
    figures = make.run_figures(totals=(make.total("cycles", "14", ""),), cycle_definition=definition)
    assert (figures.cycles_completed, figures.cycles_aborted) == (loads, None)
    assert figures.missing["cycles_aborted"] == "no_phases"


def test_alarms_are_counted_by_priority_and_timed_where_they_have_an_end(make):
    alarms = (
        make.alarm("08:21:00", "08:22:00", "high"), make.alarm("08:23:00", None, "low"),
        make.alarm(None, "08:13:40", "low"), make.alarm("08:30:00", "08:29:00", "info"),
    )  # fmt: skip
    figures = make.run_figures(alarms=alarms)
    assert figures.alarms == {"high": 1, "medium": 0, "low": 2, "info": 1, "unknown": 0}
    assert figures.alarm_spans == (
        (utc(7, 21), utc(7, 22)), (utc(7, 12, 40), utc(7, 13, 40)), (utc(7, 29), utc(7, 29)),
    )  # fmt: skip
    assert figures.notes == ("alarm_end_unknown",)


def test_each_column_has_its_own_cycles_and_volume(make):
    columns = (ColumnUse("A", 1, "P", "SA"), ColumnUse("B", 1, "P", "SB"), ColumnUse("C", 1))
    rows = (
        make.phase(1, "A", "load", "08:20:00", "08:25:00", "150"),
        make.phase(2, "B", "load", "08:25:00", "08:30:00", "150.5"),
        make.phase(3, "A", "load", "08:30:00", "08:32:00", "20", completed=False),
    )
    figures = two_loads(make, phases=rows, columns=columns)
    found = [(c.serial, c.cycles_completed, c.cycles_aborted, c.load_ml) for c in figures.columns]
    assert found == [("SA", 1, 1, D(170)), ("SB", 1, 0, D("150.5")), ("", 0, 0, None)]


def test_of_two_columns_in_one_place_phases_do_not_tell_which_was_loaded(make):
    columns = (ColumnUse("A", 1, "P", "S1"), ColumnUse("A", 2, "P", "S2"))
    rows = (make.phase(1, "A", "load", "08:20:00", "08:25:00", "150"),)
    assert [c.cycles_completed for c in two_loads(make, phases=rows, columns=columns).columns] == [None, None]


def test_a_column_changed_in_mid_session_has_a_cycle_of_its_own(make):
    columns = (ColumnUse("A", 1, "P", "S1"), ColumnUse("A", 2, "P", "S2"))
    block = make.samples(
        [f"08:2{m}:00" for m in range(4)], make.column("plasma_flow", ["30"] * 4, "ml/min"),
        make.column("processed_plasma", ["0", "30", "0", "30"], "ml"), segments=(2,),
    )  # fmt: skip
    figures = make.run_figures(samples=block, columns=columns, patient="17")
    assert [c.cycles_completed for c in figures.columns] == [1, 1]
    assert figures.cycles_completed == 2
    assert figures.readings["counter"] == 60


def test_a_run_without_patient_and_plasma_stood_on_a_bench(make):
    none = {"totals": (make.total("processed_plasma", "0"),)}
    assert make.run_figures(**none).bench
    assert not make.run_figures(**none, patient="17").bench
    assert not make.run_figures(totals=(make.total("processed_plasma", "1"),)).bench
    assert not make.run_figures().bench
    assert make.run_figures(bench=True, patient="17").bench


def test_the_last_moment_of_a_record_is_the_latest_of_all_its_times(make):
    cut = {"end": None, "end_reached": False}
    assert make.run_figures(**cut).last_seen == utc(7, 12, 40)
    assert make.run_figures(**cut, alarms=(make.alarm("08:20:00", "08:25:00"),)).last_seen == utc(7, 25)
    assert make.run_figures(**cut, events=(make.event("08:26:00", 1),)).last_seen == utc(7, 26)
    assert make.run_figures(end="11:00:00").last_seen == utc(10)
    assert make.run_figures(**cut).ended is None


def test_limits_are_settings(make):
    from ingestor.meaning.figures import run_figures
    from ingestor.meaning.normalise import normalise

    block = make.samples(["08:20:00", "08:21:00"], make.column("processed_plasma", ["40", "5"], "ml"))
    run = normalise(make.log(samples=block), make.clock())
    assert run_figures(run).readings["counter"] == 45
    assert run_figures(run, Limits(reset_ml=D(50))).readings["counter"] == 5


@given(
    loads=st.lists(st.decimals(0, 900, places=1), min_size=1, max_size=12),
    elution=st.decimals(0, 900, places=1),
)
def test_the_cycles_reading_is_the_exact_sum_of_the_printed_loads(loads, elution):
    make = Making()
    start = datetime(2024, 3, 18, 8, 0)
    rows = []
    for i, volume in enumerate(loads):
        at, end = start + timedelta(minutes=10 * i), start + timedelta(minutes=10 * i + 8)
        rows.append(make.phase(i + 1, "AB"[i % 2], "load", str(at), str(end), str(volume)))
        rows.append(make.phase(i + 1, "AB"[i % 2], "elute", str(end), str(end), str(elution)))
    assert make.run_figures(phases=tuple(rows)).readings["cycles"] == sum(loads)


def test_what_is_known_is_not_missing_and_what_has_no_gap_has_none(make):
    figures = two_loads(make, totals=(make.total("blood_processed", "900"), make.total("ac_volume", "70")))
    assert figures.missing == {"reported": "not_printed"}
    assert figures.integrated_gap_s == 0
    assert figures.ended == utc(10, 47, 5)
    nothing = make.run_figures(patient="17")
    assert nothing.integrated_gap_s == 0
    timeless = two_loads(make, phases=(make.phase(1, "A", "load", None, "08:30:00", "300"),))
    assert timeless.integrated_gap_s == 0


def test_figures_of_an_empty_record_survive_being_written_down(make):
    figures = make.run_figures(end=None, end_reached=False)
    assert RunFigures.from_json(json.loads(json.dumps(figures.to_json()))) == figures
    assert (figures.load_span, figures.still, figures.ended) == (None, None, None)


def test_times_are_written_down_in_utc(make):
    document = two_loads(make).to_json()
    assert document["started"] == "2024-03-18T07:12:40+00:00"
    assert document["started_local"] == "2024-03-18T08:12:40"


def test_one_machine_that_does_both_prints_what_it_processed(make):
    totals = (make.total("plasma_removed", "6000"), make.total("processed_plasma", "5800"))
    assert make.run_figures(role=Role.COMBINED, totals=totals).readings["reported"] == 5800


def test_an_assumption_of_the_driver_is_carried_into_the_dose(make):
    figures = make.run_figures(findings=(Finding("plasma_assumed"), Finding("plasma_assumed")))
    assert figures.notes == ("plasma_assumed",)


def test_one_load_at_an_unknown_time_leaves_all_loading_unknown(make):
    rows = (
        make.phase(1, "A", "load", "08:20:00", "08:30:00", "300"),
        make.phase(2, "B", "load", None, "08:40:00", "300"),
    )
    figures = two_loads(make, phases=rows)
    assert (figures.loading_s, figures.load_span) == (None, None)


def test_a_printed_number_fits_if_it_counts_all_loads_or_the_completed_ones(make):
    rows = (
        make.phase(1, "A", "load", "08:20:00", "08:30:00", "300"),
        make.phase(2, "B", "load", "08:30:00", "08:40:00", "300"),
        make.phase(3, "A", "load", "08:40:00", "08:41:00", "30", completed=False),
    )
    told = [
        "cycles_disagree" in two_loads(make, phases=rows, totals=(make.total("cycles", n, ""),)).notes
        for n in ("1", "2", "3", "4")
    ]
    assert told == [True, False, False, True]


def test_columns_without_any_cycle_have_unknown_cycles(make):
    (column,) = make.run_figures(columns=(ColumnUse("A", 1, regenerable=True),)).columns
    assert (column.cycles_completed, column.cycles_aborted, column.load_ml) == (None, None, None)


def test_a_run_of_which_one_reading_is_not_zero_stood_on_no_bench(make):
    block = make.samples(["08:20:00", "08:21:00"], make.column("processed_plasma", ["0", "0"], "ml"))
    totals = (make.total("processed_plasma", "5"),)
    assert not make.run_figures(totals=totals, samples=block).bench
    assert make.run_figures(samples=block).bench


def test_stillness_counts_from_the_first_millisecond_beyond_a_minute(make):
    times = ["08:20:00", "08:21:00", "08:22:00", "08:23:00", "2024-03-18 08:24:00.001", "08:25:00"]
    flow = make.column("plasma_flow", ["30", "0", "30", "0", "30", "0"], "ml/min")
    figures = make.run_figures(samples=make.samples(times, flow))
    assert [(a.minute, b.minute) for a, b in figures.still] == [(23, 24)]


def test_a_printed_total_nearer_to_all_stretches_than_to_the_last_is_that_of_all(make):
    count = make.column("processed_plasma", ["0", "30", "0", "25"], "ml")
    block = make.samples([f"08:2{m}:00" for m in range(4)], count)
    found = [
        make.run_figures(totals=(make.total("processed_plasma", n),), samples=block, patient="17").readings[
            "reported"
        ]
        for n in ("45", "40", "39")
    ]
    assert found == [45, 40, None]


def test_a_fact_that_cannot_be_is_none(make):
    figures = make.run_figures(
        facts=(make.total("weight", "5000", "kg"), make.total("hematocrit", "36", "%"))
    )
    assert figures.facts == {"hematocrit": D("0.36")}
