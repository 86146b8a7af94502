"""What the driver `prismaflex` reads of a treatment."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from drivers.prismaflex import Prismaflex, drivers
from ingestor.driver import BundleKey, ParseError, Priority, Role
from tests.drivers.prismaflex.writer import START, STEM, Machine, bundle, bundle_of, lox

if TYPE_CHECKING:
    from pathlib import Path

    from ingestor.driver import Bundle, DeviceLog

DRIVER = Prismaflex()


def read(source: Bundle) -> DeviceLog:
    claim = DRIVER.claim(source)
    assert claim.claims, claim
    (log,) = DRIVER.parse(source)
    ignored = sum(i.rows for i in log.ignored)
    assert 0 <= ignored <= log.rows_read
    return log


def column(log: DeviceLog, channel: str) -> list[Decimal | None]:
    assert log.samples is not None
    (found,) = (c for c in log.samples.columns if c.channel == channel)
    return [
        None if n else Decimal(int(m)).scaleb(-found.scale)
        for m, n in zip(found.mantissa, found.null, strict=True)
    ]


def codes(log: DeviceLog) -> set[str]:
    return {f.code for f in log.findings}


@pytest.fixture(params=["archive", "triple", "loose"])
def source(request: pytest.FixtureRequest) -> Bundle:
    machine = Machine()
    if request.param == "archive":
        return bundle(lox(machine.members()))
    if request.param == "triple":
        return bundle_of(machine.triple())
    return bundle_of({n: d for n, d in machine.members().items() if n[-1] in "EPS"})


def test_both_generations_tell_the_same_treatment(source: Bundle):
    log = read(source)
    assert (log.maker, log.model, log.serial) == ("Baxter", "Prismaflex", "5d7f-0a1d")
    assert log.role is Role.COMBINED
    assert log.patient == "0001029384"
    assert log.started.local == START
    assert log.ended is not None
    assert log.ended.local == START + timedelta(minutes=10)
    assert log.end_reached
    assert log.hold is None
    assert log.rows_read == 10 + 10 + 10
    assert log.run_id is None


def test_volumes_and_pressures_of_one_minute_are_one_sample(source: Bundle):
    log = read(source)
    assert log.samples is not None
    assert len(log.samples.local_ms) == 10
    assert column(log, "effluent")[:3] == [30, 60, 90]
    assert column(log, "dialysate")[0] == 27
    assert column(log, "access_pressure") == [Decimal(-83)] * 10
    assert column(log, "arps_pressure")[-1] == 10
    assert column(log, "pump_speed_4") == [Decimal(40)] * 10
    assert log.samples.elapsed_s is not None
    assert log.samples.elapsed_s[0] == 20
    assert {c.unit for c in log.samples.columns if c.channel == "effluent"} == {"mL"}


def test_codes_name_the_events_and_set_values_have_the_scale_that_the_text_shows(source: Bundle):
    log = read(source)
    kinds = {e.kind: e for e in log.events}
    assert kinds["set_blood_flow"].number is not None
    assert (kinds["set_blood_flow"].number.value, kinds["set_blood_flow"].number.unit) == (180, "ml/min")
    facts = {f.kind: (f.number.value, f.number.unit) for f in log.facts}
    assert facts == {"weight": (Decimal("71.5"), "kg"), "hematocrit": (Decimal("26.5"), "%")}
    assert [e.kind for e in log.events][-2:] == ["stop", "end_of_treatment"]


def test_the_patients_number_stands_in_no_event(source: Bundle):
    log = read(source)
    assert all("0001029384" not in e.text for e in log.events)
    assert [e.kind for e in log.events if e.kind == "patient_id"] == ["patient_id"]


def test_a_therapy_without_plasma_has_no_processed_plasma_and_says_so(source: Bundle):
    log = read(source)
    assert log.samples is not None
    assert [c for c in log.samples.columns if c.channel == "processed_plasma"] == []
    assert [f.params["therapy"] for f in log.findings if f.code == "no_plasma_therapy"] == ["CVVHDF"]


def test_in_a_plasma_exchange_the_effluent_is_taken_as_plasma_and_marked_assumed():
    log = read(bundle(lox(Machine(therapy="TPE").members())))
    assert column(log, "processed_plasma") == column(log, "effluent")
    assert "plasma_assumed" in codes(log)


def test_the_column_row_is_found_by_its_words_on_any_line_and_in_any_case():
    members = Machine().members()
    text = members[f"{STEM}.PLS"].decode().replace("Index;Time;", "INDEX; time ;")
    members[f"{STEM}.PLS"] = ("MonitorID: 5d7f-0a1d;\n\n\n\n\n" + text).encode()
    assert column(read(bundle(lox(members))), "effluent")[0] == 30


def test_a_code_is_its_class_and_type_and_1_is_never_21():
    machine = Machine(
        extra=[(3, 16, 21, "Dialysat", "2000 ml/h"), (4, 8, 1, "1", ""), (4, 32, 21, "Alarm", "")]
    )
    log = read(bundle(lox(machine.members())))
    assert [e.kind for e in log.events if e.text.startswith("Dialysat")] == ["set_dialysate"]
    assert log.ended is not None
    assert log.ended.local == START + timedelta(minutes=10)
    assert [(a.klass, a.code) for a in log.alarms] == [("32", "21")]


@pytest.mark.parametrize(
    ("klass", "priority"),
    [(32, Priority.HIGH), (64, Priority.HIGH), (128, Priority.MEDIUM), (256, Priority.LOW)],
)
def test_the_class_gives_the_priority_and_an_unknown_code_is_other_with_a_finding(
    klass: int, priority: Priority
):
    log = read(bundle(lox(Machine(extra=[(3, klass, 105, "Ciśnienie", "wysokie")]).members())))
    assert [(a.kind, a.priority, a.text) for a in log.alarms] == [("other", priority, "Ciśnienie: wysokie")]
    assert "unknown_alarm" in codes(log)


def test_a_site_names_its_alarm_codes(tmp_path: Path):
    (tmp_path / "codes").mkdir()
    (tmp_path / "codes/prismaflex.toml").write_text('[alarms]\n"32/105" = "return_pressure_high"\n')
    (own,) = drivers(tmp_path)
    (log,) = own.parse(bundle(lox(Machine(extra=[(3, 32, 105, "x", "")]).members())))
    assert [a.kind for a in log.alarms] == ["return_pressure_high"]
    assert own.version != DRIVER.version


@pytest.mark.parametrize(
    ("raw", "text", "value"),
    [
        ("265", "26.5 %", "26.5"), ("265", "26,5 %", "26.5"), ("180", "180 ml/min", "180"),
        ("1234", "1,234 ml/h", None), ("99", "26.5 %", None), ("0", "0.0 kg", "0.0"),
    ],
)  # fmt: skip
def test_a_set_value_counts_only_where_number_and_text_show_the_same(raw: str, text: str, value: str | None):
    from drivers._remarks import Remarks
    from drivers.prismaflex.amounts import set_value

    remarks = Remarks("m")
    number = set_value(raw, text, "", remarks, 1, "m")
    assert number is not None
    assert number.value == (None if value is None else Decimal(value))
    assert bool(remarks.findings()) is (value is None)


def test_a_set_value_in_words_is_no_number():
    from drivers._remarks import Remarks
    from drivers.prismaflex.amounts import set_value

    assert set_value("3", "Terapia: CVVHDF", "", Remarks("m"), 1, "m") is None


def test_two_patient_numbers_are_held_for_a_person():
    log = read(bundle(lox(Machine(patients=("1111", "2222")).members())))
    assert (log.patient, log.hold) == (None, "patient_changes")


def test_a_number_typed_twice_and_the_machines_own_number_are_no_second_patient():
    assert read(bundle(lox(Machine(patients=("1111", "1111", "5d7f-0a1d")).members()))).patient == "1111"


def test_a_run_that_never_began_is_kept_with_its_first_row():
    members = Machine().members()
    text = (
        members[f"{STEM}.PLE"][2:]
        .decode("utf-16-le")
        .replace(";8;Zdarzenie;16;Start", ";8;Zdarzenie;14;Test")
    )
    members[f"{STEM}.PLE"] = b"\xff\xfe" + text.encode("utf-16-le")
    log = read(bundle(lox(members)))
    assert log.started.local == START - timedelta(minutes=20)
    assert "never_in_treatment" in codes(log)


def test_the_balance_that_a_file_carries_in_itself_is_checked():
    assert "balance_wrong" not in codes(read(bundle(lox(Machine().members()))))
    members = Machine().members()
    lines = members[f"{STEM}.PLS"].decode().split("\n")
    cells = lines[-1].split(";")
    cells[9] = str(int(cells[9]) + 3)
    members[f"{STEM}.PLS"] = "\n".join([*lines[:-1], ";".join(cells)]).encode()
    (finding,) = (f for f in read(bundle(lox(members))).findings if f.code == "balance_wrong")
    assert (finding.member, finding.line) == (f"{STEM}.PLS", len(lines))


def test_gaps_of_the_index_are_findings_and_equal_rows_count_once():
    members = Machine().members()
    lines = members[f"{STEM}.PLP"].decode().split("\n")
    members[f"{STEM}.PLP"] = "\n".join([*lines[:8], *lines[9:], lines[-1]]).encode()
    log = read(bundle(lox(members)))
    assert {"index_gap", "repeated_row"} <= codes(log)
    assert [(i.reason, i.rows) for i in log.ignored] == [("repeated_row", 1)]
    assert log.rows_read == 30
    assert column(log, "access_pressure").count(None) == 1


def test_a_clock_set_back_in_mid_file_keeps_rows_together_and_in_order():
    members = Machine(minutes=90).members()
    for ending in ("PLP", "PLS"):
        lines = members[f"{STEM}.{ending}"].decode().split("\n")
        heading = next(i for i, line in enumerate(lines) if line.startswith("Index"))
        for i in range(heading + 61, len(lines)):
            cells = lines[i].split(";")
            at = START.replace(second=0) + timedelta(minutes=i - heading - 55)
            lines[i] = ";".join([cells[0], at.strftime("%Y-%m-%d %H:%M:%S"), *cells[2:]])
        members[f"{STEM}.{ending}"] = "\n".join(lines).encode()
    log = read(bundle(lox(members)))
    assert log.samples is not None
    assert len(log.samples.local_ms) == 90
    assert column(log, "effluent") == [Decimal(30 * i) for i in range(1, 91)]
    assert column(log, "arps_pressure") == [Decimal(i) for i in range(1, 91)]


def test_an_unknown_column_is_kept_and_said_and_a_column_twice_is_refused():
    members = Machine().members()
    text = members[f"{STEM}.PLP"].decode()
    members[f"{STEM}.PLP"] = text.replace("ARPS_PRESSURE", "NEW_PRESSURE").encode()
    log = read(bundle(lox(members)))
    assert log.samples is not None
    assert "NEW_PRESSURE" in {c.printed for c in log.samples.columns if c.channel is None}
    assert "unknown_column" in codes(log)
    members[f"{STEM}.PLP"] = text.replace("ARPS_PRESSURE", "ACCESS_PRESSURE").encode()
    with pytest.raises(ParseError) as caught:
        list(DRIVER.parse(bundle(lox(members))))
    assert (caught.value.code, caught.value.member) == ("duplicate_column", f"{STEM}.PLP")


def test_values_that_are_no_numbers_are_null_and_small_negative_volumes_are_not():
    members = Machine().members()
    text = members[f"{STEM}.PLS"].decode()
    members[f"{STEM}.PLS"] = (
        text.replace(";30;0;0;", ";NaN;0;0;", 1).replace(";55;60;", ";-2;60;", 1).encode()
    )
    log = read(bundle(lox(members)))
    assert column(log, "effluent")[0] is None
    assert column(log, "dialysate")[1] == -2
    assert "value_implausible" in codes(log)


def test_members_of_another_machine_or_another_day_are_not_used_though_their_stem_fits():
    for change in (("5d7f-0a1d", "9999-9999"), ("2024-03-18", "2024-03-16")):
        members = Machine().members()
        members[f"{STEM}.PLP"] = members[f"{STEM}.PLP"].decode().replace(*change).encode()
        log = read(bundle(lox(members)))
        assert log.samples is not None
        assert not log.end_reached
        assert [c for c in log.samples.columns if c.channel == "access_pressure"] == []
        assert [(i.reason, i.rows) for i in log.ignored] == [("member_foreign", 10)]


def test_files_pair_by_stem_and_say_what_is_missing():
    assert DRIVER.bundle_key("x/TREAT01P.TXT") == BundleKey("TREAT01", "P.TXT", ("E.TXT", "P.TXT", "S.TXT"))
    assert DRIVER.bundle_key("0318A12B.PLE") == BundleKey("0318A12B", ".PLE", (".PLE", ".PLP", ".PLS"))
    assert DRIVER.bundle_key("0318A12B.LOX") is None
    assert DRIVER.bundle_key("REPORT.CSV") is None


def test_the_order_of_the_members_does_not_matter():
    triple = Machine().triple()
    backwards = dict(reversed(triple.items()))
    first, second = (read(bundle_of(m)) for m in (triple, backwards))
    assert column(first, "effluent") == column(second, "effluent")
    assert first.findings == second.findings
    assert first.started == second.started


def test_events_alone_are_a_partial_treatment_and_pressures_alone_are_none():
    triple = Machine().triple()
    log = read(bundle_of({"TREAT01E.TXT": triple["TREAT01E.TXT"]}))
    assert not log.end_reached
    assert log.samples is None
    assert {f.params["kind"] for f in log.findings if f.code == "member_missing"} == {"pressures", "volumes"}
    with pytest.raises(ParseError) as caught:
        list(DRIVER.parse(bundle_of({"TREAT01P.TXT": triple["TREAT01P.TXT"]})))
    assert caught.value.code == "no_identity"


def test_volumes_that_stop_before_the_treatment_does_are_not_whole():
    triple = Machine().triple()
    text = triple["TREAT01S.TXT"].decode()
    triple["TREAT01S.TXT"] = "\r\n".join([*text.split("\r\n")[:-4], ""]).encode()
    log = read(bundle_of(triple))
    assert not log.end_reached
    assert "member_ends_early" in codes(log)


def test_a_log_that_ends_with_the_unloading_is_complete_only_with_the_volumes_until_the_stop():
    machine = Machine()
    triple = machine.triple()
    events = (
        triple["TREAT01E.TXT"].decode("utf-16").replace(";8;Zdarzenie;21;Koniec", ";8;Zdarzenie;84;Demontaż")
    )
    triple["TREAT01E.TXT"] = events.encode("utf-16")
    assert read(bundle_of(triple)).end_reached
    text = triple["TREAT01S.TXT"].decode()
    triple["TREAT01S.TXT"] = "\r\n".join([*text.split("\r\n")[:-4], ""]).encode()
    assert not read(bundle_of(triple)).end_reached


@pytest.mark.parametrize(("software", "generation"), [("9.10 V01", 8), ("7.20", 8)])
def test_another_version_of_the_software_is_declined_as_unknown(software: str, generation: int):
    assert generation == 8
    claim = DRIVER.claim(bundle(lox(Machine(software=software).members())))
    assert (claim.claims, claim.code) == (False, "unknown_version")
    assert software.split(maxsplit=1)[0] in claim.near_misses[0]


def test_the_weekday_of_a_time_has_to_fit_its_date():
    from drivers.prismaflex.events import read_stamp

    stamp = read_stamp("Tue Apr  4 15:43:17 2017")
    assert stamp is not None
    assert stamp.local.isoformat() == "2017-04-04T15:43:17"
    assert read_stamp("Mon Apr  4 15:43:17 2017") is None
    assert read_stamp("2017-02-31 10:00:00") is None
