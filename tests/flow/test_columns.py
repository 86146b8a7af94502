"""A warning about a column is loud wherever it can be met, follows whatever changes, and can be answered."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from math import exp
from typing import TYPE_CHECKING, Any

import pytest

from ingestor.errors import NotFound
from ingestor.flow import columns, decisions, linking
from ingestor.flow.patients import NewMeasurement, measure
from ingestor.flow.pipeline import ingest
from ingestor.flow.verify import verify
from ingestor.meaning.columns import ANOTHER, CODES, OVERUSED
from ingestor.meaning.policy import METHOD
from ingestor.store import audit, doses, runs
from ingestor.store.answers import trays
from ingestor.store.sources import StoredMember
from tests.flow.states import known
from tests.flow.test_persons import merge, part, patient
from tests.parts import ORDER, PERSON
from tests.site import Treatment

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestor.flow.house import House

    Bring = Callable[..., dict[str, Any]]

ONE = Treatment(patient="1", columns=("C-1",))
LIMITED = {"columns": {"P": {"uses": 2}}}


def day(number: int, typed: str | None, **more: Any) -> bytes:  # noqa: ANN401 - fields of a treatment
    return replace(ONE.later(days=number), run=f"r{number}", patient=typed, **more).data()


def told(house: House) -> dict[int, tuple[str, ...]]:
    """What each day's dose says of columns; it is what is computed now."""
    assert list(verify(house)) == []
    names = {*CODES, "column_acknowledged"}
    rows = known(house)["doses"].values()
    return {
        r["started_at"].day - 18: found
        for r in rows
        if (found := tuple(c for c in r["status_reasons"] if c in names))
    }


def waiting(house: House) -> list[tuple[str, str, int]]:
    with house.db.read() as connection:
        rows = trays.by_column(trays.column_warnings(connection, house.centre).values())
    return [(row["code"], row["serial"], len(row["sessions"])) for row in rows]


def link(house: House, session: str, patient_id: str) -> list[str]:
    with house.db.write() as connection:
        return [f.code for f in linking.link(house, connection, session, patient_id, PERSON, "asked")]


def acknowledge(house: House, session: str, code: str = ANOTHER, serial: str = "C-1") -> list[str]:
    with house.db.write() as connection:
        return columns.acknowledge(house, connection, session, code, serial, PERSON, "label was typed over")


def take_back(house: House, session: str, code: str = ANOTHER, serial: str = "C-1") -> list[str]:
    with house.db.write() as connection:
        return columns.take_back(house, connection, session, code, serial, PERSON, "it was not")


def test_another_patient_s_column_is_told_in_the_receipt_with_its_line_on_both_doses_and_in_the_tray(
    house: House, bring: Bring
):
    patient(house, "1")
    patient(house, "2")
    quiet = bring(day(0, "1"))
    loud = bring(day(1, "2"))
    assert [f for f in quiet["findings"] if f["code"] in CODES] == []
    (found,) = [f for f in loud["findings"] if f["code"] in CODES]
    assert (found["code"], found["severity"], found["line"]) == (ANOTHER, "error", 2)
    assert "C-1" in found["text"]["de"]
    assert "C-1" in found["text"]["en"]
    assert told(house) == {0: (ANOTHER,), 1: (ANOTHER,)}
    assert waiting(house) == [(ANOTHER, "C-1", 2)]


def test_linking_tells_it_and_unlinking_returns_to_the_same_state(house: House, bring: Bring):
    patient(house, "1")
    other = patient(house, "2")
    bring(day(0, "1"))
    session = bring(day(1, None))["sessions"][0]
    before = known(house)
    assert told(house) == {}
    assert link(house, session, other) == [ANOTHER]
    assert told(house) == {0: (ANOTHER,), 1: (ANOTHER,)}
    with house.db.write() as connection:
        linking.unlink(house, connection, session, PERSON, "wrong bed")
    assert told(house) == {}
    assert waiting(house) == []
    assert known(house) == before


def test_what_would_be_told_is_known_before_the_link_is_made(house: House, bring: Bring):
    mine, other = patient(house, "1"), patient(house, "2")
    bring(day(0, "1"))
    session = bring(day(1, None))["sessions"][0]
    with house.db.read() as connection:
        assert [c.code for c in columns.if_linked(house, connection, session, other)] == [ANOTHER]
        assert columns.if_linked(house, connection, session, mine) == []


def test_two_entries_of_one_person_share_a_column_once_they_are_merged(house: House, bring: Bring):
    a, b = patient(house, "1"), patient(house, "2")
    bring(day(0, "1"))
    bring(day(1, "2"))
    merge(house, a, b)
    assert told(house) == {}
    part(house, a)
    assert told(house) == {0: (ANOTHER,), 1: (ANOTHER,)}


def test_another_reading_that_names_another_column_takes_the_warning_away_and_back(
    house: House, bring: Bring
):
    patient(house, "1")
    patient(house, "2")
    bring(day(0, "1"))
    wrong = bring(day(1, "2"))
    held = bring(day(1, "2", columns=("C-9",)))
    assert held["status"] == "held"
    with house.db.write() as connection:
        rows = runs.revisions_of(connection, wrong["runs"])
        right = next(r.id for r in rows if r.state == "held")
        decisions.let_count(house, connection, right, PERSON, "the serial was typed over")
    assert told(house) == {}
    with house.db.write() as connection:
        first = next(r.id for r in rows if r.state == "current")
        decisions.let_count(house, connection, first, PERSON, "it was not")
    assert told(house) == {0: (ANOTHER,), 1: (ANOTHER,)}


