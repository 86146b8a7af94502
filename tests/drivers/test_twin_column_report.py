"""The sectioned report, rule by rule."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import cache

import pytest

from drivers.profile import shipped
from ingestor.driver import Bundle, DeviceLog, Driver, Member, ParseError, Phase, Priority
from tests.drivers.samples import REPORT

# ruff: noqa: DTZ001 - printed wall clocks have no zone

GERMAN = REPORT.replace("08:20:02;55,0;30,1;-83;66;120;7,02;36,8;1,0\n", "").replace("#ENDE;30", "#ENDE;29")
WORDS = {
    "Gerät": "Device", "Seriennummer": "Serial number", "Behandlung": "Treatment", "Beginn": "Start", "Ende": "End",
    "Gewicht kg": "Weight kg", "Hämatokrit %": "Hematocrit %", "[Säulen]": "[Columns]", "[Zyklen]": "[Cycles]",
    "[Alarme]": "[Alarms]", "[Messwerte]": "[Samples]", "[Summe]": "[Totals]", "Produkt": "Product", "Charge": "Lot",
    "Anwendung": "Use", "Verfall": "Expiry", "Nr": "No", "Säule": "Column", "Volumen ml": "Volume ml", "Zeit": "Time",
    "Klasse": "Class", "Quittiert": "Acknowledged", "Plasmavolumen ml": "Plasma volume ml",
    "Blutvolumen ml": "Blood volume ml", "Antikoagulans ml": "Anticoagulant ml", "Zyklen": "Cycles",
    "Beladung": "Loading", "Plasmarückgabe": "Plasma return", "Abbruch": "aborted", "#ENDE": "#END",
}  # fmt: skip
ENGLISH = "\n".join(
    ";".join(WORDS.get(cell, cell) for cell in line.split(";")) for line in GERMAN.splitlines()
) + "\n"  # fmt: skip


@cache
def driver() -> Driver:
    return next(one for one in shipped() if one.name == "twin-column-report")


def as_bytes(text: str, codec: str = "cp1252", line_end: str = "\r\n") -> bytes:
    return text.replace("\n", line_end).encode(codec)


def read(data: bytes) -> list[DeviceLog]:
    return list(driver().parse(Bundle((Member("tcr.txt", data),))))


def one(text: str) -> DeviceLog:
    (log,) = read(as_bytes(text))
    return log


def recount(text: str) -> str:
    """Set the number behind the end mark right."""
    body, _, _ = text.rpartition("#ENDE;")
    return f"{body}#ENDE;{body.count(chr(10))}\n"


def codes(log: DeviceLog) -> set[str]:
    return {finding.code for finding in log.findings}


@pytest.mark.parametrize("text", [GERMAN, ENGLISH], ids=["german", "english"])
def test_both_languages_say_the_same(text: str):
    log = one(text)
    assert (log.version, log.serial, log.run_id, log.patient) == (
        "2.1",
        "AM-0417",
        "20240318-02",
        "0001029384",
    )
    assert (log.model, log.software) == ("AdsorptionsMonitor TC-2", "3.20")
    assert (log.started.local, log.ended and log.ended.local) == (
        datetime(2024, 3, 18, 8, 12, 40),
        datetime(2024, 3, 18, 11, 47, 5),
    )
    assert {f.kind: (f.number.value, f.number.unit) for f in log.facts} == {
        "weight": (Decimal("71.5"), "kg"),
        "hematocrit": (Decimal(36), "%"),
    }
    assert {t.kind: t.number.value for t in log.totals} == {
        "processed_plasma": Decimal("6043.5"),
        "blood_processed": Decimal(11020),
        "ac_volume": Decimal(918),
        "cycles": Decimal(15),
    }
    column, load, back, alarm = (*log.columns, *log.phases, *log.alarms)
    assert (column.position, column.serial, column.use, column.expiry) == (
        "A",
        "S-22871",
        7,
        date(2025, 12, 31),
    )
    assert (load.phase, load.volume and load.volume.value, load.completed) == (
        Phase.LOAD,
        Decimal("402.5"),
        True,
    )
    assert (back.phase, back.completed, back.line) == (Phase.PLASMA_RETURN, False, 17)
    assert (alarm.kind, alarm.priority, alarm.klass) == ("column_pressure_high", Priority.MEDIUM, "2")
    assert log.samples is not None
    assert log.samples.line.tolist() == [23, 24]
    plasma = {column.channel: column for column in log.samples.columns}["plasma_flow"]
    assert (plasma.mantissa.tolist(), plasma.scale, plasma.null.tolist()) == ([300, 0], 1, [False, True])
    assert log.end_reached
    assert (log.rows_read, log.ignored, log.findings) == (9, (), ())


def test_a_missing_end_mark_makes_a_partial_treatment():
    log = one(GERMAN.replace("#ENDE;29\n", ""))
    assert not log.end_reached
    assert codes(log) == {"truncated"}


@pytest.mark.parametrize("count", ["28", "30", "0"])
def test_a_wrong_count_is_a_finding_and_the_treatment_is_not_complete(count: str):
    log = one(GERMAN.replace("#ENDE;29", f"#ENDE;{count}"))
    assert (log.end_reached, log.hold, codes(log)) == (False, None, {"end_count_wrong"})


def test_blank_lines_count():
    assert one(recount(GERMAN.replace("[Alarme]", "\n[Alarme]"))).end_reached


def test_the_end_mark_stands_even_without_a_line_end():
    assert one(GERMAN.rstrip("\n")).end_reached


def test_a_number_cut_at_the_end_of_the_file_is_never_read():
    log = one(GERMAN[: GERMAN.index("6043,5") + 3])
    assert log.totals == ()
    assert {"line_cut", "truncated"} <= codes(log)
    assert {ignored.reason: ignored.rows for ignored in log.ignored} == {"cut": 1}


def test_several_treatments_in_one_file_are_several_logs_with_counts_of_their_own():
    second = GERMAN.replace("20240318-02", "20240319-01").replace("18.03.2024", "19.03.2024")
    first_log, second_log = read(as_bytes(GERMAN + second))
    assert (first_log.run_id, first_log.end_reached) == ("20240318-02", True)
    assert (second_log.run_id, second_log.end_reached, second_log.line) == ("20240319-01", True, 31)
    assert [p.line for p in second_log.phases] == [46, 47]


def test_a_treatment_without_end_mark_ends_where_the_next_begins():
    first_log, second_log = read(as_bytes(GERMAN.replace("#ENDE;29\n", "") + GERMAN))
    assert (first_log.end_reached, second_log.end_reached) == (False, True)


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        (";VP\n", ";VP;QX\n", "new_column", 22),
        ("QB;QP", "QB;QB", "duplicate_column", 22),
        (";VP\n", "\n", "missing_column", 22),
        ("[Alarme]", "[Warnungen]", "new_section", 18),
        ("Seriennummer;AM-0417\n", "", "no_identity", 1),
        ("Beginn;18.03.2024 08:12:40", "Beginn;31.02.2024 08:12:40", "no_identity", 1),
    ],
)
def test_what_contradicts_the_layout_is_refused_with_its_line(
    old: str, new: str, code: str | None, line: int
):
    text = GERMAN.replace(old, new, 1)
    if code is None:
        log = one(text)
        assert "stamp_unreadable" in codes(log)
        return
    with pytest.raises(ParseError) as refused:
        one(text)
    assert (refused.value.code, refused.value.line) == (code, line)


@pytest.mark.parametrize("codec", ["cp850", "utf-8", "utf-8-sig"])
def test_another_code_page_is_read_if_every_declared_word_decodes(codec: str):
    (log,) = read(as_bytes(GERMAN, codec))
    assert log.end_reached
    assert log.alarms[0].text == "Säulendruck hoch"
    assert codes(log) == ({"other_encoding"} if codec != "utf-8-sig" else set())


def test_two_code_pages_in_one_file_are_refused():
    head, rest = GERMAN.split("[Zyklen]")
    with pytest.raises(ParseError) as refused:
        read(as_bytes(head) + as_bytes("[Zyklen]" + rest, "utf-8"))
    assert refused.value.code == "undecodable"


def test_bytes_that_no_declared_code_page_has_are_refused():
    with pytest.raises(ParseError) as refused:
        read(as_bytes(GERMAN, "utf-16"))
    assert refused.value.code in {"undecodable", None, "unreadable"}


@pytest.mark.parametrize("value", ["NaN", "1e309", "-402,5", "1.402,5", "402.5", "٤٠٢", "4_02", "x" * 60])
def test_a_value_that_cannot_be_believed_is_null_with_its_text_kept(value: str):
    codec = "cp1252" if value.isascii() else "utf-8"
    (log,) = read(as_bytes(GERMAN.replace("402,5", value), codec))
    volume = log.phases[0].volume
    assert volume is not None
    assert (volume.value, volume.text) == (None, value)
    finding = next(f for f in log.findings if f.code == "value_not_believed")
    assert (finding.line, finding.params["got"]) == (16, value)
    assert len(log.phases) == 2


def test_a_negative_counter_and_a_strange_sample_are_null_and_the_row_is_kept():
    log = one(GERMAN.replace("36,8;0,0", "36,8;-7,5").replace(";36,8;0,5", ";warm;0,5"))
    assert log.samples is not None
    by_name = {column.channel: column for column in log.samples.columns}
    assert by_name["processed_plasma"].null.tolist() == [True, False]
    assert by_name["temperature"].null.tolist() == [False, True]
    assert [(f.code, f.line) for f in log.findings] == [
        ("value_not_believed", 24),
        ("value_not_believed", 23),
    ]


def test_an_unknown_alarm_code_is_kept_as_other_with_a_finding():
    log = one(GERMAN.replace(";113;", ";977;"))
    assert (log.alarms[0].kind, log.alarms[0].code) == ("other", "977")
    assert codes(log) == {"unknown_alarm"}


def test_rows_after_the_end_mark_belong_to_nobody():
    log = one(GERMAN + "08:20:02;55,0;30,0;-82;64;118;7,02;36,8;0,9\n\n")
    assert log.end_reached
    assert codes(log) == {"lines_after_end"}
    assert {i.reason: i.rows for i in log.ignored} == {"after_end": 1}


def test_a_patient_that_changes_inside_a_treatment_is_held():
    log = one(recount(GERMAN.replace("Beginn;18", "Patient;0007777777\nBeginn;18", 1)))
    assert log.hold == "header_contradicts"


def test_midnight_is_a_new_day_in_every_section():
    text = GERMAN.replace("18.03.2024 08:12:40", "18.03.2024 23:55:00").replace(
        "18.03.2024 11:47:05", "19.03.2024 00:30:00"
    )
    for old, new in (("08:20:10;08:31:40", "23:58:00;00:05:00"), ("08:31:40;08:33:05", "00:05:00;00:06:00"),
                     ("09:02:11;113", "23:59:59;113"), ("09:02:40;09:02:35", "00:01:00;00:00:30"),
                     ("08:20:00", "23:59:59"), ("08:20:01", "00:00:00")):  # fmt: skip
        text = text.replace(old, new)
    log = one(text)
    load, back = log.phases
    assert [stamp.local for stamp in (load.end, back.start, log.alarms[0].cleared) if stamp] == [
        datetime(2024, 3, 19, 0, 5),
        datetime(2024, 3, 19, 0, 5),
        datetime(2024, 3, 19, 0, 1),
    ]
    assert log.samples is not None
    assert (log.samples.local_ms[1] - log.samples.local_ms[0]) == 1000


def test_an_unreadable_treatment_beside_a_readable_one_is_told_not_dropped():
    broken = GERMAN.replace("Seriennummer;AM-0417\n", "")
    (log,) = read(as_bytes(GERMAN + broken))
    assert "treatment_unreadable" in codes(log)
    assert {i.reason: i.rows for i in log.ignored} == {"treatment_unreadable": 9}
    assert log.rows_read == 18
