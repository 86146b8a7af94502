"""The dose of a session: inputs, durations, status, and what is told when something is missing."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest

from ingestor.errors import Invalid
from ingestor.meaning.dose import Dose, Situation, compute
from ingestor.meaning.figures import ColumnFigures
from ingestor.meaning.policy import Policy
from ingestor.model import ColumnUse, DoseStatus, Role
from ingestor.phrases import catalogue
from ingestor.store.tables import DOSE_COLUMNS

D = Decimal
START = datetime(2024, 3, 18, 7, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def test_a_complete_linked_accepted_and_agreed_session_is_final(make):
    found = compute([make.part()], make.person())
    assert (found.status, found.status_reasons) == (DoseStatus.FINAL, ())
    assert found.processed_plasma_ml == 4000
    assert found.plasma_volume_formula == "nadler"
    assert found.plasma_volume_ml == D("2925.48344")
    assert found.pv_multiple == D("1.367295")
    assert found.plasma_ml_per_kg == 50
    assert found.mean_plasma_flow_ml_min == 30
    assert (found.connected_min, found.loading_min) == (180, D("133.333333"))
    assert (found.plasma_per_cycle_min_ml, found.plasma_per_cycle_max_ml) == (400, 400)
    assert found.complete
    assert found.method == "ia-dose/1"


def test_the_row_has_every_column_that_is_promised():
    own = {f.name for f in fields(Dose)}
    assert set(DOSE_COLUMNS) - own == {"session_id", "patient", "course"}
    assert own - set(DOSE_COLUMNS) == {"detail"}


def test_everything_beside_the_row_is_json(make):
    figures = make.run_figures(
        columns=(ColumnUse("A", 1, "P", "S"),), totals=(make.total("processed_plasma", "4000"),), patient="17"
    )
    person = make.person(make.measured("igg", "9", "g/L", 0.5), make.measured("igg", "4", "g/L", -0.5))
    detail = compute([make.part(figures=figures)], person).detail
    assert json.loads(json.dumps(detail)) == detail


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"part": {"accepted": False}}, "driver_not_accepted"),
        ({"figures": {"complete": False}}, "incomplete"),
        ({"person": None}, "no_patient"),
        ({"figures": {"notes": ("plasma_assumed",)}}, "plasma_assumed"),
        ({"situation": Situation(reasons=("unjoined_runs",))}, "unjoined_runs"),
    ],
)
def test_anything_that_is_not_settled_makes_a_dose_provisional(make, change, reason):
    part = make.part(figures=make.figures(**change.get("figures", {})), **change.get("part", {}))
    person = change.get("person", make.person())
    found = compute([part], person, None, change.get("situation"))
    assert found.status is DoseStatus.PROVISIONAL
    assert reason in found.status_reasons
    assert found.processed_plasma_ml == 4000


def test_a_partial_record_is_a_lower_bound_and_a_whole_one_is_not(make):
    partial = compute([make.part(figures=make.figures(complete=False))], make.person())
    assert (partial.complete, partial.detail["lower_bound"]) == (False, True)
    assert compute([make.part()], make.person()).detail["lower_bound"] is False


def test_a_service_run_is_neither_dose_nor_trouble(make):
    for found in (
        compute([make.part(figures=make.figures(bench=True))], None),
        compute([make.part()], None, None, Situation(bench=True)),
    ):
        assert (found.status, found.status_reasons) == (DoseStatus.BENCH, ("bench_run",))


def test_a_therapy_without_plasma_has_no_dose_and_says_why(make):
    figures = make.figures(
        readings=dict.fromkeys(make.readings()), notes=("no_plasma_therapy",), role="combined"
    )
    found = compute([make.part(figures=figures)], make.person())
    assert found.processed_plasma_ml is None
    assert found.status_reasons == ("no_plasma_therapy",)
    assert found.detail["missing"]["processed_plasma_ml"] == "no_plasma_therapy"
    assert found.detail["lower_bound"] is False


def test_reasons_stand_in_a_fixed_order_and_once(make):
    part = make.part(figures=make.figures(complete=False), accepted=False)
    found = compute([part], None, None, Situation(reasons=("unjoined_runs", "incomplete")))
    assert found.status_reasons == (
        "no_patient", "incomplete", "driver_not_accepted", "unjoined_runs", "no_weight",
    )  # fmt: skip


# --- the person ---------------------------------------------------------------------------------------------


def weight_used(make, *measurements, facts=None, policy=None):
    figures = make.figures(facts=facts or {})
    return compute([make.part(figures=figures)], make.person(*measurements), policy)


def test_the_nearest_measurement_counts(make):
    found = weight_used(
        make, *(make.measured("weight", w, "kg", d) for w, d in (("70", 20), ("71", 3), ("72", 9)))
    )
    assert found.weight_kg == 71
    after = weight_used(make, make.measured("weight", "70", "kg", 5), make.measured("weight", "71", "kg", -2))
    assert after.weight_kg == 71
    tie = weight_used(make, make.measured("weight", "70", "kg", 2), make.measured("weight", "71", "kg", -2))
    assert tie.weight_kg == 70


@pytest.mark.parametrize(
    ("kind", "value", "unit", "days"),
    [("weight", "70", "kg", 30), ("hematocrit", "0.40", "1", 7), ("height", "1.70", "m", 3653)],
)
def test_a_measurement_is_used_up_to_its_age_and_not_a_day_longer(make, kind, value, unit, days):
    field = {"weight": "weight_kg", "height": "height_cm", "hematocrit": "hematocrit"}[kind]
    assert getattr(weight_used(make, make.measured(kind, value, unit, days)), field) is not None
    assert getattr(weight_used(make, make.measured(kind, value, unit, days + 1)), field) is None
    assert getattr(weight_used(make, make.measured(kind, value, unit, -days - 1)), field) is None


def test_ages_are_settings(make):
    found = weight_used(
        make, make.measured("weight", "70", "kg", 60), policy=Policy(weight_age=timedelta(days=90))
    )
    assert found.weight_kg == 70


def test_what_the_machine_recorded_stands_in_for_a_measurement(make):
    facts = {"weight": D("71.5"), "hematocrit": D("0.36")}
    own = weight_used(make, make.measured("weight", "70", "kg", 3), facts=facts)
    assert (own.weight_kg, own.hematocrit) == (70, D("0.36"))
    old = weight_used(make, make.measured("weight", "70", "kg", 31), facts=facts)
    assert old.weight_kg == D("71.5")
    machine = [i for i in old.detail["inputs"] if i["kind"] == "weight"]
    assert machine == [
        {"kind": "weight", "value": 71.5, "unit": "kg", "at": "2024-03-18T07:00:00+00:00", "source": "TC-2 AM-1", "age_days": 0.0}
    ]  # fmt: skip


def test_every_input_travels_with_its_time_and_source(make):
    inputs = {i["kind"]: i for i in compute([make.part()], make.person()).detail["inputs"]}
    assert inputs["weight"] == {
        "kind": "weight", "value": 80.0, "unit": "kg", "at": "2024-03-17T07:00:00+00:00", "source": "chart", "age_days": 1.0,
    }  # fmt: skip
    assert set(inputs) == {"weight", "height", "hematocrit", "ac_ratio"}
    assert inputs["ac_ratio"]["value"] == 11


def test_measurements_are_converted_and_the_unbelievable_passed_over(make):
    found = weight_used(
        make, make.measured("weight", "5000", "kg", 1), make.measured("weight", "70000", "g", 2),
        make.measured("weight", "70", "stone", 0), make.measured("hematocrit", "38", "%", 0),
    )  # fmt: skip
    assert (found.weight_kg, found.hematocrit) == (70, D("0.38"))


@pytest.mark.parametrize("lacks", ["height", "sex"])
def test_without_height_or_sex_kaplan_stands_in_and_says_so(make, lacks):
    measured = [make.measured("weight", "80", "kg"), make.measured("hematocrit", "45", "%")]
    if lacks != "height":
        measured.append(make.measured("height", "180", "cm"))
    found = compute([make.part()], make.person(*measured, sex=None if lacks == "sex" else "male"))
    assert found.plasma_volume_formula == "kaplan"
    assert found.plasma_volume_ml == 2860
    assert found.status_reasons == ("formula_fallback",)
    assert found.status is DoseStatus.FINAL
    assert found.detail["formula_asked"] == "nadler"


def test_without_weight_or_hematocrit_there_is_no_plasma_volume_and_it_is_not_zero(make):
    found = compute([make.part()], make.person(make.measured("hematocrit", "45", "%")))
    assert (found.plasma_volume_ml, found.plasma_volume_formula, found.pv_multiple) == (None, None, None)
    assert found.status_reasons == ("no_weight",)
    missing = found.detail["missing"]
    assert {missing[n] for n in ("plasma_volume_ml", "pv_multiple", "plasma_ml_per_kg", "weight_kg")} == {
        "no_weight"
    }
    found = compute([make.part()], make.person(make.measured("weight", "80", "kg")))
    assert found.detail["missing"]["pv_multiple"] == "no_hematocrit"
    assert found.detail["missing"]["native_plasma_ml"] == "no_hematocrit"
    assert found.plasma_ml_per_kg == 50


def test_the_formula_is_a_setting_and_travels_with_the_value(make):
    found = compute([make.part()], make.person(), Policy(formula="icsh"))
    assert (found.plasma_volume_formula, round(found.plasma_volume_ml, 1)) == ("icsh", D("3150.4"))
    gilcher = compute([make.part()], make.person(), Policy(formula="gilcher", build="obese"))
    assert gilcher.plasma_volume_ml == 60 * 80 * D("0.55")
    with pytest.raises(Invalid):
        compute([make.part()], make.person(), Policy(formula="nobody"))


@pytest.mark.parametrize(
    ("ml", "multiple", "reasons"),
    [
        (1400, True, ("pv_multiple_unusual",)),
        (1500, True, ()),
        (11700, True, ()),
        (11705, True, ("pv_multiple_unusual",)),
        (23000, True, ("plasma_unusual", "pv_multiple_unusual")),
        (23500, False, ("pv_multiple_implausible", "plasma_unusual")),
    ],
)
def test_more_than_eight_plasma_volumes_are_not_believed(make, ml, multiple, reasons):
    readings = make.readings(reported=ml, cycles=None, counter=None, integrated=None)
    found = compute([make.part(figures=make.figures(readings=readings))], make.person())
    assert (found.pv_multiple is not None) is multiple
    assert found.status_reasons == reasons
    assert found.status is (DoseStatus.FINAL if multiple else DoseStatus.PROVISIONAL)
    if not multiple:
        assert found.detail["missing"]["pv_multiple"] == "pv_multiple_implausible"


# --- anticoagulant and blood --------------------------------------------------------------------------------


def native(make, **figures):
    return compute([make.part(figures=make.figures(**figures))], make.person())


def test_the_printed_ratio_counts_else_the_one_that_follows_from_the_volumes(make):
    printed = native(make, facts={"ac_ratio": D(12)})
    assert printed.native_plasma_ml == D("3432.624113")  # 4000 (1 - f), f = .141844 at 1:12 and .45
    derived = native(make)
    assert derived.native_plasma_ml == D("3384.615385")  # inlet 8800 to 800: 1:11, f = 2/13


def test_without_a_ratio_native_plasma_is_unknown_and_without_anticoagulant_it_is_all(make):
    unknown = native(make, ac_volume_ml=None)
    assert unknown.native_plasma_ml is None
    assert unknown.detail["missing"]["native_plasma_ml"] == "no_ac_ratio"
    assert native(make, blood_processed_ml=None).detail["missing"]["native_plasma_ml"] == "no_ac_ratio"
    assert native(make, ac_volume_ml=D(0)).native_plasma_ml == 4000
    odd = native(make, facts={"ac_ratio": D(1)})
    assert odd.detail["missing"]["native_plasma_ml"] == "ac_ratio_implausible"


# --- two devices --------------------------------------------------------------------------------------------


def separator(make, **more):
    plain = {
        "role": Role.SEPARATOR.value, "readings": make.readings(reported=5000, cycles=None, counter=None, integrated=None),
        "started": at(-10), "ended": at(190), "last_seen": at(190), "blood_processed_ml": D(11020), "ac_volume_ml": D(918),
        "cycles_completed": None, "cycles_aborted": None, "load_volumes": (), "load_span": None, "loading_s": None, "still": None,
        "facts": {"ac_ratio": D(12)}, "alarms": {"high": 1, "medium": 0, "low": 0, "info": 0, "unknown": 0},
        "alarm_spans": ((at(5), at(7)),), "counter_first": None, "counter_last": None,
    }  # fmt: skip
    return make.part("s", make.figures(**(plain | more)), device="sep", device_model="SEP", driver="sep")


def test_of_two_devices_the_adsorber_gives_the_plasma_and_the_separator_the_blood(make):
    found = compute([separator(make), make.part()], make.person())
    assert found.processed_plasma_ml == 4000
    assert (found.blood_processed_ml, found.ac_volume_ml) == (11020, 918)
    assert (found.device, found.role, found.driver) == ("d1", "adsorber", "tcr")
    assert (found.started_at, found.ended_at) == (at(-10), at(190))
    assert found.connected_min == 200
    assert (found.alarms_high, found.alarm_min) == (1, 2)
    assert found.sources == ("sha-r1", "sha-s")
    assert found.native_plasma_ml == D("3432.624113")
    assert found.status is DoseStatus.FINAL


def test_a_separator_without_blood_volumes_leaves_them_to_the_adsorber(make):
    found = compute([separator(make, blood_processed_ml=None, ac_volume_ml=None), make.part()], make.person())
    assert (found.blood_processed_ml, found.ac_volume_ml) == (8000, 800)


def test_a_separator_alone_gives_a_provisional_dose(make):
    found = compute([separator(make)], make.person())
    assert found.processed_plasma_ml == 5000
    assert (found.status, found.status_reasons) == (DoseStatus.PROVISIONAL, ("separator_only",))
    assert found.role == "separator"


def test_every_driver_of_a_session_must_be_accepted(make):
    found = compute([separator(make), make.part(accepted=False)], make.person())
    assert found.status_reasons == ("driver_not_accepted",)


def test_the_order_of_the_devices_does_not_matter(make):
    parts = [
        separator(make),
        make.part(),
        make.part("b", make.figures(started=at(200), ended=at(260), last_seen=at(260))),
    ]
    assert len({repr(compute(order, make.person())) for order in permutations(parts)}) == 1


# --- time ---------------------------------------------------------------------------------------------------


def timed(make, *runs):
    return compute([make.part(f"r{i}", make.figures(**run)) for i, run in enumerate(runs)], make.person())


def test_an_interruption_is_more_than_a_minute_without_flow_between_the_first_and_the_last_load(make):
    still = ((at(0), at(20)), (at(60), at(61)), (at(80), at(81.01)), (at(100), at(104)), (at(149), at(180)))
    found = timed(make, {"still": still})  # loads from minute 10 to minute 150
    assert found.interruptions == 3
    assert found.interrupted_min == D("15.01")


def test_a_pause_between_two_runs_is_an_interruption(make):
    first = {"ended": None, "last_seen": at(60), "load_span": (at(10), at(60)), "complete": False}
    second = {"started": at(80), "load_span": (at(85), at(150)), "printed_id": "x"}
    found = timed(make, first, second)
    assert (found.interruptions, found.interrupted_min) == (1, 25)
    assert found.connected_min == 180
    assert found.loading_min == D("266.666667")


def test_stillness_that_goes_on_across_two_runs_is_one_interruption(make):
    first = {
        "last_seen": at(60),
        "ended": at(60),
        "load_span": (at(10), at(59)),
        "still": ((at(59.2), at(60)),),
    }
    second = {
        "started": at(60),
        "load_span": (at(60.1), at(150)),
        "still": ((at(60), at(60.4)),),
        "printed_id": "x",
    }
    found = timed(make, first, second)
    assert found.interruptions == 1
    assert found.interrupted_min == D("1.4")


def test_without_an_end_the_time_connected_is_unknown(make):
    found = timed(make, {"ended": None})
    assert (found.ended_at, found.connected_min) == (None, None)
    assert found.detail["missing"]["connected_min"] == "end_unknown"


def test_an_end_known_of_the_first_run_only_is_no_end(make):
    found = timed(
        make, {"last_seen": at(60), "ended": at(60)}, {"started": at(70), "ended": None, "last_seen": at(180)}
    )
    assert found.ended_at is None
    found = timed(make, {"last_seen": at(60), "ended": None}, {"started": at(70), "ended": at(180)})
    assert found.ended_at == at(180)


def test_what_one_run_did_not_measure_is_unknown_for_the_session(make):
    other = {"started": at(200), "ended": at(300), "last_seen": at(300)}
    found = timed(make, {}, other | {"loading_s": None, "missing": {"loading_min": "load_times_missing"}})
    assert found.loading_min is None
    assert found.detail["missing"]["loading_min"] == "load_times_missing"
    assert found.detail["missing"]["mean_plasma_flow_ml_min"] == "load_times_missing"
    found = timed(make, {}, other | {"still": None})
    assert (found.interruptions, found.detail["missing"]["interrupted_min"]) == (None, "no_flow")
    found = timed(make, {}, other | {"cycles_aborted": None})
    assert (found.cycles_completed, found.cycles_aborted) == (20, None)
    found = timed(make, {"load_span": None})
    assert (found.interruptions, found.detail["missing"]["interruptions"]) == (None, "no_loads")
    found = timed(make, {"loading_s": D(0)})
    assert found.detail["missing"]["mean_plasma_flow_ml_min"] == "no_loads"


def test_alarms_are_timed_once_however_many_are_on(make):
    spans = ((at(1), at(5)), (at(2), at(4)), (at(4), at(6)), (at(10), at(11)))
    alarms = {"high": 1, "medium": 2, "low": 1, "info": 0, "unknown": 0}
    found = timed(make, {"alarms": alarms, "alarm_spans": spans})
    assert found.alarm_min == 6
    assert (found.alarms_high, found.alarms_medium, found.alarms_low, found.alarms_unknown) == (1, 2, 1, 0)


def test_alarms_without_any_end_have_no_duration_and_no_alarm_lasts_no_time(make):
    found = timed(make, {"alarms": {"high": 1}})
    assert (found.alarms_high, found.alarm_min) == (1, None)
    assert found.detail["missing"]["alarm_min"] == "alarm_end_unknown"
    assert timed(make, {}).alarm_min == 0


def test_plasma_per_cycle_is_that_of_completed_loads(make):
    found = timed(make, {"load_volumes": (D(300), D("400.5"), D(500))})
    per_cycle = (found.plasma_per_cycle_min_ml, found.plasma_per_cycle_mean_ml, found.plasma_per_cycle_max_ml)
    assert per_cycle == (300, D("400.166667"), 500)
    found = timed(make, {"load_volumes": ()})
    assert found.plasma_per_cycle_mean_ml is None
    assert found.detail["missing"]["plasma_per_cycle_mean_ml"] == "load_volumes_not_printed"


# --- what is told -------------------------------------------------------------------------------------------


def test_every_empty_value_has_a_code_with_texts(make):
    empty = make.run_figures(end=None, end_reached=False)
    found = compute([make.part(figures=empty)], None)
    nulls = {f.name for f in fields(found) if getattr(found, f.name) is None}
    assert set(found.detail["missing"]) == nulls
    assert len(nulls) == 29
    assert set(found.detail["missing"].values()) | set(found.status_reasons) <= set(catalogue())


def test_a_full_dose_misses_nothing(make):
    assert compute([make.part()], make.person()).detail["missing"] == {}


def test_zero_is_not_missing(make):
    zero = make.figures(
        readings=make.readings(reported=0, cycles=0, counter=0, integrated=0), load_volumes=(D(0),), blood_processed_ml=D(0), ac_volume_ml=D(0),
    )  # fmt: skip
    found = compute([make.part(figures=zero)], make.person())
    assert (found.processed_plasma_ml, found.pv_multiple, found.plasma_ml_per_kg) == (0, 0, 0)
    assert (found.blood_processed_ml, found.mean_plasma_flow_ml_min, found.native_plasma_ml) == (0, 0, 0)
    assert found.detail["missing"] == {}


# --- several runs, and what stands beside the row -----------------------------------------------------------


def second(make, name="b", **more):
    plain = {
        "started": at(200),
        "ended": at(380),
        "last_seen": at(380),
        "printed_id": "x",
        "load_span": (at(210), at(350)),
    }
    return make.part(name, make.figures(**(plain | more)))


def test_one_run_that_is_not_settled_is_enough(make):
    found = compute([make.part(), second(make, complete=False)], make.person())
    assert (found.complete, found.detail["lower_bound"]) == (False, True)
    assert found.status_reasons == ("incomplete",)
    found = compute([make.part(), second(make, bench=True)], make.person())
    assert found.status is DoseStatus.FINAL


def test_a_dose_that_is_not_served_is_no_lower_bound(make):
    silent = make.figures(readings=dict.fromkeys(make.readings()), complete=False)
    assert compute([make.part(figures=silent)], make.person()).detail["lower_bound"] is False


def test_a_volume_that_one_run_lacks_is_unknown(make):
    found = compute(
        [
            make.part(),
            second(make, blood_processed_ml=None, missing={"blood_processed_ml": "no_blood_volume"}),
        ],
        make.person(),
    )
    assert (found.blood_processed_ml, found.ac_volume_ml) == (None, 1600)
    assert found.detail["missing"]["blood_processed_ml"] == "no_blood_volume"


def test_alarms_of_one_run_without_any_end_leave_the_duration_unknown(make):
    found = compute([make.part(), second(make, alarms={"low": 1})], make.person())
    assert found.alarm_min is None


def test_of_two_records_that_go_on_equally_long_one_without_an_end_leaves_the_end_unknown(make):
    pair = {"started": at(0), "last_seen": at(180)}
    ended, endless = make.figures(**pair, ended=at(180)), make.figures(**pair, ended=None)
    for one, other in ((ended, endless), (endless, ended)):
        found = compute([make.part("a", one), make.part("b", other)], make.person())
        assert found.ended_at is None
        assert found.detail["missing"]["ended_at"] == "end_unknown"


def test_why_the_loading_time_is_unknown_is_told_or_that_no_phases_are_printed(make):
    found = compute([make.part(figures=make.figures(loading_s=None))], make.person())
    assert found.detail["missing"]["loading_min"] == "no_phases"


def test_an_interruption_is_timed_to_the_millisecond(make):
    still = (
        (at(60), at(60) + timedelta(seconds=60)),
        (at(80), at(80) + timedelta(seconds=60, milliseconds=1)),
    )
    assert timed(make, {"still": still}).interruptions == 1


def test_codes_of_an_unserved_dose_say_what_is_missing(make):
    found = compute([make.part(figures=make.figures(readings=dict.fromkeys(make.readings())))], make.person())
    missing = found.detail["missing"]
    assert missing["agreement"] == "no_plasma_reading"
    assert missing["processed_plasma_reading"] == "no_plasma_reading"
    assert {
        missing[n] for n in ("native_plasma_ml", "pv_multiple", "plasma_ml_per_kg", "mean_plasma_flow_ml_min")
    } == {"no_processed_plasma"}


def test_the_parts_of_a_dose_stand_beside_it(make):
    columns = (
        ColumnFigures("A", 1, "ProtA-62", "S1", "L1", 7, 3, 1, D("1200.5")), ColumnFigures("B", 1, "ProtA-62", "S2", "", None, None, None, None),
    )  # fmt: skip
    readings = make.readings(reported=None, cycles=None, counter=None)
    figures = make.figures(
        columns=columns,
        notes=("cycles_disagree", "alarm_end_unknown"),
        readings=readings,
        integrated_gap_s=D("12.5"),
    )
    detail = compute([separator(make), make.part(figures=figures, accepted=False)], make.person()).detail
    assert detail["columns"] == [
        {
            "run": "r1",
            "columns": [
                {"position": "A", "sequence": 1, "product": "ProtA-62", "serial": "S1", "lot": "L1", "use": 7, "cycles_completed": 3, "cycles_aborted": 1, "load_ml": 1200.5},
                {"position": "B", "sequence": 1, "product": "ProtA-62", "serial": "S2", "lot": "", "use": None, "cycles_completed": None, "cycles_aborted": None, "load_ml": None},
            ],
        }
    ]  # fmt: skip
    assert detail["runs"] == [
        {
            "run": "s", "role": "separator", "device": "sep", "source": "sha-s", "complete": True, "accepted": True,
            "readings": {"reported": 5000.0, "cycles": None, "counter": None, "integrated": None},
        },
        {
            "run": "r1", "role": "adsorber", "device": "d1", "source": "sha-r1", "complete": True, "accepted": False,
            "readings": {"reported": None, "cycles": None, "counter": None, "integrated": 4000.0},
        },
    ]  # fmt: skip
    assert detail["notes"] == ["alarm_end_unknown", "cycles_disagree"]
    assert detail["integrated_gap_s"] == 12.5
    assert detail["lower_bound"] is True


def test_the_ratio_that_followed_from_volumes_names_them(make):
    (ratio,) = [i for i in compute([make.part()], make.person()).detail["inputs"] if i["kind"] == "ac_ratio"]
    assert ratio == {
        "kind": "ac_ratio", "value": 11.0, "unit": "1", "at": None, "source": "blood_processed_ml, ac_volume_ml", "age_days": None,
    }  # fmt: skip


def test_a_ratio_of_little_more_than_one_is_believed(make):
    assert native(make, facts={"ac_ratio": D(2)}).native_plasma_ml == D("1419.354839")  # f = 1 / 1.55


def test_the_age_of_an_input_is_told_in_days_to_a_thousandth(make):
    found = weight_used(make, make.measured("weight", "70", "kg", 1 / 3))
    assert next(i for i in found.detail["inputs"] if i["kind"] == "weight")["age_days"] == 0.333


@pytest.mark.parametrize(("kg", "used"), [("2", True), ("1.9", False), ("400", True), ("400.1", False)])
def test_a_measured_weight_is_believed_within_hard_bounds(make, kg, used):
    found = weight_used(make, make.measured("weight", kg, "kg"))
    assert (found.weight_kg is not None) is used


@pytest.mark.parametrize(
    ("ml", "multiple", "told"),
    [
        (1300, "0.5", False),
        (1299, "0.499615", True),
        (10400, "4", False),
        (10401, "4.000385", True),
        (20800, "8", True),
        (20801, None, False),
    ],
)
def test_bounds_of_the_multiple_belong_to_what_is_usual_and_believed(make, ml, multiple, told):
    """80 kg and a hematocrit of .50 are 2600 mL by Kaplan's formula."""
    person = make.person(make.measured("weight", "80", "kg"), make.measured("hematocrit", "0.5", "1"))
    readings = make.readings(reported=ml, cycles=None, counter=None, integrated=None)
    found = compute([make.part(figures=make.figures(readings=readings))], person, Policy(formula="kaplan"))
    assert found.pv_multiple == (None if multiple is None else D(multiple))
    assert ("pv_multiple_unusual" in found.status_reasons) is told


def test_each_missing_input_and_each_missing_volume_has_its_own_code(make):
    missing = compute([make.part(figures=make.figures(load_volumes=()))], None).detail["missing"]
    assert (missing["weight_kg"], missing["height_cm"], missing["hematocrit"]) == (
        "no_weight",
        "no_height",
        "no_hematocrit",
    )
    assert missing["plasma_volume_formula"] == "no_weight"
    for which in ("min", "mean", "max"):
        assert missing[f"plasma_per_cycle_{which}_ml"] == "load_volumes_not_printed"
    lacking = compute([make.part(figures=make.figures(cycles_aborted=None))], make.person())
    assert lacking.detail["missing"] == {"cycles_aborted": "not_printed"}


def test_loads_that_overlap_across_two_runs_leave_no_pause_between_them(make):
    found = timed(
        make,
        {"load_span": (at(10), at(100))},
        {"started": at(20), "load_span": (at(90), at(150)), "printed_id": "x"},
    )
    assert (found.interruptions, found.interrupted_min) == (0, 0)
