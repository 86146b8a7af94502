"""A house that moves from SQLite to PostgreSQL takes everything along, however often the move is broken off."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ingestor.cli import main
from ingestor.config import Settings
from ingestor.errors import DatabaseTrouble, Invalid
from ingestor.flow.house import open_house
from ingestor.ops.moving import move
from ingestor.store import moving
from ingestor.store.audit import Actor
from ingestor.store.engine import open_database
from ingestor.ways.files import ingest_paths
from tests.parts import ORDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingestor.isolate import Reader
    from tests.postgres import Databases

pytestmark = pytest.mark.postgres
MOVER = Actor("local:mover", "admin")


@pytest.fixture
def url(postgresql: Databases) -> Iterator[str]:
    made = postgresql.empty()
    yield made
    postgresql.drop(made)


@pytest.fixture
def source(tmp_path: Path, simulated: Callable[..., Path], reader: Reader) -> Settings:
    """Give a house with sessions, a patient, links that were changed, and a run that another one replaced."""
    settings = Settings(data_dir=tmp_path / "data")
    exports = simulated("twin-column-report", "--seed", "7", "--sessions", "3", "--hz", "0.0166")
    with open_house(settings, reader=reader) as house:
        receipts = list(ingest_paths(house, [exports.folder], ORDER))
    session = receipts[0]["sessions"][0]
    data = ["--data", str(settings.data_dir)]
    assert _run([*data, "patients", "add", "--identifier", "hospital=471199", "--sex", "female"]) == 0
    with (
        open_house(settings, reader=reader) as house,
        house.db.read() as connection,
    ):
        (patient,) = connection.exec_driver_sql("SELECT id FROM patient").scalars()
    for verb in (["link", session, patient], ["unlink", session], ["link", session, patient]):
        assert _run([*data, *verb, "--reason", "seen at the bedside"]) == 0
    return settings


def _run(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


def _exported(settings: Settings, folder: Path, database: str | None = None) -> dict[str, bytes]:
    where = ["--data", str(settings.data_dir), *(["--database-url", database] if database else [])]
    found = {}
    for table in ("doses", "sessions", "cycles", "alarms", "traces"):
        file = folder / f"{table}.{'there' if database else 'here'}.csv"
        assert _run([*where, "export", table, "--format", "csv", "--out", str(file)]) == 0
        found[table] = file.read_bytes()
    return found


def test_a_moved_house_exports_the_same_bytes(source: Settings, url: str, tmp_path: Path) -> None:
    here = _exported(source, tmp_path)
    db = open_database(source.url)
    moved = move(db, url, MOVER)
    db.close()
    assert moved.rows["session"] == 3
    assert moved.rows["link"] == 3
    assert moved.carried == moved.rows
    assert _exported(source, tmp_path, url) == here
    assert _run(["--data", str(source.data_dir), "--database-url", url, "verify"]) == 0
    assert _run(["--data", str(source.data_dir), "--database-url", url, "audit", "verify"]) == 0


def test_a_moved_house_goes_on_where_it_was(
    source: Settings, url: str, simulated: Callable[..., Path], reader: Reader
) -> None:
    db = open_database(source.url)
    before = move(db, url, MOVER).rows
    db.close()
    more = simulated("twin-column-report", "--seed", "11", "--sessions", "2", "--hz", "0.0166")
    with open_house(source.model_copy(update={"database_url": url}), reader=reader) as house:
        receipts = list(ingest_paths(house, [more.folder], ORDER))
        assert [r["status"] for r in receipts] == ["stored", "stored"]
        with house.db.read() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM dose").scalar() == before["dose"] + 2


@pytest.mark.parametrize("passage", [1, 12])
def test_a_move_killed_at_any_batch_goes_on_and_loses_nothing(
    source: Settings, url: str, passage: int
) -> None:
    command = [
        str(Path(sys.executable).with_name("apherelog")),
        "--data",
        str(source.data_dir),
        "db",
        "move",
        url,
    ]
    killed = subprocess.run(
        command, env={**os.environ, "APHERELOG_FAULT": f"move.batch:kill:{passage}"}, capture_output=True, check=False
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL
    done = subprocess.run([*command, "--json"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert 0 < sum(told["carried"].values()) < sum(told["rows"].values())
    db = open_database(source.url)
    target = open_database(url)
    with db.read() as ours, target.read() as theirs:
        for table in moving.tables():
            if table.name != "audit":  # the target's chain ends with the move itself
                assert moving.content(ours, table) == moving.content(theirs, table), table.name
    db.close()
    target.close()


def test_a_database_that_holds_anything_else_is_left_alone(
    source: Settings, url: str, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    assert (
        _run(["--data", str(other), "--database-url", url, "patients", "add", "--identifier", "hospital=1"])
        == 0
    )
    db = open_database(source.url)
    with pytest.raises(Invalid) as refused:
        move(db, url, MOVER)
    db.close()
    assert refused.value.code == "move_not_empty"


def test_a_second_move_into_a_house_that_lives_is_refused(source: Settings, url: str) -> None:
    db = open_database(source.url)
    move(db, url, MOVER)
    with pytest.raises(Invalid) as refused:
        move(db, url, MOVER)
    db.close()
    assert refused.value.code == "move_not_empty"


def test_a_row_that_came_otherwise_is_found(
    source: Settings, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = open_database(source.url)
    carry = moving.carry

    def spoil(*arguments: object) -> int:
        carried = carry(*arguments)
        if arguments[2].name == "cycle":
            with arguments[1].write() as connection:
                connection.exec_driver_sql("UPDATE cycle SET load_ml = load_ml + 1 WHERE position = 0")
        return carried

    monkeypatch.setattr(moving, "carry", spoil)
    with pytest.raises(DatabaseTrouble) as refused:
        move(db, url, MOVER)
    db.close()
    assert refused.value.code == "move_differs"
    assert refused.value.details["table"] == "cycle"


def test_only_sqlite_moves_and_only_to_postgresql(source: Settings, tmp_path: Path) -> None:
    db = open_database(source.url)
    with pytest.raises(Invalid):
        move(db, f"sqlite:///{tmp_path}/x.db", MOVER)
    db.close()
