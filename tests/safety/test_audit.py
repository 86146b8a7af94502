"""F121, F122: whatever is done to the audit chain shows, on both databases; without an entry there is no change."""

from __future__ import annotations

import csv
import io
import json
import socket
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from ingestor.cli import main
from ingestor.config import Settings
from ingestor.errors import SettingsError, StorageTrouble
from ingestor.exports.trail import as_csv
from ingestor.flow import patients
from ingestor.ops import anchors
from ingestor.ops.anchors import Contradiction, Keeper
from ingestor.store import audit, places, schema
from ingestor.store.engine import open_database
from tests.conftest import NOW

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Connection

    from ingestor.flow.house import House
    from tests.safety.conftest import Office

ADMIN = audit.Actor("local:root", "admin")


def _write(house: House, count: int) -> None:
    with house.db.write() as connection:
        for number in range(count):
            audit.record(connection, ADMIN, "test", f"thing-{number}", "because")


def _by_owner(house: House, *statements: str) -> None:
    """Do what the owner of a database can do who takes the guards off first."""
    with house.db.write() as connection:
        if connection.dialect.name == "sqlite":
            for name in ("audit_no_update", "audit_no_delete", "audit_no_replace"):
                connection.execute(text(f"DROP TRIGGER IF EXISTS {name}"))
        else:
            connection.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))
        for statement in statements:
            connection.execute(text(statement))


def _first_bad(house: House) -> int | None:
    with house.db.read() as connection:
        return audit.first_bad(connection)


@pytest.mark.parametrize(
    ("statement", "bad"),
    [
        ("UPDATE audit SET actor = 'somebody else' WHERE seq = 7", 7),
        ("UPDATE audit SET detail = '{\"x\": 1}' WHERE seq = 7", 7),
        ("UPDATE audit SET at = '2020-01-01' WHERE seq = 7", 7),
        ("UPDATE audit SET hash = previous WHERE seq = 7", 7),
        ("DELETE FROM audit WHERE seq = 7", 7),
        ("DELETE FROM audit WHERE seq = 1", 1),
        (
            "UPDATE audit SET object = CASE seq WHEN 7 THEN 'thing-7' ELSE 'thing-6' END WHERE seq IN (7, 8)",
            7,
        ),
        ("UPDATE audit SET seq = seq + 100 WHERE seq > 6", 7),
    ],
)
def test_a_changed_missing_or_moved_entry_is_named(house: House, statement: str, bad: int) -> None:
    _write(house, 10)
    assert _first_bad(house) is None
    _by_owner(house, statement)
    assert _first_bad(house) == bad


def test_the_guards_refuse_replacing_as_well(house: House) -> None:
    _write(house, 2)
    verb = "INSERT OR REPLACE" if house.db.is_sqlite else "INSERT"
    tail = "" if house.db.is_sqlite else " ON CONFLICT (seq) DO UPDATE SET actor = 'x'"
    values = "1, '2026-01-01', 'x', 'admin', 'x', 'y', '', '{}', '0', '1'"
    with pytest.raises(Exception, match="append-only"), house.db.write() as connection:
        connection.execute(text(f"{verb} INTO audit VALUES ({values}){tail}"))
    if not house.db.is_sqlite:
        with pytest.raises(Exception, match="append-only"), house.db.write() as connection:
            connection.execute(text("TRUNCATE audit"))


def _anchored(house: House, folder: Path) -> Path:
    file = folder / "elsewhere.log"
    house.settings.__dict__["audit_anchors"] = (str(file),)
    anchors.drop(house.db, house.settings, NOW)
    return file


def _parted(house: House, file: Path) -> Contradiction | None:
    with house.db.read() as connection:
        return anchors.contradiction(connection, anchors.anchors_in(file, house.centre))


def test_a_cut_tail_is_seen_with_an_anchor_and_only_with_it(house: House, tmp_path: Path) -> None:
    _write(house, 10)
    file = _anchored(house, tmp_path)
    _by_owner(house, "DELETE FROM audit WHERE seq > 6")
    assert _first_bad(house) is None
    assert _parted(house, file) == Contradiction("cut", 7, 7)


