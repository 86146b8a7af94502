"""Anticoagulant, and the model's answer beside the measured one."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestor.meaning.anticoagulant import ac_share, native_ml, ratio_from_volumes
from ingestor.meaning.dose import compute
from ingestor.meaning.policy import Policy
from ingestor.meaning.removal import predicted
from ingestor.model import ColumnUse

D = Decimal


@pytest.mark.parametrize(
    ("ratio", "hematocrit", "share"),
    [("12", ".40", ".132"), ("12", ".25", ".108"), ("10", ".45", ".168"), ("20", ".36", ".076")],
)
def test_the_share_of_anticoagulant_in_plasma_has_its_check_values(ratio, hematocrit, share):
    assert round(ac_share(D(ratio), D(hematocrit)), 3) == D(share)


def test_native_plasma_is_what_is_left(make):
    assert native_ml(D(1000), D(12), D(".40")) == D("868.421053")
    assert native_ml(D(1000), None, D(".40")) == 1000


def test_the_ratio_that_was_used_follows_from_the_volumes():
    assert ratio_from_volumes(D(11020), D(918)) == D("13.004357")
    assert ratio_from_volumes(D(11000), D(1000)) == 12


volumes = st.decimals(100, 20_000, places=1)
hematocrits = st.decimals("0.18", "0.60", places=3)


@given(
    plasma=volumes,
    blood=volumes,
    ac=st.decimals(1, 3000, places=1),
    more=st.decimals(1, 500, places=1),
    hct=hematocrits,
)
def test_adding_anticoagulant_never_raises_native_plasma(plasma, blood, ac, more, hct):
    less_ac = native_ml(plasma, ratio_from_volumes(blood, ac), hct)
    more_ac = native_ml(plasma, ratio_from_volumes(blood, ac + more), hct)
    assert more_ac <= less_ac <= native_ml(plasma, None, hct)
    assert more_ac >= 0


@given(ac=st.integers(0, 3000), more=st.integers(0, 500))
def test_adding_anticoagulant_never_raises_native_plasma_of_a_dose(ac, more):
    from tests.meaning.making import Making

    make = Making()
    doses = [
        compute([make.part(figures=make.figures(ac_volume_ml=D(volume)))], make.person())
        for volume in (ac, ac + more)
    ]
    assert doses[1].native_plasma_ml <= doses[0].native_plasma_ml <= doses[0].processed_plasma_ml
    assert doses[0].processed_plasma_ml == doses[1].processed_plasma_ml


@pytest.mark.parametrize(
    ("extraction", "multiple", "removed"),
    [("1", "0.5", ".3935"), ("1", "1.0", ".6321"), ("1", "1.5", ".7769"), ("1", "2.5", ".9179"),
     ("0.6", "1.0", ".4512"), ("0.6", "2.5", ".7769"), ("1", "0", "0")],
)  # fmt: skip
def test_the_one_compartment_model_has_its_check_values(extraction, multiple, removed):
    assert round(predicted(D(multiple), D(extraction)), 4) == D(removed)


@given(x=st.decimals(0, 8, places=2), e=st.decimals("0.01", 1, places=2))
def test_a_larger_dose_is_never_predicted_to_remove_less(x, e):
    assert 0 <= predicted(x, e) <= predicted(x + D("0.1"), e) < 1


def with_columns(make, *products, **policy):
    columns = tuple(ColumnUse(p, 1, p, "S") for p in products)
    figures = make.run_figures(
        columns=columns, totals=(make.total("processed_plasma", "4000"),), patient="17"
    )
    return compute([make.part(figures=figures)], make.person(), Policy(**policy))


def test_a_prediction_is_made_only_with_the_extraction_of_the_column_and_stands_apart(make):
    known = with_columns(make, "ProtA-62", extraction={"ProtA-62": D("0.6")})
    output = known.detail["model_output"]
    assert output["kind"] == "one-compartment"
    assert output["removed_fraction"] == pytest.approx(
        1 - 2.718281828459045 ** (-0.6 * float(known.pv_multiple)), abs=1e-6
    )
    assert with_columns(make, "ProtA-62").detail["model_output"] == {"missing": "no_extraction"}
    assert with_columns(make).detail["model_output"] == {"missing": "no_extraction"}
    mixed = with_columns(make, "a", "b", extraction={"a": D("0.6"), "b": D("0.7")})
    assert mixed.detail["model_output"] == {"missing": "no_extraction"}
    half = with_columns(make, "a", "b", extraction={"a": D("0.6")})
    assert half.detail["model_output"] == {"missing": "no_extraction"}
    alike = with_columns(make, "a", "b", extraction={"a": D("0.6"), "b": D("0.6")})
    assert alike.detail["model_output"]["products"] == ["a", "b"]
    assert known.detail["measured"] == {}


def test_without_a_multiple_nothing_is_predicted(make):
    found = compute([make.part()], None, Policy(extraction={"a": D("0.6")}))
    assert found.detail["model_output"] == {"missing": "no_pv_multiple"}


def test_a_measured_reduction_needs_a_value_before_and_one_after(make):
    before, after = make.measured("igg", "10", "g/L", 0.5), make.measured("igg", "450", "mg/dL", -0.5)
    found = compute([make.part()], make.person(before, after)).detail["measured"]
    assert found["igg"]["reduction_fraction"] == 0.55
    assert (found["igg"]["before_g_l"], found["igg"]["after_g_l"]) == (10, 4.5)
    assert compute([make.part()], make.person(before)).detail["measured"] == {}
    assert compute([make.part()], make.person(after)).detail["measured"] == {}


def test_the_nearest_values_before_and_after_count_and_those_too_far_away_do_not(make):
    values = (
        make.measured("igm", "9", "g/L", 1.9), make.measured("igm", "2", "g/L", 0.1),
        make.measured("igm", "1", "g/L", -0.2), make.measured("igm", "8", "g/L", -1.9),
    )  # fmt: skip
    found = compute([make.part()], make.person(*values)).detail["measured"]["igm"]
    assert (found["before_g_l"], found["after_g_l"], found["reduction_fraction"]) == (2, 1, 0.5)
    far = (make.measured("igg", "9", "g/L", 2.1), make.measured("igg", "2", "g/L", -0.2))
    assert compute([make.part()], make.person(*far)).detail["measured"] == {}
    late = (make.measured("igg", "9", "g/L", 0.1), make.measured("igg", "2", "g/L", -2.2))
    assert compute([make.part()], make.person(*late)).detail["measured"] == {}


def test_a_value_during_the_session_is_neither_before_nor_after(make):
    values = (make.measured("igg", "9", "g/L", 0.1), make.measured("igg", "2", "g/L", -0.1))
    assert compute([make.part()], make.person(*values)).detail["measured"] == {}


def test_from_nothing_no_reduction_is_measured(make):
    values = (make.measured("igg", "0", "g/L", 0.1), make.measured("igg", "2", "g/L", -0.2))
    assert compute([make.part()], make.person(*values)).detail["measured"] == {}


def test_values_at_the_start_and_at_the_end_of_the_reach_count(make):
    ended = -3 / 24
    both = (make.measured("iga", "4", "g/L", 0), make.measured("iga", "1", "g/L", ended))
    found = compute([make.part()], make.person(*both)).detail["measured"]
    assert found == {
        "iga": {
            "before_g_l": 4.0, "before_at": "2024-03-18T07:00:00+00:00", "after_g_l": 1.0,
            "after_at": "2024-03-18T10:00:00+00:00", "reduction_fraction": 0.75,
        }
    }  # fmt: skip
    edges = (make.measured("igg", "4", "g/L", 2), make.measured("igg", "1", "g/L", ended - 2))
    assert "igg" in compute([make.part()], make.person(*edges)).detail["measured"]


def test_without_an_end_the_last_moment_of_the_record_is_the_end(make):
    cut = make.figures(ended=None, complete=False)
    early = make.figures(
        started=cut.started - timedelta(hours=5), ended=cut.started, last_seen=cut.started, printed_id="x"
    )
    person = make.person(
        make.measured("igg", "8", "g/L", 0.5),
        make.measured("igg", "6", "g/L", -0.1),
        make.measured("igg", "2", "g/L", -0.2),
    )
    found = compute([make.part(figures=cut), make.part("b", early)], person).detail["measured"]
    assert found["igg"]["after_g_l"] == 2


def test_a_prediction_tells_what_it_was_made_of(make):
    output = with_columns(make, "ProtA-62", extraction={"ProtA-62": D("0.6")}).detail["model_output"]
    assert set(output) == {"kind", "products", "extraction", "pv_multiple", "removed_fraction"}
    assert (output["extraction"], output["pv_multiple"]) == (0.6, 1.367295)


def test_a_column_whose_product_is_not_known_prevents_a_prediction(make):
    found = with_columns(make, "ProtA-62", "", extraction={"ProtA-62": D("0.6")})
    assert found.detail["model_output"] == {"missing": "no_extraction"}
