"""The command: what it writes, what it prints, what it refuses."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from simulators.catalogue import LAYOUTS
from simulators.command import simulate

if TYPE_CHECKING:
    from click.testing import Result

DOCS = Path(__file__).parents[2] / "docs" / "simulators"


def run(out: Path, layout: str, *options: str) -> Result:
    return CliRunner().invoke(simulate, [layout, "--out", str(out), *options])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_writes_its_exports_and_one_truth(tmp_path: Path, layout: str):
    result = run(tmp_path, layout, "--seed", "3", "--sessions", "2", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.output)
    truth = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))
    assert (truth["layout"], truth["seed"], truth["faults"]) == (layout, 3, [])
    assert len(truth["sessions"]) == told["sessions"] == 2
    assert sorted(told["files"]) == sorted(p.name for p in tmp_path.iterdir() if p.name != "truth.json")
    for session in truth["sessions"]:
        assert {
            "run", "device", "patient_id", "started_local", "ended_local", "zone", "complete", "processed_plasma_ml",
            "reported_ml", "blood_processed_ml", "ac_volume_ml", "cycles", "alarms", "weight_kg", "hematocrit",
        } <= set(session)  # fmt: skip
        for alarm in session["alarms"]:
            assert set(alarm) == {"code", "kind", "priority", "onset_local", "cleared_local"}
        for cycle in session["cycles"]:
            assert set(cycle) == {"index", "column", "load_ml", "completed"}


def test_a_second_export_of_a_run_lies_in_a_folder_of_its_own(tmp_path: Path):
    result = run(tmp_path, "single-column-table", "--fault", "re-export")
    assert result.exit_code == 0
    assert sorted(p.name for p in tmp_path.iterdir() if p.suffix == ".csv") == sorted(
        p.name for p in (tmp_path / "again").iterdir()
    )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("twin-column-report", "--version", "4.0"), "twin-column-report has 2.1, 2.0"),
        (("twin-column-report", "--language", "pl"), "twin-column-report has de, en"),
        (("twin-column-journal", "--per-file", "2"), "holds one treatment"),
        (("twin-column-report", "--fault", "rust"), "no fault is called rust"),
        (("separator-record", "--fault", "noise"), "cannot happen to separator-record"),
        (("twin-column-report", "--live", "pty"), "live are"),
        (("twin-column-report", "--therapy", "HD"), "has none"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(tmp_path: Path, options: tuple[str, ...], says: str):
    result = run(tmp_path, *options)
    assert result.exit_code == 2
    assert says in " ".join(result.output.replace("│", " ").split())
    assert not list(tmp_path.iterdir())


def test_the_first_treatment_may_be_told_when_to_start(tmp_path: Path):
    assert run(tmp_path, "twin-column-report", "--start", "2024-03-18T08:12").exit_code == 0
    (session,) = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))["sessions"]
    assert session["started_local"] == "2024-03-18T08:12:00"
    assert session["run"] == "20240318-01"


def test_the_help_names_every_fault():
    result = CliRunner().invoke(simulate, ["--help"])
    assert "power-failure" in result.output
    assert "contradicting-re-export" in result.output


def test_four_hours_at_one_hertz_are_written_within_a_second(tmp_path: Path):
    began = time.process_time()
    result = run(tmp_path, "twin-column-report", "--seed", "1", "--hz", "1", "--hours", "4")
    assert result.exit_code == 0
    assert time.process_time() - began < 1
    (report,) = tmp_path.glob("*.txt")
    assert len(report.read_bytes().splitlines()) > 14_300


PICTURES = {
    "twin": ("twin-column-report", "--seed", "7"),
    "outage": ("twin-column-journal", "--seed", "2", "--fault", "power-failure"),
    "single": ("single-column-table", "--seed", "3"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_the_pictures_in_the_documents_are_those_that_the_command_draws(tmp_path: Path, name: str):
    drawn = tmp_path / "drawn.svg"
    result = run(tmp_path, *PICTURES[name], "--picture", str(drawn))
    assert result.exit_code == 0, result.output
    kept = (DOCS / f"{name}.svg").read_text(encoding="utf-8")
    assert drawn.read_text(encoding="utf-8") == kept
    assert len(kept) < 20_000
    ET.fromstring(kept)


def test_a_run_without_columns_cannot_be_drawn(tmp_path: Path):
    result = run(tmp_path, "prismaflex", "--picture", str(tmp_path / "drawn.svg"))
    assert result.exit_code == 2
    assert "no columns to draw" in result.output
