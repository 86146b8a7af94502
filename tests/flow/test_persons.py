"""One person on file twice, two persons taken for one, values that a person decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from ingestor.errors import Invalid
from ingestor.flow import decisions, linking
from ingestor.flow.patients import NewMeasurement, NewPatient, add, measure
from ingestor.flow.verify import verify
from ingestor.meaning.policy import METHOD
from ingestor.store import audit, doses, runs
from ingestor.store.patients import listing
from tests.flow.states import known
from tests.parts import PERSON
from tests.site import Treatment

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestor.flow.house import House

    Bring = Callable[..., dict[str, Any]]

ONE = Treatment(patient="1")
AT = datetime(2024, 3, 17, 12, tzinfo=UTC)


def patient(house: House, number: str) -> str:
    with house.db.write() as connection:
        return add(house, connection, NewPatient("female", identifiers={"h": number}), PERSON)


def day(number: int, typed: str) -> bytes:
    return replace(ONE.later(days=number), run=f"r{number}", patient=typed).data()


def merge(house: House, one: str, into: str) -> None:
    with house.db.write() as connection:
        decisions.merge(house, connection, one, into, PERSON, "the same person")


def part(house: House, one: str) -> None:
    with house.db.write() as connection:
        decisions.part(house, connection, one, PERSON, "two persons after all")


def owners(house: House) -> dict[str, list[int]]:
    """Return the days of March 2024 on which each patient was treated."""
    found: dict[str, list[int]] = {}
    for row in known(house)["doses"].values():
        found.setdefault(row["patient_id"], []).append(row["started_at"].day - 18)
    return {k: sorted(v) for k, v in found.items()}


def test_merging_and_parting_return_to_where_it_was(house: House, bring: Bring):
    a, b = patient(house, "1"), patient(house, "2")
    for number, typed in enumerate(("1", "2", "1", "2")):
        bring(day(number, typed))
    before = known(house)
    merge(house, a, b)
    assert owners(house) == {b: [0, 1, 2, 3]}
    assert {row["course"] for row in known(house)["doses"].values()} == {"1"}
    part(house, a)
    assert known(house) == before
    assert list(verify(house)) == []


def test_sessions_that_come_while_two_are_one_go_to_whom_their_number_names_when_they_are_parted(
    house: House, bring: Bring
):
    a, b = patient(house, "1"), patient(house, "2")
    merge(house, a, b)
    bring(day(0, "1"))
    bring(day(1, "2"))
    assert owners(house) == {b: [0, 1]}
    part(house, a)
    assert owners(house) == {a: [0], b: [1]}


def test_parting_one_of_three_takes_along_who_was_merged_into_him_and_nobody_else(house: House, bring: Bring):
    a, b, c = (patient(house, n) for n in "123")
    for number, typed in enumerate("123"):
        bring(day(number, typed))
    merge(house, a, b)
    merge(house, b, c)
    assert owners(house) == {c: [0, 1, 2]}
    part(house, b)
    assert owners(house) == {b: [0, 1], c: [2]}
    part(house, a)
    assert owners(house) == {a: [0], b: [1], c: [2]}


def test_who_stands_for_nobody_any_more_is_not_merged_again_and_nobody_with_himself(house: House):
    a, b, c = (patient(house, n) for n in "123")
    merge(house, a, b)
    for one, into, code in ((a, c, "merged_already"), (b, a, "merge_self"), (b, b, "merge_self")):
        with pytest.raises(Invalid) as caught:
            merge(house, one, into)
        assert caught.value.code == code
    with pytest.raises(Invalid):
        part(house, b)


def test_a_measurement_of_either_entry_counts_for_the_person(house: House, bring: Bring):
    a, b = patient(house, "1"), patient(house, "2")
    bring(day(0, "2"))
    merge(house, a, b)
    with house.db.write() as connection:
        measure(house, connection, a, NewMeasurement("height", Decimal(170), "cm", AT), PERSON)
    (row,) = known(house)["doses"].values()
    assert row["height_cm"] == 170
    assert list(verify(house)) == []
    part(house, a)
    (row,) = known(house)["doses"].values()
    assert row["height_cm"] is None


def test_a_number_that_two_entries_of_one_person_share_links(house: House, bring: Bring):
    with house.db.write() as connection:
        a = add(house, connection, NewPatient("male", identifiers={"hospital": "77"}), PERSON)
        b = add(house, connection, NewPatient("male", identifiers={"registry": "077"}), PERSON)
    bring(day(0, "77"))
    assert owners(house) == {None: [0]}
    merge(house, a, b)
    assert owners(house) == {b: [0]}


def test_a_number_that_becomes_somebody_elses_too_takes_no_session_away(house: House, bring: Bring):
    with house.db.write() as connection:
        a = add(house, connection, NewPatient("male", identifiers={"hospital": "77"}), PERSON)
    cut = replace(ONE, patient="77")
    bring(cut.cut(30))
    with house.db.write() as connection:
        add(house, connection, NewPatient("female", identifiers={"registry": "77"}), PERSON)
    bring(cut.data())
    assert owners(house) == {a: [0]}
    bring(day(5, "77"))
    assert owners(house) == {a: [0], None: [5]}


def test_a_list_of_patients_counts_a_joined_session_once(house: House, bring: Bring):
    a = patient(house, "1")
    bring(replace(ONE, role="separator", serial="Z", run="z").data())
    bring(ONE.data())
    with house.db.read() as connection:
        assert [(row["patient"], row["sessions"]) for row in listing(connection, house.centre)] == [(a, 1)]


def test_a_withheld_dose_is_served_once_a_person_chose_and_only_as_long_as_the_readings_stand(
    house: House, bring: Bring
):
    patient(house, "1")
    session = bring(replace(ONE, total=2500).data())["sessions"][0]
    with house.db.read() as connection:
        row = doses.current(connection, session, METHOD)
    assert (row.status, row.processed_plasma_ml) == ("withheld", None)
    with house.db.write() as connection:
        decisions.decide_dose(house, connection, session, "cycles", PERSON, "the sum was typed over")
        row = doses.current(connection, session, METHOD)
    assert (row.processed_plasma_ml, row.processed_plasma_reading) == (1800, "cycles")
    assert list(verify(house)) == []
    with pytest.raises(Invalid), house.db.write() as connection:
        decisions.decide_dose(house, connection, session, "no such", PERSON, "?")
    held = bring(replace(ONE, total=2600).data())
    assert held["status"] == "held"
    with house.db.write() as connection:
        key = next(r.id for r in runs.revisions_of(connection, held["runs"]) if r.state == "held")
        decisions.let_count(house, connection, key, PERSON, "printed again")
        row = doses.current(connection, session, METHOD)
    assert row.status == "withheld"
    assert "decision_outdated" in row.status_reasons
    with house.db.write() as connection:
        decisions.decide_dose(house, connection, session, None, PERSON, "taken back")
        assert "decision_outdated" not in doses.current(connection, session, METHOD).status_reasons


def test_every_decision_of_a_person_is_in_the_chain(house: House, bring: Bring):
    a, b = patient(house, "1"), patient(house, "2")
    session = bring(day(0, "9"))["sessions"][0]
    with house.db.write() as connection:
        linking.link(house, connection, session, a, PERSON, "asked her")
        linking.unlink(house, connection, session, PERSON, "wrong bed")
    merge(house, a, b)
    part(house, a)
    with house.db.read() as connection:
        done = [e["action"] for e in audit.entries(connection) if e["actor"] == PERSON.name]
        assert audit.first_bad(connection) is None
    assert [d for d in done if d not in {"submit", "add-patient"}] == ["link", "unlink", "merge", "part"]
