"""The laws of values, units and cycles."""

from __future__ import annotations

from decimal import Decimal
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestor.driver import Ignored, SampleBlock, SampleColumn, StateColumn
from ingestor.meaning.normalise import normalise
from ingestor.model import ColumnUse, Finding, Role
from ingestor.phrases import catalogue
from ingestor.quantity import CHANNELS

D = Decimal


def found(run, code: str) -> list[Finding]:
    return [f for f in run.findings if f.code == code]


def test_a_litre_is_a_thousand_millilitres_and_the_printed_text_stays(make):
    run = normalise(make.log(totals=(make.total("processed_plasma", "6.0435", "L"),)), make.clock())
    (total,) = run.totals
    assert (total.value, total.unit, total.raw, total.line) == (D("6043.5"), "mL", "6.0435", 90)


def test_an_unknown_unit_makes_the_value_null_with_a_finding_and_keeps_the_text(make):
    run = normalise(make.log(totals=(make.total("processed_plasma", "3", "pint", line=12),)), make.clock())
    assert (run.totals[0].value, run.totals[0].raw) == (None, "3")
    (finding,) = found(run, "unit_unknown")
    assert (finding.line, finding.params["unit"]) == (12, "pint")


@pytest.mark.parametrize(
    ("text", "value", "codes"),
    [
        ("6000", "6000", []),
        ("0", "0", ["value_unusual"]),
        ("999.9", "999.9", ["value_unusual"]),
        ("1000", "1000", []),
        ("12000", "12000", []),
        ("12000.1", "12000.1", ["value_unusual"]),
        ("25000", "25000", ["value_unusual"]),
        ("25000.1", None, ["value_implausible"]),
        ("30000", None, ["value_implausible"]),
        ("-0.1", None, ["value_implausible"]),
        ("NaN", None, ["value_implausible"]),
        ("1e309x", None, ["value_implausible"]),
        ("---", None, []),
        ("", None, []),
    ],
)
def test_a_session_s_plasma_is_believed_within_hard_bounds_and_remarked_upon_outside_soft_ones(
    make, text, value, codes
):
    run = normalise(make.log(totals=(make.total("processed_plasma", text),)), make.clock())
    assert run.totals[0].value == (None if value is None else D(value))
    assert [f.code for f in run.findings if f.code.startswith("value_")] == codes


def test_what_the_driver_has_said_of_a_line_is_not_said_again(make):
    told = Finding("not_a_number", line=90, member="a.tcr")
    log = make.log(totals=(make.total("processed_plasma", "NaN"),), findings=(told,))
    assert [f.code for f in normalise(log, make.clock(zone="UTC")).findings] == ["not_a_number"]


@pytest.mark.parametrize(
    ("text", "unit", "value", "code"),
    [
        ("36", "%", "0.36", None),
        ("0.45", "%{vol}", "0.45", "hematocrit_as_fraction"),
        ("1", "%", None, "value_implausible"),
        ("0.45", "1", "0.45", None),
        ("36", "1", None, "value_implausible"),
        ("4", "%", None, "value_implausible"),
        ("17", "%", "0.17", "value_unusual"),
        ("81", "%", None, "value_implausible"),
    ],
)
def test_a_hematocrit_is_a_fraction(make, text, unit, value, code):
    run = normalise(make.log(facts=(make.total("hematocrit", text, unit),)), make.clock())
    assert run.facts[0].value == (None if value is None else D(value))
    assert run.facts[0].unit == "1"
    codes = [f.code for f in run.findings if f.code != "zone_defaulted"]
    assert code in codes if code else codes == []


def test_a_channel_s_many_odd_values_are_one_finding(make):
    flow = make.column("plasma_flow", ["30.0", "200.0", None, "151.0", "61.0", "-0.1", "150.0"], "ml/min")
    times = [f"08:2{i}:00" for i in range(7)]
    run = normalise(make.log(samples=make.samples(times, flow)), make.clock())
    column = run.trace.column("plasma_flow")
    np.testing.assert_array_equal(column.values(), [30, np.nan, np.nan, np.nan, 61, np.nan, 150])
    (hard,) = found(run, "value_implausible")
    assert (hard.line, hard.params["rows"], hard.params["value"]) == (101, "3", "200.0")
    (soft,) = found(run, "value_unusual")
    assert (soft.line, soft.params["rows"]) == (104, "2")


