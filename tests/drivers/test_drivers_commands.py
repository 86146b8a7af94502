"""`apherelog drivers` and `apherelog machines`, as a person types them."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from ingestor.cli import main
from tests.drivers.prismaflex.writer import Machine, lox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Run = tuple[int, list[dict[str, Any]], str]

FOREIGN = '''
"""A hospital's own drivers."""

from datetime import datetime

from ingestor.driver import Claim, DeviceLog, Evidence, Role, Stamp


class Ward:
    """Reads the ward's own notes."""

    name = "ward-notes"
    version = "7"
    evidence = Evidence.DECLARED
    roles = (Role.ADSORBER,)

    def bundle_key(self, member_name):
        return None

    def claim(self, bundle):
        mine = bundle.members[0].data.startswith(b"WARD ")
        return Claim(mine, "begins with WARD" if mine else "does not begin with WARD")

    def parse(self, bundle):
        at = Stamp(datetime(2024, 3, 18, 8, 0), "2024-03-18 08:00")
        yield DeviceLog(
            version="1", role=Role.ADSORBER, maker="Ward", model="Notes", serial="W-1", started=at,
            end_reached=True, rows_read=1, member=bundle.members[0].name,
        )


class Greedy(Ward):
    """Claims nothing, but breaks on every file that says so."""

    name = "greedy"

    def claim(self, bundle):
        if b"BREAK" in bundle.members[0].data:
            raise KeyError(bundle.members[0].data)
        return Claim(False, "never mine")


def of_folder(folder):
    assert folder is None or folder.name == "profiles"
    return [Greedy()]


