"""Versions of the sectioned report: an older one, newer ones with things nobody has seen, and one too new."""

from __future__ import annotations

import pytest

from ingestor.driver import Bundle, Member, ParseError
from tests.drivers.samples import all_drivers, stored
from tests.drivers.test_twin_column_report import GERMAN, as_bytes, driver, one, recount

NEWER = GERMAN.replace("#TCR 2.1", "#TCR 3.1")


def test_version_2_0_has_no_status_and_writes_the_plasma_flow_out():
    text = GERMAN.replace("#TCR 2.1", "#TCR 2.0").replace(";Status", "").replace(";ok\n", "\n")
    log = one(text.replace(";Abbruch\n", "\n").replace("QB;QP", "QB;Plasmafluss"))
    assert log.version == "2.0"
    assert [phase.completed for phase in log.phases] == [None, None]
    assert log.samples is not None
    assert "plasma_flow" in {column.channel for column in log.samples.columns}


def test_version_3_may_add_columns_which_are_kept_and_reported():
    text = GERMAN.replace("#TCR 2.1", "#TCR 3.4").replace(";VP\n", ";VP;QX\n")
    log = one(text.replace("36,8;0,0\n", "36,8;0,0;7,5\n").replace("36,8;0,5\n", "36,8;0,5;---\n"))
    assert log.end_reached
    assert [(f.code, f.params["column"]) for f in log.findings] == [("unknown_column", "QX")]
    assert log.samples is not None
    extra = log.samples.columns[-1]
    assert (extra.channel, extra.printed, extra.mantissa.tolist(), extra.null.tolist()) == (
        None, "QX", [75, 0], [False, True],
    )  # fmt: skip


def test_an_unknown_version_is_a_near_miss_with_its_reason():
    claim = driver().claim(Bundle((Member("x", as_bytes(GERMAN.replace("#TCR 2.1", "#TCR 4.0"))),)))
    assert (claim.claims, claim.code) == (False, "unknown_version")
    assert any("4.0" in text for text in claim.near_misses)


def test_version_3_may_add_columns_in_every_section_and_nothing_that_is_known_moves():
    wider = NEWER
    for row in ("Position;Produkt", "A;ProtA-62", "Nr;Säule;Phase", "1;A;", "Zeit;Code", "09:02:11"):
        wider = wider.replace(f"\n{row}", f"\nNEU;{row}" if row[0] in "PNZ" else f"\n?;{row}")
    assert wider.count("NEU;") == 3
    log, before = one(wider), one(NEWER)
    assert {f.params["column"] for f in log.findings if f.code == "unknown_column"} == {"NEU"}
    assert [f.line for f in log.findings] == [12, 15, 19]
    assert log.end_reached
    for part in ("columns", "phases", "alarms", "totals", "facts", "rows_read"):
        assert getattr(log, part) == getattr(before, part)


def test_version_3_may_add_a_section_whose_rows_are_told_and_counted():
    log = one(recount(NEWER.replace("[Summe]", "[Pumpen]\nNr;Umdrehungen\n1;20400\n2;19800\n[Summe]")))
    assert [(f.code, f.params, f.line) for f in log.findings] == [
        ("unknown_section", {"section": "[Pumpen]"}, 25)
    ]
    assert [(i.reason, i.rows) for i in log.ignored] == [("unknown_section", 3)]
    assert log.rows_read == one(NEWER).rows_read + 3
    assert log.end_reached


def test_version_3_may_add_header_lines_and_sums():
    log = one(
        recount(NEWER.replace("Patient;", "Raum;3\nPatient;").replace("Zyklen;15", "Wärme kJ;7\nZyklen;15"))
    )
    assert [(f.code, f.params["key"]) for f in log.findings] == [
        ("unknown_key", "Raum"), ("unknown_key", "Wärme kJ"),
    ]  # fmt: skip
    assert [(i.reason, i.rows) for i in log.ignored] == [("unknown", 1)]
    assert [(t.kind, t.number) for t in log.totals] == [(t.kind, t.number) for t in one(NEWER).totals]


@pytest.mark.parametrize("version", ["3.0", "3.9", "3.14"])
def test_every_version_3_is_tolerated_but_a_column_it_needs_may_not_go(version: str):
    newer = NEWER.replace("#TCR 3.1", f"#TCR {version}")
    assert one(newer).version == version
    with pytest.raises(ParseError) as refused:
        one(newer.replace(";VP\n", ";VX\n"))
    assert refused.value.code == "missing_column"


def test_what_a_newer_machine_writes_is_read_as_the_simulator_meant_it():
    (sample,) = (one_ for one_ in stored() if str(one_) == "twin-column-report-newer")
    assert sample.truth is not None
    (log,) = all_drivers()["twin-column-report"].parse(sample.bundle)
    assert log.version.startswith("3.")
    assert [f.code for f in log.findings] == ["unknown_column"]
    assert (
        float(next(t for t in log.totals if t.kind == "processed_plasma").number.value or 0)
        == (sample.truth["sessions"][0]["reported_ml"])
    )
    assert log.samples is not None
    assert [c.channel for c in log.samples.columns].count(None) == 1