def test_a_channel_of_unknown_unit_is_kept_as_printed_and_not_used(make):
    flow = make.column("plasma_flow", ["30", "31"], "gal/h", "Plasmafluss")
    run = normalise(make.log(samples=make.samples(["08:20:00", "08:21:00"], flow)), make.clock())
    assert run.trace.column("plasma_flow") is None
    kept = run.trace.column("x:Plasmafluss")
    assert (kept.unit, list(kept.values())) == ("gal/h", [30, 31])
    assert found(run, "unit_unknown")[0].params["rows"] == "2"


def test_an_unknown_column_is_kept_under_its_heading(make):
    odd = make.column(None, ["1.5", None], "", "QX")
    twin = make.column(None, ["2.5", None], "", "QX")
    run = normalise(make.log(samples=make.samples(["08:20:00", "08:21:00"], odd, twin)), make.clock())
    assert [c.channel for c in run.trace.columns] == ["x:QX", "x:QX'"]


@pytest.mark.parametrize(
    ("unit", "printed", "value"),
    [("ml/min", "30.5", 30.5), ("l/min", "0.0305", 30.5), ("ml/h", "1800", 30), ("l/h", "1.8", 30)],
)
def test_sampled_flows_arrive_in_millilitres_a_minute(make, unit, printed, value):
    flow = make.column("plasma_flow", [printed], unit)
    run = normalise(make.log(samples=make.samples(["08:20:00"], flow)), make.clock())
    column = run.trace.column("plasma_flow")
    assert (column.unit, column.printed_unit) == ("mL/min", unit)
    assert column.values()[0] == value


@given(rate=st.integers(-10_000, 10_000), scale=st.integers(0, 6))
def test_a_printed_rate_per_hour_can_be_found_again(rate, scale):
    from ingestor.meaning.traces import _converted

    mantissa, made = _converted(np.array([rate], np.int64), scale, "ml/h", "mL/min")
    again = (D(int(mantissa[0])).scaleb(-made) * 60).quantize(D(1).scaleb(-scale))
    assert again == D(rate).scaleb(-scale)


def test_small_negative_volumes_are_believed_of_a_machine_that_balances_fluids_and_of_no_other(make):
    effluent = make.column("effluent", ["-3", "0"], "ml")
    plasma = make.column("processed_plasma", ["-3", "0"], "ml")
    times = ["08:20:00", "08:21:00"]
    balancing = normalise(make.log(samples=make.samples(times, effluent, plasma)), make.clock())
    assert balancing.trace.column("effluent").values()[0] == -3
    assert balancing.trace.column("processed_plasma").values()[0] == -3
    other = normalise(make.log(samples=make.samples(times, plasma)), make.clock())
    assert other.trace.column("processed_plasma").null[0]
    huge = make.column("processed_plasma", ["-1001", "25001"], "ml")
    assert (
        normalise(make.log(samples=make.samples(times, effluent, huge)), make.clock())
        .trace.columns[1]
        .null.all()
    )


def test_every_row_that_was_read_is_stored_or_ignored(make):
    log = make.log(rows_read=10, ignored=(Ignored("heartbeat", 2),))
    run = normalise(log, make.clock())
    assert run.rows_read == 10
    assert run.ignored == (Ignored("heartbeat", 2),)


def test_states_and_the_run_time_counter_come_along(make):
    state = StateColumn("state", ("prime", "treatment"), np.array([0, 1], np.int16))
    block = make.samples(["08:20:00", "08:21:00"], states=(state,), elapsed_s=[0, 60])
    run = normalise(make.log(samples=block), make.clock())
    assert run.trace.states[0].words == ("prime", "treatment")
    assert list(run.trace.elapsed_s) == [0, 60]


def twin(make, *rows, **more):
    return normalise(make.log(phases=rows, **more), make.clock())


