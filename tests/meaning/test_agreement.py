"""The four readings side by side."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestor.meaning.dose import Decision, Situation, compute
from ingestor.meaning.policy import Policy
from ingestor.model import DoseStatus

D = Decimal


def dose(make, *, decision=None, policy=None, gap=0, **readings):
    figures = make.figures(readings=make.readings(**readings), integrated_gap_s=D(gap))
    return compute([make.part(figures=figures)], make.person(), policy, Situation(decision))


@pytest.mark.parametrize(
    ("missing", "served"),
    [((), "reported"), (("reported",), "cycles"), (("reported", "cycles"), "counter"),
     (("reported", "cycles", "counter"), "integrated")],
)  # fmt: skip
def test_the_first_available_reading_is_served(make, missing, served):
    values = {"reported": 4010, "cycles": 4020, "counter": 4030, "integrated": 4040} | dict.fromkeys(missing)
    found = dose(make, **values)
    assert found.processed_plasma_reading == served
    assert found.processed_plasma_ml == values[served]
    assert {n: getattr(found, f"{n}_ml") for n in values} == values


@pytest.mark.parametrize(
    ("other", "outcome"),
    [(4081, "agreed"), (4082, "disagreed"), (3920, "agreed"), (3919, "disagreed")],
)
def test_two_readings_agree_within_two_percent_of_the_larger(make, other, outcome):
    found = dose(make, counter=other, cycles=None, integrated=None)
    assert found.agreement == outcome


@pytest.mark.parametrize(
    ("other", "outcome"), [(120, "agreed"), (121, "disagreed"), (80, "agreed"), (79, "disagreed")]
)
def test_two_small_readings_agree_within_twenty_millilitres(make, other, outcome):
    found = dose(make, reported=100, counter=other, cycles=None, integrated=None)
    assert found.agreement == outcome


@pytest.mark.parametrize(
    ("other", "outcome"), [(3800, "agreed"), (3799, "disagreed"), (4210, "agreed"), (4211, "disagreed")]
)
def test_the_integrated_reading_agrees_within_five_percent(make, other, outcome):
    found = dose(make, integrated=other, cycles=None, counter=None)
    assert found.agreement == outcome


def test_the_integrated_reading_stays_out_of_the_comparison_if_data_are_missing_in_it(make):
    found = dose(make, integrated=2000, gap=60)
    assert (found.agreement, found.max_disagreement, found.status) == ("agreed", 0, DoseStatus.FINAL)
    assert found.integrated_ml == 2000
    alone = dose(make, integrated=2000, reported=None, cycles=None, counter=None, gap=60)
    assert alone.agreement == "single_source"
    assert alone.status_reasons == ("integrated_with_gaps",)
    assert alone.detail["lower_bound"] is True


def test_the_largest_difference_of_any_pair_is_told_as_a_fraction_of_the_larger(make):
    found = dose(make, reported=4000, cycles=3900, counter=4050, integrated=4000)
    assert found.max_disagreement == D("0.037037")
    assert found.agreement == "disagreed"


def test_one_reading_is_a_single_source_and_none_is_nothing(make):
    single = dose(make, cycles=None, counter=None, integrated=None)
    assert (single.agreement, single.max_disagreement) == ("single_source", None)
    assert single.detail["missing"]["max_disagreement"] == "single_reading"
    assert single.status is DoseStatus.FINAL
    none = dose(make, reported=None, cycles=None, counter=None, integrated=None)
    assert (none.agreement, none.processed_plasma_ml, none.processed_plasma_reading) == (None, None, None)
    assert none.detail["missing"]["processed_plasma_ml"] == "no_plasma_reading"
    assert none.status is DoseStatus.PROVISIONAL


def test_two_readings_of_nothing_agree(make):
    found = dose(make, reported=0, counter=0, cycles=None, integrated=None)
    assert (found.agreement, found.max_disagreement, found.processed_plasma_ml) == ("agreed", 0, 0)


@pytest.mark.parametrize(
    ("other", "status"),
    [
        (4000, DoseStatus.FINAL),
        (4400, DoseStatus.PROVISIONAL),
        (4444, DoseStatus.PROVISIONAL),
        (4445, DoseStatus.WITHHELD),
    ],
)
def test_readings_more_than_ten_percent_apart_are_withheld(make, other, status):
    assert dose(make, counter=other, cycles=None, integrated=None).status is status


def test_the_limit_of_withholding_is_a_setting(make):
    found = dose(make, counter=4400, policy=Policy(withhold_above=D("0.05")))
    assert found.status is DoseStatus.WITHHELD


def test_a_withheld_dose_shows_its_readings_and_no_value(make):
    found = dose(make, counter=5000)
    assert found.status_reasons[0] == "readings_withheld"
    assert (found.reported_ml, found.counter_ml, found.max_disagreement) == (4000, 5000, D("0.2"))
    for name in (
        "processed_plasma_ml",
        "processed_plasma_reading",
        "pv_multiple",
        "plasma_ml_per_kg",
        "native_plasma_ml",
        "mean_plasma_flow_ml_min",
    ):
        assert getattr(found, name) is None
        assert name in found.detail["missing"]
    assert found.plasma_volume_ml is not None
    assert found.detail["missing"]["processed_plasma_ml"] == "readings_withheld"


def test_small_volumes_are_not_withheld_because_their_fraction_is_large(make):
    found = dose(make, reported=100, counter=119, cycles=None, integrated=None)
    assert found.status is DoseStatus.FINAL
    assert found.max_disagreement == D("0.159664")


def decision(reading="counter", **readings):
    seen = {"reported": "4000", "cycles": 4000.0, "counter": "5000", "integrated": "4000"} | readings
    return Decision(reading, "steward", "the screen said so", datetime(2024, 3, 19, tzinfo=UTC), seen)


def test_a_person_decides_which_reading_of_a_withheld_dose_counts(make):
    found = dose(make, counter=5000, decision=decision())
    assert found.status is DoseStatus.FINAL
    assert (found.processed_plasma_ml, found.processed_plasma_reading) == (5000, "counter")
    assert found.status_reasons == ("reading_chosen",)
    assert found.agreement == "disagreed"
    assert found.detail["decision"] == {"reading": "counter", "at": "2024-03-19T00:00:00+00:00"}


def test_a_decision_falls_when_the_readings_change(make):
    found = dose(make, counter=5001, decision=decision())
    assert found.status is DoseStatus.WITHHELD
    assert "decision_outdated" in found.status_reasons
    found = dose(make, counter=None, decision=decision())
    assert (found.status, found.processed_plasma_ml) == (DoseStatus.PROVISIONAL, 4000)


def test_a_decision_for_a_reading_that_is_not_there_is_none(make):
    found = dose(make, counter=None, cycles=5000, decision=decision(counter=None, cycles=5000))
    assert found.status is DoseStatus.WITHHELD


def test_more_than_25_litres_are_not_believed(make):
    found = dose(make, reported=25000, cycles=None, counter=None, integrated=None)
    assert found.processed_plasma_ml == 25000
    found = dose(make, reported=D("25000.1"), cycles=None, counter=None, integrated=None)
    assert (found.reported_ml, found.processed_plasma_ml) == (None, None)
    assert found.detail["missing"]["reported_ml"] == "plasma_implausible"
    assert "plasma_implausible" in found.status_reasons
    other = dose(make, reported=45000)
    assert (other.processed_plasma_ml, other.processed_plasma_reading) == (4000, "cycles")


@pytest.mark.parametrize(("ml", "told"), [(999, True), (1000, False), (12000, False), (12001, True)])
def test_an_unusual_volume_is_remarked_upon_and_still_final(make, ml, told):
    found = dose(make, reported=ml, cycles=None, counter=None, integrated=None)
    assert ("plasma_unusual" in found.status_reasons) is told
    assert found.status is DoseStatus.FINAL


START = datetime(2024, 3, 18, 7, 0, tzinfo=UTC)


def halves(make, *, reset=False, printed=("r", "r"), device=("d1", "d1"), first_reported=None):
    """A record in two halves, 1500 mL and 2500 mL; the second half prints the sum of all."""
    one = make.figures(
        printed_id=printed[0], complete=False, ended=None, last_seen=START + timedelta(hours=1),
        readings=make.readings(reported=first_reported, cycles=1500, counter=1500, integrated=1500),
        counter_first=D(0), counter_last=D(1500),
    )  # fmt: skip
    two = make.figures(
        printed_id=printed[1], started=START + timedelta(hours=1, minutes=10), ended=START + timedelta(hours=3),
        readings=make.readings(reported=2500 if reset else 4000, cycles=2500, counter=2500 if reset else 4000, integrated=2500),
        counter_first=D(0 if reset else 1510), counter_last=D(2500 if reset else 4000),
    )  # fmt: skip
    return [make.part("a", one, device=device[0]), make.part("b", two, device=device[1])]


def test_the_halves_of_one_record_count_once(make):
    found = compute(halves(make), make.person())
    readings = (found.reported_ml, found.cycles_ml, found.counter_ml, found.integrated_ml)
    assert readings == (4000, 4000, 4000, 4000)
    assert found.agreement == "agreed"


def test_a_run_resumed_with_new_counters_is_added(make):
    found = compute(halves(make, reset=True, first_reported=1500), make.person())
    assert (found.reported_ml, found.cycles_ml, found.counter_ml) == (4000, 4000, 4000)


def test_a_sum_that_one_run_did_not_print_is_missing_and_the_next_reading_stands_in(make):
    found = compute(halves(make, reset=True), make.person())
    assert (found.reported_ml, found.processed_plasma_reading, found.processed_plasma_ml) == (
        None,
        "cycles",
        4000,
    )
    assert found.detail["missing"]["reported_ml"] == "not_printed"


@pytest.mark.parametrize(
    "other", [{"printed": ("r", "s")}, {"device": ("d1", "d2")}, {"printed": (None, None)}]
)
def test_runs_of_other_numbers_or_machines_are_no_halves(make, other):
    found = compute(halves(make, first_reported=1500, **other), make.person())
    assert found.counter_ml == 5500
    assert found.reported_ml == 5500


def test_the_order_of_the_runs_does_not_matter(make):
    parts = [
        *halves(make),
        make.part(
            "c",
            make.figures(
                started=START + timedelta(hours=4),
                ended=START + timedelta(hours=5),
                last_seen=START + timedelta(hours=5),
            ),
        ),
    ]
    doses = {repr(compute(order, make.person())) for order in permutations(parts)}
    assert len(doses) == 1


def test_a_run_that_says_nothing_of_plasma_makes_a_lower_bound(make):
    silent = make.figures(readings=dict.fromkeys(make.readings()), started=START + timedelta(hours=4))
    found = compute([make.part(), make.part("b", silent)], make.person())
    assert found.processed_plasma_ml == 4000
    assert "part_without_plasma" in found.status_reasons
    assert found.detail["lower_bound"] is True


def still(make, name="z", minute=200, **more):
    """A run in which nothing moved, of a machine that printed little."""
    readings = make.readings(reported=None, cycles=None, counter=0, integrated=0)
    begin = START + timedelta(minutes=minute)
    plain = {
        "readings": readings,
        "started": begin,
        "ended": begin,
        "last_seen": begin,
        "counter_last": D(0),
        "printed_id": name,
    }
    return make.part(name, make.figures(**(plain | more)))


def test_a_run_in_which_nothing_moved_adds_nothing_to_sums_it_did_not_print(make):
    found = compute([make.part(), still(make)], make.person())
    assert (found.reported_ml, found.cycles_ml, found.counter_ml, found.integrated_ml) == (4000,) * 4


def test_a_sum_that_was_not_printed_is_not_zero_because_nothing_moved(make):
    found = compute([still(make)], make.person())
    assert (found.reported_ml, found.cycles_ml, found.counter_ml) == (None, None, 0)
    found = compute([still(make), still(make, "y", 300)], make.person())
    assert (found.reported_ml, found.counter_ml) == (None, 0)


def test_a_last_half_in_which_nothing_moved_leaves_the_sum_of_the_first_unknown(make):
    first = halves(make)[0]
    last = still(
        make,
        "r",
        70,
        counter_first=D(1500),
        counter_last=D(1500),
        readings=make.readings(reported=None, cycles=None, counter=1500, integrated=0),
    )
    found = compute([first, last], make.person())
    assert (found.reported_ml, found.cycles_ml, found.counter_ml, found.integrated_ml) == (
        None,
        1500,
        1500,
        1500,
    )


values = st.integers(0, 24_000)


@given(one=values, two=values)
def test_agreement_is_symmetric(one, two):
    from tests.meaning.making import Making

    make = Making()
    there = dose(make, reported=one, cycles=None, counter=two, integrated=None)
    back = dose(make, reported=two, cycles=None, counter=one, integrated=None)
    assert (there.agreement, there.max_disagreement, there.status) == (
        back.agreement,
        back.max_disagreement,
        back.status,
    )


@given(volumes=st.lists(values, min_size=4, max_size=4))
def test_a_served_value_is_always_one_of_the_readings(volumes):
    from tests.meaning.making import Making

    readings = dict(zip(("reported", "cycles", "counter", "integrated"), volumes, strict=True))
    found = dose(Making(), **readings)
    if found.status is DoseStatus.WITHHELD:
        assert found.processed_plasma_ml is None
    else:
        assert found.processed_plasma_ml == volumes[0]


def test_a_record_of_which_one_half_stood_still_counts_whole(make):
    first = halves(make)[0]
    last = still(
        make,
        "r",
        70,
        counter_first=D(1500),
        counter_last=D(1500),
        readings=make.readings(reported=1500, cycles=None, counter=1500, integrated=0),
    )
    other = make.part("c", make.figures(started=START + timedelta(hours=4), printed_id="x"))
    found = compute([first, last, other], make.person())
    assert (found.reported_ml, found.cycles_ml, found.counter_ml, found.integrated_ml) == (
        5500,
        5500,
        5500,
        5500,
    )


@pytest.mark.parametrize("moved", [{"reported": 300}, {"counter": 300}, {"integrated": 300}])
def test_a_run_of_which_one_reading_says_that_plasma_moved_did_not_stand_still(make, moved):
    one = still(
        make,
        readings=make.readings(**({"reported": None, "cycles": None, "counter": 0, "integrated": 0} | moved)),
    )
    found = compute([make.part(), one], make.person())
    assert found.cycles_ml is None


@pytest.mark.parametrize("unknown", ["counter_last", "counter_first"])
def test_without_a_counter_two_runs_are_no_halves_of_one_record(make, unknown):
    one, two = halves(make, first_reported=1500)
    parts = [
        replace(
            one, figures=replace(one.figures, **({"counter_last": None} if unknown == "counter_last" else {}))
        ),
        replace(
            two,
            figures=replace(two.figures, **({"counter_first": None} if unknown == "counter_first" else {})),
        ),
    ]
    assert compute(parts, make.person()).reported_ml == 5500


def test_a_counter_that_goes_on_from_exactly_where_it_stopped_counts_once(make):
    one, two = halves(make)
    exact = replace(two, figures=replace(two.figures, counter_first=D(1500)))
    assert compute([one, exact], make.person()).counter_ml == 4000
    less = replace(two, figures=replace(two.figures, counter_first=D(1499)))
    assert compute([one, less], make.person()).counter_ml == 5500


def test_why_a_reading_is_missing_is_told_by_the_run_that_lacks_it(make):
    silent = make.figures(readings=dict.fromkeys(make.readings()), missing={"counter": "no_counter"})
    found = compute([make.part(figures=silent)], make.person()).detail["missing"]
    assert (found["counter_ml"], found["cycles_ml"]) == ("no_counter", "not_printed")
    lacking = make.figures(
        readings=make.readings(counter=None),
        missing={"counter": "no_counter"},
        started=START + timedelta(hours=4),
        printed_id="x",
    )
    found = compute([make.part(), make.part("b", lacking)], make.person()).detail["missing"]
    assert found["counter_ml"] == "no_counter"


def test_exactly_ten_percent_are_not_withheld_and_the_difference_is_told(make):
    found = dose(make, reported=4000, counter=3600, cycles=None, integrated=None)
    assert (found.status, found.status_reasons) == (DoseStatus.PROVISIONAL, ("readings_disagree",))
    assert found.max_disagreement == D("0.1")


def test_readings_of_a_cut_record_differ_without_contradicting_each_other(make):
    cut = make.figures(readings=make.readings(counter=5000), complete=False)
    found = compute([make.part(figures=cut)], make.person())
    assert (found.status, found.processed_plasma_ml) == (DoseStatus.PROVISIONAL, 4000)
    assert found.status_reasons == ("incomplete", "readings_disagree")
    other = make.part("b", make.figures(started=START + timedelta(hours=4), printed_id="x"))
    both = compute(
        [make.part(figures=replace(cut, readings=make.readings(counter=9000))), other], make.person()
    )
    assert both.status is DoseStatus.PROVISIONAL


def test_one_assumed_run_or_one_without_plasma_therapy_is_enough_to_say_so(make):
    other = make.part("b", make.figures(started=START + timedelta(hours=4), printed_id="x"))
    assumed = make.part(figures=make.figures(notes=("plasma_assumed",)))
    assert compute([assumed, other], make.person()).status_reasons == ("plasma_assumed",)
    nothing = dict.fromkeys(make.readings())
    parts = [
        make.part(figures=make.figures(readings=nothing, notes=("no_plasma_therapy",))),
        make.part("b", make.figures(readings=nothing, started=START + timedelta(hours=4))),
    ]
    assert compute(parts, make.person()).detail["missing"]["processed_plasma_ml"] == "no_plasma_therapy"
