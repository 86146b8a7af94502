"""The plasma volume's check values, and the errors that are made with it in public."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestor.errors import Invalid
from ingestor.meaning.plasma_volume import FORMULAS, chosen_formula, plasma_volume_ml, rounded
from ingestor.phrases import catalogue

D = Decimal
PERSONS = [
    ("male", "180", "80", ".45"),
    ("female", "165", "60", ".36"),
    ("female", "170", "95", ".38"),
    ("male", "190", "110", ".42"),
]
# Litres, computed by hand from the published formulas.
LITRES = {
    "nadler": ("2.9255", "2.4114", "3.1468", "3.8637"),
    "lemmens": ("2.9073", "2.6856", "3.3730", "3.7948"),
    "gilcher": ("3.0800", "2.4960", "3.8285", "4.4660"),
    "kaplan": ("2.8600", "2.4960", "3.8285", "4.1470"),
    "icsh": ("3.1504", "2.3138", "2.8744", "3.7511"),
    "ml-per-kg-70": ("3.0800", "2.6880", "4.1230", "4.4660"),
}
NADLER_BLOOD = ("5.3191", "3.7677", "5.0754", "6.6616")


def volume(formula: str, person: tuple[str, str, str, str], **more) -> Decimal:
    sex, cm, kg, hct = person
    given = {"sex": sex, "height_cm": D(cm), "weight_kg": D(kg), "hematocrit": D(hct)} | more
    found = plasma_volume_ml(formula, **given)
    assert found is not None
    return found


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("person", range(4))
def test_every_formula_gives_its_check_values(formula, person):
    litres = volume(formula, PERSONS[person]) / 1000
    assert round(litres, 4) == D(LITRES[formula][person])


def test_the_same_patient_differs_by_a_third_between_formulas():
    """So a bare multiple of the plasma volume cannot be compared between centres."""
    litres = [volume(formula, PERSONS[2]) for formula in ("nadler", "lemmens", "gilcher", "kaplan", "icsh")]
    assert round(max(litres) / min(litres) - 1, 2) == D("0.33")


@pytest.mark.parametrize("person", range(4))
def test_nadler_s_blood_volume_is_the_published_one(person):
    blood = volume("nadler", PERSONS[person], hematocrit=D(0)) / 1000
    assert round(blood, 4) == D(NADLER_BLOOD[person])


@pytest.mark.parametrize(
    ("sex", "build", "per_kg"),
    [
        ("male", "muscular", 75), ("male", "normal", 70), ("male", "thin", 65), ("male", "obese", 60),
        ("female", "muscular", 70), ("female", "normal", 65), ("female", "thin", 60), ("female", "obese", 55),
    ],
)  # fmt: skip
def test_gilcher_s_rule_goes_down_in_fives(sex, build, per_kg):
    person = (sex, "170", "100", ".40")
    assert volume("gilcher", person, build=build) == per_kg * 100 * D("0.6")


def wrong_nadler(person, *, constant=None, divided=False, blood=False) -> Decimal:
    sex, cm, kg, hct = person
    h, w, share = D(cm) / 100, D(kg), 1 - D(hct)
    a, b, c = ("0.3561", "0.03308", "0.1833") if sex == "female" else ("0.3669", "0.03219", "0.6041")
    volume = D(a) * h**3 + D(b) * w + D(constant or c)
    if divided:
        return volume / share * 1000
    return volume * 1000 if blood else volume * share * 1000


@pytest.mark.parametrize("person", [p for p in PERSONS if p[0] == "female"])
def test_the_constant_of_men_is_not_used_for_women(person):
    assert abs(volume("nadler", person) - wrong_nadler(person, constant="0.6041")) > 200


@pytest.mark.parametrize("person", PERSONS)
@pytest.mark.parametrize("formula", [f for f in FORMULAS if f != "icsh"])
def test_blood_is_not_divided_by_the_plasma_s_share_and_is_not_plasma(formula, person):
    blood, share = volume(formula, person, hematocrit=D(0)), 1 - D(person[3])
    assert volume(formula, person) < D("0.65") * blood
    assert abs(volume(formula, person) - blood / share) > 3000


@pytest.mark.parametrize("person", PERSONS)
def test_nadler_is_none_of_its_wrong_variants(person):
    assert abs(volume("nadler", person) - wrong_nadler(person, divided=True)) > 1000
    assert abs(volume("nadler", person) - wrong_nadler(person, blood=True)) > 1000
    assert abs(volume("nadler", person) - wrong_nadler(person)) < D("0.001")


def test_height_in_centimetres_is_not_taken_for_metres():
    assert volume("nadler", PERSONS[0]) < 10_000


@pytest.mark.parametrize(
    ("formula", "needs"),
    [
        ("nadler", {"sex", "height_cm", "weight_kg", "hematocrit"}),
        ("kaplan", {"weight_kg", "hematocrit"}),
        ("ml-per-kg-70", {"weight_kg", "hematocrit"}),
        ("lemmens", {"height_cm", "weight_kg", "hematocrit"}),
        ("gilcher", {"sex", "weight_kg", "hematocrit"}),
        ("icsh", {"sex", "height_cm", "weight_kg"}),
    ],
)
def test_without_an_input_it_needs_a_formula_gives_nothing_and_without_another_the_same(formula, needs):
    for name in ("sex", "height_cm", "weight_kg", "hematocrit"):
        sex, cm, kg, hct = PERSONS[1]
        given = {"sex": sex, "height_cm": D(cm), "weight_kg": D(kg), "hematocrit": D(hct)}
        found = plasma_volume_ml(formula, **(given | {name: None}))
        assert found == (None if name in needs else volume(formula, PERSONS[1]))


ALL = frozenset({"sex", "height", "weight", "hematocrit"})


def test_without_sex_or_height_kaplan_stands_in_and_without_weight_nothing_does():
    assert chosen_formula("nadler", ALL) == "nadler"
    assert chosen_formula("nadler", ALL - {"sex"}) == "kaplan"
    assert chosen_formula("nadler", ALL - {"height"}) == "kaplan"
    assert chosen_formula("lemmens", ALL - {"sex"}) == "lemmens"
    assert chosen_formula("icsh", ALL - {"hematocrit"}) == "icsh"
    assert chosen_formula("nadler", ALL - {"weight"}) is None
    assert chosen_formula("icsh", ALL - {"hematocrit", "sex"}) is None


@pytest.mark.parametrize("code", ["unknown_formula", "unknown_build"])
def test_an_unknown_formula_or_build_is_refused_with_the_known_ones(code):
    with pytest.raises(Invalid) as error:
        plasma_volume_ml("nadlr" if code == "unknown_formula" else "nadler", build="big")
    assert error.value.code == code
    assert "nadler" in str(error.value.details["known"]) or "obese" in str(error.value.details["known"])
    assert code in catalogue()


weights = st.decimals(30, 200, places=1)
heights = st.decimals(120, 210, places=0)
hematocrits = st.decimals("0.18", "0.60", places=3)


@pytest.mark.parametrize("formula", [f for f in FORMULAS if f != "icsh"])
@given(kg=weights, cm=heights, hct=hematocrits)
def test_more_red_cells_mean_less_plasma(formula, kg, cm, hct):
    less = plasma_volume_ml(formula, sex="male", height_cm=cm, weight_kg=kg, hematocrit=hct)
    more = plasma_volume_ml(formula, sex="male", height_cm=cm, weight_kg=kg, hematocrit=hct + D("0.01"))
    assert more < less


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("sex", ["male", "female"])
@given(kg=weights, cm=heights, hct=hematocrits)
def test_a_heavier_person_has_more_plasma(formula, sex, kg, cm, hct):
    light = plasma_volume_ml(formula, sex=sex, height_cm=cm, weight_kg=kg, hematocrit=hct)
    heavy = plasma_volume_ml(formula, sex=sex, height_cm=cm, weight_kg=kg + 1, hematocrit=hct)
    assert heavy > light


@given(kg=weights, cm=heights)
def test_decimal_sums_agree_with_the_textbook_in_floating_point(kg, cm):
    surface = 0.007184 * float(kg) ** 0.425 * float(cm) ** 0.725
    found = plasma_volume_ml("icsh", sex="male", height_cm=cm, weight_kg=kg)
    assert math.isclose(float(found), 1578 * surface, rel_tol=1e-9)


def test_the_caller_s_own_precision_changes_nothing():
    usual = volume("lemmens", PERSONS[0])
    with localcontext() as ctx:
        ctx.prec = 3
        assert volume("lemmens", PERSONS[0]) == usual
    assert math.isclose(usual, 80 * 70 / math.sqrt(80 / 1.8**2 / 22) * 0.55, rel_tol=1e-9)


def test_what_is_served_has_six_decimals_and_no_trailing_zeros():
    assert str(rounded(D("100"))) == "100"
    assert str(rounded(D("1E+3"))) == "1000"
    assert str(rounded(D("2.50"))) == "2.5"
    assert str(rounded(D("0.0000005"))) == "0"
    assert str(rounded(D("0.0000015"))) == "0.000002"


def test_a_formula_is_used_as_soon_as_all_it_needs_is_known():
    assert chosen_formula("kaplan", frozenset({"weight", "hematocrit"})) == "kaplan"
    assert chosen_formula("icsh", frozenset({"weight", "hematocrit"})) == "kaplan"


def test_the_known_formulas_and_builds_are_named():
    with pytest.raises(Invalid) as error:
        plasma_volume_ml("nobody")
    assert error.value.details == {
        "formula": "nobody",
        "known": "nadler, kaplan, ml-per-kg-70, lemmens, gilcher, icsh",
    }
    with pytest.raises(Invalid) as error:
        plasma_volume_ml("gilcher", build="big")
    assert error.value.details == {"build": "big", "known": "muscular, normal, thin, obese"}
