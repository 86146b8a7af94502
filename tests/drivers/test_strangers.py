"""Three layouts that somebody else made up, each described by one short profile and put through `drivers check`.

Other languages, signs, units, dates and counters: litres an hour, kilopascal, centilitres since the last row, pounds;
Shift-JIS, seconds since 1970, a counter that begins again at 1,000; XML in Portuguese, American dates, decilitres.
"""

from __future__ import annotations

import json
import shutil
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from drivers.profile.driver import ProfileDriver
from drivers.profile.inherit import parse_toml
from drivers.profile.loading import compile_profile
from ingestor.cli import main
from ingestor.driver import Bundle, DeviceLog, Member

FOLDER = Path(__file__).parent / "strangers"
NAMES = ("delimited", "tagged", "xml")


def sample(name: str) -> Path:
    return next(path for path in (FOLDER / name).iterdir() if path.name != "profile.toml")


def read(name: str) -> DeviceLog:
    data, problems = parse_toml((FOLDER / name / "profile.toml").read_text("utf-8"), "profile.toml")
    driver = ProfileDriver(compile_profile(data, {}, problems))
    path = sample(name)
    (log,) = driver.parse(Bundle((Member(path.name, path.read_bytes()),)))
    return log


def column(log: DeviceLog, channel: str) -> tuple[str, list[Decimal | None]]:
    assert log.samples is not None
    one = next(one for one in log.samples.columns if one.channel == channel)
    values = zip(one.mantissa.tolist(), one.null.tolist(), strict=True)
    return one.unit, [None if null else Decimal(number).scaleb(-one.scale) for number, null in values]


@pytest.mark.parametrize("name", NAMES)
def test_a_layout_of_somebody_else_takes_under_eighty_lines_and_passes_the_check(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    profile = FOLDER / name / "profile.toml"
    assert len(profile.read_text("utf-8").splitlines()) < 80
    (tmp_path / "data" / "profiles").mkdir(parents=True)
    shutil.copy(profile, tmp_path / "data" / "profiles" / f"{name}.toml")
    arguments = ["--data", str(tmp_path / "data"), "--json", "drivers", "check", str(sample(name))]
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
    document = json.loads(capsys.readouterr().out)
    assert [c["driver"] for c in document["claims"] if c["claims"]] == [read_name(profile)]
    assert (document["would_store"]["code"], len(document["treatments"])) == ("would_store", 1)


def read_name(profile: Path) -> str:
    return tomllib.loads(profile.read_text("utf-8"))["name"]


def test_french_signs_and_litres_are_read_as_printed():
    log = read("delimited")
    assert column(log, "plasma_flow") == ("L/h", [Decimal(n).scaleb(-2) for n in (180, 180, 180, 0, 180, 0)])
    assert column(log, "access_pressure")[1][2] is None
    unit, plasma = column(log, "processed_plasma")
    assert (unit, plasma[-1]) == ("cL", Decimal("9.05"))
    assert [(p.phase.value, p.line) for p in log.phases] == [("load", 10), ("recondition", 13), ("load", 14)]
    assert [(a.code, a.kind, a.priority.value) for a in log.alarms] == [("D07", "air_detected", "high")]
    assert (log.serial, log.patient, log.end_reached, log.findings) == ("PP3-0098", "0001029384", True, ())


def test_japanese_tags_seconds_since_1970_and_a_wrapping_counter_are_read():
    log = read("tagged")
    assert (log.started.local.isoformat(), log.started.offset_min) == ("2024-03-18T07:12:40", 0)
    assert column(log, "processed_plasma")[1] == [0, 360, 720, 1080]
    assert [(p.position, p.phase.value) for p in log.phases] == [("A", "load"), ("A", "elute")]
    (alarm,) = log.alarms
    assert alarm.cleared is not None
    assert (alarm.kind, alarm.cleared.local.minute) == ("access_pressure_low", 37)
    assert [(t.kind, t.number.value) for t in log.totals] == [("processed_plasma", Decimal("1080.0"))]
    assert [(f.kind, f.number.value, f.number.unit) for f in log.facts] == [
        ("weight", Decimal("157.6"), "lb")
    ]
    assert (log.end_reached, log.findings) == (True, ())


def test_portuguese_xml_with_american_dates_and_volumes_by_interval_is_read():
    log = read("xml")
    assert (log.started.local.isoformat(), log.ended and log.ended.local.hour) == ("2024-03-18T13:05:00", 13)
    assert [(c.position, c.lot, c.use) for c in log.columns] == [("A", "L-1", 4), ("B", "L-2", 4)]
    assert [(p.position, p.phase.value, p.volume and p.volume.value) for p in log.phases] == [
        ("A", "load", Decimal("3.005")), ("A", "elute", Decimal("1.2")), ("B", "load", Decimal("2.995")),
    ]  # fmt: skip
    assert column(log, "processed_plasma") == ("mL", [0, Decimal("300.5"), Decimal("600.0")])
    assert [(a.kind, a.cleared and a.cleared.local.minute) for a in log.alarms] == [
        ("return_pressure_high", 16)
    ]
    assert (log.end_reached, log.findings) == (True, ())
