"""Years of exports at once give what one file after the other gives, wherever they are read and whoever is killed."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ingestor.cli import main
from ingestor.config import Settings
from ingestor.flow import settling
from ingestor.flow.house import open_house
from ingestor.flow.patient_import import import_csv
from ingestor.isolate.anywhere import Task
from ingestor.isolate.wire import clock_to_json
from ingestor.store import site
from ingestor.ways.backfill import Local, Report, backfill
from ingestor.ways.files import ingest_paths
from simulators.archive import ArchiveOrder
from tests.parts import ORDER, PERSON

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Row

    from ingestor.flow.house import House
    from ingestor.isolate import Reader
    from ingestor.meaning.clock import Clock
    from tests.clinics import Clinic

pytestmark = pytest.mark.sqlite
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
CLINIC = ArchiveOrder(seed=9, years=21, patients=5, sessions=40, trouble=4)


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


def _tables(data: Path, folder: Path) -> dict[str, bytes]:
    found = {}
    for table in ("doses", "sessions", "cycles", "alarms", "traces"):
        file = folder / f"{data.name}-{table}.csv"
        assert _run("--data", str(data), "export", table, "--out", str(file)) == 0
        found[table] = file.read_bytes()
    return found


@pytest.fixture(scope="module")
def clinic(written_clinic: Callable[[ArchiveOrder], Clinic]) -> Clinic:
    return written_clinic(CLINIC)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory, clinic: Clinic, reader: Reader) -> Path:
    """Give a data folder with the clinic's patients and nothing else; it has its key already."""
    folder = tmp_path_factory.mktemp("empty")
    data = folder / "empty"
    with open_house(Settings(data_dir=data), reader=reader) as house:
        for table in ("patients.csv", "measurements.csv"):
            _, troubles = import_csv(house, (clinic.folder / table).read_text("utf-8"), PERSON)
            assert troubles == []
    assert _run("--data", str(data), "export", "doses", "--out", str(folder / "nothing.csv")) == 0
    return data


@pytest.fixture(scope="module")
def one_by_one(
    tmp_path_factory: pytest.TempPathFactory, clinic: Clinic, empty: Path, reader: Reader
) -> dict[str, bytes]:
    """Give the tables of a house that took one file after the other."""
    folder = tmp_path_factory.mktemp("one")
    data = shutil.copytree(empty, folder / "one")
    with open_house(Settings(data_dir=data), reader=reader) as house:
        list(ingest_paths(house, [clinic.exports], ORDER))
    return _tables(data, folder)


def _filled(house: House, root: str) -> tuple[list[dict[str, Any]], Report]:
    report = Report()
    with Local(house, 2) as engine:
        return list(backfill(house, root, ORDER, engine, report)), report


def test_a_backfill_gives_what_one_file_after_the_other_gives(
    tmp_path: Path, clinic: Clinic, empty: Path, one_by_one: dict[str, bytes], reader: Reader
) -> None:
    data = shutil.copytree(empty, tmp_path / "many")
    with open_house(Settings(data_dir=data), reader=reader) as house:
        receipts, report = _filled(house, str(clinic.exports))
    assert report.done == report.bundles == len(receipts)
    assert report.statuses == Counter(r["status"] for r in receipts)
    assert report.rows["read"] == sum(report.rows[k] for k in ("stored", "held", "duplicate", "ignored"))
    assert _tables(data, tmp_path) == one_by_one
    assert _run("--data", str(data), "verify") == 0
    assert _run("--data", str(data), "audit", "verify") == 0


def test_a_second_backfill_answers_at_once_and_changes_nothing(
    tmp_path: Path, clinic: Clinic, empty: Path, reader: Reader
) -> None:
    data = shutil.copytree(empty, tmp_path / "many")
    with open_house(Settings(data_dir=data), reader=reader) as house:
        first, _ = _filled(house, str(clinic.exports))
        before = _tables(data, tmp_path)
        with house.db.read() as connection:
            submissions = connection.exec_driver_sql("SELECT count(*) FROM submission").scalar()
        again, _ = _filled(house, str(clinic.exports))
        with house.db.read() as connection:
            then = connection.exec_driver_sql("SELECT count(*) FROM submission").scalar()
    taken = [r for r in first if r["status"] in {"stored", "superseded", "held"}]
    assert sum(r["status"] == "duplicate" for r in again) >= len(taken)
    # Only what nobody could read is tried again.
    assert then - submissions == sum(r["status"] in {"refused", "waiting"} for r in again)
    assert _tables(data, tmp_path) == before


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("archive.linked:kill:9", marks=pytest.mark.torture),
        pytest.param("pipeline.kept:kill:1", marks=pytest.mark.torture),
        "pipeline.settle:kill:2",
        pytest.param("pipeline.settled:kill:20", marks=pytest.mark.torture),
    ],
)
def test_a_backfill_killed_anywhere_goes_on_and_gives_the_same(
    tmp_path: Path, clinic: Clinic, empty: Path, one_by_one: dict[str, bytes], point: str
) -> None:
    data = shutil.copytree(empty, tmp_path / "many")
    apherelog = Path(sys.executable).with_name("apherelog")
    command = [
        str(apherelog),
        "--data",
        str(data),
        "--json",
        "backfill",
        str(clinic.exports),
        "--workers",
        "2",
    ]
    environment = {**os.environ, "APHERELOG_FAULT": point}
    killed = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 3}, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])["report"]
    assert told["done"] == told["bundles"]
    assert _tables(data, tmp_path) == one_by_one
    assert _run("--data", str(data), "verify") == 0
    assert _run("--data", str(data), "db", "check") == 0