ward = Ward()
'''
ENTRIES = """[ingestor.drivers]
ward = hospital_drivers:ward
by-folder = hospital_drivers:of_folder
gone = hospital_drivers:no_such_thing
"""


def wheel(folder: Path) -> Path:
    """Write a wheel by hand: nothing of this repository is in it."""
    info = "hospital_drivers-1.0.dist-info"
    files = {
        "hospital_drivers.py": FOREIGN,
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: hospital-drivers\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": ENTRIES,
    }
    path = folder / "hospital_drivers-1.0-py3-none-any.whl"
    record = ""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            record += f"{name},sha256={digest},{len(text.encode())}\n"
            archive.writestr(name, text)
        archive.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return path


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    target = folder / "site"
    command = [
        "install",
        "-q",
        "--no-index",
        "--no-deps",
        "--disable-pip-version-check",
        "--target",
        str(target),
    ]
    subprocess.run([sys.executable, "-m", "pip", *command, str(wheel(folder))], check=True)
    return target


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Run]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANG", "C")
    monkeypatch.delenv("LC_ALL", raising=False)

    def run(*words: str) -> Run:
        with pytest.raises(SystemExit) as ended:
            main([*words, "--data", str(tmp_path / "data"), "--json"])
        out, err = capsys.readouterr()
        return int(str(ended.value.code or 0)), [json.loads(line) for line in out.splitlines()], err

    return run


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "0318A12B.LOX"
    path.write_bytes(lox(Machine(therapy="TPE").members()))
    return path


def test_the_list_names_every_driver_with_its_tier_in_both_languages(
    shell: Callable[..., Run], tmp_path: Path
):
    code, rows, _ = shell("drivers", "list")
    tiers = {row["name"]: row["evidence"] for row in rows}
    assert code == 0
    assert (tiers["hl7-pcd"], tiers["prismaflex"], tiers["twin-column-report"]) == (
        "specified",
        "observed",
        "declared",
    )
    assert all(row["evidence_text"]["de"] and row["evidence_text"]["en"] for row in rows)
    assert not (tmp_path / "data").exists()


def test_a_driver_says_what_it_reads_and_what_it_leaves_in_both_languages(shell: Callable[..., Run]):
    for name in ("prismaflex", "hl7-pcd"):
        _, (row,), _ = shell("drivers", "show", name)
        for language in ("de", "en"):
            assert set(row["about"][language]) == {"title", "source", "reads", "leaves"}


def test_an_unknown_driver_is_said_with_those_that_there_are(shell: Callable[..., Run]):
    code, (row,), err = shell("drivers", "show", "nothing")
    assert (code, row["error"]) == (2, "no_such_driver")
    assert "prismaflex" in err


def test_check_explains_every_claim_and_stores_nothing(
    shell: Callable[..., Run], export: Path, tmp_path: Path
):
    code, (row,), _ = shell("drivers", "check", str(export))
    assert code == 0
    assert [c["driver"] for c in row["claims"] if c["claims"]] == ["prismaflex"]
    assert all(c["reason"] for c in row["claims"])
    receipt = row["would_store"]
    assert (receipt["status"], receipt["run_statuses"], receipt["driver"]["evidence"]) == (
        "preview",
        ["stored"],
        "observed",
    )
    rows = receipt["rows"]
    assert rows["read"] == rows["stored"] + rows["held"] + rows["duplicate"] + rows["ignored"] == 30
    assert [t["readings_ml"]["counter"] for t in row["treatments"]] == ["300"]
    assert "0001029384" not in json.dumps(row)
    assert not (tmp_path / "data").exists()


def test_check_says_how_near_a_file_came(shell: Callable[..., Run], tmp_path: Path):
    near = tmp_path / "new.LOX"
    near.write_bytes(lox(Machine(software="9.00").members()))
    code, (row,), _ = shell("drivers", "check", str(near))
    (claim,) = (c for c in row["claims"] if c["driver"] == "prismaflex")
    assert (code, claim["claims"], claim["code"]) == (4, False, "unknown_version")
    assert "9.00" in claim["near_misses"][0]
    assert (row["would_store"]["status"], row["would_store"]["code"]) == ("refused", "unknown_version")


def test_check_joins_the_files_of_one_treatment_and_says_which_are_missing(
    shell: Callable[..., Run], tmp_path: Path
):
    folder = tmp_path / "export"
    folder.mkdir()
    for name, data in Machine().triple().items():
        (folder / name).write_bytes(data)
    _, rows, _ = shell("drivers", "check", str(folder))
    assert [(len(r["members"]), r["would_store"]["status"]) for r in rows] == [(3, "preview")]
    (folder / "TREAT01P.TXT").unlink()
    _, rows, _ = shell("drivers", "check", str(folder))
    assert [r["would_store"]["status"] for r in rows] == ["waiting"]
    assert "P.TXT" in rows[0]["would_store"]["message"]["de"]


def test_check_reads_for_a_person_in_german(
    shell: Callable[..., Run],
    export: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    assert shell
    monkeypatch.setenv("LANG", "de_AT.UTF-8")
    with pytest.raises(SystemExit):
        main(["drivers", "check", str(export), "--data", str(export.parent / "data")])
    out = capsys.readouterr().out
    assert "+ prismaflex (observed) erkennt sie" in out
    assert "Verarbeitetes Plasma: counter 300 mL" in out


def test_an_acceptance_is_signed_listed_and_gives_the_dose_its_standing(
    shell: Callable[..., Run], export: Path, tmp_path: Path
):
    shell("ingest", str(export))
    assert reasons(tmp_path) == {("driver_not_accepted", True)}
    code, (row,), _ = shell(
        "drivers",
        "accept",
        "prismaflex",
        "--model",
        "Prismaflex",
        "--note",
        "EFFLUENT 300 ml am Bildschirm",
        "--person",
        "Dr. Muster",
    )
    assert (code, row["version"], len(row["sessions"])) == (0, "1", 1)
    assert reasons(tmp_path) == {("driver_not_accepted", False)}
    _, rows, _ = shell("drivers", "list")
    (mine,) = (r for r in rows if r["name"] == "prismaflex")
    assert [(a["model"], a["person"], a["note"]) for a in mine["accepted"]] == [
        ("Prismaflex", "Dr. Muster", "EFFLUENT 300 ml am Bildschirm")
    ]


def test_an_acceptance_without_a_model_covers_the_machines_that_were_read(
    shell: Callable[..., Run], export: Path
):
    code, (said,), _ = shell("drivers", "accept", "prismaflex")
    assert (code, said["error"]) == (2, "no_machine_read")
    shell("ingest", str(export))
    code, (row,), _ = shell("drivers", "accept", "prismaflex")
    assert (code, row["model"], len(row["sessions"])) == (0, "Prismaflex", 1)
    assert row["person"]
    assert row["note"]


def test_a_revoked_acceptance_is_no_longer_listed(shell: Callable[..., Run], export: Path, tmp_path: Path):
    shell("ingest", str(export))
    _, (row,), _ = shell("drivers", "accept", "prismaflex", "--model", "Prismaflex", "--note", "compared")
    code, (gone,), _ = shell("drivers", "revoke", row["acceptance"], "--reason", "another screen")
    assert (code, gone["sessions"]) == (0, row["sessions"])
    assert reasons(tmp_path) == {("driver_not_accepted", True)}
    assert shell("drivers", "show", "prismaflex")[1][0]["accepted"] == []
    assert shell("drivers", "revoke", row["acceptance"], "--reason", "again")[0] == 2


def reasons(tmp_path: Path) -> set[tuple[str, bool]]:
    from sqlalchemy import select

    from ingestor.store.engine import open_database
    from ingestor.store.tables import dose

    db = open_database(f"sqlite:///{tmp_path / 'data' / 'apherelog.db'}")
    with db.read() as connection:
        rows = (
            connection.execute(select(dose.c.status_reasons).where(dose.c.known_to.is_(None))).scalars().all()
        )
    db.close()
    return {("driver_not_accepted", "driver_not_accepted" in row) for row in rows}


def test_an_acceptance_can_be_taken_back_and_both_are_in_the_audit_chain(
    shell: Callable[..., Run], export: Path, tmp_path: Path
):
    from datetime import UTC, datetime

    from ingestor.config import load
    from ingestor.errors import Invalid, NotFound
    from ingestor.flow import acceptance
    from ingestor.flow.house import open_house
    from ingestor.store import audit
    from ingestor.store.audit import Actor

    shell("ingest", str(export))
    actor, machine = Actor("tester", "admin"), ("prismaflex", "1", "Prismaflex")
    with open_house(load(data_dir=tmp_path / "data"), lambda: datetime(2026, 1, 1, tzinfo=UTC)) as house:
        with house.db.write() as connection:
            key, accepted = acceptance.accept(house, connection, machine, "A", "compared", actor)
        with house.db.write() as connection:
            assert acceptance.revoke(house, connection, key, actor, "wrong model") == accepted
        with house.db.write() as connection, pytest.raises(NotFound):
            acceptance.revoke(house, connection, key, actor, "again")
        with house.db.write() as connection, pytest.raises(Invalid):
            acceptance.accept(house, connection, machine, "A", " ", actor)
        with house.db.read() as connection:
            said = [e["action"] for e in audit.entries(connection)]
            assert audit.first_bad(connection) is None
    assert said[-2:] == ["accept-driver", "revoke-acceptance"]
    assert reasons(tmp_path) == {("driver_not_accepted", True)}


def test_a_foreign_wheel_is_listed_used_and_isolated_and_its_broken_part_is_only_said(
    shell: Callable[..., Run], installed: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, export: Path
):
    monkeypatch.setenv("PYTHONPATH", str(installed))
    code, rows, _ = shell("drivers", "list")
    known = {row["name"]: row for row in rows}
    assert code == 0
    assert {"ward-notes", "greedy", "prismaflex", "hl7-pcd"} <= known.keys()
    assert known["ward-notes"]["about"]["en"]["title"] == "Reads the ward's own notes."
    assert "AttributeError" in known["gone"]["problem"]

    note = tmp_path / "note.txt"
    note.write_bytes(b"WARD note")
    code, (row,), _ = shell("drivers", "check", str(note))
    assert (code, row["would_store"]["driver"]["name"]) == (0, "ward-notes")
    assert row["treatments"][0]["device"]["serial"] == "W-1"

    note.write_bytes(b"WARD note BREAK")
    code, (row,), _ = shell("drivers", "check", str(note))
    assert [b["driver"] for b in row["broken"]] == ["greedy"]
    assert "BREAK" not in json.dumps(row["broken"])
    assert row["would_store"]["driver"]["name"] == "ward-notes"

    code, (row,), _ = shell("drivers", "check", str(export))
    assert row["would_store"]["driver"]["name"] == "prismaflex"


def test_machines_are_found_by_name_and_say_what_to_do(shell: Callable[..., Run]):
    _, rows, _ = shell("machines", "list", "spectra")
    assert {row["name"] for row in rows} == {"Spectra Optia", "Cobe Spectra"}
    assert all("drivers new" in row["todo"]["de"] for row in rows)
    assert len(shell("machines", "list")[1]) > 25
