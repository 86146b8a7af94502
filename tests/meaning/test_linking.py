"""Whose session is it: exactly, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ingestor.meaning.linking import (
    Known,
    PastSession,
    candidates,
    is_one_slip,
    match,
    normalise_identifier,
)
from ingestor.phrases import catalogue

NOW = datetime(2024, 3, 18, 7, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("rule", "text", "found"),
    [
        ("exact", " 0001029384 ", "0001029384"),
        ("exact", "00 12", "00 12"),
        ("strip-zeros", "0001029384", "1029384"),
        ("strip-zeros", "10 29 384", "1029384"),
        ("strip-zeros", "AB-012", "ab-012"),
        ("strip-zeros", "000", "0"),
        ("strip-zeros", "１２３", "123"),
        ("strip-zeros", "  ", ""),
        ("alnum", "00-AB/01.2", "ab012"),
        ("alnum", "---", ""),
        ("alnum", "0-0", "0"),
    ],
)
def test_an_identifier_is_compared_in_the_declared_form(rule, text, found):
    assert normalise_identifier(text, rule) == found


@given(text=st.text(max_size=20), rule=st.sampled_from(["exact", "strip-zeros", "alnum"]))
def test_the_form_of_a_form_is_itself(text, rule):
    once = normalise_identifier(text, rule)
    assert normalise_identifier(once, rule) == once


def known(value="1029384", patient="p1", **more) -> Known:
    return Known(patient, "mrn", value, more.get("begin"), more.get("end"))


def test_an_exact_match_links():
    found = match("0001029384", NOW, [known(), known("77", "p2")], "strip-zeros")
    assert (found.patient, found.code, found.system) == ("p1", "exact_identifier", "mrn")


@pytest.mark.parametrize(
    ("printed", "identifiers", "code"),
    [
        (None, [known()], "no_patient_printed"),
        ("", [known()], "no_patient_printed"),
        ("  ", [known()], "no_patient_printed"),
        ("1029385", [known()], "unknown_identifier"),
        ("102938", [known()], "unknown_identifier"),
        ("11029384", [known()], "unknown_identifier"),
        ("1029384", [], "unknown_identifier"),
        ("1029384", [known(), known(patient="p2")], "several_patients"),
    ],
)
def test_anything_else_links_nobody_and_says_why(printed, identifiers, code):
    found = match(printed, NOW, identifiers, "strip-zeros")
    assert (found.patient, found.code) == (None, code)
    assert code in catalogue()


def test_under_the_exact_rule_zeros_count():
    assert match("01029384", NOW, [known()], "exact").patient is None
    assert match("1029384", NOW, [known()], "exact").patient == "p1"


@pytest.mark.parametrize(
    ("begin", "end", "linked"),
    [
        (None, None, True),
        (NOW, None, True),
        (NOW + DAY, None, False),
        (None, NOW, False),
        (None, NOW + DAY, True),
        (NOW - DAY, NOW + DAY, True),
        (NOW - 2 * DAY, NOW - DAY, False),
    ],
)
def test_an_identifier_counts_at_the_time_of_the_session(begin, end, linked):
    found = match("1029384", NOW, [known(begin=begin, end=end)], "strip-zeros")
    assert (found.patient == "p1") is linked


def test_a_number_that_was_handed_on_belongs_to_whoever_had_it_then():
    handed_on = [known(end=NOW - DAY), known(patient="p2", begin=NOW - DAY)]
    assert match("1029384", NOW, handed_on, "strip-zeros").patient == "p2"
    assert match("1029384", NOW - 2 * DAY, handed_on, "strip-zeros").patient == "p1"


def test_two_identifiers_of_one_person_are_one_person():
    assert match("1029384", NOW, [known(), known("01029384")], "strip-zeros").patient == "p1"


def test_a_machine_s_own_serial_number_is_no_patient():
    found = match("AM-0417", NOW, [known("am-0417")], "strip-zeros", ["AM-0417", "X"])
    assert (found.patient, found.code) == (None, "machine_number_printed")
    assert match("0417", NOW, [known("417")], "strip-zeros", ["00417"]).patient is None


numbers = st.text("0123456789", min_size=1, max_size=10)


@given(printed=numbers, real=numbers)
def test_nothing_is_ever_linked_by_similarity(printed, real):
    found = match(printed, NOW, [known(real)], "strip-zeros")
    same = normalise_identifier(printed, "strip-zeros") == normalise_identifier(real, "strip-zeros")
    assert (found.patient is not None) is same


@pytest.mark.parametrize(
    ("first", "second", "slip"),
    [
        ("1234", "1234", False), ("1234", "1235", True), ("1234", "2234", True), ("1234", "1934", True),
        ("1234", "123", True), ("1234", "234", True), ("1234", "124", True), ("1234", "12345", True),
        ("1234", "01234", True), ("1234", "1243", True), ("1234", "2134", True), ("1234", "1324", True),
        ("1234", "4321", False), ("1234", "1256", False), ("1234", "12", False), ("1234", "3412", False),
        ("1234", "12435", False), ("1234", "123456", False), ("", "1", True), ("1", "", True), ("", "", False),
        ("1234", "2143", False), ("1122", "1212", True),
    ],
)  # fmt: skip
def test_a_slip_is_one_sign_added_left_out_mistaken_or_two_swapped(first, second, slip):
    assert is_one_slip(first, second) is slip
    assert is_one_slip(second, first) is slip


@given(
    text=st.text("0123456789", min_size=1, max_size=10),
    at=st.integers(0, 9),
    sign=st.sampled_from("0123456789"),
)
def test_every_slip_is_recognised(text, at, sign):
    at %= len(text)
    slips = {text[:at] + text[at + 1 :], text[:at] + sign + text[at:], text[:at] + sign + text[at + 1 :]}
    if at + 1 < len(text):
        slips.add(text[:at] + text[at + 1] + text[at] + text[at + 2 :])
    assert all(is_one_slip(text, other) for other in slips - {text})


def edits(a: str, b: str) -> int:
    """Number of edits between two texts, neighbours swapped counting as one; the textbook's table."""
    table = {(i, 0): i for i in range(len(a) + 1)} | {(0, j): j for j in range(len(b) + 1)}
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            table[i, j] = min(
                table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (a[i - 1] != b[j - 1])
            )
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                table[i, j] = min(table[i, j], table[i - 2, j - 2] + 1)
    return table[len(a), len(b)]


