"""Two decades of a clinic, and a registry of clinics."""

from __future__ import annotations

import csv
import gc
import json
import time
import tracemalloc
from collections import Counter, defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from simulators.archive import ArchiveOrder, write_archive

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.clinics import Clinic


@pytest.fixture(scope="module")
def clinic(written_clinic: Callable[[ArchiveOrder], Clinic]) -> Path:
    return written_clinic(ArchiveOrder(seed=5, years=21, patients=12, sessions=160)).folder


@pytest.fixture(scope="module")
def sessions(clinic: Path) -> list[dict[str, Any]]:
    truth: dict[str, Any] = json.loads((clinic / "truth.json").read_text(encoding="utf-8"))
    assert truth["layout"] == "archive"
    listed: list[dict[str, Any]] = truth["sessions"]
    return listed


def test_every_file_is_in_the_truth_and_every_truth_has_its_files(
    clinic: Path, sessions: list[dict[str, Any]]
):
    told = {name for s in sessions for name in s["files"]}
    there = {str(p.relative_to(clinic)) for p in (clinic / "exports").rglob("*") if p.is_file()}
    assert told == there


def test_machines_are_replaced_and_get_new_firmware_over_two_decades(sessions: list[dict[str, Any]]):
    layouts = {s["layout"] for s in sessions}
    assert {"session-sheet", "twin-column-report", "single-column-table", "twin-column-journal"} <= layouts
    years = {int(s["started_local"][:4]) for s in sessions}
    assert max(years) - min(years) >= 15
    paper = [s["started_local"] for s in sessions if s["layout"] == "session-sheet"]
    assert max(paper) < "2006"
    software = defaultdict(set)
    for s in sessions:
        software[s["device"]["serial"]].add(s["device"]["software"])
    assert any(len(versions) > 1 for versions in software.values())


def test_a_month_on_paper_is_one_sheet(sessions: list[dict[str, Any]]):
    sheets = defaultdict(set)
    for s in sessions:
        if s["layout"] == "session-sheet":
            sheets[s["files"][0]].add(s["started_local"][:7])
    assert sheets
    assert all(len(months) == 1 for months in sheets.values())


def test_no_machine_treats_two_patients_at_once(sessions: list[dict[str, Any]]):
    of_device = defaultdict(set)
    for s in sessions:
        if s["ended_local"]:
            of_device[s["device"]["serial"]].add((s["printed_start"], s["printed_end"]))
    for spans in of_device.values():
        for (start, end), (following, _) in pairwise(sorted(spans)):
            assert following >= end or start[:16] == following[:16]


def test_there_are_orphans_duplicates_and_re_exports(sessions: list[dict[str, Any]]):
    statuses = Counter(word for s in sessions for word in s.get("expected", ()))
    assert {"duplicate", "superseded"} & set(statuses)
    assert any(s["patient_id"] != s["person"] for s in sessions)
    assert any(not s["complete"] for s in sessions)


def test_the_tables_name_every_person_and_measure_every_session(clinic: Path, sessions: list[dict[str, Any]]):
    with (clinic / "patients.csv").open(encoding="utf-8", newline="") as file:
        people = list(csv.DictReader(file))
    assert list(people[0]) == ["system", "identifier", "sex", "birth"]
    known = {p["identifier"] for p in people}
    assert {s["person"] for s in sessions} <= known
    with (clinic / "measurements.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["system", "identifier", "kind", "value", "unit", "at"]
    assert {(r["kind"], r["unit"]) for r in rows} == {
        ("height", "cm"), ("weight", "kg"), ("hematocrit", "%"), ("igg", "g/L"),
    }  # fmt: skip
    assert {r["identifier"] for r in rows} <= known
    igg = [r for r in rows if r["kind"] == "igg"]
    falls = [float(b["value"]) < float(a["value"]) for a, b in zip(igg[::2], igg[1::2], strict=True)]
    assert all(falls)


def test_a_column_is_retired_before_it_is_worn_or_expired(clinic: Path):
    uses: dict[str, list[int]] = defaultdict(list)
    for path in sorted(clinic.glob("exports/*/TC_*.txt")):
        text = path.read_bytes().decode("cp1252", errors="replace").split("\r\n")
        begin = next((line for line in text if line.startswith(("Beginn;", "Start;"))), None)
        for cells in (line.split(";") for line in text if line.startswith(("A;", "B;"))):
            day, expiry = (t.split(".")[::-1] for t in (begin.split(";")[1][:10], cells[5]))
            assert day < expiry
            uses[cells[2]].append(int(cells[4]))
    assert max(len(set(seen)) for seen in uses.values()) > 5
    assert all(use <= 30 for seen in uses.values() for use in seen)


def test_a_separator_in_series_records_the_same_session_on_its_own_clock(sessions: list[dict[str, Any]]):
    adsorbers = {
        (s["device"]["serial"], s["run"]): s for s in sessions if s["layout"] == "twin-column-report"
    }
    pairs = [
        (s, adsorbers[s["with"]["serial"], s["with"]["run"]])
        for s in sessions
        if s["layout"] == "separator-record"
    ]
    assert pairs
    for separator, adsorber in pairs:
        assert separator["person"] == adsorber["person"]
        assert separator["started_local"] == adsorber["started_local"]
        assert separator["delivered_ml"] == pytest.approx(adsorber["delivered_ml"], rel=0.25)


def test_a_registry_goes_centre_by_centre_in_constant_memory(tmp_path: Path):
    """Four times the centres of the same size want no more memory; the first archive pays for what is kept once."""

    def written(name: str, centres: int) -> int:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        order = ArchiveOrder(seed=5, years=3, patients=2 * centres, sessions=12 * centres, centres=centres)
        write_archive(order, tmp_path / name)
        peak = tracemalloc.get_traced_memory()[1] - before
        assert len(list((tmp_path / name / "exports").iterdir())) == centres
        truth = json.loads((tmp_path / name / "truth.json").read_text(encoding="utf-8"))
        assert {s["centre"] for s in truth["sessions"]} == set(range(1, centres + 1))
        return peak

    # What other tests left alive would put off the collection of garbage and count as ours.
    gc.freeze()
    gc.collect()
    tracemalloc.start()
    try:
        written("first", 2)
        few, many = written("few", 2), written("many", 8)
    finally:
        tracemalloc.stop()
        gc.unfreeze()
    # Eight centres would want four times as much as two if anything of them was kept.
    assert many < 2.5 * few


def test_twenty_exports_a_second_are_written(tmp_path: Path):
    began = time.process_time()
    written = write_archive(ArchiveOrder(seed=6, years=12, patients=8, sessions=120, centres=2), tmp_path)
    assert written["files"] / (time.process_time() - began) > 20
