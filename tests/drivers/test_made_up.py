"""Layouts that nobody has: each habit that a machine's export may have, in a profile of a few lines."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from drivers.profile.driver import ProfileDriver
from drivers.profile.inherit import parse_toml
from drivers.profile.loading import compile_profile
from ingestor.driver import Bundle, DeviceLog, Member, ParseError, Phase

# ruff: noqa: DTZ001 - printed wall clocks have no zone


def driver(profile: str) -> ProfileDriver:
    data, problems = parse_toml('name = "x"\nevidence = "declared"\n' + profile, "x.toml")
    return ProfileDriver(compile_profile(data, {}, problems))


def read(profile: str, *files: bytes | str, names: tuple[str, ...] = ("x.txt",)) -> list[DeviceLog]:
    data = [one.encode() if isinstance(one, str) else one for one in files]
    bundle = Bundle(tuple(Member(name, one) for name, one in zip(names, data, strict=True)))
    reading = driver(profile)
    claim = reading.claim(bundle)
    assert claim.claims, claim
    return list(reading.parse(bundle))


def channel(log: DeviceLog, name: str) -> list[float | None]:
    assert log.samples is not None
    one = next(one for one in log.samples.columns if one.channel == name)
    return [None if n else int(m) / 10**one.scale for m, n in zip(one.mantissa, one.null, strict=True)]


def codes(log: DeviceLog) -> list[str]:
    return [finding.code for finding in log.findings]


def clock(log: DeviceLog) -> list[str]:
    assert log.samples is not None
    return [
        f"{datetime.fromtimestamp(ms / 1000, tz=None).astimezone():%M}"
        for ms in log.samples.local_ms.tolist()
    ]


PAIR = """
[file]
delimiter = ";"
stamps = ["yyyy-mm-dd HH:MM:SS", "HH:MM:SS"]
[begin]
line = "START"
[end]
line = "STOP"
[block.header]
serial  = "SN"
started = "T0"
[block.samples]
section = "DATA"
time    = "t"
processed_plasma = { word = "vp", unit = "mL" }
state_a = { word = "A", values = { load = "L", elute = "E", none = "-" } }
state_b = { word = "B", values = { load = "L", elute = "E", none = "-" } }
"""


def test_each_column_of_a_pair_has_a_state_of_its_own():
    text = "START\nSN;1\nT0;2024-03-18 08:00:00\nDATA\nt;vp;A;B\n" + "".join(
        f"08:{m:02d}:00;{m * 10};{a};{b}\n"
        for m, (a, b) in enumerate([("L", "-"), ("L", "-"), ("-", "L"), ("E", "L"), ("L", "E"), ("L", "-")])
    )
    (log,) = read(PAIR, text + "STOP\n")
    assert [(p.cycle, p.position, p.phase, p.start and p.start.local.minute, p.end and p.end.local.minute) for p in log.phases] == [
        (1, "A", Phase.LOAD, 0, 2), (2, "B", Phase.LOAD, 2, 4), (1, "A", Phase.ELUTE, 3, 4),
        (3, "A", Phase.LOAD, 4, None), (2, "B", Phase.ELUTE, 4, 5),
    ]  # fmt: skip
    assert log.end_reached


QUOTED = """
[file]
encoding  = ["utf-8", "cp1252"]
delimiter = ","
quote     = '"'
decimal   = "."
thousands = ","
empty     = ["N/A"]
stamps    = ["d-mmm-yyyy H:MM", "H:MM"]
[end]
field = "ended"
[block.header]
prefix  = "!"
separator = "="
serial  = "Serial"
started = "On"
ended   = { word = "Off", optional = true }
[block.samples]
time             = "Clock"
plasma_flow      = [{ word = "Flow ml/min", unit = "mL/min" }, { word = "Flow l/h", unit = "L/h" }]
processed_plasma = { word = "Sum", unit = "mL" }
ignore           = "Note"
"""


@pytest.mark.parametrize(
    ("word", "flow", "unit"), [("Flow ml/min", "30.5", "mL/min"), ("Flow l/h", "1.83", "L/h")]
)
def test_everything_is_quoted_thousands_are_separated_and_units_change_with_the_heading(
    word: str, flow: str, unit: str
):
    text = (
        f'!Serial=Q-1\n!On=8-Mar-2024 8:05\n!Off=8-Mar-2024 11:47\n"Clock","{word}","Sum","Note"\n'
        f'"8:10","{flow}","995.0","a, b"\n"8:11","{flow}","1,025.5","say ""x"""\n"8:12","N/A","1,25.5",""\n'
    )
    (log,) = read(QUOTED, text)
    assert channel(log, "processed_plasma") == [995.0, 1025.5, None]
    assert channel(log, "plasma_flow") == [float(flow), float(flow), None]
    assert log.samples is not None
    assert log.samples.columns[0].unit == unit
    assert (log.started.local, log.end_reached, codes(log)) == (
        datetime(2024, 3, 8, 8, 5),
        True,
        ["value_not_believed"],
    )


