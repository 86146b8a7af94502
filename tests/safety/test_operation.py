"""Files for those who run it: units, alerts, wheels, bills; rehearsals and forecasts."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ingestor.cli import main
from ingestor.ops import anchors, parts
from ingestor.ops.backup import back_up, rehearse
from ingestor.ops.forecast import forecast
from ingestor.store import schema
from ingestor.store.engine import open_database

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestor.flow.house import House
    from tests.safety.conftest import Office

ROOT = Path(__file__).parents[2]
FILES = ROOT / "docs" / "operation" / "files"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_the_unit_is_well_formed_and_allows_little(tmp_path: Path) -> None:
    text = (FILES / "apherelog.service").read_text().replace("/opt/apherelog/bin/apherelog", sys.executable)
    unit = tmp_path / "apherelog.service"
    unit.write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit],
        capture_output=True, text=True, check=False, env=os.environ | {"SYSTEMD_COLORS": "0"},
    )  # fmt: skip
    score = re.search(r"exposure level for \S+: (\d+\.\d+)", judged.stdout + judged.stderr)
    assert score is not None
    assert float(score[1]) < 2


def test_alerts_and_dashboard_speak_of_numbers_that_exist(
    office_of: Callable[..., Office], tmp_path: Path
) -> None:
    office = office_of(audit_anchors=(str(tmp_path / "anchor"),))
    service = office.service
    office.client.get("/health")
    office.sign_in("nurse")
    anchors.drop(service.db, service.settings, service.now())
    told = office.client.get("/metrics").text
    names = set(re.findall(r"^(apherelog_\w+)", told, re.MULTILINE))
    whats = set(re.findall(r'what="(\w+)"', told))
    asked = (FILES / "alerts.yaml").read_text() + "".join(
        target["expr"]
        for panel in json.loads((FILES / "dashboard.json").read_text())["panels"]
        for target in panel["targets"]
    )
    assert set(re.findall(r"apherelog_\w+", asked)) <= names
    assert set(re.findall(r'what="(\w+)"', asked)) <= whats
    for pattern in re.findall(r'what=~"([^"]+)"', asked):
        assert any(re.fullmatch(pattern, what) for what in whats), pattern


def _wheelhouse(*words: str) -> subprocess.CompletedProcess[str]:
    script = str(FILES / "wheelhouse.sh")
    return subprocess.run(["sh", script, *words], capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.mark.parametrize("harm", [None, "changed", "missing", "added"])
def test_a_wheelhouse_that_was_tampered_with_is_noticed(tmp_path: Path, harm: str | None) -> None:
    for name in ("a-1.whl", "b-2.whl", "install.lock"):
        (tmp_path / name).write_text(name)
    listed = subprocess.run(
        "find . -type f ! -name SHA256SUMS | sort | xargs sha256sum", shell=True, cwd=tmp_path, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    (tmp_path / "SHA256SUMS").write_text(listed.stdout)
    if harm == "changed":
        (tmp_path / "a-1.whl").write_text("a-1.whx")
    elif harm == "missing":
        (tmp_path / "b-2.whl").unlink()
    elif harm == "added":
        (tmp_path / "c-3.whl").write_text("x")
    assert (_wheelhouse("verify", str(tmp_path)).returncode == 0) == (harm is None)


def test_a_wheel_with_another_sum_than_the_lock_is_not_installed(tmp_path: Path) -> None:
    """F125: what pip itself does with the lock of the wheelhouse."""
    import zipfile

    wheel = tmp_path / "harmless-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("harmless.py", "")
        file.writestr("harmless-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: harmless\nVersion: 1\n")
        file.writestr(
            "harmless-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr("harmless-1.dist-info/RECORD", "")
    lock = tmp_path / "install.lock"
    lock.write_text(f"harmless==1 --hash=sha256:{'0' * 64}\n")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--no-index", "--find-links", tmp_path, "--require-hashes", "-r", lock,
         "--target", tmp_path / "there"], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "DO NOT MATCH" in done.stderr
    assert not (tmp_path / "there" / "harmless.py").exists()


@pytest.mark.torture
def test_from_a_wheelhouse_it_installs_without_a_network_and_serves(tmp_path: Path) -> None:
    """Builds the wheelhouse (needs what pip needs), then installs from it alone."""
    wheels, there = tmp_path / "wheels", tmp_path / "there"
    assert _wheelhouse("build", str(wheels)).returncode == 0
    lost = os.environ | {
        "PIP_NO_INDEX": "1",
        "http_proxy": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
    }
    done = subprocess.run(
        ["sh", wheels / "wheelhouse.sh", "install", wheels, there], check=False, capture_output=True, env=lost
    )
    assert done.returncode == 0, done.stderr
    made = subprocess.run(
        [there / "bin/apherelog", "--data", tmp_path / "data", "--json", "db", "check"],
        check=False, capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert (made.returncode, json.loads(made.stdout)["database"]) == (0, [])


def test_the_bill_of_materials_names_every_part_and_what_needs_what() -> None:
    bill = parts.bill(datetime(2026, 1, 1, tzinfo=UTC))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["name"] == "apherelog"
    by_name = {one["name"]: one for one in bill["components"]}
    for name in ("sqlalchemy", "fastapi", "pyarrow", "pydantic-core"):
        assert by_name[name]["version"] == metadata.version(name)
        assert by_name[name]["purl"] == f"pkg:pypi/{name}@{metadata.version(name)}"
        assert len(by_name[name]["hashes"][0]["content"]) == 64
    assert "pytest" not in by_name
    refs = {one["bom-ref"] for one in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}
    assert {d["ref"] for d in bill["dependencies"]} == refs
    assert all(set(d["dependsOn"]) <= refs for d in bill["dependencies"])
    needs = {d["ref"]: d["dependsOn"] for d in bill["dependencies"]}
    assert any("starlette" in ref for ref in needs[by_name["fastapi"]["bom-ref"]])


def test_every_part_of_the_program_itself_names_its_licence() -> None:
    unnamed = [name for name, _, licence in parts.licences() if licence == "not named"]
    assert set(unnamed) <= {"pysqlite3"}


def _run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[Any, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return ended.value.code or 0, capsys.readouterr().out


@pytest.mark.sqlite
def test_an_upgrade_is_rehearsed_on_a_copy_and_changes_nothing(house: House, tmp_path: Path) -> None:
    from alembic import command

    old = tmp_path / "old.db"
    back_up(house.db, old)
    db = open_database(f"sqlite:///{old}")
    command.downgrade(schema._config(db), "0001")
    told = rehearse(db, tmp_path)
    assert (told.before, told.after, told.troubles) == ("0001", schema.versions(house.db)[1], [])
    assert schema.versions(db)[0] == "0001"
    db.close()
    assert [p.name for p in tmp_path.iterdir() if "rehears" in p.name] == []


def test_the_commands_rehearse_foresee_and_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ("--data", str(tmp_path / "data"), "--json")
    assert _run(capsys, *where, "db", "upgrade")[0] == 0
    code, out = _run(capsys, *where, "db", "upgrade", "--rehearse")
    assert (code, json.loads(out)["troubles"]) == (0, [])
    code, out = _run(capsys, *where, "db", "forecast")
    assert (code, json.loads(out)["years"]) == (0, None)
    assert json.loads(_run(capsys, "parts", "bill")[1])["bomFormat"] == "CycloneDX"
    assert "fastapi" in _run(capsys, "parts", "licences")[1]


@pytest.mark.sqlite
def test_a_forecast_counts_the_last_year_with_its_share_of_the_database(house: House) -> None:
    from ingestor.flow.pipeline import ingest
    from ingestor.store.sources import StoredMember
    from tests.parts import ORDER

    for number in range(3):
        kept = house.archive.put_bytes(b"%d" % number * 1000)
        ingest(house, [StoredMember("a.txt", kept.sha256, kept.size)], ORDER)
    found = forecast(house.db, house.settings, datetime.now(UTC))
    assert (found.archive_bytes, found.year_sources) == (3000, 3)
    assert found.database_bytes is not None
    assert found.year_bytes == 3000 + found.database_bytes
    assert found.years is not None
    assert found.years > 0