@given(first=st.text("012", max_size=6), second=st.text("012", max_size=6))
def test_a_slip_is_exactly_one_edit(first, second):
    assert is_one_slip(first, second) is (edits(first, second) == 1)


def past(patient="p1", days=0.0, *columns: tuple[str, bool | None], name="s1") -> PastSession:
    return PastSession(patient, name, NOW + days * DAY, columns)


def offered(printed=None, known_=(), past_=(), columns=()):
    found = candidates(printed, NOW, known_, past_, "strip-zeros", columns)
    return [(c.patient, [hint for hint, _ in c.reasons]) for c in found]


def test_candidates_are_ranked_by_how_much_speaks_for_them():
    people = [known("1029385", "slip"), known("1029384", "old", end=NOW - DAY), known("55", "nobody")]
    sessions = [past("column", -100, ("S1", True)), past("near", -3), past("far", -15)]
    assert offered("1029384", people, sessions, ["S1"]) == [
        ("column", ["candidate_same_column"]),
        ("slip", ["candidate_typing_slip"]),
        ("old", ["candidate_expired_number"]),
        ("near", ["candidate_same_course"]),
    ]


def test_reasons_add_up():
    found = candidates(
        "1029385", NOW, [known()], [past("p1", -3, ("S1", True)), past("p2", -3)], "strip-zeros", ["S1"]
    )
    assert [(c.patient, c.score) for c in found] == [("p1", 120), ("p2", 10)]
    assert found[0].reasons == (
        ("candidate_typing_slip", "1029384"), ("candidate_same_column", "S1"), ("candidate_same_course", "2024-03-15"),
    )  # fmt: skip


def test_the_same_number_of_two_people_offers_both():
    both = [known(patient="p2"), known(patient="p1")]
    assert offered("1029384", both) == [("p1", ["candidate_same_number"]), ("p2", ["candidate_same_number"])]


@pytest.mark.parametrize("days", [-14, 14])
def test_a_course_is_near_within_fourteen_days_on_either_side(days):
    assert offered(past_=[past("p1", days)]) == [("p1", ["candidate_same_course"])]
    assert offered(past_=[past("p1", days * 1.01)]) == []


def test_a_single_use_column_or_an_empty_serial_is_no_hint():
    assert offered(past_=[past("p1", -30, ("S1", False))], columns=["S1"]) == []
    assert offered(past_=[past("p1", -30, ("", True))], columns=[""]) == []
    assert offered(past_=[past("p1", -30, ("S1", None))], columns=["S1"]) == [
        ("p1", ["candidate_same_column"])
    ]


def test_the_nearest_session_is_the_one_that_is_shown():
    found = candidates(None, NOW, [], [past("p1", -9), past("p1", 2, name="s2")], "strip-zeros")
    assert found[0].reasons == (("candidate_same_course", "2024-03-20"),)


def test_without_any_hint_nobody_is_offered():
    assert offered("1029384", [known("555")]) == []
    assert offered(None, [known()]) == []


def test_every_hint_has_its_texts():
    people = [known(), known("1029385", "b"), known("1029384", "c", end=NOW - DAY)]
    shown = candidates("1029384", NOW, people, [past("p1", 0, ("S", True))], "strip-zeros", ["S"])
    hints = {hint for c in shown for hint, _ in c.reasons}
    assert len(hints) == 5
    assert hints <= set(catalogue())


@given(text=st.text("012", min_size=1, max_size=6), other=st.text("012", min_size=1, max_size=6))
def test_who_is_offered_for_a_slip_is_never_linked(text, other):
    assume(normalise_identifier(text, "strip-zeros") != normalise_identifier(other, "strip-zeros"))
    assert match(text, NOW, [known(other)], "strip-zeros").patient is None


def test_without_a_printed_number_not_even_the_shortest_is_near():
    assert offered("", [known("1"), known("", "p2")]) == []


def test_the_weights_of_the_hints_are_what_they_are():
    people = [known("1029384", "same"), known("1029384", "expired", end=NOW - DAY), known("1029385", "slip")]
    shown = candidates(
        "1029384", NOW, people, [past("column", -100, ("S", True)), past("near", 0)], "strip-zeros", ["S"]
    )
    assert [(c.patient, c.score) for c in shown] == [
        ("same", 100), ("column", 60), ("slip", 50), ("expired", 40), ("near", 10),
    ]  # fmt: skip
