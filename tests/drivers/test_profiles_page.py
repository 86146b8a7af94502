"""The page that teaches profiles: its examples are read, its tables are complete."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from drivers.profile import compiling
from drivers.profile.driver import ProfileDriver
from drivers.profile.inherit import parse_toml
from drivers.profile.loading import compile_profile
from drivers.profile.problems import Keys
from drivers.profile.vocabulary import KINDS, ROWS
from ingestor.driver import Bundle, DeviceLog, Member, Phase, Priority

# ruff: noqa: DTZ001 - printed wall clocks have no zone

PAGE = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text("utf-8")
FILES = dict(re.findall(r"```text file=(\S+)\n(.*?)```", PAGE, re.DOTALL))
PROFILES = dict(re.findall(r"```toml profile=(\S+)\n(.*?)```", PAGE, re.DOTALL))


def driver(name: str) -> ProfileDriver:
    data, problems = parse_toml(PROFILES[name], f"{name}.toml")
    return ProfileDriver(compile_profile(data, {}, problems))


def read(name: str, file: str) -> list[DeviceLog]:
    bundle = Bundle((Member(file, FILES[file].encode()),))
    claim = driver(name).claim(bundle)
    assert claim.claims, claim
    return list(driver(name).parse(bundle))


def channel(log: DeviceLog, name: str) -> list[float | None]:
    assert log.samples is not None
    one = next(one for one in log.samples.columns if one.channel == name)
    return [None if n else int(m) / 10**one.scale for m, n in zip(one.mantissa, one.null, strict=True)]


def codes(log: DeviceLog) -> list[str]:
    return [finding.code for finding in log.findings]


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_a_profile_is_shorter_than_eighty_lines(name: str):
    assert len(PROFILES[name].splitlines()) < 80


def test_other_words_units_dates_and_a_counter_since_the_last_row():
    (log,) = read("mono", "mono.txt")
    assert (log.version, log.serial, log.run_id, log.patient) == ("1.4", "M7-0031", "8841", "0001029384")
    assert log.started.local == datetime(2024, 3, 18, 8, 12, 40)
    assert channel(log, "processed_plasma") == [0, 30.5, 60.5, 90, 90]
    assert channel(log, "plasma_flow") == [1.8, 1.8, None, 1.8, 0]
    assert log.samples is not None
    assert {c.channel: c.unit for c in log.samples.columns}["plasma_flow"] == "L/h"
    assert [(p.cycle, p.phase, p.start and p.start.local.minute) for p in log.phases] == [
        (1, Phase.LOAD, 20),
        (1, Phase.LOAD, 23),
    ]
    assert [(a.kind, a.priority, a.cleared and a.cleared.local.second) for a in log.alarms] == [
        ("tmp_high", Priority.MEDIUM, 50)
    ]
    assert [(t.kind, t.number.value, t.number.unit) for t in log.totals] == [
        ("processed_plasma", Decimal("0.090"), "l")
    ]
    assert (log.end_reached, codes(log), log.rows_read) == (True, [], 7)
    assert log.columns[0].product == "DX-400 / L77"


def test_tagged_lines_count_minutes_and_counters_wrap():
    (log,) = read("tagged", "tagged.log")
    assert (log.patient, log.started.local) == ("0001029384", datetime(2024, 3, 18, 7, 55))
    assert log.facts[0].number.value == Decimal("71.5")
    assert channel(log, "processed_plasma") == [995.5, 1045.5, 1195.5]
    assert log.samples is not None
    assert log.samples.local_ms[-1] - log.samples.local_ms[0] == 600_000
    assert log.samples.elapsed_s is not None
    assert log.samples.elapsed_s.tolist() == [0, 300, 600]
    assert [(p.cycle, p.position, p.phase.value, p.end and p.end.local.minute) for p in log.phases] == [
        (1, "A", "load", 4),
        (1, "A", "plasma_return", None),
        (2, "B", "load", None),
    ]
    assert [
        (a.kind, a.priority, a.onset and a.onset.local.minute, a.cleared and a.cleared.local.minute)
        for a in log.alarms
    ] == [("air_detected", Priority.HIGH, 1, 3)]
    assert (log.end_reached, log.rows_read, [(i.reason, i.rows) for i in log.ignored]) == (
        True,
        9,
        [("alarm_repeat", 1)],
    )


def test_xml_is_told_in_the_same_words():
    (log,) = read("trace", "trace.xml")
    assert (log.serial, log.run_id, log.patient) == ("D-4", "T-9", "0001029384")
    assert [(f.kind, f.number.value, f.number.unit) for f in log.facts] == [("weight", Decimal("71.5"), "kg")]
    assert channel(log, "processed_plasma") == [0, 300]
    assert log.samples is not None
    assert (log.samples.offset_min, log.samples.line.tolist()) == (0, [9, 10])
    assert [t.number.value for t in log.totals] == [Decimal("300.0")]
    assert log.end_reached
    assert [(f.code, f.params["key"]) for f in log.findings] == []


def test_fixed_widths_and_several_treatments_in_one_table():
    first, second = read("flat", "flat.prn")
    assert [(log.run_id, log.patient, log.rows_read, log.end_reached) for log in (first, second)] == [
        ("00012", "000102938", 3, True),
        ("00013", "000999999", 2, True),
    ]
    assert channel(second, "processed_plasma") == [0, 280]
    assert second.started.local == datetime(2024, 3, 19, 8, 20)
    assert codes(first) + codes(second) == []


def test_the_page_names_every_kind_of_row_and_every_field_and_nothing_else():
    rows = dict(re.findall(r"^\| `(\w+)` \| .*? \| (.*) \|$", PAGE.split("## Example")[0], re.MULTILINE))
    assert set(rows) == set(ROWS)
    for kind, text in rows.items():
        named = set(" ".join(re.findall(r"`([^`]*)`", text)).split()) - {"header"}
        known = set(ROWS[kind])
        assert named <= known, (kind, named - known)
        if "all " not in text and "any text" not in text:
            assert named == known, (kind, known - named)
    assert set(KINDS) <= set(re.findall(r"[a-z_]+", PAGE))


def test_the_page_names_every_key_that_the_engine_asks_for(monkeypatch: pytest.MonkeyPatch):
    asked: set[tuple[str, str]] = set()
    raw = Keys.raw

    def recorded(self: Keys, key: str) -> object:
        asked.add((re.sub(r"block\.\w+", "block", self.where), key))
        return raw(self, key)

    monkeypatch.setattr(Keys, "raw", recorded)
    for text in PROFILES.values():
        data, problems = parse_toml(text, "x.toml")
        data |= {"frames": {"start": 2, "end": 3}, "line": {}, "bundle": {}}
        compiling.compile_layout(data, problems)
    keys = {
        key
        for where, key in asked
        if where in {"", "file", "begin", "end", "block", "frames", "line"} or "." in where
    }
    fields = {name for names in ROWS.values() for name in names} | {"index", "time"}
    data_keys = {"W21", "311", "A", "B", "clock", "person"}
    reference = PAGE.split("## All keys")[1]
    named = set(re.findall(r"[a-z_0-9]+", " ".join(re.findall(r"`([^`]*)`", reference))))
    assert keys - fields - data_keys - named - {"block", "begin", "end", "file"} == set()