def test_a_cycle_is_one_load_of_one_column(make):
    run = twin(
        make,
        make.phase(1, "A", "load", "08:20:10", "08:31:40", "402.5"),
        make.phase(1, "A", "elute", "08:33:05", "08:37:30", "180"),
        make.phase(2, "B", "load", "08:31:40", "08:43:00", "398", completed=False),
    )
    assert [(c.index, c.position, c.load_ml, c.completed) for c in run.cycles] == [
        (1, "A", D("402.5"), True),
        (2, "B", D(398), False),
    ]
    assert str(run.cycles[0].end.utc)[11:19] == "07:31:40"


def test_numbers_of_pairs_become_numbers_of_loads(make):
    run = twin(
        make,
        make.phase(1, "A", "load", "08:20:00", "08:30:00"),
        make.phase(1, "A", "elute", "08:30:00", "08:35:00"),
        make.phase(1, "B", "load", "08:30:00", "08:40:00"),
        make.phase(2, "A", "load", "08:40:00", "08:50:00"),
        cycle_definition="pair",
    )
    assert [(c.index, c.position) for c in run.cycles] == [(1, "A"), (2, "B"), (3, "A")]
    assert [p.cycle for p in run.phases] == [1, 1, 2, 3]


def test_a_load_printed_in_two_pieces_is_one_and_one_after_an_elution_is_another(make):
    run = twin(
        make,
        make.phase(1, "A", "load", "08:20:00", "08:25:00", "100", completed=False),
        make.phase(1, "A", "load", "08:26:00", "08:31:00", "200"),
        make.phase(1, "A", "elute", "08:31:00", "08:35:00"),
        make.phase(1, "A", "load", "08:40:00", "08:45:00", "150"),
    )
    assert [(c.index, c.load_ml, c.completed) for c in run.cycles] == [(1, D(300), True), (2, D(150), True)]


def test_without_a_printed_status_a_load_that_was_left_for_another_phase_was_completed(make):
    rows = (
        make.phase(1, "A", "load", "08:20:00", "08:30:00", completed=None),
        make.phase(1, "A", "elute", "08:30:00", "08:35:00", completed=None),
        make.phase(2, "B", "load", "08:30:00", "08:40:00", completed=None),
        make.phase(3, "A", "load", "08:40:00", None, completed=None),
    )
    cut = twin(make, *rows, end_reached=False, end=None)
    assert [c.completed for c in cut.cycles] == [True, None, None]
    whole = twin(make, *rows)
    assert [c.completed for c in whole.cycles] == [True, True, None]


def test_a_load_without_a_believable_volume_has_none(make):
    run = twin(make, make.phase(1, "A", "load", "08:20:00", "08:30:00", "-4", line=33))
    assert run.cycles[0].load_ml is None
    assert run.phases[0].volume_raw == "-4"
    assert found(run, "value_implausible")[0].line == 33


def single_use(make, *columns, segments=(), role=Role.ADSORBER, flow=("0", "30", "0", "30", "0"), end=True):
    block = make.samples(
        [f"08:2{i}:00" for i in range(5)],
        make.column("plasma_flow", list(flow), "ml/min"),
        segments=segments,
    )
    log = make.log(samples=block, columns=columns, role=role, end_reached=end)
    return normalise(log, make.clock()).cycles


def test_a_switch_before_a_load_belongs_to_it_and_the_printed_numbers_stand(make):
    phases = (
        make.phase(1, "A", "load", "08:20:00", "08:30:00", "300"),
        make.phase(2, "B", "switch", "08:30:00", "08:30:05", "0"),
        make.phase(2, "B", "load", "08:30:05", "08:40:00", "300"),
        make.phase(1, "A", "elute", "08:30:00", "08:35:00", "180"),
        make.phase(3, "A", "switch", "08:40:00", "08:40:05", "0"),
        make.phase(3, "A", "load", "08:40:05", "08:50:00", "300"),
    )
    run = normalise(make.log(phases=phases), make.clock())
    assert [(c.index, c.position) for c in run.cycles] == [(1, "A"), (2, "B"), (3, "A")]
    assert [p.cycle for p in run.phases] == [1, 2, 2, 1, 3, 3]


