"""Alarm notices become occurrences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drivers.hl7_pcd import Hl7Pcd
from ingestor.driver import Bundle, Member, Priority
from tests.drivers.hl7_pcd.writer import at, obx, tx

if TYPE_CHECKING:
    from tests.drivers.hl7_pcd.writer import Writer


def read(writer: Writer):
    (log,) = Hl7Pcd().parse(Bundle((Member("a.hl7", writer.batch()),)))
    return log


@pytest.fixture
def running(writer: Writer):
    writer.report(at(0), tx("TX"))
    return writer


def test_keep_alives_are_one_alarm_with_onset_end_and_acknowledgement(running: Writer):
    running.alarm(at(1), "start")
    running.alarm(at(1, 20), "continue")
    running.alarm(at(1, 40), "continue", silence="alert-acknowledged")
    running.alarm(at(2), "end", state="off", silence="alert-acknowledged")
    (alarm,) = read(running).alarms
    assert (alarm.onset.local, alarm.acknowledged.local, alarm.cleared.local) == (at(1), at(1, 40), at(2))
    assert (alarm.klass, alarm.code, alarm.kind) == ("196648", "158776", "return_pressure_high")
    assert alarm.priority is Priority.HIGH
    assert "412 mm[Hg] (20-400)" in alarm.text


def test_an_alarm_first_seen_as_continue_has_an_unknown_onset(running: Writer):
    running.alarm(at(1), "continue")
    running.alarm(at(2), "end", state="off")
    (alarm,) = read(running).alarms
    assert alarm.onset is None
    assert alarm.cleared.local == at(2)


def test_an_alarm_seen_only_at_its_end_is_kept(running: Writer):
    running.alarm(at(2), "end", state="off")
    (alarm,) = read(running).alarms
    assert (alarm.onset, alarm.cleared.local) == (None, at(2))


def test_a_second_start_is_a_second_alarm(running: Writer):
    running.alarm(at(1), "start")
    running.alarm(at(3), "start")
    log = read(running)
    assert [a.onset.local for a in log.alarms] == [at(1), at(3)]
    assert "alarm_end_missing" in {f.code for f in log.findings}


def test_the_same_code_after_its_end_is_another_alarm(running: Writer):
    for minute in (1, 3):
        running.alarm(at(minute), "start")
        running.alarm(at(minute, 30), "end", state="off")
    assert [(a.onset.local, a.cleared.local) for a in read(running).alarms] == [
        (at(1), at(1, 30)),
        (at(3), at(3, 30)),
    ]


@pytest.mark.parametrize(
    ("event", "source", "kind"),
    [
        ("196670^MDC_EVT_LO^MDC", "158744^MDC_HDIALY_BLD_PRESS_ART^MDC", "access_pressure_low"),
        ("196648^MDC_EVT_HI^MDC", "158852^MDC_HDIALY_FILTER_TRANSMEMBRANE_PRESS^MDC", "tmp_high"),
        ("196648^MDC_EVT_HI^MDC", "192780^MDCIA_COLUMN_PRESS^MDC", "column_pressure_high"),
        ("0^MDC_EVT_HI^MDC", "0^MDC_HDIALY_BLD_PUMP_PRESS_VEN^MDC", "return_pressure_high"),
        ("196616^MDC_EVT_ALARM^MDC", "198244^MDC_EVT_HDIALY_BLOOD_LEAK^MDC", "blood_leak"),
        ("196616^MDC_EVT_ALARM^MDC", "198262^MDC_ANOTHER_NAME^MDC", "air_detected"),
        ("198258^MDC_EVT_HDIALY_SAFETY_SYSTEM_GENERAL^MDC", "71000^MDC_CHAN^MDC", "system"),
    ],
)
def test_codes_decide_the_kind_and_names_only_where_no_code_is_printed(
    running: Writer, event: str, source: str, kind: str
):
    running.alarm(at(1), "start", event=event, source=source)
    assert [a.kind for a in read(running).alarms] == [kind]


def test_an_unknown_code_is_other_and_a_finding(running: Writer):
    running.alarm(at(1), "start", event="196616^MDC_EVT_ALARM^MDC", source="199999^MDC_EVT_NEW^MDC")
    log = read(running)
    assert [(a.code, a.kind) for a in log.alarms] == [("199999", "other")]
    assert "unknown_alarm" in {f.code for f in log.findings}


@pytest.mark.parametrize(
    ("flags", "priority"),
    [
        ("H~ST~PL", Priority.LOW),
        ("SP~PM", Priority.MEDIUM),
        ("PI~SA", Priority.INFO),
        ("PU~SP", Priority.UNKNOWN),
        ("", Priority.UNKNOWN),
    ],
)
def test_priority_stands_anywhere_among_the_flags(running: Writer, flags: str, priority: Priority):
    running.alarm(at(1), "start", flags=flags)
    assert read(running).alarms[0].priority is priority


def test_an_alarm_with_a_number_of_its_own_belongs_to_the_treatment_of_its_time(running: Writer):
    running.alarm(at(1), "start", therapy="c1b7c69d-d8ec")
    running.alarm(at(500), "start", therapy="ffb7c69d-d8ec")
    running.report(at(5), tx("POSTTX"))
    log = read(running)
    assert len(log.alarms) == 1
    assert [(i.reason, i.rows) for i in log.ignored] == [("alarm_without_treatment", 1)]
    assert log.rows_read == 4


def test_events_printed_as_true_and_false_in_reports_are_alarms(running: Writer):
    leak = "198244^MDC_EVT_HDIALY_BLOOD_LEAK^MDC"
    for minute, word in enumerate(["F", "T", "T", "F"], start=1):
        running.report(at(minute), tx("TX"), obx(leak, word, kind="ST"))
    log = read(running)
    assert [(a.kind, a.onset.local, a.cleared.local) for a in log.alarms] == [("blood_leak", at(2), at(4))]
    assert "unknown_term" not in {f.code for f in log.findings}


def test_an_unknown_phase_is_said_and_the_state_decides(running: Writer):
    running.alarm(at(1), "update")
    running.alarm(at(2), "", state="off")
    log = read(running)
    assert [(a.onset, a.cleared.local) for a in log.alarms] == [(None, at(2))]
    assert "alarm_phase_unknown" in {f.code for f in log.findings}