def test_one_file_that_brings_storing_down_takes_nothing_of_its_neighbours_along(
    tmp_path: Path, clinic: Clinic, empty: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = shutil.copytree(empty, tmp_path / "many")
    close = settling._close
    broken: list[str] = []

    def fragile(house: House, connection: Connection, row: Row[Any], document: dict[str, Any]) -> None:
        if document["status"] == "stored" and (not broken or row.id in broken):
            broken.append(row.id)
            raise RuntimeError("something unforeseen, late in the transaction")
        close(house, connection, row, document)

    monkeypatch.setattr(settling, "_close", fragile)
    with open_house(Settings(data_dir=data), reader=reader) as house:
        receipts, report = _filled(house, str(clinic.exports))
        assert len(set(broken)) == 1
        assert report.statuses["queued"] == 1
        (source,) = (r["source"] for r in receipts if r["status"] == "queued")
        with house.db.read() as connection:
            found = connection.exec_driver_sql("SELECT count(*) FROM revision WHERE source = ?", (source,))
            assert found.scalar() == 0
            due = connection.exec_driver_sql("SELECT count(*) FROM job WHERE state = 'queued'").scalar()
        assert due >= 1
    assert report.statuses["stored"] > 10


def test_a_machine_s_zone_that_changes_meanwhile_is_the_zone_that_counts(
    tmp_path: Path, simulated: Callable[..., Any], reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports = simulated("twin-column-report", "--seed", "7", "--sessions", "2", "--hz", "0.0166")
    settings = Settings(data_dir=tmp_path / "data", zone="Europe/Vienna")
    other = Settings(data_dir=tmp_path / "data", zone="America/New_York")
    with open_house(settings, reader=reader) as house:
        clocks = iter([house.clock()] * 1)
        true_clock = type(house).clock

        def clock(self: House, zone: str | None = None) -> Clock:
            stale = next(clocks, None)
            return stale or true_clock(replace_settings(self, other), zone)

        monkeypatch.setattr(type(house), "clock", clock)
        receipts, _ = _filled(house, str(exports.folder))
        with house.db.read() as connection:
            zones = set(connection.exec_driver_sql("SELECT DISTINCT zone FROM revision").scalars())
    assert {r["status"] for r in receipts} == {"stored"}
    assert zones == {"America/New_York"}


def replace_settings(house: House, settings: Settings) -> House:
    from dataclasses import replace

    return replace(house, settings=settings)


def test_an_address_of_shared_storage_is_as_good_as_a_folder(
    tmp_path: Path, clinic: Clinic, empty: Path, one_by_one: dict[str, bytes], reader: Reader
) -> None:
    data = shutil.copytree(empty, tmp_path / "many")
    with open_house(Settings(data_dir=data), reader=reader) as house:
        _, report = _filled(house, clinic.exports.as_uri())
    assert report.done == report.bundles
    assert _tables(data, tmp_path) == one_by_one


def test_a_folder_without_exports_is_done_at_once(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    data = str(tmp_path / "data")
    assert _run("--data", data, "backfill", str(tmp_path / "nothing")) == 4
    assert _run("--data", data, "backfill", str(tmp_path / "nowhere")) == 2


def test_the_pure_part_needs_no_database_and_says_what_it_could_not_have(
    tmp_path: Path, simulated: Callable[..., Any], house: House
) -> None:
    file = simulated("twin-column-report", "--seed", "7", "--sessions", "2", "--hz", "0.0166").files[0]
    kept = house.archive.put_path(file)
    clock = clock_to_json(house.clock())
    program = (
        "import sys, json, pickle\n"
        "from ingestor.isolate.anywhere import read_anywhere\n"
        "head, blocks = read_anywhere(pickle.load(sys.stdin.buffer))\n"
        "print(json.dumps([head.get('driver'), head.get('unread'), len(blocks), 'sqlalchemy' in sys.modules]))"
    )
    answers = []
    for address, sha256 in (
        (str(file), kept.sha256),
        (str(file), "0" * 64),
        (str(tmp_path / "gone"), "0" * 64),
    ):
        task = pickle.dumps(Task(((file.name, address, sha256),), clock))
        ran = subprocess.run([sys.executable, "-c", program], input=task, capture_output=True, check=True)
        answers.append(json.loads(ran.stdout))
    assert answers[0][0][0] == "twin-column-report"
    assert answers[0][1:] == [None, 3, False]
    assert [a[1] for a in answers[1:]] == ["changed", "unreachable"]


def _set_and_fail(house: House, name: str) -> None:
    with house.db.write() as connection:
        site.set_fact(connection, name, 1)
        raise RuntimeError


def _batch_that_fails(house: House, name: str) -> None:
    with house.db.batch():
        with house.db.write() as connection:
            site.set_fact(connection, name, 1)
        raise RuntimeError


def test_a_batch_is_one_transaction_and_what_fails_in_it_takes_back_its_own_part_only(house: House) -> None:
    with house.db.batch():
        with house.db.write() as connection:
            site.set_fact(connection, "first", 1)
        with pytest.raises(RuntimeError):
            _set_and_fail(house, "second")
        with house.db.read() as connection:
            assert site.fact(connection, "first") == 1
    with pytest.raises(RuntimeError):
        _batch_that_fails(house, "third")
    with house.db.read() as connection:
        assert [site.fact(connection, name) for name in ("first", "second", "third")] == [1, None, None]
