"""Courses and gaps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestor.meaning.courses import SessionBrief, group
from ingestor.meaning.gaps import missing

D = Decimal
START = datetime(2024, 3, 18, 7, 0, tzinfo=UTC)


def session(
    name: str, day: float, ml: int | None = 4000, multiple: str | None = "1.5", **more
) -> SessionBrief:
    start = START + timedelta(days=day)
    formula = more.pop("formula", "nadler")
    return SessionBrief(
        name, start, start + timedelta(hours=3), None if ml is None else D(ml),
        None if multiple is None else D(multiple), formula, **more,
    )  # fmt: skip


def days(*at: float) -> list[list[str]]:
    courses = group("p", [session(f"s{d:g}", d) for d in at])
    return [[s.id for s in c.sessions] for c in courses]


def test_sessions_without_a_long_gap_are_one_course():
    assert days(0, 1, 29, 57) == [["s0", "s1", "s29", "s57"]]
    assert days(0, 28) == [["s0", "s28"]]
    assert days(0, 28.1, 29) == [["s0"], ["s28.1", "s29"]]


def test_the_gap_is_a_setting():
    found = group("p", [session("a", 0), session("b", 10)], 9)
    assert [c.number for c in found] == [1, 2]
    assert len(group("p", [session("a", 0), session("b", 10)], 10)) == 1


def test_volumes_and_multiples_add_up_session_by_session():
    (course,) = group(
        "p", [session("a", 0, 4000), session("b", 2, 3000, "1.25"), session("c", 3.5, 5000, "2")]
    )
    assert [(s.number, s.cumulative_plasma_ml, s.cumulative_pv_multiple) for s in course.sessions] == [
        (1, 4000, D("1.5")), (2, 7000, D("2.75")), (3, 12000, D("4.75")),
    ]  # fmt: skip
    assert [s.interval_days for s in course.sessions] == [None, 2, D("1.5")]
    assert (course.processed_plasma_ml, course.pv_multiple, course.formula) == (12000, D("4.75"), "nadler")
    assert not course.lower_bound
    assert course.started == START
    assert course.ended == START + timedelta(days=3.5, hours=3)


def test_multiples_of_different_formulas_are_never_added():
    (course,) = group("p", [session("a", 0), session("b", 1, formula="kaplan")])
    assert (course.pv_multiple, course.formula) == (None, None)
    assert course.processed_plasma_ml == 8000
    assert [s.cumulative_pv_multiple for s in course.sessions] == [None, None]


def test_a_session_without_a_multiple_ends_their_sum():
    (course,) = group("p", [session("a", 0), session("b", 1, multiple=None, formula=None), session("c", 2)])
    assert [s.cumulative_pv_multiple for s in course.sessions] == [D("1.5"), None, None]
    assert course.pv_multiple is None


def test_what_is_not_settled_stays_out_of_the_sums_and_is_named():
    (course,) = group("p", [session("a", 0), session("b", 1, counted=False), session("c", 3)])
    assert course.left_out == ("b",)
    assert course.processed_plasma_ml == 8000
    assert [(s.id, s.number, s.interval_days) for s in course.sessions] == [("a", 1, None), ("c", 2, 2)]
    assert course.lower_bound


def test_a_session_left_out_still_keeps_the_course_together():
    found = group("p", [session("a", 0), session("b", 20, counted=False), session("c", 40)])
    assert len(found) == 1


@pytest.mark.parametrize("more", [{"lower_bound": True}, {"ml": None}])
def test_a_partial_or_unknown_session_makes_the_course_a_lower_bound(more):
    (course,) = group("p", [session("a", 0), session("b", 1, **more)])
    assert course.lower_bound


def test_a_course_of_nothing_settled_sums_to_nothing():
    (course,) = group("p", [session("a", 0, counted=False)])
    assert (course.sessions, course.processed_plasma_ml, course.pv_multiple) == ((), 0, None)
    assert group("p", []) == ()


def test_a_course_without_an_end_ends_with_its_last_start():
    one = SessionBrief("a", START, None, D(1), None, None)
    assert group("p", [one])[0].ended == START


def test_a_course_is_known_by_its_patient_and_first_session():
    assert group("p", [session("a", 0)])[0].id == group("p", [session("a", 0), session("b", 1)])[0].id
    assert group("p", [session("a", 0)])[0].id != group("q", [session("a", 0)])[0].id


@given(at=st.lists(st.integers(0, 90), min_size=1, max_size=4, unique=True))
def test_the_order_in_which_sessions_come_changes_nothing(at):
    sessions = [session(f"s{d}", d) for d in at]
    answers = {repr(group("p", list(order))) for order in permutations(sessions)}
    assert len(answers) == 1
    (found,) = [group("p", sessions)]
    assert sum(len(c.sessions) for c in found) == len(sessions)
    assert sum(c.processed_plasma_ml for c in found) == 4000 * len(sessions)
    for earlier, later in pairwise(found):
        assert later.started - earlier.started > timedelta(days=28)


def gaps(*printed: str, **more) -> list[tuple[str, str, int, str | None, str]]:
    return [(m.first, m.last, m.count, m.after, m.before) for m in missing(printed, **more)]


def test_a_second_treatment_of_a_day_without_the_first_is_a_gap():
    assert gaps("20240318-02") == [("20240318-01", "20240318-01", 1, None, "20240318-02")]
    assert gaps("20240318-02", "20240318-01") == []
    assert gaps("20240318-01", "20240318-04") == [
        ("20240318-02", "20240318-03", 2, "20240318-01", "20240318-04")
    ]


def test_days_do_not_count_on_from_each_other():
    assert gaps("20240318-01", "20240325-01") == []


def test_a_plain_counter_that_skips_has_a_gap_and_where_it_began_is_unknown():
    assert gaps("117", "118", "121") == [("119", "120", 2, "118", "121")]
    assert gaps("117") == []


def test_leading_zeros_and_stems_are_kept():
    assert gaps("AM-0099", "AM-0101") == [("AM-0100", "AM-0100", 1, "AM-0099", "AM-0101")]
    assert gaps("A-1", "B-3") == []


def test_a_large_jump_is_a_new_series():
    assert gaps("5", "1005") == [("6", "1004", 999, "5", "1005")]
    assert gaps("5", "1006") == []
    assert gaps("5", "8", most=2) == []


def test_what_is_no_number_is_passed_over():
    assert gaps("", "abc", "2024-03-18T08:00:00x", "5", "7") == [("6", "6", 1, "5", "7")]
    assert gaps("5", "5", "6") == []
    assert gaps("20240318-00", "20240318-01") == []


@given(numbers=st.sets(st.integers(1, 60), min_size=1, max_size=20))
def test_known_and_missing_numbers_together_are_a_whole_series(numbers):
    found = missing([str(n) for n in numbers])
    lost = {n for m in found for n in range(int(m.first), int(m.last) + 1)}
    assert lost | numbers == set(range(min(numbers), max(numbers) + 1))
    assert not lost & numbers
    assert sum(m.count for m in found) == len(lost)


def test_a_session_without_a_dose_adds_nothing():
    (course,) = group("p", [session("a", 0), session("b", 1, ml=None)])
    assert course.processed_plasma_ml == 4000


def test_intervals_are_told_in_hundredths_of_a_day():
    (course,) = group("p", [session("a", 0), session("b", 4 / 3)])
    assert str(course.sessions[1].interval_days) == "1.33"


def test_a_course_s_name_says_what_it_is():
    assert group("p", [session("a", 0)])[0].id.startswith("course-")


def test_several_series_are_told_in_order():
    assert [g[0] for g in gaps("B-1", "B-3", "A-1", "A-3")] == ["A-2", "B-2"]


def test_the_day_in_a_number_is_no_counter() -> None:
    assert missing(["171226001", "171227001", "180207001"]) == ()
    [gap] = missing(["171226001", "171226004", "171227001"])
    assert (gap.first, gap.last, gap.count) == ("171226002", "171226003", 2)
    assert missing(["171226003"]) == ()


def test_nine_digits_that_begin_with_no_day_are_a_counter() -> None:
    [gap] = missing(["000001998", "000002001"])
    assert (gap.first, gap.last, gap.count) == ("000001999", "000002000", 2)
