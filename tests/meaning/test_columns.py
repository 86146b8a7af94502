"""Columns that should not have been used: with somebody else, too often, too late."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestor.meaning.columns import ANOTHER, CODES, EXPIRED, OVERUSED, Use, concerns
from ingestor.meaning.dose import Situation, compute
from ingestor.phrases import catalogue, phrase

START = datetime(2024, 3, 18, 7, tzinfo=UTC)


def use(session: str = "s1", patient: str | None = "p1", day: int = 0, **more) -> Use:
    at = START + timedelta(days=day)
    made = Use(
        "S-1", session, f"run of {session}", patient, at, at.date(), "GAM", "A", regenerable=True, line=7
    )
    return replace(made, **more)


def told(*uses: Use, limits=None, words=()) -> dict[str, list[tuple[str, bool]]]:
    found = concerns(uses, limits or {}, words)
    return {session: [(c.code, c.acknowledged) for c in found[session]] for session in found}


def test_a_column_with_two_patients_is_told_of_every_session_of_either():
    found = told(use("s1", "p1"), use("s2", "p2", 1), use("s3", "p1", 2), use("s4", None, 3))
    assert found == {s: [(ANOTHER, False)] for s in ("s1", "s2", "s3")}


def test_a_column_of_one_patient_of_nobody_or_without_a_serial_is_in_order():
    assert told(use("s1"), use("s2", "p1", 1), use("s3", None, 2)) == {}
    assert told(use(serial=""), use("s2", "p2", serial="")) == {}
    assert told(use(serial="S-1"), use("s2", "p2", serial="S-2")) == {}


@pytest.mark.parametrize(("regenerable", "codes"), [(True, [ANOTHER]), (None, [ANOTHER]), (False, [])])
def test_only_of_a_column_known_to_be_used_once_it_is_no_matter_whose_it_was(regenerable, codes):
    first, second = (use(s, p, regenerable=regenerable) for s, p in (("s1", "p1"), ("s2", "p2")))
    assert [code for code, _ in told(first, second).get("s1", [])] == codes


def test_what_is_told_names_the_line_and_no_patient():
    (one,) = concerns([use(member="a.csv"), use("s2", "p2", 1)], {})["s1"]
    document = one.to_json()
    assert document == {
        "code": ANOTHER, "serial": "S-1", "product": "GAM", "position": "A", "run": "run of s1",
        "line": 7, "number": None, "limit": None, "expiry": None, "acknowledged": False,
    }  # fmt: skip
    assert one.told == {"serial": "S-1", "product": "GAM", "expiry": "–", "number": "–", "limit": "–"}
    assert one.subjects == ("p1 p2",)


def test_a_word_is_needed_for_each_pair_of_patients():
    uses = [use("s1", "p2"), use("s2", "p1", 1), use("s3", "p3", 2)]
    one = {(ANOTHER, "S-1", "p1 p2")}
    assert told(*uses, words=one) == {s: [(ANOTHER, False)] for s in ("s1", "s2", "s3")}
    two = {*one, (ANOTHER, "S-1", "p1 p3")}
    assert told(*uses, words=two) == {
        "s1": [(ANOTHER, False)], "s2": [(ANOTHER, True)], "s3": [(ANOTHER, False)],
    }  # fmt: skip
    assert told(*uses[:2], words=one) == {s: [(ANOTHER, True)] for s in ("s1", "s2")}


@pytest.mark.parametrize(
    "word", [(OVERUSED, "S-1", "p1 p2"), (ANOTHER, "S-2", "p1 p2"), (ANOTHER, "S-1", "p1 p3")]
)
def test_a_word_on_something_else_is_none(word):
    assert told(use(), use("s2", "p2", 1), words=[word])["s1"] == [(ANOTHER, False)]


def test_every_use_beyond_what_the_product_allows_is_told():
    uses = [use(f"s{n}", day=n) for n in range(4)]
    assert told(*uses, limits={"GAM": 2}) == {s: [(OVERUSED, False)] for s in ("s2", "s3")}
    assert told(*uses, limits={"GAM": 4}) == {}
    found = concerns(uses, {"GAM": 2})
    assert [(found[s][0].number, found[s][0].limit) for s in ("s2", "s3")] == [(3, 2), (4, 2)]
    assert found["s2"][0].told["number"] == "3"
    assert found["s2"][0].told["limit"] == "2"


def test_without_a_limit_no_number_of_uses_is_too_many():
    uses = [use(f"s{n}", day=n, printed=900) for n in range(30)]
    assert told(*uses) == {}
    assert told(*uses, limits={"another product": 1}) == {}


@pytest.mark.parametrize(("printed", "number"), [(7, 7), (6, None), (None, None)])
def test_what_the_machine_counted_counts_where_it_is_more(printed, number):
    found = concerns([use(printed=printed)], {"GAM": 6})
    assert (found["s1"][0].number if found else None) == number


def test_the_known_uses_count_where_the_machine_has_lost_count():
    found = concerns([use(), use("s2", day=1, printed=1)], {"GAM": 1})
    assert [(s, c.number) for s, (c,) in found.items()] == [("s2", 2)]


def test_a_single_use_column_is_used_once_by_nature():
    once = {"regenerable": False}
    assert told(use(**once)) == {}
    assert told(use(**once), use("s2", day=1, **once)) == {"s2": [(OVERUSED, False)]}
    assert concerns([use(**once), use("s2", day=1, **once)], {"GAM": 9})["s2"][0].limit == 1


def test_two_runs_of_one_session_are_one_use_and_a_word_on_either_is_enough():
    halves = [use(run="a"), use(run="b")]
    assert told(*halves, limits={"GAM": 1}) == {}
    third = use("s2", day=1, run="c")
    assert told(*halves, third, limits={"GAM": 1}) == {"s2": [(OVERUSED, False)]}
    both = [use(run="a", printed=5), use(run="b")]
    for run in ("a", "b"):
        assert told(*both, limits={"GAM": 1}, words=[(OVERUSED, "S-1", run)]) == {"s1": [(OVERUSED, True)]}


@pytest.mark.parametrize(
    ("expiry", "late"), [(date(2024, 3, 17), True), (date(2024, 3, 18), False), (None, False)]
)
def test_a_column_is_good_until_the_end_of_the_day_it_expires(expiry, late):
    found = concerns([use(expiry=expiry)], {})
    assert bool(found) is late
    if late:
        (one,) = found["s1"]
        assert (one.code, one.told["expiry"], one.to_json()["expiry"]) == (
            EXPIRED,
            "2024-03-17",
            "2024-03-17",
        )


def test_of_two_runs_the_one_after_the_expiry_is_named_and_spoken_of():
    before = use(run="a", expiry=date(2024, 3, 18))
    after = replace(before, run="b", day=date(2024, 3, 19), position="B")
    (one,) = concerns([after, before], {})["s1"]
    assert (one.use.run, one.subjects) == ("b", ("b",))


def test_several_things_may_be_wrong_and_stand_in_a_fixed_order():
    first = use(expiry=date(2024, 3, 1), printed=9)
    second = use(serial="R-1", expiry=date(2024, 3, 1))
    found = concerns([first, second, use("s2", "p2", 1)], {"GAM": 8})
    assert [(c.use.serial, c.code) for c in found["s1"]] == [
        ("R-1", EXPIRED), ("S-1", ANOTHER), ("S-1", OVERUSED), ("S-1", EXPIRED),
    ]  # fmt: skip


@given(
    uses=st.lists(
        st.builds(
            use, st.sampled_from("abcd"), st.sampled_from([None, "p1", "p2"]), st.integers(0, 3),
            serial=st.sampled_from(["S-1", "S-2"]), printed=st.sampled_from([None, 1, 5]),
            run=st.sampled_from("xyz"), expiry=st.sampled_from([None, date(2024, 3, 19)]),
        ),
        max_size=6,
        unique_by=lambda u: (u.started, u.session, u.run, u.serial),
    ),
    data=st.data(),
)  # fmt: skip
def test_the_order_in_which_uses_are_known_changes_nothing(uses, data):
    again = data.draw(st.permutations(uses))
    assert concerns(again, {"GAM": 2}) == concerns(uses, {"GAM": 2})


def test_every_code_has_its_texts_and_is_filled():
    (one,) = concerns([use(printed=21)], {"GAM": 20})["s1"]
    assert set(CODES) <= set(catalogue())
    assert "S-1 was used 21 times; 20" in phrase(one.code, "en", **one.told)["happened"]


@pytest.mark.parametrize(
    ("uses", "words", "status", "reasons"),
    [
        ([use(), use("s2", "p2", 1)], [], "provisional", (ANOTHER,)),
        ([use(), use("s2", "p2", 1)], [(ANOTHER, "S-1", "p1 p2")], "final", ("column_acknowledged",)),
        ([use(printed=3)], [], "final", (OVERUSED,)),
        ([use(printed=3)], [(OVERUSED, "S-1", "run of s1")], "final", ("column_acknowledged",)),
        ([use(expiry=date(2024, 3, 1))], [], "final", (EXPIRED,)),
        (
            [use(expiry=date(2024, 3, 1)), use("s2", "p2", 1)],
            [(ANOTHER, "S-1", "p1 p2")], "final", (EXPIRED, "column_acknowledged"),
        ),
    ],
)  # fmt: skip
def test_only_a_column_of_somebody_else_keeps_a_dose_from_being_final(make, uses, words, status, reasons):
    columns = concerns(uses, {"GAM": 2}, words)["s1"]
    dose = compute([make.part()], make.person(), situation=Situation(columns=columns))
    plain = compute([make.part()], make.person())
    assert plain.status == "final"
    assert dose.status == status
    assert tuple(r for r in dose.status_reasons if r not in plain.status_reasons) == reasons
    assert dose.detail["column_warnings"] == [one.to_json() for one in columns]
    assert dose.processed_plasma_ml == plain.processed_plasma_ml
