"""`apherelog export fhir`, `omop` and `concepts`, as somebody on the machine types them."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from typing import TYPE_CHECKING

import pytest

from ingestor.cli import main
from ingestor.exports.omop import layout
from tests import clinics

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from simulators.archive import ArchiveOrder
    from tests.clinics import Taken

    Shell = Callable[..., tuple[int, str, str]]


@pytest.fixture
def taken(taken_clinic: Callable[[ArchiveOrder], Taken]) -> Taken:
    return taken_clinic(clinics.SAMPLE)


@pytest.fixture
def shell(
    tmp_path: Path, taken: Taken, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    monkeypatch.chdir(tmp_path)
    data = str(taken.copied(tmp_path / "data"))

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([*words, "--data", data])
        out, err = capfdbinary.readouterr()
        return int(str(ended.value.code or 0)), out.decode(), err.decode()

    return run


def _bytes(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def _lines(folder: Path, name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / name).read_text("utf-8").splitlines()]


@pytest.mark.parametrize("kind", ["fhir", "omop"])
def test_the_files_of_a_snapshot_are_the_same_bytes_after_the_doses_have_changed(
    shell: Shell, tmp_path: Path, kind: str
):
    assert shell("export", "snapshot", "cited")[0] == 0
    assert shell("export", kind, "--snapshot", "cited", "--out", "first")[0] == 0
    patients = [json.loads(line) for line in shell("patients", "list", "--json")[1].splitlines()]
    busy = max(patients, key=lambda p: p["sessions"])["patient"]
    (dose, *_) = csv.DictReader(io.StringIO(shell("export", "doses", "--patient", busy)[1]))
    assert shell("patients", "measure", busy, "weight", "93", "kg", "--at", dose["started_at"])[0] == 0
    assert shell("export", kind, "--snapshot", "cited", "--out", "again")[0] == 0
    assert shell("export", kind, "--out", "now")[0] == 0
    first, again, now = (_bytes(tmp_path / name) for name in ("first", "again", "now"))
    assert first == again
    changed = {name for name in first if first[name] != now[name]}
    assert ("Observation.ndjson" if kind == "fhir" else "measurement.csv") in changed


def test_every_dose_of_a_snapshot_is_in_the_files_or_among_the_left_out(shell: Shell, tmp_path: Path):
    shell("export", "snapshot", "cited", "--from", "2010-01-01")
    shell("export", "fhir", "--snapshot", "cited", "--out", "fhir")
    shell("export", "omop", "--snapshot", "cited", "--out", "omop")
    with (tmp_path / "data" / "snapshots" / "cited" / "doses.csv").open(encoding="utf-8", newline="") as file:
        cited = {row["session_id"] for row in csv.DictReader(file)}
    assert len(cited) > 30
    left = {one["issue"][0]["diagnostics"] for one in _lines(tmp_path / "fhir", "OperationOutcome.ndjson")}  # type: ignore[index]
    assert {one["id"] for one in _lines(tmp_path / "fhir", "Procedure.ndjson")} | left == cited
    found: dict[str, set[str]] = {}
    for table, column in (("visit_occurrence", "visit_source_value"), ("exclusions", "session_id")):
        with (tmp_path / "omop" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            found[table] = {row[column] for row in csv.DictReader(file)}
    assert found["visit_occurrence"] | found["exclusions"] == cited
    facts = json.loads((tmp_path / "fhir" / "manifest.json").read_text("utf-8"))["extension"][
        "urn:apherelog:origin"
    ]
    assert (facts["snapshot"], facts["filter_from"]) == ("cited", "2010-01-01")


def test_nothing_in_the_files_says_who_a_patient_is(shell: Shell, tmp_path: Path, taken: Taken):
    with (taken.clinic.folder / "patients.csv").open(encoding="utf-8", newline="") as file:
        people = list(csv.DictReader(file))
    secrets = {row["identifier"] for row in people} | {row["birth"] for row in people}
    patients = [json.loads(line) for line in shell("patients", "list", "--json")[1].splitlines()]
    secrets |= {p["patient"] for p in patients}
    assert len(secrets) > 20
    busy = max(patients, key=lambda p: p["sessions"])["patient"]
    assert shell("export", "fhir", "--out", "fhir", "--patient", busy)[0] == 0
    assert shell("export", "omop", "--out", "omop")[0] == 0
    for folder in ("fhir", "omop"):
        for name, data in _bytes(tmp_path / folder).items():
            assert not [s for s in secrets if f'"{s}"' in data.decode() or f",{s}," in data.decode()], name
            assert "pat-" not in data.decode(), name
    assert len(_lines(tmp_path / "fhir", "Patient.ndjson")) == 1


def test_the_sums_are_those_of_the_files(shell: Shell, tmp_path: Path):
    shell("export", "omop", "--out", "omop", "--to", "2012-12-31")
    files = _bytes(tmp_path / "omop")
    sums = dict(reversed(line.split("  ")) for line in files["SHA256SUMS"].decode().splitlines())
    assert sums == {n: hashlib.sha256(d).hexdigest() for n, d in files.items() if n != "SHA256SUMS"}
    assert set(files) == {f"{t}.csv" for t in layout.tables()} | {"SHA256SUMS", "manifest.json"}


def test_a_folder_with_something_in_it_is_left_alone(shell: Shell, tmp_path: Path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "note.txt").write_text("mine")
    code, _, err = shell("export", "fhir", "--out", "taken")
    assert code == 2
    assert "taken" in err
    assert _bytes(tmp_path / "taken") == {"note.txt": b"mine"}
    assert not list(tmp_path.glob(".*.part"))


def test_a_map_is_used_and_a_slip_in_it_writes_nothing(shell: Shell, tmp_path: Path):
    assert shell("export", "concepts", "--out", str(tmp_path / "data" / "concepts.toml"))[0] == 0
    path = tmp_path / "data" / "concepts.toml"
    path.write_text(
        path.read_text("utf-8").replace('"immunoadsorption" = { concept_id = 0 }', '"immunoadsorption" = { concept_id = 4000001, vocabulary = "SNOMED" }'),
        "utf-8",
    )  # fmt: skip
    assert shell("export", "omop", "--out", "mapped")[0] == 0
    with (tmp_path / "mapped" / "procedure_occurrence.csv").open(encoding="utf-8", newline="") as file:
        assert {row["procedure_concept_id"] for row in csv.DictReader(file)} == {"4000001"}
    missing = json.loads(shell("export", "concepts", "--json")[1])["unmapped"]
    assert {"kind": "procedure", "code": "immunoadsorption"} not in missing
    assert {"kind": "visit", "code": "session"} in missing
    path.write_text("[procedure]\nimmunoadsorption = 7\n", "utf-8")
    code, _, err = shell("export", "omop", "--out", "wrong")
    assert code == 2
    assert "[procedure] immunoadsorption" in err
    assert not (tmp_path / "wrong").exists()


def test_a_data_set_brings_its_own_filter(shell: Shell):
    code, _, err = shell("export", "fhir", "--snapshot", "x", "--linked", "true", "--out", "x")
    assert (code, "--snapshot" in err) == (2, True)
    assert shell("export", "fhir", "--snapshot", "nothing", "--out", "x")[0] == 2


def test_a_later_release_says_the_same_in_its_own_words(shell: Shell, tmp_path: Path):
    at = ("--as-of", "2030-01-01")
    assert shell("export", "fhir", "--out", "r4", *at)[0] == 0
    assert shell("export", "fhir", "--out", "r5", "--release", "R5", *at)[0] == 0
    old, new = _lines(tmp_path / "r4", "Procedure.ndjson"), _lines(tmp_path / "r5", "Procedure.ndjson")
    assert [p["performedPeriod"] for p in old] == [p["occurrencePeriod"] for p in new]
    assert _bytes(tmp_path / "r4")["Observation.ndjson"] == _bytes(tmp_path / "r5")["Observation.ndjson"]
