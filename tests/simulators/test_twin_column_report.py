"""The report of the twin-column machine, read again by a small reader of its own, tells the truth."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from simulators.command import simulate

if TYPE_CHECKING:
    from pathlib import Path

SECTIONS = {"[Säulen]", "[Zyklen]", "[Alarme]", "[Messwerte]", "[Summe]"}
SECTIONS_EN = {"[Columns]", "[Cycles]", "[Alarms]", "[Samples]", "[Totals]"}


@dataclass
class Report:
    version: str
    head: dict[str, str] = field(default_factory=dict)
    tables: list[list[list[str]]] = field(default_factory=list)
    end: tuple[str, int] | None = None
    lines: int = 0


def read(content: bytes) -> list[Report]:
    reports: list[Report] = []
    for line in content.decode("cp1252").split("\r\n")[:-1]:
        if line.startswith("#TCR "):
            reports.append(Report(line[5:]))
        report = reports[-1]
        if line.startswith("#EN"):
            word, count = line.split(";")
            report.end = (word, int(count))
            continue
        report.lines += 1
        if line.startswith("["):
            report.tables.append([])
        elif report.tables:
            report.tables[-1].append(line.split(";"))
        elif ";" in line:
            key, value = line.split(";")
            report.head[key] = value
    return reports


def number(text: str) -> float:
    return float(text.replace(",", "."))


def iso(printed: str) -> str:
    date, time = printed.split(" ")
    return "-".join(reversed(date.split("."))) + "T" + time


def run(out: Path, *options: str) -> dict:
    result = CliRunner().invoke(simulate, ["twin-column-report", "--out", str(out), *options])
    assert result.exit_code == 0, result.output
    return json.loads((out / "truth.json").read_text(encoding="utf-8"))


def files(out: Path) -> list[bytes]:
    return [p.read_bytes() for p in sorted(out.glob("*.txt"))]


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("version", ["2.0", "2.1"])
def test_a_report_read_again_gives_the_truth(tmp_path: Path, language: str, version: str):
    truth = run(tmp_path, "--seed", "3", "--language", language, "--version", version)["sessions"][0]
    (report,) = read(files(tmp_path)[0])
    assert report.version == version
    _, cycles, alarms, samples, totals = report.tables
    load = "Beladung" if language == "de" else "Loading"
    loads = [c for c in cycles[1:] if c[2] == load]
    assert [(int(c[0]), c[1], number(c[5])) for c in loads] == [
        (c["index"], c["column"], c["load_ml"]) for c in truth["cycles"]
    ]
    if version == "2.1":
        assert [c[6] == "ok" for c in loads] == [c["completed"] for c in truth["cycles"]]
    assert [(a[1], number(a[2])) for a in alarms[1:]] == [
        (a["code"], ["low", "medium", "high"].index(a["priority"]) + 1) for a in truth["alarms"]
    ]
    assert [a[0] for a in alarms[1:]] == [a["onset_local"][11:] for a in truth["alarms"]]
    assert number(totals[0][1]) == truth["reported_ml"] == truth["processed_plasma_ml"]
    assert number(totals[1][1]) == pytest.approx(truth["blood_processed_ml"], abs=0.5)
    assert number(totals[2][1]) == pytest.approx(truth["ac_volume_ml"], abs=0.5)
    assert int(totals[3][1]) == len(truth["cycles"])
    start, end = list(report.head.values())[5:7]
    assert [iso(start), iso(end)] == [truth["started_local"], truth["ended_local"]]
    assert len(samples[0]) == 9
    assert (
        samples[0][2] == {"2.1": "QP", "2.0": "Plasmafluss" if language == "de" else "Plasma flow"}[version]
    )


@pytest.mark.parametrize("seed", range(8))
def test_total_cycles_counter_and_integral_of_one_hertz_agree(tmp_path: Path, seed: int):
    truth = run(tmp_path, "--seed", str(seed), "--hz", "1")["sessions"][0]
    (report,) = read(files(tmp_path)[0])
    _, cycles, _, samples, totals = report.tables
    loads = [c for c in cycles[1:] if c[2] == "Beladung"]
    total = number(totals[0][1])
    assert total == truth["processed_plasma_ml"]
    assert sum(number(c[5]) for c in loads) == pytest.approx(total, abs=0.001)
    assert number(samples[-1][8]) == total
    flows = {row[0]: number(row[2]) for row in samples[1:]}
    integral = sum(flow for time, flow in flows.items() if any(c[3] <= time < c[4] for c in loads)) / 60
    assert integral == pytest.approx(total, abs=0.2)


def test_the_end_mark_counts_the_lines_of_its_own_treatment(tmp_path: Path):
    run(tmp_path, "--seed", "5", "--per-file", "3", "--sessions", "2")
    contents = files(tmp_path)
    assert len(contents) == 2
    for content in contents:
        reports = read(content)
        assert len(reports) == 3
        assert all(r.end == ("#ENDE", r.lines) for r in reports)
        assert len({r.head["Behandlung"] for r in reports}) == 3


def test_the_same_seed_writes_the_same_bytes_and_another_seed_another_run(tmp_path: Path):
    first = run(tmp_path / "a", "--seed", "11", "--sessions", "3")
    again = run(tmp_path / "b", "--seed", "11", "--sessions", "3")
    other = run(tmp_path / "c", "--seed", "12", "--sessions", "3")
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert first == again
    key = {(s["device"]["serial"], s["run"]) for s in first["sessions"]}
    assert len(key) == 3
    assert not key & {(s["device"]["serial"], s["run"]) for s in other["sessions"]}


def test_four_hours_at_one_hertz_are_written_within_a_second(tmp_path: Path):
    began = time.process_time()
    run(tmp_path, "--seed", "1", "--hz", "1", "--hours", "4")
    assert time.process_time() - began < 1
    assert len(files(tmp_path)[0].splitlines()) > 14_300