def test_an_identifier_that_is_added_later_warns_too(house: House, bring: Bring):
    patient(house, "1")
    bring(day(0, "1"))
    bring(day(1, "2"))
    assert told(house) == {}
    patient(house, "2")
    assert told(house) == {0: (ANOTHER,), 1: (ANOTHER,)}


def test_a_warning_is_acknowledged_by_somebody_for_a_reason_and_that_can_be_taken_back(
    house: House, bring: Bring
):
    patient(house, "1")
    patient(house, "2")
    first, second = (bring(data)["sessions"][0] for data in (day(0, "1"), day(1, "2")))
    before = known(house)
    assert set(acknowledge(house, second)) == {first, second}
    assert told(house) == {0: ("column_acknowledged",), 1: ("column_acknowledged",)}
    assert waiting(house) == []
    assert acknowledge(house, first) == []
    with house.db.read() as connection:
        (one,) = columns.of_session(house, connection, first)
        (word,) = columns.words_on(house, connection, one)
        assert (word.actor, word.reason, word.at) == (PERSON.name, "label was typed over", house.now())
    assert set(take_back(house, first)) == {first, second}
    assert known(house) == before
    with pytest.raises(NotFound) as caught:
        take_back(house, first)
    assert caught.value.code == "no_such_warning"
    with house.db.read() as connection:
        said = [(e["action"], e["reason"]) for e in audit.entries(connection) if "acknowledge" in e["action"]]
    assert said == [("acknowledge-column", "label was typed over"), ("unacknowledge-column", "it was not")]


def test_a_third_patient_is_as_loud_as_the_second(house: House, bring: Bring):
    for number in "123":
        patient(house, number)
    first = bring(day(0, "1"))["sessions"][0]
    bring(day(1, "2"))
    acknowledge(house, first)
    loud = bring(day(2, "3"))
    assert ANOTHER in {f["code"] for f in loud["findings"]}
    assert told(house) == dict.fromkeys((0, 1, 2), (ANOTHER,))
    with pytest.raises(NotFound):
        acknowledge(house, first, OVERUSED)
    with pytest.raises(NotFound):
        acknowledge(house, first, serial="C-2")


def limited(house: House) -> House:
    return replace(house, settings=type(house.settings)(**house.settings.model_dump() | LIMITED))


def take(house: House, number: int) -> dict[str, Any]:
    kept = house.archive.put_bytes(day(number, "1"))
    return ingest(house, [StoredMember("a.log", kept.sha256, kept.size)], ORDER)


def test_uses_are_counted_against_the_product_s_limit_and_an_older_session_moves_the_count(house: House):
    house = limited(house)
    patient(house, "1")
    take(house, 3)
    take(house, 5)
    assert told(house) == {}
    take(house, 1)
    assert told(house) == {5: (OVERUSED,)}
    loud = take(house, 6)
    assert [f["code"] for f in loud["findings"] if f["code"] in CODES] == [OVERUSED]
    assert waiting(house) == [(OVERUSED, "C-1", 2)]
    acknowledge(house, loud["sessions"][0], OVERUSED)
    assert told(house) == {5: (OVERUSED,), 6: ("column_acknowledged",)}


def test_a_limit_that_is_set_later_is_found_by_verify_and_by_nothing_else(house: House, bring: Bring):
    for number in range(3):
        bring(day(number, "1"))
    assert [m.fields for m in verify(limited(house))] == [("detail", "status_reasons")]
    assert list(verify(house)) == []


def test_the_words_of_a_receipt_and_of_the_tray_name_no_patient(house: House, bring: Bring):
    a, b = patient(house, "1"), patient(house, "2")
    bring(day(0, "1"))
    loud = bring(day(1, "2"))
    text = json.dumps(loud["findings"])
    assert a not in text
    assert b not in text


def test_removal_that_was_measured_stands_beside_what_a_product_s_extraction_predicts(house: House):
    known_product = {"columns": {"P": {"extraction": 0.6}}}
    house = replace(house, settings=type(house.settings)(**house.settings.model_dump() | known_product))
    person = patient(house, "1")
    take(house, 0)
    began = next(iter(known(house)["doses"].values()))["started_at"]
    with house.db.write() as connection:
        for value, hours in (("9", -3), ("4.5", 5)):
            at = began + timedelta(hours=hours)
            measure(house, connection, person, NewMeasurement("igg", Decimal(value), "g/L", at), PERSON)
        row = doses.current(connection, next(iter(known(house)["doses"])), METHOD)
    assert row.detail["measured"]["igg"]["reduction_fraction"] == 0.5
    predicted = row.detail["model_output"]
    assert predicted["extraction"] == 0.6
    assert predicted["removed_fraction"] == pytest.approx(1 - exp(-0.6 * float(row.pv_multiple)), abs=1e-6)
    assert list(verify(house)) == []
