"""Vendor formats in the house: repacked, in pieces, cut and sent again, and the way back to the raw line."""

from __future__ import annotations

import gzip
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ingestor.exports import evidence as shown
from ingestor.exports.view import View
from ingestor.flow.pipeline import ingest
from ingestor.store.answers import evidence, sessions
from ingestor.store.sources import StoredMember
from tests.drivers.hl7_pcd.writer import Writer, at, pv, treatment, tx
from tests.drivers.prismaflex.writer import STEM, Machine, lox, tar
from tests.parts import ORDER

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestor.flow.house import House

pytestmark = pytest.mark.sqlite


@pytest.fixture
def bring(house: House) -> Callable[..., dict[str, Any]]:
    def run(*members: tuple[str, bytes]) -> dict[str, Any]:
        kept = [(name, house.archive.put_bytes(data)) for name, data in members]
        return ingest(house, [StoredMember(name, k.sha256, k.size) for name, k in kept], ORDER)

    return run


def dose(house: House, session: str) -> Any:  # noqa: ANN401 - a row
    with house.db.read() as connection:
        return sessions.facts(connection, house.centre, session).dose


def test_a_repacked_archive_with_equal_members_is_a_duplicate(bring: Callable[..., dict[str, Any]]):
    members = Machine(therapy="TPE").members()
    first = bring((f"{STEM}.LOX", lox(members)))
    again = bring((f"{STEM}.LOX", gzip.compress(tar(dict(reversed(members.items())), "USB/"), 1, mtime=7)))
    assert (first["status"], again["status"]) == ("stored", "duplicate")
    assert again["sessions"] == first["sessions"]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_three_files_that_come_one_by_one_wait_and_are_one_treatment(
    bring: Callable[..., dict[str, Any]], order: tuple[int, ...]
):
    triple = list(Machine(therapy="TPE").triple().items())
    receipts = [bring(triple[i]) for i in order]
    assert [r["status"] for r in receipts[:2]] == ["waiting", "waiting"]
    last = receipts[-1]
    assert (last["status"], len(last["sessions"]), last["rows"]["read"]) == ("stored", 1, 30)
    assert sorted(m["name"] for m in last["members"]) == ["TREAT01E.TXT", "TREAT01P.TXT", "TREAT01S.TXT"]


def test_a_whole_export_replaces_the_one_that_was_cut(bring: Callable[..., dict[str, Any]], house: House):
    raw = tar(Machine(therapy="TPE").members())
    place = raw.index(b"2024-03-18 08:20:00", raw.index(b"RUN_TIME"))
    cut = bring((f"{STEM}.LOX", gzip.compress(raw[:place])))
    assert cut["status"] == "stored"
    (session,) = cut["sessions"]
    before = dose(house, session)
    assert (before.complete, float(before.processed_plasma_ml)) == (False, 210.0)
    whole = bring((f"{STEM}.LOX", gzip.compress(raw)))
    assert (whole["status"], whole["sessions"]) == ("superseded", [session])
    after = dose(house, session)
    assert (after.complete, float(after.processed_plasma_ml)) == (True, 300.0)
    assert "plasma_assumed" in after.status_reasons


def test_a_therapy_without_plasma_is_stored_without_a_dose_and_says_why(
    bring: Callable[..., dict[str, Any]], house: House
):
    receipt = bring((f"{STEM}.LOX", lox(Machine().members())))
    row = dose(house, receipt["sessions"][0])
    assert row.processed_plasma_ml is None
    assert "no_plasma_therapy" in row.status_reasons


def test_two_patients_in_one_log_count_for_nobody_before_a_person_decides(
    bring: Callable[..., dict[str, Any]],
):
    receipt = bring((f"{STEM}.LOX", lox(Machine(therapy="TPE", patients=("1111", "2222")).members())))
    assert (receipt["status"], receipt["sessions"]) == ("held", [])
    assert receipt["rows"]["held"] == receipt["rows"]["read"] == 31


def test_every_reading_of_an_archived_log_leads_to_its_line_inside(
    bring: Callable[..., dict[str, Any]], house: House
):
    members = Machine(therapy="TPE").members()
    receipt = bring((f"{STEM}.LOX", lox(members)))
    lines = members[f"{STEM}.PLS"].decode().split("\n")
    facts = readings(house, receipt)["counter"]["facts"]
    assert facts
    for fact in facts:
        assert fact["member"] == f"{STEM}.LOX/{STEM}.PLS"
        assert fact["text"] == lines[fact["line"] - 1]


def test_every_reading_of_an_hl7_batch_leads_to_its_observation(
    bring: Callable[..., dict[str, Any]], house: House
):
    receipt = bring(("t.hl7", treatment(Writer()).batch()))
    assert receipt["status"] == "stored"
    found = readings(house, receipt)
    for reading in ("reported", "counter"):
        assert found[reading]["facts"]
        for fact in found[reading]["facts"]:
            assert "MDCIA_PLASMA_PROCESSED_TOTAL" in fact["text"]


def readings(house: House, receipt: dict[str, Any]) -> dict[str, Any]:
    (session,) = receipt["sessions"]
    with house.db.read() as connection:
        facts = sessions.facts(connection, house.centre, session)
        places = {one.row.id: evidence.places(connection, one) for one in facts.runs}
        sources = [evidence.source_facts(connection, receipt["source"])]
    return dict(shown.document(facts, places, sources, house.archive.read, View())["readings"])


def test_the_same_batch_with_more_at_its_end_replaces_the_shorter_one(
    bring: Callable[..., dict[str, Any]], house: House
):
    writer = Writer()
    for minute in range(4):
        writer.report(at(minute), tx("TX"), pv("plasma", f"{minute * 30}"))
    short = writer.mllp()
    writer.report(at(4), tx("POSTTX"), pv("plasma", "120"))
    first, second = bring(("t.hl7", short)), bring(("t.hl7", writer.mllp()))
    assert [first["status"], second["status"]] == ["stored", "superseded"]
    row = dose(house, second["sessions"][0])
    assert (row.complete, float(row.processed_plasma_ml)) == (True, 120.0)
    assert bring(("t.hl7", short))["status"] == "duplicate"


def test_an_order_may_name_the_driver(house: House):
    kept = house.archive.put_bytes(lox(Machine(therapy="TPE").members()))
    members = [StoredMember(f"{STEM}.LOX", kept.sha256, kept.size)]
    receipt = ingest(house, members, replace(ORDER, driver="hl7-pcd"))
    assert (receipt["status"], receipt["code"]) == ("refused", "not_recognised")
