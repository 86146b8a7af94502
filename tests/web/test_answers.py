"""What the pages ask the store, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from api.web.kept import Kept
from ingestor.store import links
from ingestor.store.answers import cohort, columns, machines, past, people, trays, uploads, worklist
from ingestor.store.answers.worklist import Wanted
from tests.web.clinic import START, a_run, furnish, store, warn_of_columns

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
        counts = trays.counts(connection, house.centre)
        assert counts["held"] == len(trays.held(connection, house.centre)) == 1
        assert counts["unseen"] == len(trays.unseen(connection, house.centre)) == 1
        assert counts["share"] == len(trays.shares(connection, house.centre)) == 1
        assert counts["questions"] == len(trays.questions(connection, house.centre)) == 0
        assert counts["refused"] == len(uploads.with_status(connection, house.centre, ["refused"])) == 1
        assert (counts["unlinked"], counts["withheld"], counts["waiting"], counts["preview"]) == (2, 1, 1, 0)
        warning = Kept().column_warnings(connection, house.centre)[0]
        assert warning["code"] == "column_of_another_patient"
        assert {one["patient_id"] for one in warning["sessions"]} == {made["anna"], made["carla"]}


def test_machines_and_columns_tell_their_uses(house: House, made: dict[str, str]):
    with house.db.read() as connection:
        rows = {row["serial"]: row for row in machines.machines(connection, house.centre)}
        assert (rows["TC20-0117"]["runs"], rows["TC20-0204"]["runs"]) == (8, 2)
        (reading,) = machines.readings(connection, made["machine"])
        assert (reading["driver"], reading["runs"]) == ("twin-column-report", 8)
        assert "4100" in machines.printed_numbers(connection, made["machine"])
        assert machines.tally(connection, house.centre)[made["machine"]] == 8
        assert machines.ledger(connection, made["machine"]) == []
        assert machines.acceptances(connection, house.centre, "TC-20") == []
        rows, older = columns.columns(connection, house.centre)
        by_serial = {row["serial"]: row for row in rows}
        assert older is None
        assert (by_serial["GA-TC20-0117-1"]["uses"], by_serial["GA-TC20-0117-1"]["patients"]) == (8, 2)
        assert len(columns.uses_of(connection, house.centre, "GA-TC20-0117-1")) == 8
        assert [row["serial"] for row in columns.search(connection, house.centre, "0204-2")] == [
            "GA-TC20-0204-2"
        ]


def test_pages_of_columns_hold_every_column_once_the_last_used_first(house: House, made: dict[str, str]):
    del made
    with house.db.read() as connection:
        whole, _ = columns.columns(connection, house.centre)
        seen, before = [], None
        while True:
            rows, before = columns.columns(connection, house.centre, before, limit=1)
            seen += rows
            if before is None:
                break
    assert [row["serial"] for row in seen] == [row["serial"] for row in whole]
    assert [row["last"] for row in seen] == sorted((row["last"] for row in seen), reverse=True)


def test_what_is_kept_follows_a_link_that_is_undone(house: House, made: dict[str, str]):
    kept = Kept()
    with house.db.read() as connection:
        assert len(kept.column_warnings(connection, house.centre)) == 2
        (carlas,) = (
            row["id"] for row in worklist.sessions(connection, house.centre, Wanted(patient=made["carla"]))
        )
    for patient, shared in ((None, 0), (made["carla"], 2)):
        with house.db.write() as connection:
            now = house.now()
            links.append(connection, carlas, patient, rule="person", actor="x", reason="test", at=now)
            warn_of_columns(connection, house.centre)
        with house.db.read() as connection:
            assert len(kept.column_warnings(connection, house.centre)) == shared


def test_numbers_that_a_machine_skipped_are_kept_until_a_treatment_comes(house: House, made: dict[str, str]):
    kept = Kept()
    with house.db.read() as connection:
        before = kept.missing(connection, house.centre)[made["machine"]]
        assert (before[0].first, before[0].last) == ("4091", "4094")
    with house.db.write() as connection:
        store(
            connection, house.centre, a_run(START + timedelta(days=40), "TC20-0117", "4092", None, every=60)
        )
    with house.db.read() as connection:
        after = kept.missing(connection, house.centre)[made["machine"]]
    assert [(gap.first, gap.last) for gap in after[:2]] == [("4091", "4091"), ("4093", "4094")]


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
