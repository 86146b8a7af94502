"""Files that are far too large: read in time, or refused at once.

The bounds leave room for a busy machine; what they guard against is time that grows with the square of the size.
"""

from __future__ import annotations

import time
import tracemalloc

import pytest

from ingestor.driver import Bundle, DeviceLog, Member, ParseError
from tests.drivers.samples import REPORT, all_drivers, crlf


def read(data: bytes) -> list[DeviceLog]:
    return list(all_drivers()["twin-column-report"].parse(Bundle((Member("x", data),))))


def many_alarms(number: int) -> bytes:
    row = "09:02:11;113;2;Säulendruck hoch;09:02:40;09:02:35\n"
    text = REPORT.replace(row, row * number)
    return crlf(text.replace("#ENDE;30", f"#ENDE;{29 + number}"), "cp1252")


def test_a_hundred_thousand_alarms_are_read_in_time():
    data = many_alarms(100_000)
    begun = time.process_time()
    (log,) = read(data)
    assert len(log.alarms) == 100_000
    assert log.end_reached
    assert time.process_time() - begun < 8


def test_more_alarms_than_the_limit_are_refused():
    with pytest.raises(ParseError) as refused:
        read(many_alarms(200_001))
    assert refused.value.code == "limit_alarms"


def test_two_thousand_treatments_in_one_file_are_read_in_time():
    data = b"".join(
        crlf(REPORT.replace("20240318-02", f"20240318-{number:05d}"), "cp1252") for number in range(2000)
    )
    begun = time.process_time()
    logs = read(data)
    assert len({log.run_id for log in logs}) == 2000
    assert all(log.end_reached for log in logs)
    assert time.process_time() - begun < 8


def test_five_thousand_columns_are_refused_at_once():
    text = REPORT.replace(";VP\n", ";VP" + ";X" * 5000 + "\n").replace("#TCR 2.1", "#TCR 3.1")
    begun = time.process_time()
    with pytest.raises(ParseError) as refused:
        read(crlf(text, "cp1252"))
    assert refused.value.code in {"limit_fields", "duplicate_column"}
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("ending", [b"\n", b"\r", b"\r\n"])
def test_millions_of_empty_lines_are_refused_or_passed_over_in_time(ending: bytes):
    data = crlf(REPORT, "cp1252") + ending * 2_100_000
    begun = time.process_time()
    with pytest.raises(ParseError) as refused:
        read(data)
    assert refused.value.code == "limit_lines"
    assert time.process_time() - begun < 2


def test_rubbish_in_every_line_costs_no_more_than_it_should():
    row = "08:20:01;55,0;---;-82;64;118;7,02;36,8;0,5\n"
    text = REPORT.replace(row, "rubbish ; in ; a line\n" * 100_000)
    begun = time.process_time()
    (log,) = read(crlf(text, "cp1252"))
    assert {i.reason: i.rows for i in log.ignored} == {"unreadable": 100_000}
    assert len(log.findings) < 60
    assert time.process_time() - begun < 8


def test_strange_values_in_every_cell_are_told_fifty_times_and_counted():
    row = "08:20:01;55,0;---;-82;64;118;7,02;36,8;0,5\n"
    text = REPORT.replace(row, row.replace("36,8", "36.8") * 100_000)
    begun = time.process_time()
    (log,) = read(crlf(text, "cp1252"))
    told = [f for f in log.findings if f.code == "value_not_believed"]
    assert len(told) == 50
    assert [f.params["count"] for f in log.findings if f.code == "more_alike"] == [str(100_000 - 50)]
    assert time.process_time() - begun < 8


def test_reading_takes_no_more_than_a_dozen_times_the_file():
    row = "08:20:01;55,0;---;-82;64;118;7,02;36,8;0,5\n"
    data = crlf(REPORT.replace(row, row * 100_000), "cp1252")
    tracemalloc.start()
    read(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12 * len(data)
