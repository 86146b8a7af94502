"""What the driver `hl7-pcd` reads of a treatment."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from drivers.hl7_pcd import Hl7Pcd
from ingestor.driver import Bundle, Member, ParseError, Phase, Role
from tests.drivers.hl7_pcd.writer import at, obx, pv, tx

if TYPE_CHECKING:
    from pathlib import Path

    from ingestor.driver import DeviceLog
    from tests.drivers.hl7_pcd.writer import Writer


DRIVER = Hl7Pcd()


def read(data: bytes):
    bundle = Bundle((Member("treatment.hl7", data),))
    assert DRIVER.claim(bundle).claims, DRIVER.claim(bundle)
    return list(DRIVER.parse(bundle))


def one(data: bytes):
    logs = read(data)
    assert len(logs) == 1
    return logs[0]


def column(log: DeviceLog, channel: str):
    found = [c for c in log.samples.columns if c.channel == channel]
    assert len(found) == 1, [c.printed for c in log.samples.columns]
    return [
        None if n else Decimal(int(m)).scaleb(-found[0].scale)
        for m, n in zip(found[0].mantissa, found[0].null, strict=True)
    ]


def codes(log: DeviceLog):
    return {f.code for f in log.findings}


def adds_up(log: DeviceLog):
    assert 0 <= sum(i.rows for i in log.ignored) <= log.rows_read


def test_a_batch_is_one_treatment_with_device_patient_and_identity(full: Writer):
    log = one(full.batch())
    assert (log.maker, log.model, log.serial, log.software) == (
        "Muster Medizintechnik",
        "IA 200",
        "IA-0417",
        "3.20",
    )
    assert log.run_id == "00A0C9FFFE12345620240318081240"
    assert log.patient == "0001029384"
    assert log.role is Role.COMBINED
    assert log.end_reached
    assert log.hold is None
    adds_up(log)


def test_start_and_end_are_the_first_report_in_and_the_first_out_of_treatment(full: Writer):
    log = one(full.batch())
    assert (log.started.local, log.started.offset_min) == (at(0), 60)
    assert log.ended.local == at(21)


def test_the_end_is_the_last_report_where_only_the_trailers_follow(full: Writer):
    full.messages.pop()
    log = one(full.batch())
    assert log.ended.local == at(20)
    assert log.end_reached


def test_samples_are_one_row_a_report_in_printed_units(full: Writer):
    log = one(full.batch())
    assert len(log.samples.local_ms) == 22
    assert column(log, "blood_flow")[:2] == [Decimal("58.5")] * 2
    assert column(log, "processed_plasma")[-1] == Decimal(600)
    assert column(log, "access_pressure")[0] == -82
    units = {c.channel: c.unit for c in log.samples.columns if c.channel}
    assert units["blood_flow"] == "ml/min"
    assert units["blood_processed"] == "L"
    assert log.samples.offset_min == 60


def test_the_last_value_of_the_counter_is_also_the_reported_total(full: Writer):
    totals = {t.kind: t.number for t in one(full.batch()).totals}
    assert totals["processed_plasma"].value == Decimal(600)
    assert totals["blood_processed"].value == Decimal("1.17")
    assert totals["blood_processed"].unit == "L"
    assert totals["ac_volume"].value == Decimal(40)


def test_cycles_are_the_distinct_cycle_numbers_in_phase_load(full: Writer):
    log = one(full.batch())
    loads = [p for p in log.phases if p.phase is Phase.LOAD]
    assert [(p.cycle, p.position) for p in loads] == [(1, "A"), (2, "B"), (3, "A"), (4, "B"), (5, "A")]
    assert loads[0].start.local == at(0)
    assert loads[0].end.local == at(4)
    assert all(p.volume is None and p.completed is None for p in log.phases)


def test_an_interrupted_load_with_one_number_is_one_cycle(writer: Writer):
    for number, phase in enumerate(["load", "recondition", "load", "elute"]):
        writer.report(at(number), tx("TX"), pv("cycle", "1"), pv("position", "A"), pv("phase", phase))
    loads = [p for p in one(writer.batch()).phases if p.phase is Phase.LOAD]
    assert [(p.cycle, p.start.local, p.end.local) for p in loads] == [(1, at(0), at(3))]


def test_two_columns_in_one_report_are_two_columns(writer: Writer):
    for number in range(3):
        writer.report(
            at(number), tx("TX"),
            pv("cycle", "1"), pv("position", "A"), pv("phase", "load"), pv("column_serial", "S-1"),
            pv("cycle", "2"), pv("position", "B"), pv("phase", "elute"), pv("column_serial", "S-2"),
        )  # fmt: skip
    log = one(writer.batch())
    assert [(p.cycle, p.position, p.phase) for p in log.phases] == [
        (1, "A", Phase.LOAD),
        (2, "B", Phase.ELUTE),
    ]
    assert [(c.position, c.serial) for c in log.columns] == [("A", "S-1"), ("B", "S-2")]


def test_another_serial_at_a_position_is_a_second_column_use(writer: Writer):
    for number, serial in enumerate(["S-1", "S-1", "S-9"]):
        writer.report(
            at(number), tx("TX"), pv("position", "A"), pv("column_serial", serial), pv("product", "T-350")
        )
    uses = one(writer.batch()).columns
    assert [(u.position, u.sequence, u.serial, u.product) for u in uses] == [
        ("A", 1, "S-1", "T-350"),
        ("A", 2, "S-9", "T-350"),
    ]


def test_weight_and_hematocrit_are_read_as_printed_before_the_treatment(full: Writer):
    facts = {f.kind: f.number for f in one(full.batch()).facts}
    assert (facts["weight"].value, facts["weight"].unit) == (Decimal("71.5"), "kg")
    assert (facts["hematocrit"].value, facts["hematocrit"].unit) == (Decimal("0.36"), "%{vol}")


def test_settings_and_words_are_events_when_they_change(full: Writer):
    events = one(full.batch()).events
    assert [e.text for e in events if e.kind == "mode"] == ["PRETX", "TX", "POSTTX"]
    assert [e.text for e in events if e.kind == "modality"] == ["HP"]
    assert [e.number.value for e in events if e.kind == "set_blood_flow"] == [Decimal(60)]


def test_a_set_point_is_never_an_actual_value(writer: Writer):
    flow = "158740^MDC_HDIALY_BLD_PUMP_BLOOD_FLOW_RATE^MDC"
    writer.report(at(0), tx("TX"), obx(flow, "60", "ml/min", more="||||||RSET"))
    log = one(writer.batch())
    assert [c for c in log.samples.columns if c.channel == "blood_flow"] == []
    assert [(e.kind, e.number.value) for e in log.events if e.number] == [("setting", Decimal(60))]


def test_the_mean_of_a_channel_is_not_the_channel(writer: Writer):
    writer.report(at(0), tx("TX"), obx("158743^MDC_HDIALY_BLD_PUMP_BLOOD_FLOW_RATE_MEAN^MDC", "57", "ml/min"))
    log = one(writer.batch())
    assert [(c.channel, c.printed) for c in log.samples.columns] == [
        (None, "MDC_HDIALY_BLD_PUMP_BLOOD_FLOW_RATE_MEAN")
    ]


def test_a_machine_number_is_never_a_patient(writer: Writer):
    for patient in (
        "IA 200/IA-0417^^^^U",
        '"IA 200/IA-0417"^^^^U',
        "IA-0417^^^^MR",
        "IA 200/IA-0417^^^^MR",
        "",
    ):
        writer.messages.clear()
        writer.report(at(0), tx("TX"), *DEVICE_LINES, patient=patient)
        assert one(writer.batch()).patient is None, patient


def test_a_medical_record_number_comes_before_a_person_number(writer: Writer):
    writer.report(at(0), tx("TX"), patient="010199-000H^^^^PN~0001029384^^^^MR")
    assert one(writer.batch()).patient == "0001029384"
    writer.messages.clear()
    writer.report(at(0), tx("TX"), patient="010199-000H^^^^PN")
    assert one(writer.batch()).patient == "010199-000H"


def test_a_number_of_unknown_type_is_not_used_and_said(writer: Writer):
    writer.report(at(0), tx("TX"), patient="4711^^^^XX")
    log = one(writer.batch())
    assert log.patient is None
    assert "patient_id_type" in codes(log)


def test_two_patients_in_one_treatment_are_held_for_a_person(full: Writer):
    full.messages.insert(5, full.report(at(3, 30), tx("TX"), patient="0009^^^^MR"))
    full.messages.pop()
    log = one(full.batch())
    assert log.hold == "patient_changes"
    assert log.patient is None


def test_a_person_number_before_the_record_number_is_no_second_patient(writer: Writer):
    writer.report(at(0), tx("TX"), patient="010199-000H^^^^PN")
    writer.report(at(1), tx("TX"), patient="0001029384^^^^MR")
    log = one(writer.batch())
    assert (log.patient, log.hold) == ("0001029384", None)


def test_two_record_numbers_in_one_message_name_nobody_and_hold_nothing(writer: Writer):
    writer.report(at(0), tx("TX"), patient="1111^^^A^MR~2222^^^B^MR")
    log = one(writer.batch())
    assert (log.patient, log.hold) == (None, None)
    assert "patient_ids_differ" in codes(log)


def test_private_terms_of_another_maker_under_our_numbers_are_not_ours(writer: Writer):
    writer.report(at(0), tx("TX"), obx("192772^MDCACME_SOMETHING^MDC", "5", "mL"))
    log = one(writer.batch())
    assert [(c.channel, c.printed) for c in log.samples.columns] == [(None, "MDCACME_SOMETHING")]
    assert "unknown_term" in codes(log)


def test_a_site_says_what_a_models_numbers_mean(writer: Writer, tmp_path: Path):
    from drivers.hl7_pcd import drivers

    (tmp_path / "codes").mkdir()
    (tmp_path / "codes/hl7-pcd.toml").write_text(
        '[models."IA 200"]\nrole = "adsorber"\nchannels = { 192772 = "processed_plasma" }\n'
    )
    (own,) = drivers(tmp_path)
    writer.report(at(0), tx("TX"), *DEVICE_LINES, obx("192772^MDCACME_TOTAL^MDC", "5", "mL"))
    (log,) = own.parse(Bundle((Member("a.hl7", writer.batch()),)))
    assert column(log, "processed_plasma") == [Decimal(5)]
    assert log.role is Role.ADSORBER
    assert own.version != DRIVER.version


def test_an_interruption_keeps_the_plasma_of_both_halves(writer: Writer):
    for number, word in enumerate(["TX", "TX", "IDL", "TX", "POSTTX"]):
        writer.report(at(number), tx(word), pv("plasma", str(100 * number)))
    log = one(writer.batch())
    assert column(log, "processed_plasma")[-1] == Decimal(400)
    assert log.ended.local == at(4)
    assert "treatment_resumed" in codes(log)


def test_a_counter_that_began_again_has_no_reported_total(writer: Writer):
    for number, value in enumerate(["100", "900", "0", "300"]):
        writer.report(at(number), tx("TX"), pv("plasma", value))
    log = one(writer.batch())
    assert [t.kind for t in log.totals] == []
    assert "total_of_last_segment" in codes(log)


def test_values_outside_the_treatment_never_enter_it(writer: Writer):
    for number, (word, value) in enumerate(
        [("PRETX", "6043"), ("TX", "0"), ("TX", "50"), ("POSTTX", "50"), ("IDL", "0")]
    ):
        writer.report(at(number), tx(word), pv("plasma", value))
    log = one(writer.batch())
    assert column(log, "processed_plasma") == [0, 50, 50]
    assert [t.number.value for t in log.totals] == [Decimal(50)]


def test_a_service_run_is_a_bench_run(writer: Writer):
    writer.report(at(0), tx("SVC"), patient="")
    writer.report(at(1), tx("DIS"), patient="")
    log = one(writer.batch())
    assert log.bench
    assert log.samples is None


def test_a_message_without_a_mode_stands_in_the_mode_before_it(writer: Writer):
    writer.report(at(0), tx("TX"), pv("plasma", "0"))
    writer.report(at(1), pv("plasma", "40"))
    writer.report(at(2), tx("POSTTX"))
    assert column(one(writer.batch()), "processed_plasma")[:2] == [0, 40]


def test_a_changed_offset_moves_the_rows_to_the_first_one(writer: Writer):
    writer.report(datetime(2024, 10, 27, 2, 58), tx("TX"), offset="+0200")  # noqa: DTZ001
    writer.report(datetime(2024, 10, 27, 2, 3), tx("TX"), offset="+0100")  # noqa: DTZ001
    log = one(writer.batch())
    assert log.samples.local_ms[1] - log.samples.local_ms[0] == 5 * 60_000
    assert log.samples.offset_min == 120


def test_a_sign_left_out_of_the_offset_is_said_and_only_zero_is_known(writer: Writer):
    from drivers.hl7_pcd.times import read_time

    assert read_time("201910030920060000")[0].offset_min == 0
    assert read_time("201910030920060200")[0].offset_min is None
    assert read_time("201910030920060200")[1] == "offset_sign_missing"
    writer.report(datetime(2019, 10, 3, 9, 20, 6), tx("TX"), offset="0000")  # noqa: DTZ001
    assert "offset_sign_missing" in codes(one(writer.batch()))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024",
        "20240231080000+0100",
        "20240318246000",
        "abc",
        "20240318080000+9900",
        "２０２４０３１８０８００００",
    ],
)
def test_a_time_that_is_none_gives_none(text: str):
    from drivers.hl7_pcd.times import read_time

    assert read_time(text)[0] is None


def test_a_file_without_any_treatment_is_refused_with_what_was_expected(writer: Writer):
    writer.acknowledgement(at(0))
    bundle = Bundle((Member("a.hl7", writer.batch()),))
    assert not DRIVER.claim(bundle).claims
    with pytest.raises(ParseError) as caught:
        list(DRIVER.parse(bundle))
    assert caught.value.member == "a.hl7"


@pytest.mark.parametrize(
    ("data", "near", "code"),
    [
        (b"Zeit;QB;QP", False, None),
        (b"", False, None),
        (b"MSH|^~\\&|LAB||||20240101||ORU^R01|1|P|2.3\rOBR|1|||24331-1^LIPID\r", True, None),
        (
            b"MSH|^~\\&|X^Y||||20240101||ORU^R01^ORU_R01|1|P|2.7|||||||||IHE_PCD_001\rOBR|1||T|70929\r",
            True,
            "unknown_version",
        ),
    ],
)
def test_what_is_not_ours_is_declined_with_how_near_it_came(data: bytes, near: bool, code: str | None):
    claim = DRIVER.claim(Bundle((Member("x", data),)))
    assert not claim.claims
    assert bool(claim.near_misses) is near
    assert claim.code == code


DEVICE_LINES = (
    "OBX|1|ST|531969^MDC_ID_MODEL_NUMBER^MDC|1.0.0.1|IA 200||||||F",
    "OBX|2|ST|531972^MDC_ID_PROD_SPEC_SERIAL^MDC|1.0.0.3|IA-0417||||||F",
)