def test_a_header_field_printed_only_at_the_end_proves_it():
    text = '!Serial=Q-1\n!On=8-Mar-2024 8:05\n"Clock","Flow l/h","Sum","Note"\n"8:10","1.8","0.0",""\n'
    (log,) = read(QUOTED, text)
    assert (log.end_reached, codes(log)) == (False, ["truncated"])


SPACED = """
[file]
encoding  = "shift_jis"
delimiter = "spaces"
decimal   = "."
stamps    = ["yyyy/mm/dd", "HH:MM"]
[end]
file = true
[block.header]
prefix    = "*"
separator = ":"
serial    = "機器番号"
patient   = "患者"
date      = "日付"
started   = "開始"
[block.samples]
time             = "時刻"
blood_flow       = { word = "血流", unit = "mL/min" }
processed_plasma = { word = "積算", unit = "L" }
[block.alarms]
prefix = "@"
fields = ["time", "code", "text"]
"""


def test_runs_of_spaces_and_a_code_of_two_bytes():
    text = "*機器番号: JP-7\n*患者: 0001\n*日付: 2024/03/18\n*開始: 23:58\n時刻   血流  積算\n23:59   55   0.000\n 00:01   55   0.060\n"
    (log,) = read(SPACED, text.encode("shift_jis"))
    assert (log.serial, log.patient, log.started.local) == ("JP-7", "0001", datetime(2024, 3, 18, 23, 58))
    assert channel(log, "processed_plasma") == [0.0, 0.06]
    assert log.samples is not None
    assert log.samples.local_ms[1] - log.samples.local_ms[0] == 120_000
    assert codes(log) == []


ELAPSED = """
[file]
delimiter = ";"
decimal   = ","
stamps    = ["unix"]
[begin]
line = "LOG {version}"
goes_on = true
[version."7"]
[end]
line = "END {samples} {md5}"
[block.header]
run_id  = "id"
serial  = "sn"
started = "at"
[block.samples]
section          = "[d]"
elapsed          = { word = "min", unit = "min" }
plasma_flow      = { word = "qp", unit = "mL/min", decimals = 1 }
"""


def test_minutes_since_the_start_implied_decimals_and_a_sum_over_all_bytes():
    import hashlib

    body = "LOG 7\nid;5\nsn;E-1\nat;1710750000\n[d]\nmin;qp\n0,0;305\n0,5;30\n1,25;0\n"
    (log,) = read(ELAPSED, body + f"END 3 {hashlib.md5(body.encode()).hexdigest()}\n")
    assert channel(log, "plasma_flow") == [30.5, 3.0, 0.0]
    assert (log.started.local, log.started.offset_min) == (datetime(2024, 3, 18, 8, 20), 0)
    assert log.samples is not None
    assert (log.samples.local_ms - log.samples.local_ms[0]).tolist() == [0, 30_000, 75_000]
    assert log.samples.elapsed_s is not None
    assert log.samples.elapsed_s.tolist() == [0, 30, 75]
    assert log.end_reached
    (held,) = read(ELAPSED, body + f"END 3 {'0' * 32}\n")
    assert held.hold == "checksum_wrong"
    (short,) = read(ELAPSED, body + f"END 4 {hashlib.md5(body.encode()).hexdigest()}\n")
    assert (short.end_reached, short.hold, codes(short)) == (False, None, ["end_count_wrong"])


def test_a_line_that_begins_again_with_the_same_number_goes_on():
    first = "LOG 7\nid;5\nsn;E-1\nat;1710750000\n[d]\nmin;qp\n0,0;305\n0,5;305\n"
    again = "LOG 7\nid;5\nsn;E-1\nat;1710753600\n[d]\nmin;qp\n61,0;305\n"
    (log,) = read(ELAPSED, first + again)
    assert log.samples is not None
    assert log.samples.segments == (2,)
    assert codes(log) == ["went_on", "truncated"]
    one, two = read(ELAPSED, first + again.replace("id;5", "id;6"))
    assert (one.run_id, two.run_id) == ("5", "6")


ROWS = """
[bundle]
main   = "{stem}_main.tsv"
events = "{stem}_events.tsv"
[file]
delimiter = "\\t"
stamps    = ["yyyymmdd-HHMMSS"]
[end]
field = "ended"
[block.header]
pairs   = false
serial  = "machine"
run_id  = "run"
patient = "pid"
started = "from"
ended   = "to"
weight  = { word = "kg", unit = "kg" }
[block.happened]
member = "events"
rows   = "events"
time   = "when"
kind   = "what"
value  = { word = "val", unit = "cell" }
text   = "by"
"""


