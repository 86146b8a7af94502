"""What the pages ask the store, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ingestor.store.answers import cohort, machines, past, people, trays, uploads, worklist
from ingestor.store.answers.worklist import Wanted
from tests.web.clinic import furnish

if TYPE_CHECKING:
    from ingestor.flow.house import House

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def made(house: House) -> dict[str, str]:
    with house.db.write() as connection:
        return furnish(connection, house.centre)


def test_sessions_come_newest_first_page_by_page(house: House, made: dict[str, str]):
    with house.db.read() as connection:
        whole = worklist.sessions(connection, house.centre, Wanted(), limit=100)
        first = worklist.sessions(connection, house.centre, Wanted(), limit=4)
        last = first[-1]
        rest = worklist.sessions(
            connection, house.centre, Wanted(), before=(last["started_at"], last["id"]), limit=100
        )
        total = worklist.count(connection, house.centre, Wanted())
    assert [r["id"] for r in first + rest] == [r["id"] for r in whole]
    assert len(whole) == total
    assert [r["started_at"] for r in whole] == sorted((r["started_at"] for r in whole), reverse=True)
    assert made["linked"] in {r["id"] for r in whole}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(linked=False), {"unlinked", "empty_patient"}),
        (Wanted(status="withheld"), {"withheld"}),
        (Wanted(status="withheld", linked=False), set()),
    ],
)
def test_a_limit_limits(house: House, made: dict[str, str], wanted: Wanted, expected: set[str]):
    with house.db.read() as connection:
        rows = worklist.sessions(connection, house.centre, wanted)
    assert {r["id"] for r in rows} == {made[name] for name in expected}


def test_a_row_names_the_patient_and_what_was_typed(house: House, made: dict[str, str]):
    with house.db.read() as connection:
        (row,) = worklist.sessions(connection, house.centre, Wanted(ids=[made["linked"]]))
    assert (row["name"], row["typed"], row["identifiers"]) == (
        "Anna Beispiel",
        ["00481516"],
        [("KIS", "00481516")],
    )


@pytest.mark.parametrize("words", ["anna", "BEISPIEL", "481516", "0048151"])
def test_a_patient_is_found_by_part_of_name_or_identifier(house: House, made: dict[str, str], words: str):
    with house.db.read() as connection:
        found = {p["id"] for p in people.search(connection, house.centre, words)}
    assert made["anna"] in found


def test_a_patient_is_found_by_the_date_of_birth(house: House, made: dict[str, str]):
    with house.db.read() as connection:
        found = people.search(connection, house.centre, "1968-03-04", date(1968, 3, 4))
    assert [p["id"] for p in found] == [made["anna"]]
    assert (found[0]["sessions"], found[0]["last"] is not None) == (6, True)


def test_wildcards_in_a_search_find_nobody_new(house: House, made: dict[str, str]):
    del made
    with house.db.read() as connection:
        assert people.search(connection, house.centre, "%nna_") == []


def test_every_tray_counts_what_it_shows(house: House, made: dict[str, str]):
    with house.db.read() as connection:
        counts = trays.counts(connection, house.centre) | trays.slow_counts(connection, house.centre)
        assert counts["held"] == len(trays.held(connection, house.centre)) == 1
        assert counts["columns"] == len(trays.shared_columns(connection, house.centre)) == 2
        assert counts["unseen"] == len(trays.unseen(connection, house.centre)) == 1
        assert counts["share"] == len(trays.shares(connection, house.centre)) == 1
        assert counts["questions"] == len(trays.questions(connection, house.centre)) == 0
        assert counts["refused"] == len(uploads.with_status(connection, house.centre, ["refused"])) == 1
        assert (counts["unlinked"], counts["withheld"], counts["waiting"], counts["preview"]) == (2, 1, 1, 0)
        serials = [row["serial"] for row in trays.shared_columns(connection, house.centre)]
        assert {who for who, _ in trays.names(connection, serials)[serials[0]]} == {
            made["anna"],
            made["carla"],
        }


def test_machines_and_columns_tell_their_uses(house: House, made: dict[str, str]):
    with house.db.read() as connection:
        rows = {row["serial"]: row for row in machines.machines(connection, house.centre)}
        assert (rows["TC20-0117"]["runs"], rows["TC20-0204"]["runs"]) == (8, 2)
        (reading,) = machines.readings(connection, made["machine"])
        assert (reading["driver"], reading["runs"]) == ("twin-column-report", 8)
        assert "4100" in machines.printed_numbers(connection, made["machine"])
        assert "4100" in machines.all_numbers(connection, house.centre)[made["machine"]]
        assert machines.ledger(connection, made["machine"]) == []
        assert machines.acceptances(connection, house.centre, "TC-20") == []
        columns = {row["serial"]: row for row in machines.columns(connection, house.centre, LONG_AGO)}
        assert (columns["GA-TC20-0117-1"]["uses"], columns["GA-TC20-0117-1"]["patients"]) == (8, 2)
        assert len(machines.column_uses(connection, house.centre, "GA-TC20-0117-1")) == 8


def test_past_sessions_are_found_by_time_and_by_column(house: House, made: dict[str, str]):
    with house.db.read() as connection:
        near = past.linked_sessions(
            connection,
            house.centre,
            LONG_AGO,
            LONG_AGO + timedelta(days=1),
            ["GA-TC20-0117-1"],
            made["linked"],
        )
        assert made["linked"] not in {session for _, session, _, _ in near}
        assert {patient for patient, *_ in near} == {made["anna"], made["carla"]}
        assert past.linked_sessions(connection, house.centre, LONG_AGO, LONG_AGO, []) == []
        assert (made["anna"], "KIS", "00481516", None, None) in past.known_identifiers(
            connection, house.centre
        )


def test_a_cohort_holds_final_and_provisional_doses_only(house: House, made: dict[str, str]):
    with house.db.read() as connection:
        points = cohort.points(connection, house.centre, None, None, None)
        assert len(points) == worklist.count(connection, house.centre, Wanted()) - 1
        assert set(points.month.tolist()) == {2026 * 12 + 9, 2026 * 12 + 10}
        assert made["anna"] in cohort.patient_ids(connection, house.centre)
