"""A data set is built again, byte by byte, whatever happened since; and what happened since is told."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, update

from ingestor.config import Settings
from ingestor.exports.asked import Asker, Query, wanted
from ingestor.exports.view import View
from ingestor.flow import dosing, linking, patients
from ingestor.flow.house import open_house
from ingestor.flow.pipeline import ingest
from ingestor.model import DriverStamp
from ingestor.ops import snapshots
from ingestor.ops.shelf import Shelf, changed_since, difference
from ingestor.store import runs, tables
from ingestor.store.snapshots import named
from ingestor.store.sources import Order, StoredMember
from tests.api.clinic import STEWARD, Clinic, _simulated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.testclient import TestClient

    from ingestor.flow.house import House
    from ingestor.store.answers.doses import Wanted
    from tests.api.conftest import Staff

FILTERS = {"from", "to", "linked", "status", "alarm", "column", "as_of", "reason"}


@pytest.fixture
def opened(clinic: Clinic) -> Iterator[House]:
    with open_house(Settings(data_dir=clinic.data, centre="vie")) as found:
        yield found


@pytest.fixture
def shelf(opened: House) -> Shelf:
    return Shelf(
        opened.db, opened.settings.data_dir / "snapshots", "vie", View(lambda p: f"ps-{p[-6:]}"), "key"
    )


def _wanted(*asked: tuple[str, str]) -> Wanted:
    return wanted(Query(asked, FILTERS), Asker("vie", "Europe/Vienna", str))


def _take(shelf: Shelf, name: str, *asked: tuple[str, str]) -> Path:
    snapshots.take(shelf, snapshots.Order(name, _wanted(*asked), asked, STEWARD, datetime.now(UTC)))
    return shelf.folder / name


def _rebuilt(shelf: Shelf, name: str, into: Path, *asked: tuple[str, str]) -> dict[str, str]:
    with shelf.db.read() as connection:
        one = named(connection, "vie", name)
    assert one is not None
    return snapshots.rebuilt(shelf, name, _wanted(*asked, ("as_of", one.as_of.isoformat())), into)


def _read_again(house: House, session: str) -> None:
    """Let a newer driver read one cycle less and another alarm: what reprocessing does."""
    with house.db.write() as connection:
        (run, *_) = runs.runs_of(connection, session)
        before = runs.current_revision(connection, run.id)
        assert before is not None
        origin, reading = runs.stored_reading(connection, before)
        newer = replace(origin, driver=DriverStamp(origin.driver.name, "2+new", origin.driver.evidence))
        alarms = tuple(replace(a, kind="blood_leak") for a in reading.run.alarms)
        other = replace(reading, run=replace(reading.run, cycles=reading.run.cycles[1:], alarms=alarms))
        key = runs.save_revision(connection, run.id, newer, other, "superseded", house.now())
        runs.make_current(connection, run.id, key)
        dosing.redose(house, connection, session, "reprocess")


def _everything_happens(house: House, clinic: Clinic, folder: Path) -> None:
    files, _ = _simulated(folder / "later", "twin-column-report", "--seed", "77", "--sessions", "2")
    for file in files:
        kept = house.archive.put_path(file)
        ingest(house, [StoredMember(file.name, kept.sha256, kept.size)], Order("later", STEWARD))
    at = datetime(2020, 6, 10, 5, tzinfo=UTC)
    weight = patients.NewMeasurement("weight", Decimal(70), "kg", at)
    with house.db.write() as connection:
        patients.measure(house, connection, clinic.anna, weight, STEWARD)
        linking.link(house, connection, clinic.sessions[0], clinic.bert, STEWARD, "the wrong person")
        linking.unlink(house, connection, clinic.sessions[1], STEWARD, "nobody knows")
    _read_again(house, clinic.sessions[2])


@pytest.mark.parametrize(
    "asked", [(), (("linked", "true"),), (("alarm", "self_test"),), (("alarm", "blood_leak"),), (("reason", "no_patient"),)]
)  # fmt: skip
def test_after_ingests_relinks_and_reprocessing_the_same_bytes_are_built_again(
    shelf: Shelf, opened: House, clinic: Clinic, tmp_path: Path, asked: tuple[tuple[str, str], ...]
) -> None:
    folder = _take(shelf, "before", *asked)
    _everything_happens(opened, clinic, tmp_path)
    found = _rebuilt(shelf, "before", tmp_path / "again", *asked)
    assert found == dict.fromkeys(found, "same")
    assert {"doses.csv", "sessions.parquet", "cycles.csv", "alarms.csv", "exclusions.csv"} <= set(found)
    now = _take(shelf, "after", *asked)
    if asked == ():
        for table in ("doses", "sessions", "cycles", "alarms", "readings"):
            assert (now / f"{table}.csv").read_bytes() != (folder / f"{table}.csv").read_bytes(), table


def test_the_tables_of_a_data_set_are_those_of_the_exports_of_the_same_moment(
    shelf: Shelf, opened: House
) -> None:
    from ingestor.exports.files import pieces
    from ingestor.exports.rows import batches

    folder = _take(shelf, "now")
    for table in ("doses", "sessions", "cycles", "alarms"):
        exported = b"".join(pieces(table, "csv", batches(opened.db, table, _wanted(), shelf.view)))
        assert (folder / f"{table}.csv").read_bytes() == exported, table
        assert exported.count(b"\r\n") > 1


def test_doses_that_changed_since_are_told_with_their_causes(
    shelf: Shelf, opened: House, clinic: Clinic, tmp_path: Path
) -> None:
    _take(shelf, "before")
    assert changed_since(shelf, "before") == []
    _everything_happens(opened, clinic, tmp_path)
    told = {one["session_id"]: one["changes"] for one in changed_since(shelf, "before")}
    assert set(told) <= set(clinic.sessions)
    assert "patient" in {f for c in told[clinic.sessions[0]] for f in c["fields"]}
    assert "reprocess" in {c["cause"] for c in told[clinic.sessions[2]]}
    assert clinic.sessions[4] not in told
    for found in told.values():
        assert all("detail" not in c["fields"] for c in found)


def test_the_difference_of_two_data_sets_explains_every_dose(
    shelf: Shelf, opened: House, clinic: Clinic, tmp_path: Path
) -> None:
    _take(shelf, "before")
    _everything_happens(opened, clinic, tmp_path)
    _take(shelf, "after")
    _take(shelf, "some", ("linked", "false"))
    found = difference(shelf, "before", "after")
    assert {one["session_id"] for one in found["changed"]} >= set(clinic.sessions[:3])
    for one in found["changed"]:
        assert one["why"], one
        assert set(one["fields"]) <= {f for c in one["why"] for f in c["fields"]}
    assert len(found["added"]) == 2
    for key in found["added"]:
        assert found["why"][key][0]["kind"] == "new"
        assert found["why"][key][0]["cause"] == "ingest"
    other = difference(shelf, "after", "some")
    assert other["removed"]
    assert all(other["why"][key] == [{"kind": "filter"}] for key in other["removed"])


def test_a_session_that_was_joined_into_another_since_stands_in_the_older_data_set(
    shelf: Shelf, opened: House, clinic: Clinic, tmp_path: Path
) -> None:
    _take(shelf, "before")
    with opened.db.write() as connection:
        from ingestor.store import doses, sessions

        gone, survivor = clinic.sessions[3], clinic.sessions[4]
        doses.withdraw(connection, gone, "join", opened.now())
        sessions.join_into(connection, gone, survivor)
        connection.execute(
            update(tables.run).where(tables.run.c.session_id == gone).values(session_id=survivor)
        )
    found = _rebuilt(shelf, "before", tmp_path / "again")
    assert found == dict.fromkeys(found, "same")
    assert [c["kind"] for one in changed_since(shelf, "before") for c in one["changes"]] == ["withdrawn"]


def test_a_session_without_a_dose_is_pinned_as_it_was(
    shelf: Shelf, opened: House, clinic: Clinic, tmp_path: Path
) -> None:
    key = clinic.sessions[4]
    with opened.db.write() as connection:
        connection.execute(tables.dose.delete().where(tables.dose.c.session_id == key))
    folder = _take(shelf, "before")
    rows = list(csv.DictReader(io.StringIO((folder / "exclusions.csv").read_text("utf-8"))))
    assert [(r["session_id"], r["reason"]) for r in rows] == [(key, "no_dose")]
    with opened.db.write() as connection:
        moved = update(tables.session).where(tables.session.c.id == key)
        connection.execute(moved.values(ended_at=datetime(2021, 1, 1, tzinfo=UTC)))
        dosing.redose(opened, connection, key, "accept")
    found = _rebuilt(shelf, "before", tmp_path / "again")
    assert found == dict.fromkeys(found, "same")


def test_a_data_set_is_valid_by_its_own_description(shelf: Shelf, opened: House, clinic: Clinic) -> None:
    import frictionless

    for name, asked in (("whole", ()), ("linked", (("linked", "true"),))):
        folder = _take(shelf, name, *asked)
        package = frictionless.Package(str(folder / "datapackage.json"))
        report = package.validate()
        assert report.valid, report.flatten(["name", "rowNumber", "fieldName", "type", "note"])[:10]
        described = json.loads((folder / "datapackage.json").read_text("utf-8"))
        assert described["id"].startswith(f"apherelog:{name}:")
        rows = {task.name: task.stats["rows"] for task in report.tasks if task.stats.get("rows")}
        assert rows["doses"] == (5 if name == "whole" else 3)
        assert rows["cycles"] > 10


def test_the_notice_is_served_with_the_data_set(ward: TestClient, people: Staff, clinic: Clinic) -> None:
    service = ward.app.state.service  # type: ignore[attr-defined]
    mine = Shelf(service.db, clinic.data / "snapshots", "vie", View(service.pseudonyms.of), "key")
    _take(mine, "cited")
    answer = ward.get("/v1/snapshots/cited", headers=people["analyst"]).json()
    assert answer["changed"] == {"count": 0, "sessions": []}
    with service.db.write() as connection:
        linking.unlink(service.house, connection, clinic.sessions[0], STEWARD, "nobody knows")
    answer = ward.get("/v1/snapshots/cited", headers=people["analyst"]).json()
    assert answer["changed"]["count"] >= 1
    assert clinic.sessions[0] in {one["session_id"] for one in answer["changed"]["sessions"]}
    assert not [s for s in clinic.secrets if s in json.dumps(answer)]


def test_a_moment_in_the_past_takes_the_readings_of_that_time(
    shelf: Shelf, opened: House, clinic: Clinic
) -> None:
    with opened.db.read() as connection:
        then = connection.execute(select(func.max(tables.revision.c.read_at))).scalar_one() + timedelta(
            seconds=1
        )
    _read_again(opened, clinic.sessions[2])
    folder = _take(shelf, "past", ("as_of", then.isoformat()))
    rows = list(csv.DictReader(io.StringIO((folder / "readings.csv").read_text("utf-8"))))
    assert {r["driver_version"] for r in rows if r["session_id"] == clinic.sessions[2]} != {"2+new"}
    now = _take(shelf, "now")
    rows = list(csv.DictReader(io.StringIO((now / "readings.csv").read_text("utf-8"))))
    assert {r["driver_version"] for r in rows if r["session_id"] == clinic.sessions[2]} == {"2+new"}