def test_a_header_may_be_a_table_of_one_row_and_events_may_be_a_file_of_their_own():
    main = "machine\trun\tpid\tfrom\tto\tkg\nR-1\t9\t0001\t20240318-081240\t20240318-114705\t71.5\n"
    events = "when\twhat\tval\tby\n20240318-082000\tset flow\t55 ml/min\tnurse\n20240318-083000\tset flow\t60 parsec\t\n"
    (log,) = read(ROWS, events, main, names=("a_events.tsv", "a_main.tsv"))
    assert (log.serial, log.run_id, log.end_reached) == ("R-1", "9", True)
    assert [(f.kind, f.number.value) for f in log.facts] == [("weight", Decimal("71.5"))]
    assert [(e.kind, e.text, e.number and (e.number.value, e.number.unit)) for e in log.events] == [
        ("set flow", "nurse", (Decimal(55), "ml/min")), ("set flow", "", (Decimal(60), "parsec")),
    ]  # fmt: skip


def test_a_trailing_delimiter_in_every_row_is_no_further_column():
    rows = "".join(f"08:0{m}:00;{m},0;\n" for m in range(4))
    text = "START\nSN;1;\nT0;2024-03-18 08:00:00;\nDATA\nt;vp;\n" + rows + "STOP\n"
    profile = PAIR.split("state_a", maxsplit=1)[0].replace(
        'delimiter = ";"', 'delimiter = ";"\ndecimal = ","'
    )
    (log,) = read(profile, text)
    assert channel(log, "processed_plasma") == [0, 1, 2, 3]
    assert codes(log) == []


def test_other_lines_between_the_samples_are_cut_out():
    profile = """
[file]
delimiter = ";"
stamps = ["yyyy-mm-dd HH:MM:SS"]
ignore_lines = "//"
[end]
tag = "END"
fields = ["samples"]
[block.header]
prefix = "#"
separator = "="
serial = "sn"
[block.samples]
time = "t"
blood_flow = { word = "qb", unit = "mL/min" }
[block.alarms]
tag = "ALARM"
fields = ["time", "code", "state"]
state = { values = { on = "1", off = "0" } }
"""
    text = "#sn=5\nt;qb\n" + "".join(
        f"2024-03-18 08:00:{s:02d};5{s % 10}\n"
        + ("ALARM;2024-03-18 08:00:30;7;1\n// note\n\n" if s == 30 else "")
        for s in range(60)
    )
    (log,) = read(profile, text + "END;60\n")
    assert log.samples is not None
    assert len(log.samples.line) == 60
    assert log.samples.line[31] == 37
    assert (len(log.alarms), log.end_reached, codes(log)) == (1, True, ["unknown_alarm"])


def test_two_blocks_of_samples_at_different_times_become_one_table():
    profile = """
[file]
delimiter = ";"
stamps = ["yyyy-mm-dd HH:MM:SS", "HH:MM:SS"]
heading = "[*]"
[begin]
line = "X"
[end]
line = "Y"
[block.header]
serial = "sn"
started = "t0"
[block.pressures]
rows = "samples"
section = "[P]"
time = "t"
access_pressure = { word = "pa", unit = "mmHg" }
[block.volumes]
rows = "samples"
section = "[V]"
time = "t"
processed_plasma = { word = "vp", unit = "mL" }
"""
    text = "X\nsn;1\nt0;2024-03-18 08:00:00\n[P]\nt;pa\n08:00:00;-80\n08:02:00;-82\n[V]\nt;vp\n08:01:00;30\n08:03:00;90\nY\n"
    (log,) = read(profile, text)
    assert channel(log, "access_pressure") == [-80, None, -82, None]
    assert channel(log, "processed_plasma") == [None, 30, None, 90]
    assert log.samples is not None
    assert log.samples.line.tolist() == [6, 10, 7, 11]


def test_nothing_a_profile_reads_depends_on_another_file():
    good = "START\nSN;1\nT0;2024-03-18 08:00:00\nDATA\nt;vp;A;B\n08:00:00;1;L;-\nSTOP\n"
    reading = driver(PAIR)
    bad = Bundle((Member("b", good.replace("vp", "vq").encode()),))
    for _ in range(2):
        (log,) = reading.parse(Bundle((Member("a", good.encode()),)))
        assert log.end_reached
        with pytest.raises(ParseError):
            list(reading.parse(bad))


@pytest.mark.parametrize("field", [1, 2])
def test_types_of_lines_between_runs_of_spaces(field: int):
    profile = """
[file]
delimiter = "spaces"
stamps = ["yyyymmdd", "HHMMSS"]
tag_field = FIELD
[begin]
tag = "GO"
[end]
tag = "STOP"
fields = ["samples"]
[block.header]
tag = "GO"
fields = ["serial", "date", "started"]
[block.samples]
tag = "M"
fields = ["time", "blood_flow"]
blood_flow = { unit = "mL/min" }
"""
    lines = [
        ("GO", "77  20240318 080000"),
        *((("M", f"0800{s:02d}    {50 + s}")) for s in range(40)),
        ("STOP", "40"),
    ]
    text = "".join(f"{'  12 ' * (field - 1)}{tag}   {rest}\n" for tag, rest in lines)
    (log,) = read(profile.replace("FIELD", str(field)), text)
    assert channel(log, "blood_flow") == [50 + s for s in range(40)]
    assert (log.serial, log.end_reached) == ("77", True)
