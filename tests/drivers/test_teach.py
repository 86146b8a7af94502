"""An unknown export becomes a draft that reads it, once a person has confirmed it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.profile import shipped
from drivers.profile.driver import ProfileDriver
from drivers.profile.inherit import parse_toml
from drivers.profile.loading import compile_profile
from drivers.teach import Taught, is_json, teach
from drivers.teach_fixture import moved
from ingestor.cli import main
from ingestor.driver import Bundle, Member

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ingestor.driver import DeviceLog
    from tests.parts import Exports

ARGUMENTS = ("--seed", "2", "--hours", "0.5")
TWIN = """Device\tMonitor X
Serial number\tX-77
Patient\t0001029384
Ward\tStation Nord
Start\t2024-03-18 08:12:40

[Samples]
Time\tBlood flow ml/min\tPlasma flow [ml/min]\tVenous pressure mmHg\tOperator\tQX
2024-03-18 08:13:00\t55.0\t30.0\t64\tMuster\t1
2024-03-18 08:14:00\t56.0\t30.5\t65\tMuster\t2
2024-03-18 08:15:00\t57.0\t31.0\t--\tMuster\t3
[Alarms]
Time\tCode\tClass\tText
2024-03-18 08:14:10\t113\thigh\tcolumn pressure high
END
"""


def confirmed(taught: Taught) -> ProfileDriver:
    """What a person does: confirm every guess, remove the mark of a draft."""
    lines = [line for line in taught.profile.splitlines() if not line.startswith("template")]
    data, problems = parse_toml("\n".join(lines), "draft.toml")
    return ProfileDriver(compile_profile(data, {}, problems))


def logs(driver: Any, members: dict[str, bytes]) -> list[DeviceLog]:  # noqa: ANN401 - any driver
    bundle = Bundle(tuple(Member(name, data) for name, data in members.items()))
    assert driver.claim(bundle).claims, driver.claim(bundle)
    return list(driver.parse(bundle))


def sampled(log: DeviceLog) -> dict[str, list[int]]:
    assert log.samples is not None
    return {c.channel: np.where(c.null, -1, c.mantissa).tolist() for c in log.samples.columns if c.channel}


def told(log: DeviceLog) -> dict[str, Any]:
    return {
        "serial": log.serial, "run": log.run_id, "patient": log.patient, "started": log.started.local,
        "end": log.end_reached, "totals": {t.kind: t.number.value for t in log.totals},
        "facts": {f.kind: f.number.value for f in log.facts},
        "phases": [(p.cycle, p.position, p.phase, p.start and p.start.local) for p in log.phases],
        "alarms": [(a.code, a.onset and a.onset.local, a.cleared and a.cleared.local) for a in log.alarms],
        "columns": [(c.position, c.serial) for c in log.columns],
    }  # fmt: skip


@pytest.mark.parametrize("layout", ["twin-column-report", "session-sheet", "separator-record"])
@pytest.mark.parametrize("seed", ["2", "9"])
def test_a_confirmed_draft_reads_what_the_profile_that_ships_reads(
    simulated: Callable[..., Exports], layout: str, seed: str
):
    exports = simulated(layout, "--seed", seed, "--hours", "1")
    (path,) = exports.files
    members = {path.name: path.read_bytes()}
    taught = teach(Member(path.name, members[path.name]), "draft", "en")
    assert taught is not None
    assert taught.problems == ()
    (ours,) = (d for d in shipped() if d.name == layout)
    expected, got = logs(ours, members), logs(confirmed(taught), members)
    assert [told(log) for log in got] == [told(log) for log in expected]
    if expected[0].samples is not None:
        assert sampled(got[0]) == sampled(expected[0])


def test_the_first_file_of_a_pair_is_drafted_with_its_comment_lines(simulated: Callable[..., Exports]):
    exports = simulated("single-column-table", *ARGUMENTS)
    path = next(p for p in exports.files if not p.name.endswith("_alarms.csv"))
    taught = teach(Member("a.csv", path.read_bytes()), "draft", "de")
    assert taught is not None
    (log,) = logs(confirmed(taught), {"a.csv": path.read_bytes()})
    (ours,) = (d for d in shipped() if d.name == "single-column-table")
    (expected,) = logs(ours, {p.name: p.read_bytes() for p in exports.files})
    assert sampled(log) == sampled(expected)
    assert (log.serial, log.patient, log.end_reached) == (expected.serial, expected.patient, True)


def test_tagged_records_are_drafted_by_position_with_no_names_guessed(simulated: Callable[..., Exports]):
    exports = simulated("twin-column-journal", *ARGUMENTS)
    (path,) = exports.files
    taught = teach(Member("a.tcj", path.read_bytes()), "draft", "en")
    assert taught is not None
    assert taught.problems == ()
    assert 'tag = "S"' in taught.profile
    assert exports.sessions[0]["patient_id"] not in taught.profile


def test_a_draft_reads_nothing_before_a_person_has_confirmed_it(tmp_path: Path):
    taught = teach(Member("a.txt", TWIN.encode()), "monitor-x", "en")
    assert taught is not None
    (tmp_path / "monitor-x.toml").write_text(taught.profile, "utf-8")
    assert "monitor-x" not in {d.name for d in shipped(tmp_path)}
    (tmp_path / "monitor-x.toml").write_text(
        taught.profile.replace("template = true", "template = false"), "utf-8"
    )
    assert "monitor-x" in {d.name for d in shipped(tmp_path)}


def test_what_is_printed_is_told_from_what_is_guessed_and_every_guess_is_marked():
    taught = teach(Member("a.txt", TWIN.encode()), "monitor-x", "en")
    assert taught is not None
    guessed = [line for line in taught.profile.splitlines() if "# GUESS" in line]
    assert len(guessed) == taught.guesses
    assert any(
        line.startswith("plasma_flow") and "ml/min" in line and "not printed" not in line for line in guessed
    )
    assert {"QX", "Operator", "Ward"} <= set(taught.unread)
    assert '# "QX": is not read' in taught.profile
    german = teach(Member("a.txt", TWIN.encode()), "monitor-x", "de")
    assert german is not None
    assert "# RATE" in german.profile


def test_a_confirmed_draft_of_a_layout_nobody_has_seen_reads_it():
    taught = teach(Member("a.txt", TWIN.encode()), "monitor-x", "en")
    assert taught is not None
    (log,) = logs(confirmed(taught), {"a.txt": TWIN.encode()})
    assert (log.serial, log.patient, log.end_reached) == ("X-77", "0001029384", True)
    assert sampled(log)["plasma_flow"] == [300, 305, 310]
    assert sampled(log)["return_pressure"] == [64, 65, -1]
    assert [(a.code, a.priority.value) for a in log.alarms] == [("113", "high")]


def test_nothing_written_names_a_person_and_the_sample_keeps_its_shape_and_weekdays():
    taught = teach(Member("a.txt", TWIN.encode()), "monitor-x", "en", weeks=52)
    assert taught is not None
    assert taught.fixture is not None
    text = taught.fixture.decode()
    for secret in ("0001029384", "Muster", "Station Nord", "X-77"):
        assert secret not in text
        assert secret not in taught.profile
    assert len(text) == len(TWIN)
    assert "2023-03-20 08:13:00" in text
    (log,) = logs(confirmed(taught), {"a.txt": taught.fixture})
    assert sampled(log)["blood_flow"] == [550, 560, 570]
    assert log.started.local.weekday() == 0


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("2024-03-18", "2023-03-20"), ("18.03.2024", "20.03.2023"), ("20240318-02", "20230320-02"),
        ("Mon Mar 18 08:00:00 2024", "Mon Mar 20 08:00:00 2023"), ("2024-02-29", "2023-03-02"),
        ("31.02.2024", "31.02.2024"), ("123456789", "123456789"),
    ],
)  # fmt: skip
def test_dates_move_by_whole_weeks_in_the_order_in_which_they_are_printed(text: str, after: str):
    assert moved(text, 52) == after


@pytest.mark.parametrize(
    "data", [b"", b"\x00\x01\x02", b"\x1f\x8b\x08 zip", b"one line of prose", b"<a><b></a>"]
)
def test_what_is_no_export_gives_no_draft(data: bytes):
    assert teach(Member("a", data), "x", "en") is None


def test_entities_in_xml_are_never_opened():
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x id="&b;"/>'
    assert teach(Member("a.xml", bomb), "x", "en") is None


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=300), st.text(alphabet="Aa;,\t\n#[]:.0123456789", max_size=300).map(str.encode)
    )
)
def test_any_bytes_give_a_draft_that_is_toml_or_none(data: bytes):
    taught = teach(Member("a.txt", data), "x", "en", weeks=60)
    if taught is not None:
        parse_toml(taught.profile, "x.toml")


def test_the_command_writes_draft_and_sample_and_never_over_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    sample = tmp_path / "Muster_Erika_0001029384.txt"
    sample.write_text(TWIN, "utf-8")
    command = ["drivers", "new", str(sample), "--name", "Monitor X", "--out", "drafts", "--json"]
    with pytest.raises(SystemExit) as ended:
        main(command)
    said = json.loads(capsys.readouterr().out)
    assert (ended.value.code, said["profile"], said["fixture"]) == (
        0,
        "drafts/monitor-x.toml",
        "drafts/monitor-x.sample.txt",
    )
    assert said["problems"] == []
    written = "".join(p.read_text("utf-8") for p in (tmp_path / "drafts").iterdir())
    assert "Muster" not in written
    assert "0001029384" not in written
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 2
    assert json.loads(capsys.readouterr().out)["error"] == "file_exists"


@pytest.mark.parametrize(
    ("data", "json"),
    [
        (b'{"serial": "J-1", "samples": [1, 2]}', True),
        (b'\xef\xbb\xbf[{"t": 1}]\n', True),
        (b'{"t": 1}\n{"t": 2}\n', True),
        (b"{Messwerte}\nZeit;QB\n", False),
        (b"[Messwerte]\nZeit;QB\n", False),
        (b"{\xff", False),
        (b"[" * 100_000, False),
        (b"", False),
    ],
)
def test_json_is_called_by_its_name_because_no_profile_describes_it(data: bytes, json: bool):
    assert is_json(data) is json


def test_new_on_json_says_what_it_is_and_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    sample = tmp_path / "run.json"
    sample.write_text('{"serial": "J-1"}', "utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["drivers", "new", str(sample), "--out", str(tmp_path)])
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert "JSON" in told
    assert "CSV" in told
    assert list(tmp_path.glob("*.toml")) == []
