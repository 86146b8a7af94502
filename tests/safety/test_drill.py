"""The restore drill: a machine is lost with its disk, and nothing is missing afterwards."""

from __future__ import annotations

import json
import shutil
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from ingestor.cli import main
from ingestor.config import Settings
from ingestor.flow.house import open_house
from ingestor.ops.backup import back_up
from ingestor.store import audit
from tests.api.clinic import furnish

if TYPE_CHECKING:
    from pathlib import Path

_ROWS = (
    "session",
    "dose",
    "patient",
    "identifier",
    "measurement",
    "link",
    "revision",
    "cycle",
    "submission",
    "audit",
)


def _run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[Any, list[Any]]:
    with pytest.raises(SystemExit) as ended:
        main([*words])
    return ended.value.code or 0, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def _rows(settings: Settings) -> dict[str, list[Any]]:
    with open_house(settings) as house, house.db.read() as connection:
        return {t: sorted(map(str, connection.execute(text(f"SELECT * FROM {t}")).all())) for t in _ROWS}


@pytest.mark.sqlite
def test_a_lost_machine_is_back_with_nothing_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APHERELOG_CENTRE", "vie")
    monkeypatch.setenv("APHERELOG_AUDIT_ANCHORS", json.dumps([str(tmp_path / "anchor")]))
    old, new, kept = tmp_path / "old", tmp_path / "new", tmp_path / "kept"
    kept.mkdir()
    furnish(Settings(data_dir=old, centre="vie"), tmp_path)
    assert _run(capsys, "--data", str(old), "--json", "keys", "list")[0] == 0
    assert _run(capsys, "--data", str(old), "--json", "audit", "anchor")[0] == 0
    assert _run(capsys, "--data", str(old), "--json", "db", "backup", str(kept / "db"))[0] == 0
    shutil.copytree(old / "archive", kept / "archive")
    shutil.copy2(old / "pseudonym.key", kept)
    before = _rows(Settings(data_dir=old, centre="vie"))
    shutil.rmtree(old)
    new.mkdir(mode=0o700)
    shutil.copytree(kept / "archive", new / "archive")
    shutil.copy2(kept / "pseudonym.key", new)
    where = ("--data", str(new), "--json")
    assert _run(capsys, *where, "db", "restore", str(kept / "db"))[0] == 0
    assert _run(capsys, *where, "db", "check")[0] == 0
    assert _run(capsys, *where, "verify")[0] == 0
    assert _run(capsys, *where, "keys", "list")[0] == 0
    assert _run(capsys, *where, "audit", "verify", "--anchor", str(tmp_path / "anchor"))[0] == 0
    after = _rows(Settings(data_dir=new, centre="vie"))
    assert {t: rows for t, rows in after.items() if t != "audit"} == {
        t: r for t, r in before.items() if t != "audit"
    }
    assert set(before["audit"]) < set(after["audit"]), "the restore itself is on record"


@pytest.mark.torture
@pytest.mark.sqlite
def test_a_large_store_in_use_is_copied_and_restored_whole(tmp_path: Path) -> None:
    """Shaped like ten gigabytes: blocks of samples and rows of audit in their proportion. Prints the rates."""
    settings = Settings(data_dir=tmp_path / "data")
    with open_house(settings) as house:
        block = "x" * 60_000
        with house.db.write() as connection:
            connection.execute(text("CREATE TABLE bulk (id INTEGER PRIMARY KEY, block TEXT)"))
            for number in range(8_000):
                connection.execute(text("INSERT INTO bulk VALUES (:n, :b)"), {"n": number, "b": block})
            for number in range(2_000):
                audit.record(connection, audit.Actor("x", "admin"), "test", f"thing-{number}")
        began = time.monotonic()
        size = back_up(house.db, tmp_path / "copy.db")
        copied = time.monotonic() - began
        house.archive.close()
        from ingestor.archive import Archive
        from ingestor.ops.backup import restore
        from tests.parts import PERSON

        archive = Archive(settings.data_dir / "archive")
        archive.prepare()
        began = time.monotonic()
        restore(house.db, archive, tmp_path / "copy.db", PERSON, house.now())
        brought = time.monotonic() - began
        archive.close()
        with house.db.read() as connection:
            assert audit.first_bad(connection) is None
            assert connection.execute(text("SELECT count(*), sum(length(block)) FROM bulk")).one() == (
                8_000,
                480_000_000,
            )
    sys.stdout.write(
        f"\n{size >> 20} MiB copied and checked at {(size >> 20) / copied:.0f} MiB/s, restored in {brought:.1f} s\n"
    )
