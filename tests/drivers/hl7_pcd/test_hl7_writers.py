"""Errors that real writers make, and bytes that are no HL7 at all."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.hl7_pcd import Hl7Pcd
from drivers.hl7_pcd.framing import read_stream
from drivers.hl7_pcd.values import read_number
from ingestor.driver import Bundle, Member, ParseError
from tests.drivers.hl7_pcd.writer import at, obx, pv, tx

if TYPE_CHECKING:
    from ingestor.driver import DeviceLog
    from tests.drivers.hl7_pcd.writer import Writer


DRIVER = Hl7Pcd()
FLOW = "158740^MDC_HDIALY_BLD_PUMP_BLOOD_FLOW_RATE^MDC"
VENOUS = "158776^MDC_HDIALY_BLD_PUMP_PRESS_VEN^MDC"


def read(writer: Writer):
    (log,) = DRIVER.parse(Bundle((Member("a.hl7", writer.batch()),)))
    return log


def cell(log: DeviceLog, channel: str, row: int = 0):
    (column,) = (c for c in log.samples.columns if c.channel == channel)
    return (
        None if column.null[row] else Decimal(int(column.mantissa[row])).scaleb(-column.scale)
    ), column.unit


def codes(log: DeviceLog):
    return {f.code for f in log.findings}


def test_units_in_the_spellings_of_writers_are_kept_as_printed(writer: Writer):
    writer.report(
        at(0), tx("TX"),
        "OBX|1|NM|158736^MDC_Z^MDC|1.1.2.1|12|ml/hr^ml/hr^UCUM||||||F",
        f"OBX|2|NM|{VENOUS}|1.1.3.4|64|mm[Hg]^ml[Hg]^UCUM||||||F",
    )  # fmt: skip
    log = read(writer)
    assert cell(log, "ac_flow") == (Decimal(12), "ml/hr")
    assert cell(log, "return_pressure") == (Decimal(64), "mm[Hg]")


def test_a_unit_nobody_knows_is_kept_for_the_next_room_to_judge(writer: Writer):
    writer.report(at(0), tx("TX"), obx(FLOW, "60", "kJ/h"))
    assert cell(read(writer), "blood_flow") == (Decimal(60), "kJ/h")


def test_a_unit_that_changes_is_converted_or_null_with_a_finding(writer: Writer):
    for minute, unit in enumerate(["mL/min", "L/min", "kJ/h"]):
        writer.report(at(minute), tx("TX"), obx(FLOW, "0.06" if unit == "L/min" else "60", unit))
    log = read(writer)
    assert [cell(log, "blood_flow", row)[0] for row in range(3)] == [Decimal(60), Decimal(60), None]
    assert "unit_unknown" in codes(log)


def test_a_code_of_zero_is_read_by_its_name(writer: Writer):
    writer.report(at(0), tx("TX"), obx("0^MDC_HDIALY_BLD_PUMP_BLOOD_FLOW_RATE^MDC", "60", "mL/min"))
    log = read(writer)
    assert cell(log, "blood_flow")[0] == 60
    assert "code_by_name" in codes(log)


def test_a_code_that_contradicts_its_name_is_not_used(writer: Writer):
    writer.report(at(0), tx("TX"), obx("158740^MDC_HDIALY_BLD_PUMP_PRESS_VEN^MDC", "60", "mL/min"))
    log = read(writer)
    assert [c.channel for c in log.samples.columns] == [None]
    assert "code_contradicts_name" in codes(log)


def test_a_space_before_the_bar_and_wrong_set_ids_do_not_matter(writer: Writer):
    writer.report(
        at(0), tx("TX").replace("OBX|1|", "OBX |7 |"), f"OBX |7|NM |{FLOW} |1.1.3.2 | 60 |mL/min ||||||F"
    )
    assert cell(read(writer), "blood_flow") == (Decimal(60), "mL/min")


def test_a_value_in_the_wrong_component_is_used_where_it_stands_alone(writer: Writer):
    writer.report(at(0), tx("TX"), obx(FLOW, "^60", "mL/min"))
    writer.report(at(1), tx("TX"), obx(FLOW, "^60^61", "mL/min"))
    log = read(writer)
    assert [cell(log, "blood_flow", row)[0] for row in (0, 1)] == [Decimal(60), None]
    assert {"value_misplaced", "value_ambiguous"} <= codes(log)


def test_two_values_in_one_observation_are_none(writer: Writer):
    writer.report(at(0), tx("TX"), obx(FLOW, "60~70", "mL/min"))
    assert cell(read(writer), "blood_flow")[0] is None


@pytest.mark.parametrize(
    "text", ["NaN", "1e309", "1_000", "６０", "0x1F", "1.234,5", "60 70", "--5", "9" * 400, "<60"]
)
def test_a_value_that_is_no_strict_number_is_null_with_a_finding(writer: Writer, text: str):
    writer.report(at(0), tx("TX"), obx(FLOW, text, "mL/min"))
    log = read(writer)
    assert cell(log, "blood_flow")[0] is None
    assert [f.params["value"] for f in log.findings if f.code == "value_implausible"] == [text[:40]]


@pytest.mark.parametrize(
    ("text", "value"), [("-0", "0"), ("+5", "5"), (".5", "0.5"), ("5.", "5"), ("-.25", "-0.25")]
)
def test_the_standard_number_forms_are_exact(text: str, value: str):
    assert read_number(text) == Decimal(value)


def test_a_result_that_could_not_be_obtained_is_null_and_zero_is_not(writer: Writer):
    writer.report(at(0), tx("TX"), f"OBX|1|NM|{FLOW}|1.1.3.2|0|mL/min^mL/min^UCUM|||||X")
    writer.report(at(1), tx("TX"), f"OBX|1|NM|{FLOW}|1.1.3.2|0|mL/min^mL/min^UCUM|||||F")
    log = read(writer)
    assert [cell(log, "blood_flow", row)[0] for row in (0, 1)] == [None, Decimal(0)]


def test_escapes_and_own_delimiters_are_honoured():
    data = b"MSH#*!$%#M*00A0*EUI-64####20240318081240+0100##ORU*R01*ORU_R01#1#P#2.6#########IHE_PCD_001\rPID###A$F$B****MR\rOBR#1##00A0C9FFFE12345620240318081240#70929\rOBX#1#ST#158594*X*MDC#1#TX\r"
    (log,) = DRIVER.parse(Bundle((Member("a", data),)))
    assert log.patient == "A#B"


def test_bytes_between_frames_are_said_and_skipped(full: Writer):
    data = full.mllp().replace(b"\x1c\r\x0b", b"\x1c\rnoise\r\x0b", 1)
    (log,) = DRIVER.parse(Bundle((Member("a", data),)))
    assert log.end_reached
    assert "stray_bytes" in codes(log)


def test_a_frame_that_was_cut_gives_nothing_of_its_message(full: Writer):
    data = full.mllp()
    cut = data[: data.rindex(b"\x0b") + 40]
    (log,) = DRIVER.parse(Bundle((Member("a", cut),)))
    assert not log.end_reached
    assert log.rows_read == 22
    assert "truncated" in codes(log)


def test_a_machine_clock_far_from_the_message_is_said(writer: Writer):
    writer.report(at(0), tx("TX"), obx("158592^MDC_HDIALY_MACH_TIME^MDC", "20240318071240+0000", kind="DTM"))
    assert "machine_clock_differs" not in codes(read(writer))
    writer.messages.clear()
    writer.report(at(0), tx("TX"), obx("158592^MDC_HDIALY_MACH_TIME^MDC", "20240318081240+0000", kind="DTM"))
    assert "machine_clock_differs" in codes(read(writer))


def plasma(log: DeviceLog):
    found = [c for c in log.samples.columns if c.channel == "processed_plasma"] if log.samples else []
    return [int(m) / 10**c.scale for c in found for m, n in zip(c.mantissa, c.null, strict=True) if not n]


@pytest.mark.parametrize("form", ["batch", "mllp"])
def test_a_treatment_cut_at_any_byte_is_incomplete_or_the_same_and_never_another_dose(
    writer: Writer, form: str
):
    for minute in range(3):
        writer.report(at(minute), tx("TX"), pv("plasma", f"{minute}43.5"))
    writer.report(at(3), tx("POSTTX"), pv("plasma", "243.5"))
    data = writer.batch() if form == "batch" else writer.mllp()
    whole = plasma(next(DRIVER.parse(Bundle((Member("a", data),)))))
    for length in range(len(data)):
        try:
            logs = list(DRIVER.parse(Bundle((Member("a", data[:length]),))))
        except ParseError:
            continue
        for log in logs:
            values = plasma(log)
            assert values == whole[: len(values)], length
            assert not log.end_reached or values == whole, length


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), st.integers(0, 3))
def test_any_bytes_give_a_log_or_a_parse_error(noise: bytes, how: int):
    head = b"MSH|^~\\&|M^00A0^EUI-64||||20240318081240+0100||ORU^R01^ORU_R01|1|P|2.6|||||||||IHE_PCD_001\rOBR|1||T|70929\r"
    data = (
        noise,
        head + noise,
        b"\x0b" + head + noise + b"\x1c\r",
        b"FHS|^~\\&\rBHS|^~\\&\r" + head + noise,
    )[how]
    bundle = Bundle((Member("a", data),))
    DRIVER.claim(bundle)
    read_stream(data, "a")
    try:
        logs = list(DRIVER.parse(bundle))
    except ParseError:
        return
    for log in logs:
        assert sum(i.rows for i in log.ignored) <= log.rows_read


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_mutated_treatment_gives_a_log_or_a_parse_error(data: bytes):
    lines = SAMPLE.split(b"\r")
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(lines) - 1))
        action = data.draw(st.sampled_from(["drop", "double", "swap", "flip", "fields"]))
        line = lines[place]
        if action == "drop":
            lines[place] = b""
        elif action == "double":
            lines.insert(place, line)
        elif action == "swap":
            other = data.draw(st.integers(0, len(lines) - 1))
            lines[place], lines[other] = lines[other], line
        elif action == "flip" and line:
            at = data.draw(st.integers(0, len(line) - 1))
            lines[place] = line[:at] + bytes([data.draw(st.integers(0, 255))]) + line[at + 1 :]
        else:
            fields = line.split(b"|")
            fields[data.draw(st.integers(0, len(fields) - 1))] = data.draw(
                st.sampled_from([b"", b"^^^", b"~~", b"-1", b"99999999999", b'""', b"\\X41\\"])
            )
            lines[place] = b"|".join(fields)
    bundle = Bundle((Member("a", b"\r".join(lines)),))
    DRIVER.claim(bundle)
    try:
        for log in DRIVER.parse(bundle):
            assert sum(i.rows for i in log.ignored) <= log.rows_read
    except ParseError:
        pass


SAMPLE = b"".join(
    [
        b"FHS|^~\\&|M\rBHS|^~\\&|M\r",
        *(
            (
                f"MSH|^~\\&|M^00A0C9FFFE123456^EUI-64||||20240318081{n}40+0100||ORU^R01^ORU_R01|{n}|P|2.6|||||||||IHE_PCD_001^IHEPCD\r"
                f"PID|||1^^^^MR\rOBR|1||00A0C9FFFE12345620240318081240^M^00A0C9FFFE123456^EUI-64|70929^MDS^MDC|||20240318081{n}40+0100\r"
                f"OBX|1|ST|531972^X^MDC|1|S1\rOBX|2|ST|158594^X^MDC|1|{'TX' if n < 3 else 'POSTTX'}\r"
                f"OBX|3|NM|192772^MDCIA_PLASMA_PROCESSED_TOTAL^MDC|1|{n}00|mL\rOBX|4|ST|192776^MDCIA_COLUMN_CYCLE_NUMBER^MDC|1|{n}\r"
                f"OBX|5|ST|192778^MDCIA_COLUMN_PHASE^MDC|1|load\rOBX|6|ST|198244^MDC_EVT^MDC|1|{'T' if n == 2 else 'F'}\r"
            ).encode()
            for n in range(4)
        ),
        b"BTS|4\rFTS|1\r",
    ]
)
