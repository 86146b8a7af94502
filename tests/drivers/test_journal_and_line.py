"""The journal of tagged records and the live line, rule by rule."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import partial

import pytest

from ingestor.driver import Bundle, DeviceLog, Member, ParseError, Phase
from tests.drivers.samples import AFTER_POWER, RECORDS, all_drivers, frame, journal, serial

# ruff: noqa: DTZ001 - printed wall clocks have no zone

JOURNAL = partial(journal, time="084040", number=12)
SERIAL = partial(serial, time="084040", number=12)


def logs(name: str, data: bytes) -> list[DeviceLog]:
    return list(all_drivers()[name].parse(Bundle((Member("x", data),))))


def one(name: str, data: bytes) -> DeviceLog:
    (log,) = logs(name, data)
    return log


def codes(log: DeviceLog) -> list[str]:
    return [finding.code for finding in log.findings]


BOTH = pytest.mark.parametrize(
    ("name", "written"),
    [("twin-column-journal", JOURNAL), ("twin-column-serial", SERIAL)],
    ids=["journal", "line"],
)


@BOTH
def test_both_say_the_same_treatment(name: str, written: partial[bytes]):
    log = one(name, written(RECORDS))
    assert (log.run_id, log.serial, log.model, log.software, log.patient) == (
        "20240318-02", "TJ-0417", "TC-4", "4.11", "0001029384",
    )  # fmt: skip
    assert (log.started.local, log.ended and log.ended.local) == (
        datetime(2024, 3, 18, 8, 12, 40), datetime(2024, 3, 18, 8, 40, 40),
    )  # fmt: skip
    assert (log.cycle_definition, log.end_reached, codes(log)) == ("pair", True, [])
    assert {t.kind: t.number.value for t in log.totals} == {
        "processed_plasma": Decimal("600.0"), "blood_processed": Decimal(1100), "ac_volume": Decimal(91),
        "cycles": Decimal(1),
    }  # fmt: skip
    assert {f.kind: f.number.value for f in log.facts} == {
        "weight": Decimal("71.5"),
        "hematocrit": Decimal(36),
    }
    assert [(c.position, c.serial, c.use) for c in log.columns] == [("A", "S-22871", 7), ("B", "S-22872", 7)]


@BOTH
def test_a_phase_lasts_until_the_next_of_its_column_and_no_volume_is_printed(
    name: str, written: partial[bytes]
):
    log = one(name, written(RECORDS))
    clock = [
        (p.position, p.phase, p.start and f"{p.start.local:%H%M%S}", p.end and f"{p.end.local:%H%M%S}")
        for p in log.phases
    ]
    assert clock == [
        ("A", Phase.LOAD, "082010", "083030"),
        ("A", Phase.PLASMA_RETURN, "083030", "084040"),
        ("B", Phase.LOAD, "083035", "084040"),
    ]
    assert [(p.cycle, p.volume, p.completed) for p in log.phases] == [
        (1, None, None),
        (1, None, None),
        (2, None, None),
    ]


@BOTH
def test_signals_of_one_alarm_are_one_alarm(name: str, written: partial[bytes]):
    log = one(name, written(RECORDS))
    (alarm,) = log.alarms
    times = [stamp and f"{stamp.local:%H%M%S}" for stamp in (alarm.onset, alarm.acknowledged, alarm.cleared)]
    assert (alarm.code, alarm.kind, times) == ("113", "column_pressure_high", ["082030", "082110", "082115"])
    assert {i.reason: i.rows for i in log.ignored} == {"alarm_repeat": 1}


@BOTH
def test_an_alarm_that_is_on_before_its_first_signal_has_no_onset(name: str, written: partial[bytes]):
    text = RECORDS.replace("A 082030 4 113 2 1", "A 082030 4 140 1 0").replace(
        "A 082100 5 113 2 1", "A 082100 5 113 2 0"
    )
    log = one(name, written(text))
    first = log.alarms[0]
    assert (first.code, first.onset, first.cleared and first.cleared.text) == ("140", None, "082030")


@BOTH
def test_a_power_failure_is_one_treatment_whose_printed_sums_count_for_nothing(
    name: str, written: partial[bytes]
):
    text = RECORDS.split("T 084030", maxsplit=1)[0] + AFTER_POWER
    log = one(name, written.func(text, "090030", 5))
    assert log.end_reached
    assert log.samples is not None
    assert log.samples.segments == (4,)
    assert [(t.kind, t.number.value, t.number.text) for t in log.totals] == [
        ("processed_plasma", None, "150.0")
    ]
    assert {"went_on", "total_of_last_segment"} <= set(codes(log))
    cut_load = next(p for p in log.phases if p.position == "B")
    assert cut_load.end is not None
    assert cut_load.end.local == datetime(2024, 3, 18, 8, 40, 20)
    assert len(log.columns) == 2


@BOTH
def test_after_a_power_failure_another_patient_is_held(name: str, written: partial[bytes]):
    text = RECORDS.split("T 084030", maxsplit=1)[0] + AFTER_POWER.replace("0001029384", "0007777777")
    assert one(name, written.func(text, "090030", 5)).hold == "header_contradicts"


@BOTH
def test_another_number_is_another_treatment_and_the_first_is_partial(name: str, written: partial[bytes]):
    text = RECORDS.split("T 084030", maxsplit=1)[0] + AFTER_POWER.replace("20240318-02", "20240318-03")
    first, second = logs(name, written.func(text, "090030", 5))
    assert (first.run_id, first.end_reached, second.run_id, second.end_reached) == (
        "20240318-02",
        False,
        "20240318-03",
        True,
    )


@BOTH
def test_a_gap_in_the_running_number_is_told_and_a_row_written_twice_counts_once(
    name: str, written: partial[bytes]
):
    gap = one(name, written(RECORDS.replace("S 083020 8 55.0 30.0 -82 64 118 305.0\n", "")))
    assert "numbers_missing" in codes(gap)
    twice = one(name, written(RECORDS.replace("P 083030 9 A 2\n", "P 083030 9 A 2\nP 083030 9 A 2\n")))
    assert len(twice.phases) == 3
    assert {i.reason: i.rows for i in twice.ignored}["repeated"] == 1


@BOTH
def test_times_go_on_over_midnight(name: str, written: partial[bytes]):
    text = RECORDS
    for hour, other in (("081", "235"), ("082", "000"), ("083", "001"), ("084", "002")):
        for kind in "HCSPAT":
            text = text.replace(f"\n{kind} {hour}", f"\n{kind} {other}")
    text = text.replace("20240318 081240", "20240318 235000")
    log = one(name, written.func(text, "002040", 12))
    assert log.ended is not None
    assert log.ended.local == datetime(2024, 3, 19, 0, 20, 40)
    assert log.samples is not None
    assert log.samples.local_ms[-1] > log.samples.local_ms[0]


def test_a_wrong_checksum_holds_the_treatment_and_a_cut_one_does_not():
    data = JOURNAL(RECORDS)
    changed = data.replace("305.0".encode("utf-16-le"), "905.0".encode("utf-16-le"))
    assert (one("twin-column-journal", changed).hold, one("twin-column-journal", changed).end_reached) == (
        "checksum_wrong",
        False,
    )
    for lost in range(1, 24):
        cut = one("twin-column-journal", data[:-lost])
        assert cut.hold is None
        assert cut.end_reached == (lost <= 4)


def test_a_journal_without_order_mark_is_declined_with_the_reason():
    claim = all_drivers()["twin-column-journal"].claim(Bundle((Member("x", JOURNAL(RECORDS)[2:]),)))
    assert not claim.claims
    assert any("utf-16-le" in text for text in claim.near_misses)


def test_an_unknown_type_of_record_is_told_and_kept_out():
    log = one(
        "twin-column-journal", JOURNAL(RECORDS.replace("T 084030 AC 91\n", "T 084030 AC 91\nZ 084031 1\n"))
    )
    assert codes(log) == ["unknown_line"]
    assert log.end_reached


def test_frames_that_are_damaged_lost_or_followed_by_noise_are_told_and_the_rest_is_read():
    data = SERIAL(RECORDS)
    frames = data.split(b"\r\n")
    at = next(i for i, one_ in enumerate(frames) if b"|S|083020|" in one_)
    damaged = list(frames)
    damaged[at] = damaged[at].replace(b"305.0", b"905.0")
    log = one("twin-column-serial", b"\r\n".join(damaged))
    assert {"frames_damaged", "numbers_missing"} <= set(codes(log))
    assert log.end_reached
    assert log.samples is not None
    assert 9050 not in log.samples.columns[-1].mantissa.tolist()
    noisy = list(frames)
    noisy[at] += b"\r\n\xff\xfe\x7fnoise\x03"
    assert "bytes_between_frames" in codes(one("twin-column-serial", b"\r\n".join(noisy)))
    lost = one("twin-column-serial", b"\r\n".join(frames[:at] + frames[at + 1 :]))
    assert sorted(codes(lost)) == ["frames_lost", "numbers_missing"]


def test_the_number_of_frames_begins_again_after_ten_thousand():
    payloads = ["9996|H|081240|20240318-02|TJ-0417|TC-4|4.11|20240318|0001029384"]
    payloads += [f"{(9997 + i) % 10_000}|S|08{13 + i}00|{i + 1}|55.0|0.0|-82|64|40|0.0" for i in range(8)]
    payloads += ["5|E|084040|9"]
    log = one("twin-column-serial", b"".join(frame(payload) for payload in payloads))
    assert codes(log) == []
    assert log.end_reached


def test_a_line_that_only_lives_is_no_treatment():
    beats = b"".join(frame(f"{i}|B|0812{i:02d}") for i in range(20))
    driver = all_drivers()["twin-column-serial"]
    assert not driver.claim(Bundle((Member("x", beats),))).claims
    with pytest.raises(ParseError):
        list(driver.parse(Bundle((Member("x", beats),))))


def test_the_driver_says_how_the_port_has_to_be_set():
    line = all_drivers()["twin-column-serial"].line  # type: ignore[attr-defined]
    assert (line.speed, line.bits) == (9600, "8N1")


def test_every_whole_frame_before_a_cut_is_read():
    data = SERIAL(RECORDS)
    first = data.index(b"|S|")
    for length in range(data.index(b"\r\n", first) + 2, first + 300):
        frames = [frame.partition(b"\x03") for frame in data[:length].split(b"\x02")]
        whole = sum(b"|S|" in payload and len(check) >= 2 for payload, _, check in frames)
        log = one("twin-column-serial", data[:length])
        assert log.samples is not None
        assert len(log.samples.line) == whole