def _rebuild(connection: Connection) -> None:
    entries = list(audit.entries(connection))
    connection.execute(text("DELETE FROM audit"))
    for entry in entries:
        audit.record(connection, audit.Actor("innocent", "nurse"), entry["action"], entry["object"])


def test_a_chain_computed_anew_is_seen_with_an_anchor_and_only_with_it(house: House, tmp_path: Path) -> None:
    _write(house, 4)
    file = _anchored(house, tmp_path)
    _write(house, 6)
    anchors.drop(house.db, house.settings, NOW)
    assert _parted(house, file) is None
    _by_owner(house)
    with house.db.write() as connection:
        _rebuild(connection)
    assert _first_bad(house) is None
    assert _parted(house, file) == Contradiction("rebuilt", 1, 4)


def test_anchors_go_to_a_syslog_machine_and_are_found_in_its_log(house: House, tmp_path: Path) -> None:
    _write(house, 3)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as log:
        log.bind(("127.0.0.1", 0))
        log.settimeout(10)
        house.settings.__dict__["audit_anchors"] = (f"syslog:127.0.0.1:{log.getsockname()[1]}",)
        dropped = anchors.drop(house.db, house.settings, NOW)
        line = log.recv(4096).decode()
    assert dropped is not None
    file = tmp_path / "messages"
    file.write_text(f"Jun  1 12:00:00 host {line}\nJun  1 12:00:01 host sshd: something else\n")
    assert anchors.anchors_in(file, house.centre) == [dropped]


@pytest.mark.sqlite
def test_anchors_are_dropped_when_due_and_trouble_is_tried_again(house: House, tmp_path: Path) -> None:
    from datetime import timedelta

    _write(house, 1)
    folder, clock = tmp_path / "elsewhere", [NOW]
    file = folder / "a.log"
    house.settings.__dict__["audit_anchors"] = (str(file),)
    keeper = Keeper(house.db, house.settings, lambda: clock[0])
    keeper.keep()
    assert not file.exists()
    folder.mkdir()
    for minutes, lines in ((0.5, 0), (0.6, 1), (30, 1), (31, 2)):
        clock[0] += timedelta(minutes=minutes)
        keeper.keep()
        assert len(file.read_text().splitlines() if file.exists() else []) == lines
    file.chmod(0o440)
    house.settings.__dict__["audit_anchors"] = (str(tmp_path),)
    with pytest.raises(StorageTrouble) as told:
        anchors.drop(house.db, house.settings, NOW)
    assert told.value.code == "anchor_not_written"


@pytest.mark.parametrize(
    ("place", "code"),
    [("relative.log", "anchor_place"), ("/nowhere/at/all.log", "anchor_place"), ("{data}/a.log", "anchor_inside"),
     ("syslog:host:x", "anchor_place")],
)  # fmt: skip
def test_a_place_that_is_no_place_stops_the_start(tmp_path: Path, place: str, code: str) -> None:
    (tmp_path / "data").mkdir()
    settings = Settings(data_dir=tmp_path / "data", audit_anchors=(place.format(data=tmp_path / "data"),))
    with pytest.raises(SettingsError) as told:
        anchors.require_usable(settings)
    assert told.value.code == code


