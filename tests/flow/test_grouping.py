"""What belongs together is one session, in whatever order it comes, and is counted once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestor.config import Settings
from ingestor.errors import Invalid
from ingestor.flow import decisions, linking
from ingestor.flow.house import House, open_house
from ingestor.flow.patients import NewPatient, add
from ingestor.flow.pipeline import ingest
from ingestor.flow.verify import verify
from ingestor.meaning.policy import METHOD
from ingestor.store import doses, links, runs, sessions
from ingestor.store.sources import StoredMember
from tests.conftest import NOW
from tests.flow.states import known, plasma
from tests.parts import ORDER, PERSON
from tests.site import Treatment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ingestor.isolate import Reader

    Bring = Callable[..., dict[str, Any]]

ADSORBER = Treatment()
SEPARATOR = Treatment(
    serial="Z-1", run="z1", role="separator", minutes=70, start=ADSORBER.start - timedelta(minutes=5)
)


def take(house: House, data: bytes) -> dict[str, Any]:
    kept = house.archive.put_bytes(data)
    return ingest(house, [StoredMember("a.log", kept.sha256, kept.size)], ORDER)


def dose(house: House, session: str) -> Any:  # noqa: ANN401 - a row
    with house.db.read() as connection:
        return doses.current(connection, sessions.session_row(connection, session).id, METHOD)


def patient(house: House, number: str) -> str:
    with house.db.write() as connection:
        return add(house, connection, NewPatient("female", identifiers={"h": number}), PERSON)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_separator_and_an_adsorber_are_one_session_and_only_adsorbed_plasma_is_dose(
    house: House, bring: Bring, order: tuple[int, int]
):
    files = [ADSORBER.data(), SEPARATOR.data()]
    answers = [bring(files[i]) for i in order]
    assert len(known(house)["sessions"]) == 1
    assert plasma(house) == ADSORBER.plasma_ml
    session = answers[1]["sessions"][0]
    assert dose(house, session).role == "adsorber"
    assert dose(house, answers[0]["sessions"][0]) == dose(house, session)
    assert list(verify(house)) == []


def test_a_separator_alone_is_told_as_such(house: House, bring: Bring):
    session = bring(SEPARATOR.data())["sessions"][0]
    assert "separator_only" in dose(house, session).status_reasons


def test_a_session_answers_under_the_name_it_had_before_it_was_joined(house: House, bring: Bring):
    first = bring(SEPARATOR.data())["sessions"][0]
    second = bring(ADSORBER.data())["sessions"][0]
    assert first != second
    with house.db.read() as connection:
        assert sessions.session_row(connection, first).id == second
        assert sessions.all_sessions(connection) == [second]


HALVES = [ADSORBER.half(0, 30), ADSORBER.half(40, 60)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("numbered", [True, False])
def test_two_halves_of_an_interrupted_run_are_one_session_counted_once(
    house: House, bring: Bring, order: tuple[int, int], numbered: bool
):
    one = ADSORBER if numbered else replace(ADSORBER, run=None)
    files = [one.half(0, 30), one.half(40, 60)]
    for i in order:
        assert bring(files[i])["status"] == "stored"
    assert len(known(house)["sessions"]) == 1
    assert plasma(house) == 50 * 30


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1), (2, 1, 0), (0, 2, 1), (1, 2, 0)])
@pytest.mark.parametrize("numbered", [True, False])
def test_halves_and_the_whole_that_holds_both_are_counted_once_in_any_order(
    house: House, bring: Bring, order: tuple[int, ...], numbered: bool
):
    """The counters of the second half went on: it is the same record, exported in pieces and whole."""
    one = ADSORBER if numbered else replace(ADSORBER, run=None)
    lines = samples_of(one)
    head = [line for line in lines if b'"t": "C"' in line]
    later = replace(one, start=one.start + timedelta(minutes=31)).lines()[:1] + head
    cut = next(i for i, line in enumerate(lines) if one_minute(one, 31) in line)
    files = [b"".join(lines[:cut]), b"".join(later + lines[cut:]), b"".join(lines)]
    for i in order:
        assert bring(files[i])["status"] in {"stored", "superseded", "duplicate"}
    assert len(known(house)["sessions"]) == 1
    assert plasma(house) == one.plasma_ml
    assert list(verify(house)) == []


def samples_of(one: Treatment) -> list[bytes]:
    """The export of a machine that prints no loads: none of them spans the cut."""
    return [line for line in one.lines() if b'"t": "P"' not in line]


def one_minute(one: Treatment, minute: int) -> bytes:
    return f'"at": "{(one.start + timedelta(minutes=minute)).isoformat()}"'.encode()


def test_undoing_the_whole_brings_its_halves_back(house: House, bring: Bring):
    lines = samples_of(ADSORBER)
    cut = next(i for i, line in enumerate(lines) if one_minute(ADSORBER, 31) in line)
    first, later = b"".join(lines[:cut]), ADSORBER.later(minutes=31).lines()[:1] + lines[cut:]
    run = bring(first)["runs"][0]
    bring(b"".join(later))
    halves = known(house)
    assert bring(b"".join(lines))["status"] == "superseded"
    with house.db.read() as connection:
        old = next(r.id for r in runs.revisions_of(connection, [run]) if r.state == "superseded")
    with house.db.write() as connection:
        decisions.let_count(house, connection, old, PERSON, "the whole one is of another patient")
    assert known(house) == halves


def test_runs_that_overlap_on_one_machine_are_asked_about_and_kept_out_of_courses(house: House, bring: Bring):
    patient(house, "4711")
    bring(ADSORBER.data())
    bring(replace(ADSORBER.later(minutes=20), run="r2").data())
    state = known(house)
    assert {f for s in state["sessions"].values() for f in s["flags"]} == {"overlapping_runs"}
    assert all("overlapping_runs" in d["status_reasons"] for d in state["doses"].values())


def test_a_run_at_the_edge_of_what_is_looked_at_keeps_its_companion(house: House, bring: Bring):
    """A run two days after a pair must not part it, nor one two days before."""
    bring(ADSORBER.data())
    bring(SEPARATOR.data())
    before = known(house)["sessions"]
    for hours in (47.5, 48.5, 49, -47.5, -48.5, -49):
        bring(replace(ADSORBER.later(hours=hours), run=f"edge {hours}", serial="M-2").data())
    after = known(house)["sessions"]
    assert {k: v for k, v in after.items() if k in before} == before
    assert len(after) == len(before) + 6


def test_a_person_joins_runs_that_no_rule_joins_and_parts_them_again(house: House, bring: Bring):
    lone = replace(SEPARATOR, patient=None)
    one, other = bring(ADSORBER.data())["runs"][0], bring(lone.data())["runs"][0]
    apart = known(house)
    assert len(apart["sessions"]) == 2
    with house.db.write() as connection:
        decisions.declare_pair(house, connection, one, other, PERSON, "seen at the bed", together=True)
    assert len(known(house)["sessions"]) == 1
    assert plasma(house) == ADSORBER.plasma_ml
    with house.db.write() as connection:
        decisions.declare_pair(house, connection, one, other, PERSON, "another bed", together=False)
    state = known(house)
    assert state["sessions"].keys() == apart["sessions"].keys()
    assert all(s["flags"] == set() for s in state["sessions"].values())


def test_a_person_joins_runs_far_apart_in_time_because_a_clock_was_wrong(house: House, bring: Bring):
    one = bring(ADSORBER.data())["runs"][0]
    other = bring(SEPARATOR.later(days=400).data())["runs"][0]
    with house.db.write() as connection:
        decisions.declare_pair(house, connection, one, other, PERSON, "its battery was dead", together=True)
    assert len(known(house)["sessions"]) == 1


def test_runs_of_two_patients_are_not_joined_even_by_a_person(house: House, bring: Bring):
    keys = [patient(house, "1"), patient(house, "2")]
    answers = [bring(replace(ADSORBER, patient="1").data()), bring(replace(SEPARATOR, patient="2").data())]
    with house.db.write() as connection, pytest.raises(Invalid) as caught:
        decisions.declare_pair(
            house, connection, answers[0]["runs"][0], answers[1]["runs"][0], PERSON, "why", together=True
        )
    assert caught.value.code == "pair_of_two_patients"
    assert {d["patient_id"] for d in known(house)["doses"].values()} == set(keys)


def test_a_link_goes_with_the_session_that_is_joined_and_its_undoing_too(house: House, bring: Bring):
    """A wrong link that was undone must not come back when a session is taken apart again."""
    wrong = patient(house, "9")
    first = bring(SEPARATOR.data())
    with house.db.write() as connection:
        linking.link(house, connection, first["sessions"][0], wrong, PERSON, "by mistake")
    second = bring(ADSORBER.data())
    session = second["sessions"][0]
    assert dose(house, session).patient_id == wrong
    with house.db.write() as connection:
        linking.unlink(house, connection, session, PERSON, "it was a mistake")
        runs_ = first["runs"][0], second["runs"][0]
        decisions.declare_pair(house, connection, *runs_, PERSON, "two treatments", together=False)
    state = known(house)
    assert len(state["sessions"]) == 2
    assert {d["patient_id"] for d in state["doses"].values()} == {None}


def test_a_link_by_number_follows_the_number_that_counts(house: House, bring: Bring):
    right, wrong = patient(house, "4711"), patient(house, "4712")
    typed_wrong = replace(ADSORBER, patient="4712")
    session = bring(typed_wrong.data())["sessions"][0]
    assert dose(house, session).patient_id == wrong
    held = bring(ADSORBER.data())
    assert held["status"] == "held"
    with house.db.read() as connection:
        key = next(r.id for r in runs.revisions_of(connection, held["runs"]) if r.state == "held")
    with house.db.write() as connection:
        decisions.let_count(house, connection, key, PERSON, "the number was corrected at the machine")
    assert dose(house, session).patient_id == right
    with house.db.read() as connection:
        assert [link.patient_id for link in links.history(connection, session)] == [wrong, right]


def test_a_session_that_gets_another_patient_may_come_together_with_its_other_half(
    house: House, bring: Bring
):
    right, wrong = patient(house, "4711"), patient(house, "9")
    lone = bring(SEPARATOR.cut(6))["sessions"][0]
    with house.db.write() as connection:
        linking.link(house, connection, lone, wrong, PERSON, "by mistake")
    whole = bring(ADSORBER.data())["sessions"][0]
    bring(SEPARATOR.data())
    assert len(known(house)["sessions"]) == 2
    with house.db.write() as connection:
        linking.link(house, connection, lone, right, PERSON, "corrected")
    assert list(known(house)["sessions"]) == [whole]
    assert plasma(house) == ADSORBER.plasma_ml


def exports() -> list[bytes]:
    """A small clinic: pairs, halves, a whole beside its parts, a cut one, two of one patient on one day."""
    second = replace(ADSORBER.later(days=2), run="r2")
    third = replace(ADSORBER.later(days=9), run="r3", patient="4712", serial="M-2")
    late = replace(ADSORBER.later(days=60), run="r4")
    return [
        ADSORBER.data(), SEPARATOR.data(), second.cut(35), second.data(), third.half(0, 20), third.half(30, 60),
        replace(SEPARATOR.later(days=9), run="z3", patient="4712").data(), late.cut(20), late.cut(45),
    ]  # fmt: skip


def house_after(base: Settings, reader: Reader, files: Sequence[bytes]) -> dict[str, Any]:
    with open_house(base, now=lambda: NOW, reader=reader) as house:
        with house.db.write() as connection:
            for number in ("4711", "4712"):
                add(house, connection, NewPatient("female", identifiers={"h": number}), PERSON)
        for data in files:
            take(house, data)
        assert list(verify(house)) == []
        state = known(house)
    names = {d["patient_id"]: f"patient of {d['device_serial']}" for d in state["doses"].values()}
    for one in (*state["sessions"].values(), *state["doses"].values()):
        key = "patient" if "patient" in one else "patient_id"
        one[key] = names.get(one[key])
    return state


def shuffled(quick: int) -> Callable[[Any], Any]:
    return lambda test: settings(
        max_examples=quick, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )(given(order=st.permutations(range(9)))(test))


def _any_order(tmp_path_factory: pytest.TempPathFactory, reader: Reader, order: Sequence[int]) -> None:
    files = exports()
    states = []
    for given_order in (range(len(files)), order):
        base = Settings(data_dir=tmp_path_factory.mktemp("house"))
        states.append(house_after(base, reader, [files[i] for i in given_order]))
    assert states[1] == states[0]


@shuffled(4)
def test_the_order_in_which_files_come_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, reader: Reader, order: list[int]
):
    _any_order(tmp_path_factory, reader, order)


@pytest.mark.torture
@shuffled(60)
def test_the_order_in_which_files_come_changes_nothing_ever(
    tmp_path_factory: pytest.TempPathFactory, reader: Reader, order: list[int]
):
    _any_order(tmp_path_factory, reader, order)