def test_a_single_use_column_makes_one_cycle(make):
    (cycle,) = single_use(make, ColumnUse("A", 1, "TR-350", regenerable=False))
    assert (cycle.index, cycle.load_ml, cycle.completed) == (1, None, True)
    assert (cycle.start.local.minute, cycle.end.local.minute) == (21, 23)


def test_a_column_changed_in_mid_session_makes_a_second_one(make):
    columns = (ColumnUse("A", 1, "TR-350"), ColumnUse("A", 2, "TR-350"))
    cycles = single_use(make, *columns, segments=(3,), end=False)
    assert [(c.index, c.completed, c.start.local.minute) for c in cycles] == [(1, True, 21), (2, None, 23)]
    assert [c.start for c in single_use(make, *columns)] == [None, None]


def test_a_column_that_was_regenerated_or_used_before_is_regenerable_and_another_is_unknown(make):
    columns = (
        ColumnUse("A", 1), ColumnUse("B", 1, use=2), ColumnUse("C", 1, use=1), ColumnUse("D", 1, use=9, regenerable=False),
    )  # fmt: skip
    rows = (
        make.phase(1, "A", "load", "08:20:00", "08:30:00"), make.phase(1, "A", "elute", "08:30:00", "08:35:00"),
        make.phase(2, "C", "load", "08:20:00", "08:30:00"), make.phase(2, "C", "plasma_return", "08:30:00", "08:35:00"),
    )  # fmt: skip
    run = twin(make, *rows, columns=columns)
    assert [c.regenerable for c in run.columns] == [True, True, None, False]


def test_regenerable_columns_separators_and_still_plasma_make_no_cycles_of_themselves(make):
    assert single_use(make, ColumnUse("A", 1, regenerable=True)) == ()
    assert single_use(make, ColumnUse("A", 1), role=Role.SEPARATOR) == ()
    assert single_use(make, ColumnUse("A", 1), flow=("0",) * 5) == ()
    assert single_use(make) == ()


def test_every_code_has_its_phrases():
    for code in (
        "unknown_zone", "zone_defaulted", "clock_offset_applied", "time_ambiguous", "time_nonexistent",
        "clock_set_back", "row_out_of_order", "time_not_believed", "unit_unknown", "value_implausible",
        "value_unusual", "hematocrit_as_fraction", "end_before_start", "duration_unusual",
    ):  # fmt: skip
        assert catalogue()[code]["kind"] in {"finding", "refusal"}


def test_a_long_treatment_is_normalised_in_milliseconds(make):
    rows = 14_400
    local = 1_710_749_560_000 + np.arange(rows, dtype=np.int64) * 1000
    names = [name for name in CHANNELS if CHANNELS[name].unit != "[pH]"][:20]
    columns = tuple(
        SampleColumn(n, n, CHANNELS[n].unit, np.full(rows, 305, np.int64), 1, np.zeros(rows, np.bool_))
        for n in names
    )
    block = SampleBlock(local, np.arange(rows, dtype=np.int32), columns)
    log = make.log(samples=block)
    normalise(log, make.clock())
    begun = perf_counter()
    run = normalise(log, make.clock())
    assert perf_counter() - begun < 0.1
    assert len(run.trace) == rows


def test_a_counter_that_began_again_without_a_word_is_told_with_its_line(make):
    def codes(*volumes: str, segments: tuple[int, ...] = ()) -> list[tuple[int, str]]:
        times = [f"08:{20 + minute}:00" for minute in range(len(volumes))]
        block = make.samples(times, make.column("processed_plasma", list(volumes), "mL"), segments=segments)
        run = normalise(make.log(samples=block), make.clock())
        return [(f.line, f.params["times"]) for f in found(run, "counter_began_again")]

    assert codes("0.0", "300.0", "600.0") == []
    assert codes("0.0", "300.0", "12.0", "40.0") == [(102, "1")]
    assert codes("0.0", "300.0", "290.0", "310.0") == []
    assert codes("0.0", "300.0", "12.0", "40.0", segments=(2,)) == []