def _run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[Any, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return ended.value.code or 0, capsys.readouterr().out


def test_the_commands_verify_anchor_and_export(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, file = tmp_path / "data", tmp_path / "anchor"
    (tmp_path / "apherelog.toml").write_text(f'audit_anchors = ["{file}"]\n')
    monkeypatch.setenv("APHERELOG_CONFIG", str(tmp_path / "apherelog.toml"))
    where = ("--data", str(data), "--json")
    data.mkdir()
    db = open_database(f"sqlite:///{data}/apherelog.db")
    schema.upgrade(db)
    with db.write() as connection:
        places.ensure_centre(connection, "site", "x", "Europe/Vienna")
        for reason in ("=1+1", "plain"):
            audit.record(connection, ADMIN, "test", "thing", reason)
    db.close()
    assert _run(capsys, *where, "audit", "anchor")[0] == 0
    code, out = _run(capsys, *where, "audit", "verify", "--anchor", str(file))
    assert (code, json.loads(out)) == (0, {"first_bad": None, "anchors": 1, "anchor": None})
    rows = list(csv.DictReader(io.StringIO(_run(capsys, *where, "audit", "export", "--csv")[1])))
    assert [row["reason"] for row in rows] == ["'=1+1", "plain"]
    db = open_database(f"sqlite:///{data}/apherelog.db")
    with db.write() as connection:
        connection.execute(text("DROP TRIGGER audit_no_delete"))
        connection.execute(text("DELETE FROM audit WHERE seq = 2"))
    db.close()
    code, out = _run(capsys, *where, "audit", "verify", "--anchor", str(file))
    assert (code, json.loads(out)["anchor"]) == (1, {"kind": "cut", "first": 2, "last": 2})


def test_csv_keeps_every_entry_on_its_line() -> None:
    entry = dict.fromkeys(("seq", "actor", "role", "action", "object", "previous", "hash"), "x")
    lines = list(as_csv([entry | {"at": NOW, "reason": 'a "b"\nc', "detail": {"n": 1}}]))
    assert next(csv.DictReader(io.StringIO("".join(lines))))["reason"] == 'a "b"\nc'


_REFUSE = {
    "sqlite": ("CREATE TRIGGER no_room BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no room'); END",),
    "postgresql": (
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no room'; END $$",
        "CREATE TRIGGER no_room BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION no_room()",
    ),
}


def test_without_its_entry_no_change_is_made(house: House) -> None:
    new = patients.NewPatient("female", name="X", identifiers={"KIS": "1"})
    with house.db.write() as connection:
        before = patients.add(house, connection, new, ADMIN)
        for statement in _REFUSE["sqlite" if house.db.is_sqlite else "postgresql"]:
            connection.execute(text(statement))
    measured = patients.NewMeasurement("weight", Decimal(70), "kg", NOW)
    changes: tuple[Callable[[Connection], object], ...] = (
        lambda connection: patients.add(house, connection, patients.NewPatient(name="Y"), ADMIN),
        lambda connection: patients.identify(house, connection, before, "KIS", "2", ADMIN),
        lambda connection: patients.measure(house, connection, before, measured, ADMIN),
    )
    for change in changes:
        with pytest.raises(Exception, match="no room"), house.db.write() as connection:
            change(connection)
    with house.db.read() as connection:
        counts = [
            connection.execute(text(f"SELECT count(*) FROM {table}")).scalar()
            for table in ("patient", "identifier", "measurement")
        ]
    assert counts == [1, 1, 0]


def test_an_auditor_reads_the_trail_in_pages_and_as_csv(office: Office) -> None:
    with office.service.db.write() as connection:
        for number in range(150):
            audit.record(connection, ADMIN, "test", f"thing-{number}", "<script>")
    auditor = office.sign_in("auditor")
    page = auditor.see("/audit").text
    assert "thing-149" in page
    assert "thing-40" not in page
    assert "&lt;script&gt;" in page
    older = page.split('href="/audit?before=')[1].split('"')[0]
    assert "thing-40" in auditor.see(f"/audit?before={older}").text
    assert "thing-41<" not in auditor.see("/audit?object=thing-40").text
    assert "The chain is whole" in auditor.see("/audit?check=true").text
    rows = list(csv.DictReader(io.StringIO(auditor.see("/audit.csv").text)))
    assert [int(row["seq"]) for row in rows] == list(range(1, len(rows) + 1))
    assert rows[-1]["action"] == "export"
    with office.service.db.write() as connection:
        connection.execute(text("DROP TRIGGER audit_no_update"))
        connection.execute(text("UPDATE audit SET actor = 'x' WHERE seq = 5"))
    assert "Entry 5 does not fit" in auditor.see("/audit?check=true").text
    assert auditor.see("/audit?before=x&action=nothing").status_code == 200
