"""What every layout prints, read again by a small reader of its own, is the truth."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from simulators.catalogue import LAYOUTS
from tests.simulators import reading
from tests.simulators.making import exports, one

if TYPE_CHECKING:
    from pathlib import Path

    from tests.simulators.reading import Seen

SEEDS = range(6)
MEMBERS = {f"PL{x}" for x in "EPSCTIYLR"} | {f"PC{x}" for x in "UMIA"}


def agrees(seen: Seen, truth: dict[str, Any], *, times_of_day: bool = False) -> None:
    assert seen.run == truth["run"]
    assert seen.patient == truth["patient_id"]
    assert seen.start == truth["printed_start"]
    end = truth["printed_end"][11:] if times_of_day else truth["printed_end"]
    assert seen.end == end
    assert seen.whole == truth["complete"]
    assert seen.reported == truth["reported_ml"]
    onsets = [(a["code"], a["onset_local"][11:]) for a in truth["alarms"]]
    assert seen.alarms == onsets
    if truth["readings"]["counter"] is not None:
        assert max(seen.counter) <= truth["delivered_ml"]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("version", ["2.0", "2.1"])
def test_a_report_read_again_gives_the_truth(seed: int, language: str, version: str):
    (content,), truth = one("twin-column-report", seed=seed, language=language, version=version)
    (seen,) = reading.reports(content)
    agrees(seen, truth)
    assert seen.head["version"] == version
    assert [(column, ml) for column, ml in seen.loads] == [
        (c["column"], c["load_ml"]) for c in truth["cycles"]
    ]
    assert seen.blood == pytest.approx(truth["blood_processed_ml"], abs=0.5)
    assert seen.anticoagulant == pytest.approx(truth["ac_volume_ml"], abs=0.5)
    assert seen.counter[-1] == truth["processed_plasma_ml"]
    if version == "2.1":
        aborted = "".join(f"{c['index']} " for c in truth["cycles"] if not c["completed"])
        assert seen.head.get("aborted", "") == aborted


@pytest.mark.parametrize(
    ("language", "version", "word"),
    [("de", "2.0", "Plasmafluss"), ("en", "2.0", "Plasma flow"), ("de", "2.1", "QP"), ("en", "2.1", "QP")],
)
def test_a_report_names_the_plasma_flow_as_its_version_does(language: str, version: str, word: str):
    (content,), _ = one("twin-column-report", language=language, version=version)
    (seen,) = reading.reports(content)
    samples = seen.head["Sa"]
    assert samples.split(";")[2] == word
    cycles = seen.head["Cy"]
    assert cycles.endswith("Status") == (version == "2.1")


@pytest.mark.parametrize("seed", range(10))
def test_total_loads_counter_and_integral_of_one_hertz_agree(seed: int):
    (content,), truth = one("twin-column-report", seed=seed, hz=1)
    text = content.decode("cp1252")
    (seen,) = reading.reports(content)
    spans = [c.split(";")[3:5] for c in text.split("\r\n") if ";Beladung;" in c]
    integral = sum(
        flow for time, flow in zip(seen.times, seen.flow, strict=True) if any(a <= time < b for a, b in spans)
    )
    assert sum(ml for _, ml in seen.loads if ml) == pytest.approx(truth["delivered_ml"], abs=0.001)
    assert integral / 60 == pytest.approx(truth["delivered_ml"], abs=0.2)


def test_one_file_holds_several_treatments_each_with_its_own_count():
    written = exports("twin-column-report", seed=5, per_file=3, sessions=2)
    assert len(written) == 2
    for export in written:
        (content,) = export.members.values()
        seen = reading.reports(content)
        assert [s.run for s in seen] == [t["run"] for t in export.sessions]
        assert all(s.whole for s in seen)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_journal_read_again_gives_the_truth(seed: int):
    (content,), truth = one("twin-column-journal", seed=seed)
    seen = reading.journal(content)
    agrees(seen, truth, times_of_day=True)
    assert [column for column, _ in seen.loads] == [c["column"] for c in truth["cycles"]]
    assert seen.counter[-1] == truth["processed_plasma_ml"]
    assert int(seen.head["CYCLES"]) == len(truth["cycles"]) // 2
    assert float(seen.head["WEIGHT"]) == truth["weight_kg"]
    assert float(seen.head["HCT"]) / 100 == pytest.approx(truth["hematocrit"])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_serial_stream_read_again_gives_the_truth(seed: int):
    (content,), truth = one("twin-column-serial", seed=seed)
    seen = reading.line(content)
    agrees(seen, truth, times_of_day=True)
    payloads, bad = reading.frames(content)
    assert bad == 0
    assert [int(p[0]) for p in payloads] == [n % 10_000 for n in range(len(payloads))]
    seconds = [int(p[2][:2]) * 3600 + int(p[2][2:4]) * 60 + int(p[2][4:]) for p in payloads]
    assert seconds == sorted(seconds)
    assert {b - a for a, b in pairwise(seconds)} <= set(range(6))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("language", ["de", "en"])
def test_a_pair_of_tables_read_again_gives_the_truth(seed: int, language: str):
    (main, alarms), truth = one("single-column-table", seed=seed, language=language)
    seen = reading.table(main, alarms)
    agrees(seen, truth)
    falls = [a for a, b in pairwise(seen.counter) if b < a]
    assert sum(falls) + seen.counter[-1] == pytest.approx(truth["delivered_ml"], abs=0.001)
    assert len(falls) + 1 == len(truth["cycles"]) == len(truth["columns"])
    assert seen.head["column product"] == truth["columns"][0]["product"]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_separator_record_read_again_gives_the_truth(seed: int):
    (content,), truth = one("separator-record", seed=seed)
    seen = reading.record(content)
    agrees(seen, truth)
    assert seen.blood == pytest.approx(truth["blood_processed_ml"], abs=0.5)
    assert float(seen.head["acToPatient"]) < float(seen.head["acUsed"])
    inlet, used, ratio = (float(seen.head[k]) for k in ("inletProcessed", "acUsed", "ratio"))
    assert inlet / used == pytest.approx(ratio, rel=0.002)


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("version", ["csv", "xlsx"])
def test_a_sheet_holds_one_row_a_session(tmp_path: Path, language: str, version: str):
    (written,) = exports("session-sheet", per_file=5, language=language, version=version)
    ((name, content),) = written.members.items()
    if version == "csv":
        separator = ";" if language == "de" else ","
        rows = [line.split(separator) for line in content.decode("utf-8-sig").split("\r\n")[1:-1]]
        plasma = [float(row[9]) for row in rows]
        patients = [row[3] for row in rows]
    else:
        (tmp_path / name).write_bytes(content)
        sheet = openpyxl.load_workbook(tmp_path / name).active
        assert sheet is not None
        rows = [list(row) for row in sheet.iter_rows(min_row=2, values_only=True)]
        plasma, patients = [row[9] for row in rows], [row[3] for row in rows]
        assert [f"{r[0]:%Y-%m-%d}T{r[1]:%H:%M}:00" for r in rows] == [
            t["started_local"] for t in written.sessions
        ]
    assert plasma == [t["reported_ml"] for t in written.sessions]
    assert patients == [t["patient_id"] for t in written.sessions]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("language", ["en", "de", "pl"])
def test_a_bedside_log_of_software_8_read_again_gives_the_truth(seed: int, language: str):
    (content,), truth = one("prismaflex", seed=seed, language=language)
    members = reading.lox(content)
    assert set(members) == MEMBERS
    events, samples = members["PLE"][2:].decode("utf-16-le"), members["PLS"].decode("ascii")
    assert [reading.rows_of(t)[2] for t in (events, samples, members["PLP"].decode())] == [27, 7, 7]
    _as_at_the_bedside(reading.bedside(events, samples), truth)


@pytest.mark.parametrize("seed", SEEDS)
def test_three_texts_of_software_5_read_again_give_the_truth(seed: int):
    (events, _, samples), truth = one("prismaflex", seed=seed, version="5.10")
    seen = reading.bedside(events[2:].decode("utf-16-le"), samples.decode("ascii"))
    assert seen.patient == truth["patient_id"]
    assert seen.counter[-1] == truth["processed_plasma_ml"]
    assert seen.start
    assert seen.start.split()[3] == truth["started_local"][11:]


def _as_at_the_bedside(seen: Seen, truth: dict[str, Any]) -> None:
    assert seen.start == truth["printed_start"].replace("T", " ")
    assert seen.end == truth["printed_end"].replace("T", " ")
    assert seen.whole
    assert seen.patient == truth["patient_id"]
    assert seen.head["therapy"] == truth["therapy"]
    assert [(code, at.replace(" ", "T")) for code, at in seen.alarms] == [
        (a["code"], a["onset_local"]) for a in truth["alarms"]
    ]
    assert seen.counter[-1] == truth["processed_plasma_ml"]


@pytest.mark.parametrize("therapy", LAYOUTS["prismaflex"].therapies)
def test_the_fluid_balance_of_every_row_closes_within_a_millilitre(therapy: str):
    (content,), truth = one("prismaflex", therapy=therapy)
    members = reading.lox(content)
    header, rows, _ = reading.rows_of(members["PLS"].decode("ascii"))
    events = reading.rows_of(members["PLE"][2:].decode("utf-16-le"))[1]
    removal = next(float(r[6]) for r in events if (r[2], r[4]) == ("16", "24"))
    for cells in rows:
        row = {k: float(v) for k, v in zip(header[2:], cells[2:], strict=False)}
        given = row["post_infusion"] + row["pre_infusion"] + row["dialysate"]
        given += row["preblood_inf"] + row["syringe_inf"]
        expected = removal * row["run_time"] / 3600 - (row["effluent"] - given)
        assert abs(expected - row["excess_pt_fluid"]) <= 1
    assert (truth["processed_plasma_ml"] is None) == (therapy != "TPE")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_batch_of_hl7_messages_read_again_gives_the_truth(seed: int):
    (content,), truth = one("hl7-pcd", seed=seed)
    seen = reading.batch(content)
    assert seen.run == truth["run"]
    assert seen.patient == truth["patient_id"]
    assert seen.whole
    assert seen.reported == truth["reported_ml"] == truth["delivered_ml"]
    assert [column for column, _ in seen.loads] == [c["column"] for c in truth["cycles"]]
    assert seen.alarms == [(a["code"], a["onset_local"][11:]) for a in truth["alarms"]]
    for told, expected in ((seen.start, truth["started_local"]), (seen.end, truth["ended_local"])):
        assert told
        assert f"{told[:4]}-{told[4:6]}-{told[6:8]}T{reading.clock(told[8:14])}" == expected


EVERY = [
    (name, version, language)
    for name, layout in LAYOUTS.items()
    for version in layout.versions
    for language in layout.languages
]
# Tested for themselves: a sheet is rows of many, single messages are those of the batch.
APART = {("session-sheet", "csv"), ("session-sheet", "xlsx"), ("hl7-pcd", "single")}


@pytest.mark.parametrize(("layout", "version", "language"), [e for e in EVERY if e[:2] not in APART])
def test_every_version_in_every_language_read_again_gives_run_patient_volumes_and_alarms(
    layout: str, version: str, language: str
):
    members, truth = one(layout, version=version, language=language, seed=12)
    seen = _read(layout, version, members)
    assert seen.patient == truth["patient_id"]
    assert seen.run == truth["run"] or truth["run"] is None
    assert len(seen.alarms) == len(truth["alarms"])
    if truth["readings"]["reported"] is not None:
        assert seen.reported == truth["reported_ml"]
    if truth["readings"]["counter"] is not None:
        falls = [a for a, b in pairwise(seen.counter) if b < a]
        assert sum(falls) + seen.counter[-1] == pytest.approx(truth["readings"]["counter"], abs=0.051)
    if truth["readings"]["cycles"] is not None:
        assert sum(ml or 0 for _, ml in seen.loads) == pytest.approx(truth["readings"]["cycles"], abs=0.051)


def _read(layout: str, version: str, members: list[bytes]) -> Seen:
    if layout == "prismaflex":
        inner = reading.lox(members[0]) if version == "8.20" else {"PLE": members[0], "PLS": members[2]}
        return reading.bedside(inner["PLE"][2:].decode("utf-16-le"), inner["PLS"].decode("ascii"))
    if layout == "single-column-table":
        return reading.table(members[0], members[1])
    readers = {
        "twin-column-report": lambda content: reading.reports(content)[0], "twin-column-journal": reading.journal,
        "twin-column-serial": reading.line, "separator-record": reading.record, "hl7-pcd": reading.batch,
    }  # fmt: skip
    return readers[layout](members[0])


def test_single_hl7_messages_are_those_of_the_batch():
    (batch,), _ = one("hl7-pcd", hours=1)
    (written,) = exports("hl7-pcd", hours=1, version="single")
    told = b"".join(written.members.values())
    assert told in batch
    assert batch.count(b"MSH|") == len(written.members)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_run(layout: str):
    first, again = exports(layout, sessions=3), exports(layout, sessions=3)
    other = exports(layout, sessions=3, seed=8)
    assert [w.members for w in first] == [w.members for w in again]
    assert [w.sessions for w in first] == [w.sessions for w in again]
    runs = {(s["device"]["serial"], s["started_local"]) for w in first for s in w.sessions}
    assert len(runs) == 3
    assert not runs & {(s["device"]["serial"], s["started_local"]) for w in other for s in w.sessions}
    assert not {name for w in first for name in w.members} & {name for w in other for name in w.members}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("hours", [0.25, 0.5, 1.0, 8.0])
def test_short_and_long_treatments_are_told_as_well(layout: str, hours: float):
    for written in exports(layout, hours=hours, sessions=2):
        (truth,) = written.sessions
        assert truth["processed_plasma_ml"] > 0
        assert all(written.members.values())
