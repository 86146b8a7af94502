"""F023, F024 and the check of everything kept: copies are whole, the way back is safe, damage is seen."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from ingestor import faultpoints
from ingestor.archive import Archive
from ingestor.cli import main
from ingestor.errors import Busy, DatabaseTrouble, Invalid, NotFound
from ingestor.flow.house import open_house
from ingestor.flow.pipeline import ingest
from ingestor.ops.backup import back_up, restore
from ingestor.store import audit, copying
from ingestor.store.sources import StoredMember
from tests.parts import ORDER, PERSON

if TYPE_CHECKING:
    from pathlib import Path

    from ingestor.config import Settings
    from ingestor.flow.house import House

pytestmark = pytest.mark.sqlite
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def _bring(house: House, data: bytes) -> dict[str, Any]:
    kept = house.archive.put_bytes(data)
    return ingest(house, [StoredMember("a.txt", kept.sha256, kept.size)], ORDER)


def _counts(file: Path) -> tuple[int, int]:
    with closing(sqlite3.connect(file)) as copy:
        counted = [copy.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("submission", "job")]
    return counted[0], counted[1]


def test_a_backup_under_load_is_one_whole_state(house: House, tmp_path: Path) -> None:
    stop = threading.Event()

    def load() -> None:
        number = 0
        while not stop.is_set():
            _bring(house, b"%d" % number)
            number += 1

    writer = threading.Thread(target=load)
    writer.start()
    try:
        for number in range(5):
            file = tmp_path / f"{number}.db"
            assert back_up(house.db, file) == file.stat().st_size
            submissions, jobs = _counts(file)
            assert submissions == jobs
    finally:
        stop.set()
        writer.join()
    assert sorted(p.suffix for p in tmp_path.iterdir() if p.is_file()) == [".db"] * 5


def test_a_backup_is_for_its_owner_and_overwrites_nothing(house: House, tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    back_up(house.db, file)
    before = file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0
    with pytest.raises(Invalid) as told:
        back_up(house.db, file)
    assert told.value.code == "backup_exists"
    assert file.read_bytes() == before


def test_a_plain_copy_of_a_database_in_use_is_not_taken_for_a_backup(house: House, tmp_path: Path) -> None:
    _bring(house, b"x")
    torn = tmp_path / "torn.db"
    data = (house.settings.data_dir / "apherelog.db").read_bytes()
    torn.write_bytes(data[: len(data) // 2])
    for file in (torn, house.archive.path_of(next(iter(house.archive.objects())))):
        with pytest.raises(DatabaseTrouble) as told:
            copying.bring_back(house.db, file)
        assert told.value.code == "backup_damaged"


def _alone(settings: Settings) -> Archive:
    archive = Archive(settings.data_dir / "archive")
    archive.prepare()
    return archive


def test_after_a_restore_older_rows_and_newer_bytes_make_a_whole_again(
    settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "yesterday.db"
    with open_house(settings) as house:
        old = _bring(house, b"before the backup")
        back_up(house.db, file)
        new = _bring(house, b"after the backup")
        house.archive.close()
        archive = _alone(settings)
        aside = restore(house.db, archive, file, PERSON, NOW)
        archive.close()
        assert aside.name == "before-restore-20260601T120000Z.db"
        with house.db.read() as connection:
            assert [e["action"] for e in audit.entries(connection)][-1] == "restore"
            assert audit.first_bad(connection) is None
    with open_house(settings) as house, house.db.read() as connection:
        ways = {
            (row.source, row.way)
            for row in connection.exec_driver_sql("SELECT source, way FROM submission").all()
        }
    assert ways == {(old["source"], "test"), (new["source"], "recovered")}
    assert _counts(aside)[0] == 2


def test_nothing_is_restored_under_a_running_house(house: House, tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    back_up(house.db, file)
    archive = _alone(house.settings)
    with pytest.raises(Busy) as told:
        restore(house.db, archive, file, PERSON, NOW)
    assert told.value.code == "restore_in_use"
    with pytest.raises(NotFound):
        restore(house.db, archive, tmp_path / "nothing.db", PERSON, NOW)
    archive.close()


def test_a_copy_of_a_newer_program_is_not_brought_back(house: House, tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    back_up(house.db, file)
    with closing(sqlite3.connect(file)) as copy, copy:
        copy.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseTrouble) as told:
        copying.bring_back(house.db, file)
    assert told.value.code == "database_newer"


@pytest.mark.parametrize("point", ["backup.copied", "restore.aside"])
def test_a_restore_that_is_killed_leaves_the_old_state_and_no_half_copy(
    settings: Settings, tmp_path: Path, point: str
) -> None:
    file = tmp_path / "a.db"
    with open_house(settings) as house:
        _bring(house, b"one")
        back_up(house.db, file)
        _bring(house, b"two")
    pid = os.fork()
    if pid == 0:
        try:
            os.environ["APHERELOG_FAULT"] = f"{point}:kill"
            faultpoints._plan.cache_clear()
            with open_house(settings) as house:
                house.archive.close()
                restore(house.db, _alone(settings), file, PERSON, NOW)
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
    with open_house(settings) as house, house.db.read() as connection:
        assert len(connection.exec_driver_sql("SELECT * FROM source").all()) == 2


def _run(settings: Settings, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    with pytest.raises(SystemExit) as ended:
        main(["--data", str(settings.data_dir), "--json", "db", *words])
    code = ended.value.code
    assert isinstance(code, int)
    return code, json.loads(capsys.readouterr().out or "{}")


def test_check_reads_everything_and_finds_what_is_wrong(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_house(settings) as house:
        sums = [_bring(house, data)["source"] for data in (b"good", b"flipped", b"gone")]
        flipped, gone = house.archive.path_of(sums[1]), house.archive.path_of(sums[2])
    assert _run(settings, capsys, "check")[0] == 0
    flipped.chmod(0o640)
    flipped.write_bytes(b"flippes")
    gone.unlink()
    code, found = _run(settings, capsys, "check")
    assert code == 5
    assert (found["objects"], found["damaged"], found["missing"]) == (2, [sums[1]], [sums[2]])


def test_a_backup_names_the_keys_and_holds_none(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.data_dir.mkdir()
    key = settings.data_dir / "pseudonym.key"
    key.write_bytes(b"0123456789abcdef0123456789abcdef")
    code, told = _run(settings, capsys, "backup", str(tmp_path / "b.db"))
    assert (code, told["keys_not_included"]) == (0, [str(key)])
    assert key.read_bytes() not in (tmp_path / "b.db").read_bytes()
    for language, word in (("de_AT.UTF-8", "Pseudonyme"), ("C", "pseudonyms")):
        monkeypatch.setenv("LC_ALL", language)
        with pytest.raises(SystemExit):
            main(["--data", str(settings.data_dir), "db", "backup", str(tmp_path / f"{word}.db")])
        said = capsys.readouterr().out
        assert "pseudonym.key" in said
        assert word in said


def test_the_commands_back_up_and_restore(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "b.db")
    assert _run(settings, capsys, "upgrade")[0] == 0
    assert _run(settings, capsys, "backup", file)[0] == 0
    with open_house(settings) as house:
        _bring(house, b"newer")
    code, told = _run(settings, capsys, "restore", file)
    assert (code, told["read_again"]) == (0, 1)
    assert _run(settings, capsys, "backup", file)[0] == 2
