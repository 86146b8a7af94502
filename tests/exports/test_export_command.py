"""`apherelog export`, as an analyst on the machine types it."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

from ingestor.cli import main
from ingestor.exports.codebook import codebook
from ingestor.exports.fields import names

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.parts import Exports

    Shell = Callable[..., tuple[int, str, str]]


@pytest.fixture
def shell(
    tmp_path: Path, simulated: Callable[..., Exports], capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> Shell:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANG", "C")
    data = str(tmp_path / "data")

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([*words, "--data", data])
        out, err = capfdbinary.readouterr()
        return int(str(ended.value.code or 0)), out.decode("utf-8-sig"), err.decode()

    folder = simulated("twin-column-report", "--seed", "11", "--sessions", "4").folder
    assert run("ingest", str(folder), "-q")[0] == 0
    return run


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_every_row_goes_to_standard_output_and_the_rest_to_standard_error(shell: Shell):
    code, out, err = shell("export", "doses")
    assert code == 0
    assert tuple(_rows(out)[0]) == names("doses")
    assert (len(_rows(out)), err) == (4, "4 rows of doses\n")


def test_filters_of_the_interface_are_options(shell: Shell):
    every = _rows(shell("export", "doses")[1])
    serial, key = every[0]["device_serial"], every[1]["session_id"]
    assert len(_rows(shell("export", "doses", "--device-serial", serial)[1])) == 4
    assert [r["session_id"] for r in _rows(shell("export", "doses", "--session", key)[1])] == [key]
    assert _rows(shell("export", "doses", "--status", "final")[1]) == []
    assert len(_rows(shell("export", "doses", "--linked", "false", "--complete", "true")[1])) == 4
    assert _rows(shell("export", "doses", "--as-of", "1999-12-31")[1]) == []
    least = sorted(float(r["processed_plasma_ml"]) for r in every)[2]
    assert len(_rows(shell("export", "doses", "--processed-plasma-ml-min", str(least))[1])) == 2
    assert {r["session_id"] for r in _rows(shell("export", "cycles", "--session", key)[1])} == {key}


@pytest.mark.parametrize(
    "words",
    [("--status", "Final"), ("--from", "yesterday"), ("--linked", "perhaps"), ("--pv-multiple-min", "x")],
)
def test_a_slip_in_a_filter_is_a_usage_error_and_writes_nothing(
    shell: Shell, tmp_path: Path, words: tuple[str, str]
):
    code, out, err = shell("export", "doses", *words, "--out", str(tmp_path / "x.csv"))
    assert (code, out) == (2, "")
    assert words[0].removeprefix("--").replace("-", "_") in err
    assert not (tmp_path / "x.csv").exists()


def test_a_file_has_its_name_when_it_is_whole(shell: Shell, tmp_path: Path):
    target = tmp_path / "out" / "doses.ndjson"
    assert shell("export", "doses", "--format", "ndjson", "--out", str(target))[0] == 2
    target.parent.mkdir()
    assert shell("export", "doses", "--format", "ndjson", "--out", str(target))[0] == 0
    assert [json.loads(line)["complete"] for line in target.read_text("utf-8").splitlines()] == [True] * 4
    assert [p.name for p in target.parent.iterdir()] == ["doses.ndjson"]


def test_exports_are_on_record(shell: Shell):
    shell("export", "alarms")
    entries = [json.loads(line) for line in shell("audit", "export", "--json")[1].splitlines()]
    (export,) = [e for e in entries if e["action"] == "export"]
    assert export["object"] == "alarms"


def test_the_codebook_comes_in_both_languages(shell: Shell):
    assert shell("export", "codebook", "--language", "de")[1] == codebook("de")
    assert shell("export", "codebook")[1].startswith("# Codebook")


def test_evidence_names_file_line_and_text(shell: Shell):
    (row, *_) = _rows(shell("export", "doses")[1])
    found = json.loads(shell("sessions", "evidence", row["session_id"], "--json")[1])
    (place,) = found["readings"]["reported"]["facts"]
    assert place["text"].endswith(place["printed"])
    _, text, _ = shell("sessions", "evidence", row["session_id"])
    assert f"{place['member']}:{place['line']}  {place['text']}" in text
