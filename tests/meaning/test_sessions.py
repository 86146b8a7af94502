"""Which runs make one session, and what a person is asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestor.meaning.pairs import QUESTIONS
from ingestor.meaning.sessions import RunBrief, group
from ingestor.model import Role
from ingestor.phrases import catalogue

START = datetime(2024, 3, 18, 7, 0, tzinfo=UTC)
SEP, ADS = Role.SEPARATOR, Role.ADSORBER
S, A, A2, S2 = ("", "SEP", "1"), ("", "TC", "1"), ("", "TC", "2"), ("", "SEP", "2")


def run(
    name: str, device=A, role=ADS, begin: float = 0, end: float = 180, patient: str | None = "17", **more
) -> RunBrief:
    """A run from minute `begin` to minute `end`."""
    times = (START + timedelta(minutes=begin), START + timedelta(minutes=end))
    return RunBrief(name, device, role, patient, *times, more.pop("complete", True), **more)


def sets(*runs: RunBrief, **words) -> set[frozenset[str]]:
    return {frozenset(g.runs) for g in group(runs, **words)}


def codes(*runs: RunBrief, **words) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    return {
        r: [(f.code, f.runs) for f in g.flags] for g in group(runs, **words) for r in g.runs
    }  # fmt: skip


def together(*names: str) -> set[frozenset[str]]:
    return {frozenset(names)}


def test_a_run_alone_is_a_session():
    (one,) = group([run("a")])
    assert (one.runs, one.rule, one.flags) == (("a",), "single", ())


def test_a_separator_and_an_adsorber_of_one_patient_at_one_time_are_one_session():
    (one,) = group([run("a", begin=10), run("s", S, SEP)])
    assert (one.runs, one.rule, one.flags) == (("s", "a"), "separator_and_adsorber", ())


def test_the_session_is_named_after_its_adsorber_whichever_came_first():
    alone = group([run("a")])[0].id
    assert group([run("a", begin=10), run("s", S, SEP)])[0].id == alone
    assert group([run("a"), run("s", S, SEP, begin=10)])[0].id == alone
    assert group([run("s", S, SEP)])[0].id != alone
    first = group([run("a", complete=False, end=50), run("b", begin=60)])[0].id
    assert first == alone


@pytest.mark.parametrize(("end", "one"), [(90, True), (89, False)])
def test_they_must_overlap_by_half_of_the_shorter(end, one):
    runs = run("a", begin=0, end=180), run("s", S, SEP, begin=-90, end=end - 0)
    # The separator lasts 90 + end minutes, the adsorber 180; both share `end` minutes.
    assert (sets(*runs) == together("a", "s")) is one


def test_the_shorter_of_the_two_is_what_counts():
    assert sets(run("a", end=10), run("s", S, SEP, begin=5, end=500)) == together("a", "s")
    assert sets(run("a", end=500), run("s", S, SEP, begin=-6, end=5)) != together("a", "s")


@pytest.mark.parametrize("patients", [("17", "18"), ("17", None), (None, None)])
def test_without_one_printed_patient_they_stay_apart_and_are_offered(patients):
    runs = run("a", patient=patients[0]), run("s", S, SEP, patient=patients[1])
    assert len(group(runs)) == 2
    assert codes(*runs) == {"a": [("unjoined_runs", ("s",))], "s": [("unjoined_runs", ("a",))]}


def test_two_different_patients_on_two_machines_are_two_sessions_and_no_question():
    runs = run("a", patient="1234567"), run("s", S, SEP, patient="7654321")
    assert codes(*runs) == {"a": [], "s": []}


def test_a_typing_slip_between_them_is_a_question():
    runs = run("a", patient="1234567"), run("s", S, SEP, patient="1234568")
    assert codes(*runs)["a"] == [("unjoined_runs", ("s",))]


def test_with_two_candidates_nobody_is_joined_and_all_are_asked_about():
    runs = run("a"), run("b", A2, begin=5), run("s", S, SEP)
    assert len(group(runs)) == 3
    found = codes(*runs)
    assert found["s"] == [("unjoined_runs", ("a",)), ("unjoined_runs", ("b",))]
    assert ("patient_on_two_machines", ("b",)) in found["a"]


def test_two_separators_and_one_adsorber_are_not_joined_either():
    assert len(group([run("a"), run("s", S, SEP), run("t", S2, SEP)])) == 3


def test_roles_must_differ_and_a_machine_that_does_both_needs_no_partner():
    assert len(group([run("a"), run("b", A2)])) == 2
    assert len(group([run("a", role=Role.COMBINED), run("s", S, SEP)])) == 2


@pytest.mark.parametrize(("begin", "asked"), [(180, True), (539, True), (540, False)])
def test_a_separator_that_misses_its_adsorber_by_a_wrong_clock_is_asked_about(begin, asked):
    runs = run("a"), run("s", S, SEP, begin=begin, end=begin + 100)
    assert (codes(*runs)["a"] == [("unjoined_runs", ("s",))]) is asked


def test_after_hours_another_patient_s_separator_is_no_question():
    assert codes(run("a"), run("s", S, SEP, patient="99", begin=200, end=300))["a"] == []


# --- interrupted and resumed --------------------------------------------------------------------------------


def test_an_interrupted_run_and_its_resumption_are_one_session():
    (one,) = group([run("a", end=60, complete=False), run("b", begin=70)])
    assert (one.runs, one.rule, one.flags) == (("a", "b"), "resumed", ())


@pytest.mark.parametrize(("pause", "one"), [(0, True), (180, True), (181, False), (-1, False)])
def test_a_resumption_begins_within_three_hours_of_the_interruption(pause, one):
    runs = run("a", end=60, complete=False), run("b", begin=60 + pause, end=400)
    assert (sets(*runs) == together("a", "b")) is one


def test_a_complete_run_is_not_resumed():
    assert len(group([run("a", end=60), run("b", begin=70)])) == 2


@pytest.mark.parametrize("patients", [("17", "18"), ("17", None), (None, None)])
def test_another_or_no_patient_is_no_resumption(patients):
    runs = run("a", end=60, complete=False, patient=patients[0]), run("b", begin=70, patient=patients[1])
    assert len(group(runs)) == 2
    assert codes(*runs) == {"a": [], "b": []}


def test_the_same_column_soon_after_an_interruption_is_asked_about():
    cut = run("a", end=60, complete=False, patient=None, columns=("S1", ""))
    assert codes(cut, run("b", begin=70, columns=("S1",)))["b"] == [("perhaps_resumed", ("a",))]
    assert codes(cut, run("b", begin=70, columns=("S2", "")))["b"] == []
    assert codes(cut, run("b", begin=250, end=300, columns=("S1",)))["b"] == []
    whole = run("a", end=60, patient=None, columns=("S1",))
    assert codes(whole, run("b", begin=70, columns=("S1",)))["b"] == []


def test_another_machine_does_not_resume():
    assert len(group([run("a", end=60, complete=False), run("b", A2, begin=70)])) == 2


def test_halves_with_the_machine_s_own_number_belong_together_even_without_a_patient():
    first = run("a", end=60, patient=None, printed_id="20240318-01")
    assert sets(first, run("b", begin=70, patient=None, printed_id="20240318-01")) == together("a", "b")
    assert sets(first, run("b", begin=70, patient="17", printed_id="20240318-01")) == together("a", "b")
    assert len(group([first, run("b", begin=70, patient=None, printed_id="20240318-02")])) == 2
    named = run("a", end=60, patient="18", printed_id="20240318-01")
    assert len(group([named, run("b", begin=70, patient="17", printed_id="20240318-01")])) == 2
    assert len(group([first, run("b", begin=300, end=400, patient=None, printed_id="20240318-01")])) == 2


def test_a_run_in_three_pieces_is_one_session():
    pieces = (
        run("a", end=60, complete=False),
        run("b", begin=70, end=100, complete=False),
        run("c", begin=110),
    )
    assert sets(*pieces) == together("a", "b", "c")


def test_a_separator_that_ran_through_finds_both_halves_of_its_adsorber():
    runs = run("a", end=60, complete=False), run("b", begin=90), run("s", S, SEP)
    (one,) = group(runs)
    assert (one.runs, one.rule) == (("a", "s", "b"), "separator_and_adsorber")
    assert one.flags == ()


# --- oddities -----------------------------------------------------------------------------------------------


def test_two_overlapping_runs_of_one_machine_are_asked_about():
    runs = run("a"), run("b", begin=100, end=300, patient="99")
    assert codes(*runs) == {"a": [("overlapping_runs", ("b",))], "b": [("overlapping_runs", ("a",))]}
    assert codes(run("a"), run("b", begin=180, end=300, patient="99"))["a"] == []


def test_one_patient_on_two_machines_of_one_kind_is_asked_about():
    assert codes(run("a"), run("b", A2, begin=100))["a"] == [("patient_on_two_machines", ("b",))]
    assert codes(run("a"), run("b", A2, begin=100, patient="99"))["a"] == []
    assert codes(run("a", patient=None), run("b", A2, begin=100, patient=None))["a"] == []
    assert codes(run("a"), run("b", A2, begin=180))["a"] == []
    assert codes(run("a"), run("b", A2, role=Role.COMBINED, begin=100))["a"] == []


def test_a_run_on_a_bench_is_neither_joined_nor_asked_about():
    bench = run("s", S, SEP, bench=True)
    assert len(group([run("a"), bench])) == 2
    assert codes(run("a"), bench) == {"a": [], "s": []}
    cut = run("a", end=60, complete=False, bench=True)
    assert len(group([cut, run("b", begin=70)])) == 2
    assert len(group([run("a", end=60, complete=False), run("b", begin=70, bench=True)])) == 2


def test_every_question_has_its_texts():
    assert set(catalogue()) >= QUESTIONS


# --- a person's word ----------------------------------------------------------------------------------------


def pair(*names: str) -> list[frozenset[str]]:
    return [frozenset(names)]


def test_a_person_puts_runs_together_whatever_the_rules_say():
    runs = run("a", patient="1"), run("s", S, SEP, patient="2", begin=400, end=500)
    (one,) = group(runs, together=pair("a", "s"))
    assert (one.runs, one.rule, one.flags) == (("a", "s"), "person", ())
    bench = run("s", S, SEP, bench=True)
    assert sets(run("a"), bench, together=pair("a", "s")) == together("a", "s")


def test_a_person_keeps_runs_apart_and_is_not_asked_again():
    runs = run("a"), run("s", S, SEP)
    assert codes(*runs, apart=pair("a", "s")) == {"a": [], "s": []}
    cut = run("a", end=60, complete=False), run("b", begin=70)
    assert len(group(cut, apart=pair("a", "b"))) == 2
    same = run("a"), run("b", begin=100)
    assert codes(*same, apart=pair("a", "b")) == {"a": [], "b": []}


def test_a_word_on_one_pair_does_not_bring_apart_what_another_word_keeps_apart():
    """The resumption would tie b to a; the separator is tied to a by a person and kept from b by another word."""
    runs = run("a", end=60, complete=False), run("b", begin=70), run("s", S, SEP)
    found = sets(*runs, together=pair("a", "s"), apart=pair("b", "s"))
    assert found == {frozenset(("a", "s")), frozenset(("b",))}


def test_keeping_one_candidate_apart_leaves_the_other_as_the_only_one():
    runs = run("a"), run("b", A2, begin=5), run("s", S, SEP)
    assert frozenset(("a", "s")) in sets(*runs, apart=pair("b", "s"))


def test_words_about_unknown_runs_are_passed_over():
    assert len(group([run("a")], together=pair("a", "gone"), apart=pair("a", "gone"))) == 1


def test_runs_put_together_in_a_chain_are_one_session():
    runs = run("a", patient="1"), run("b", A2, patient="2", begin=1), run("c", S, patient="3", begin=2)
    words = [frozenset(("a", "b")), frozenset(("b", "c"))]
    assert sets(*runs, together=words) == together("a", "b", "c")
    assert sets(*runs, together=[frozenset("abc")]) == together("a", "b", "c")


# --- order --------------------------------------------------------------------------------------------------

briefs = st.builds(
    lambda device, begin, lasts, patient, complete: (device, begin, lasts, patient, complete),
    st.sampled_from([(A, ADS), (A2, ADS), (S, SEP)]),
    st.integers(0, 400),
    st.integers(1, 200),
    st.sampled_from(["17", "18", None]),
    st.booleans(),
)


@given(made=st.lists(briefs, min_size=1, max_size=4))
def test_the_order_in_which_runs_come_changes_nothing(made):
    runs = [
        run(f"r{i}", device, role, begin, begin + lasts, patient, complete=complete)
        for i, ((device, role), begin, lasts, patient, complete) in enumerate(made)
    ]
    answers = {repr(group(list(order))) for order in permutations(runs)}
    assert len(answers) == 1
    (groups,) = [group(runs)]
    assert sorted(r for g in groups for r in g.runs) == sorted(r.id for r in runs)
    assert len({g.id for g in groups}) == len(groups)


# --- more than two ------------------------------------------------------------------------------------------


def test_a_half_that_names_nobody_goes_with_the_half_that_does():
    halves = run("a", end=60, patient=None, printed_id="1"), run("b", begin=90, printed_id="1")
    assert sets(*halves, run("s", S, SEP)) == together("a", "b", "s")


def test_runs_that_a_person_put_together_though_they_name_different_patients_find_no_separator_by_rule():
    runs = run("a", end=60, patient="17"), run("b", begin=90, patient="18"), run("s", S, SEP)
    assert sets(*runs, together=pair("a", "b")) == {frozenset(("a", "b")), frozenset(("s",))}


def test_the_halves_of_an_adsorber_s_run_reach_to_the_end_of_the_last():
    runs = run("a", end=60, complete=False), run("b", begin=90), run("s", S, SEP, begin=80)
    assert sets(*runs) == together("a", "b", "s")


def test_a_session_that_is_whole_takes_no_second_separator():
    runs = run("a"), run("s", S, SEP, begin=5), run("t", S2, SEP, begin=6)
    assert sets(*runs, together=pair("a", "s")) == {frozenset(("a", "s")), frozenset(("t",))}


def test_a_bench_run_that_a_person_put_into_a_session_does_not_bring_a_separator_in():
    runs = run("a"), run("b", A2, begin=1, bench=True), run("s", S, SEP)
    assert sets(*runs, together=pair("a", "b")) == {frozenset(("a", "b")), frozenset(("s",))}


def test_keeping_one_half_apart_leaves_the_other_machine_as_the_only_candidate():
    runs = run("a", end=60, complete=False), run("b", begin=90), run("c", A2, begin=5), run("s", S, SEP)
    found = sets(*runs, apart=pair("b", "s"))
    assert found == {frozenset(("a", "b")), frozenset(("c", "s"))}


def test_a_word_that_only_repeats_what_a_rule_found_changes_nothing_but_the_rule():
    runs = run("a", end=60, complete=False), run("b", begin=70)
    (one,) = group(runs, together=pair("a", "b"))
    assert (one.runs, one.rule) == (("a", "b"), "person")


def test_a_run_of_no_length_is_joined_with_nobody_and_touching_runs_of_nobody_are_no_question():
    assert len(group([run("a", begin=60, end=60), run("s", S, SEP, begin=60, end=60)])) == 2
    touching = run("a", patient=None), run("s", S, SEP, begin=180, end=300, patient=None)
    assert codes(*touching) == {"a": [], "s": []}


def test_a_session_s_name_says_what_it_is():
    assert group([run("a")])[0].id.startswith("ses-")
