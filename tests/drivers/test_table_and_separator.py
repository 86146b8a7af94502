"""The paired table and the separator's record, rule by rule."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from ingestor.driver import Bundle, BundleKey, DeviceLog, Member, ParseError, Phase, Priority, Role
from tests.drivers.samples import SEPARATOR, TABLE, TABLE_ALARMS, all_drivers

# ruff: noqa: DTZ001 - printed wall clocks have no zone

ALARMS = ("t_alarms.csv", TABLE_ALARMS)


def bundle(*members: tuple[str, str]) -> Bundle:
    return Bundle(tuple(Member(name, text.encode("utf-8-sig")) for name, text in members))


def table(text: str = TABLE, *others: tuple[str, str]) -> DeviceLog:
    driver = all_drivers()["single-column-table"]
    found = bundle(("t.csv", text), *(others or (ALARMS,)))
    assert driver.claim(found).claims, driver.claim(found)
    (log,) = driver.parse(found)
    return log


def codes(log: DeviceLog) -> list[str]:
    return [finding.code for finding in log.findings]


def test_companions_are_known_by_name_and_never_by_position():
    key = all_drivers()["single-column-table"].bundle_key
    parts = ("table", "alarms")
    assert key("MF_1.csv") == BundleKey("MF_1", "table", parts)
    assert key("MF_1_alarms.csv") == BundleKey("MF_1", "alarms", parts)
    assert key("MF_1_ALARMS.CSV") == BundleKey("MF_1", "alarms", parts)
    assert key("MF_1.txt") is None


def test_start_and_end_are_the_first_and_the_last_row_and_no_sum_is_printed():
    log = table()
    assert (log.started.local, log.ended and log.ended.local) == (
        datetime(2024, 3, 18, 8, 12, 40), datetime(2024, 3, 18, 8, 19, 40),
    )  # fmt: skip
    assert (log.end_reached, log.totals, codes(log)) == (True, (), [])
    assert log.samples is not None
    assert log.samples.elapsed_s is not None
    assert log.samples.elapsed_s.tolist() == [0, 60, 120, 180, 240, 300, 360, 420]


def test_each_column_is_one_cycle_and_its_counter_begins_again():
    log = table()
    loads = [
        (p.cycle, p.start and p.start.local.minute, p.end and p.end.local.minute)
        for p in log.phases
        if p.phase is Phase.LOAD
    ]
    assert loads == [(1, 13, 14), (1, 15, 16), (2, 17, 18)]
    assert log.samples is not None
    assert log.samples.segments == (5,)
    assert [(c.sequence, c.product, c.regenerable) for c in log.columns] == [
        (1, "DS-150", False),
        (2, "", False),
    ]


def test_a_change_of_column_with_a_pause_in_it_is_one_change():
    change = "2024-03-18T08:16:40,240,0.0,0.0,60.0,-26,21,31,40,35.1,column change\n"
    paused = change.replace("16:40,240", "16:45,245").replace("column change", "paused")
    again = change.replace("16:40,240", "16:50,250")
    log = table(TABLE.replace(change, change + paused + again))
    assert log.samples is not None
    assert log.samples.segments == (7,)
    assert [(c.position, c.sequence) for c in log.columns] == [("A", 1), ("A", 2)]
    assert sum(p.phase is Phase.LOAD for p in log.phases) == sum(
        p.phase is Phase.LOAD for p in table().phases
    )


def test_a_new_column_begins_where_its_counter_does_also_behind_a_pause():
    change = "2024-03-18T08:16:40,240,0.0,0.0,60.0,-26,21,31,40,35.1,column change\n"
    paused = change.replace("16:40,240", "16:45,245").replace("column change", "paused")
    log = table(TABLE.replace(change, change + paused))
    assert log.samples is not None
    assert log.samples.segments == (6,)
    assert len(log.columns) == 2


def test_a_quoted_message_may_hold_the_delimiter_and_an_alarm_may_never_clear():
    first, second = table().alarms
    assert (first.text, first.priority, first.cleared and first.cleared.local.minute) == (
        "Bag empty, change it",
        Priority.MEDIUM,
        15,
    )
    assert second.cleared is None


def test_a_lone_companion_is_recognised_and_its_treatment_is_partial():
    driver = all_drivers()["single-column-table"]
    assert driver.claim(bundle(ALARMS)).claims
    with pytest.raises(ParseError):
        list(driver.parse(bundle(ALARMS)))
    (log,) = driver.parse(bundle(("t.csv", TABLE)))
    assert (log.end_reached, codes(log)) == (False, ["companion_missing"])


def test_companions_of_another_treatment_are_declined():
    claim = all_drivers()["single-column-table"].claim(
        bundle(("a.csv", TABLE), ("b_alarms.csv", TABLE_ALARMS))
    )
    assert not claim.claims


def test_a_table_without_its_last_state_is_partial():
    log = table(TABLE[: TABLE.index("2024-03-18T08:19:40")])
    assert (log.end_reached, log.ended, codes(log)) == (False, None, ["truncated"])


def test_the_last_state_counts_without_a_line_end_and_half_of_it_does_not():
    assert table(TABLE.rstrip("\n")).end_reached
    cut = table(TABLE.rstrip("\n")[:-1])
    assert (cut.end_reached, {i.reason: i.rows for i in cut.ignored}) == (False, {"cut": 1})


def test_columns_in_another_order_say_the_same():
    lines = [line.split(",") for line in TABLE.splitlines()]
    head = lines[:7]
    turned = ["".join(line) if len(line) == 1 else ",".join(reversed(line)) for line in lines]
    log = table("\n".join([",".join(line) for line in head] + turned[7:]) + "\n")
    assert log.samples is not None
    assert {c.channel for c in log.samples.columns} == {
        c.channel for c in (table().samples or log.samples).columns
    }
    assert log.started.local == table().started.local


@pytest.mark.parametrize("old", [",state\n", "plasma_total_ml"])
def test_a_renamed_column_is_declined_with_what_is_missing_and_what_is_new(old: str):
    claim = all_drivers()["single-column-table"].claim(
        bundle(("t.csv", TABLE.replace(old, old.replace("state", "mode").replace("total", "sum"))), ALARMS)
    )
    assert (claim.claims, claim.code) == (False, "other_columns")
    assert len(claim.near_misses) == 2


@pytest.mark.parametrize("at", range(9, 14))
def test_rows_that_changed_places_make_no_further_load_and_no_further_column(at: int):
    rows = TABLE.splitlines()
    rows[at], rows[at + 1] = rows[at + 1], rows[at]
    whole, swapped = table(TABLE), table("\n".join([*rows, ""]))
    assert [(p.cycle, p.phase) for p in swapped.phases] == [(p.cycle, p.phase) for p in whole.phases]
    assert len(swapped.columns) == len(whole.columns)
    assert swapped.samples is not None
    places = [n + 1 for n in range(8, 16)]
    assert swapped.samples.line.tolist() == places  # they stay where they stand


def test_an_open_quote_costs_one_row_only():
    broken = TABLE_ALARMS.replace('"Bag empty, change it"', '"Bag empty, change it')
    log = table(TABLE, ("t_alarms.csv", broken))
    assert [(f.code, f.line) for f in log.findings] == [("row_unreadable", 2)]
    assert len(log.alarms) == 1


def separator(text: str = SEPARATOR) -> DeviceLog:
    driver = all_drivers()["separator-record"]
    found = Bundle((Member("p.xml", text.encode()),))
    assert driver.claim(found).claims, driver.claim(found)
    (log,) = driver.parse(found)
    return log


def test_a_separator_says_what_it_removed_with_its_offset():
    log = separator()
    assert (log.role, log.maker, log.run_id, log.patient) == (
        Role.SEPARATOR,
        "Northbrook",
        "RUN-7",
        "0001029384",
    )
    assert (log.started.local, log.started.offset_min) == (datetime(2024, 3, 18, 8, 12, 40), 60)
    assert {t.kind: (t.number.value, t.number.unit) for t in log.totals} == {
        "inlet_processed": (Decimal(11938), "mL"), "plasma_removed": (Decimal("6043.5"), "mL"),
        "ac_volume": (Decimal(918), "mL"), "ac_to_patient": (Decimal(367), "mL"),
    }  # fmt: skip
    assert [(f.kind, f.number.value) for f in log.facts] == [("ac_ratio", Decimal(12))]
    assert [(e.kind, e.text, e.number and e.number.value) for e in log.events] == [
        ("setting", "inletFlow", Decimal(60))
    ]
    (alarm,) = log.alarms
    assert (
        alarm.priority,
        alarm.onset and alarm.onset.local.second,
        alarm.cleared and alarm.cleared.local.second,
    ) == (Priority.HIGH, 11, 31)
    assert (log.end_reached, codes(log), log.samples) == (True, [], None)


def test_elements_and_attributes_that_nobody_declared_are_told():
    log = separator(
        SEPARATOR.replace("<ratio>", '<newSum unit="mL">5</newSum><ratio>').replace(
            "<Patient id", '<Patient ward="5" id'
        )
    )
    assert sorted(f.params["key"] for f in log.findings) == [
        "Patient/@ward",
        "Totals/newSum",
        "Totals/newSum/@unit",
    ]


def test_an_unknown_unit_is_kept_as_printed():
    log = separator(SEPARATOR.replace('unit="mL">918', 'unit="gal">918'))
    assert [(t.number.value, t.number.unit) for t in log.totals if t.kind == "ac_volume"] == [
        (Decimal(918), "gal")
    ]


def test_text_of_an_element_that_was_cut_is_never_read():
    log = separator(SEPARATOR[: SEPARATOR.index("43.5</plasmaRemoved>")])
    assert {t.kind for t in log.totals} == {"inlet_processed"}
    assert (log.end_reached, codes(log)) == (False, ["truncated"])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (SEPARATOR.replace("<Patient", "<<Patient"), "xml_malformed"),
        (SEPARATOR.replace("<Procedure", '<!DOCTYPE p [<!ENTITY a "b">]><Procedure', 1), "xml_forbidden"),
        (SEPARATOR.replace("<Settings>", "<Settings>" + "<d>" * 70, 1), "xml_limit"),
        (SEPARATOR.replace('serial="CF-0417"', ""), "no_identity"),
        (SEPARATOR.replace('start="2024-03-18T08:12:40+01:00"', ""), "no_identity"),
    ],
)
def test_xml_that_cannot_be_trusted_is_refused(text: str, code: str):
    with pytest.raises(ParseError) as refused:
        list(all_drivers()["separator-record"].parse(Bundle((Member("p.xml", text.encode()),))))
    assert refused.value.code == code


def test_another_namespace_is_a_near_miss():
    claim = all_drivers()["separator-record"].claim(
        Bundle((Member("p.xml", SEPARATOR.replace("record:1", "record:2").encode()),))
    )
    assert (claim.claims, claim.code) == (False, "unknown_version")
