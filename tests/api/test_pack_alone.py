"""An evidence pack is checked by somebody who has nothing but it: sha256sum, unzip and a bare Python."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from ingestor.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.testclient import TestClient

    from tests.api.clinic import Clinic
    from tests.api.conftest import Staff

# What a person would type who trusts nobody: nothing of the program is imported, nothing outside the folder is read.
CHECK = r"""
import hashlib, json, pathlib, sys
here = pathlib.Path(sys.argv[1])
evidence, session = (json.loads((here / name).read_text("utf-8")) for name in ("evidence.json", "session.json"))
dose, lines = session["dose"], 0
for original in (here / "originals").iterdir():
    assert hashlib.sha256(original.read_bytes()).hexdigest() == original.name
members = {m["name"]: m["sha256"] for s in evidence["sources"] for m in s["members"]}
for figure in evidence["figures"].values():
    for place in figure["facts"]:
        text = (here / "originals" / members[place["member"]]).read_bytes().decode("cp1252").splitlines()
        assert text[place["line"] - 1] == place["text"], place
        assert place["printed"] in place["text"] or place["printed"].replace(".", ",") in place["text"]
        lines += 1
loads = [place["value"] for place in evidence["readings"]["cycles"]["facts"]]
assert abs(sum(loads) - dose["cycles_ml"]) < 1e-6
assert dose["processed_plasma_ml"] == dose[dose["processed_plasma_reading"] + "_ml"]
given = {one["kind"]: one["value"] for one in evidence["inputs"]}
h, w, hct = given["height"] / 100, given["weight"], given["hematocrit"]
assert dose["plasma_volume_formula"] == "nadler"
volume = 1000 * (0.3561 * h ** 3 + 0.03308 * w + 0.1833) * (1 - hct)
assert abs(volume - dose["plasma_volume_ml"]) < 1e-3, volume
assert abs(dose["processed_plasma_ml"] / volume - dose["pv_multiple"]) < 1e-5
print(lines)
"""


@pytest.fixture
def unpacked(clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pack that the command wrote, taken out with what every machine has."""
    monkeypatch.setenv("APHERELOG_CENTRE", "vie")
    file, folder = tmp_path / "pack.zip", tmp_path / "pack"
    with pytest.raises(SystemExit) as ended:
        main(
            [
                "--data",
                str(clinic.data),
                "-q",
                "sessions",
                "evidence",
                clinic.sessions[0],
                "--pack",
                str(file),
            ]
        )
    assert ended.value.code == 0
    unzip = ["unzip", "-q", str(file), "-d", str(folder)]
    plain = [sys.executable, "-I", "-m", "zipfile", "-e", str(file), str(folder)]
    subprocess.run(unzip if shutil.which("unzip") else plain, check=True)
    return folder


def test_every_sum_and_every_line_is_checked_without_the_program(unpacked: Path):
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=unpacked, check=True)
    listed = {line.split("  ")[1] for line in (unpacked / "SHA256SUMS").read_text("utf-8").splitlines()}
    files = {str(p.relative_to(unpacked)) for p in unpacked.rglob("*") if p.is_file()}
    assert files == listed | {"SHA256SUMS"}
    bare = [sys.executable, "-I", "-S", "-c", CHECK, str(unpacked)]
    done = subprocess.run(bare, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20


def test_a_changed_byte_is_found_without_the_program(unpacked: Path):
    page = unpacked / "evidence.json"
    page.chmod(0o644)
    page.write_text(page.read_text("utf-8").replace("reported", "reportet", 1), "utf-8")
    done = subprocess.run(
        ["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=unpacked, check=False, capture_output=True
    )
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("README.txt", ("Processed plasma: ", "by the reading 'reported'", "Plasma volume: ", "line ", "sha256sum -c")),
        ("LIESMICH.txt", ("Verarbeitetes Plasma: ", "nach der Lesung „reported“", "Plasmavolumen: ", "Zeile ", "sha256sum -c")),
    ],
)  # fmt: skip
def test_a_page_says_in_plain_words_what_the_numbers_are(unpacked: Path, name: str, words: tuple[str, ...]):
    page = (unpacked / name).read_text("utf-8")
    dose = json.loads((unpacked / "session.json").read_text("utf-8"))["dose"]
    for word in (
        *words,
        f"{dose['processed_plasma_ml']:g}",
        dose["device_serial"],
        dose["plasma_volume_formula"],
    ):
        assert word in page
    assert "{" not in page
    assert max(len(line) for line in page.splitlines()) < 400


def test_every_number_of_a_dose_has_its_formula_and_what_it_follows_from(unpacked: Path):
    dose = json.loads((unpacked / "session.json").read_text("utf-8"))["dose"]
    figures = json.loads((unpacked / "evidence.json").read_text("utf-8"))["figures"]
    numbers = {n for n, v in dose.items() if isinstance(v, int | float) and not isinstance(v, bool)}
    assert numbers <= figures.keys()
    for name, figure in figures.items():
        assert figure["formula"]
        assert figure["value"] == dose[name]
        assert set(figure["from"]) <= figures.keys()
        assert (figure["missing"] is None) == (figure["value"] is not None)
    assert figures["cycles_completed"]["facts"]
    assert figures["ac_volume_ml"]["facts"]


def test_whoever_asks_for_it_gets_a_pack_that_names_nobody(
    hospital: TestClient,
    people: Staff,
    clinic: Clinic,
    known: Clinic,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    path = f"/v1/sessions/{known.sessions[0]}/evidence.zip"
    answer = hospital.get(path, params={"identifiers": "false"}, headers=people["steward"])
    (tmp_path / "api.zip").write_bytes(answer.content)
    monkeypatch.setenv("APHERELOG_CENTRE", "vie")
    options = ["--pack", str(tmp_path / "cli.zip"), "--without-identifiers"]
    with pytest.raises(SystemExit) as ended:
        main(["--data", str(clinic.data), "-q", "sessions", "evidence", clinic.sessions[0], *options])
    assert ended.value.code == 0
    for name in ("api.zip", "cli.zip"):
        with zipfile.ZipFile(tmp_path / name) as pack:
            text = b"".join(pack.read(one) for one in pack.namelist()).decode()
            assert not [one for one in pack.namelist() if one.startswith("originals")]
        assert "left out" in text
        assert [secret for secret in known.secrets if secret in text] == []
