"""Damage is what it says, and the truth beside it is what can still be found."""

from __future__ import annotations

import json
import random
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import pytest

from simulators.catalogue import LAYOUTS
from simulators.faults import ALIASES, CONTRADICTING, FAULTS, NEVER_TOGETHER
from simulators.page import Page
from simulators.simulation import NotPossibleError, faults_for
from simulators.truth import counter_reading
from tests.simulators import reading
from tests.simulators.making import exports, one

if TYPE_CHECKING:
    from simulators.layout import Layout

PAIRS = [
    (name, fault.name) for name, layout in LAYOUTS.items() for fault in FAULTS.values() if fault.fits(layout)
]
FIRST_EXPORT_IS_WHOLE = {"same-again", CONTRADICTING}


@pytest.mark.parametrize(("layout", "fault"), PAIRS)
def test_every_fault_changes_something_and_is_drawn_from_the_seed(layout: str, fault: str):
    hurt, again, clean = (exports(layout, *faults, hours=2.0) for faults in ((fault,), (fault,), ()))
    assert [w.members for w in hurt] == [w.members for w in again]
    assert json.dumps([w.sessions for w in hurt]) == json.dumps([w.sessions for w in again])
    if fault in FIRST_EXPORT_IS_WHOLE:
        assert len(hurt) > len(clean)
    else:
        assert [w.members for w in hurt] != [w.members for w in clean]
    for session in (s for w in hurt for s in w.sessions):
        served, flowed = session["processed_plasma_ml"], session["delivered_ml"]
        assert served is None or served <= flowed + 1
        if fault in {"cut", "torn-copy"} and not session["complete"] and layout != "separator-record":
            assert session["reported_ml"] is None


# What goes wrong in hospitals, in plain words, and by which name it is made.
NAMED = {
    "cut": ("cut",),
    "torn copy": ("torn-copy",),
    "flipped digit": ("flipped-digit",),
    "dropped, doubled, reordered lines": ("dropped-lines", "doubled-lines", "reordered-lines"),
    "wrong checksum": ("wrong-checksum",),
    "clock set back": ("clock-back",),
    "night of the clock change": ("dst-night", "dst-autumn", "dst-spring", "clock-not-changed"),
    "wrong zone": ("wrong-zone",),
    "power failure and resumption": ("power-failure", "two-halves"),
    "counter reset": ("counter-reset",),
    "column change": ("column-change",),
    "locale and encoding swapped": ("locale-swap", "encoding-swap"),
    "unknown firmware": ("unknown-firmware", "unknown-column"),
    "missing member": ("missing-member",),
    "keep-alive storm": ("keep-alive-storm",),
    "second patient in one file": ("second-patient",),
    "identifier typed wrong": ("identifier-typed-wrong", "typed-wrong", "no-patient", "machine-as-patient"),
    "contradicting re-export": ("contradicting-re-export", "re-export-contradicting"),
    "on a line: noise, lost bytes, a pulled cable": ("noise", "lost-bytes", "cable-pulled"),
}


@pytest.mark.parametrize("words", NAMED)
def test_what_goes_wrong_in_hospitals_has_a_name_and_a_layout_it_can_happen_to(words: str):
    for name in NAMED[words]:
        fault = FAULTS[ALIASES.get(name, name)]
        where = [layout for layout in LAYOUTS.values() if fault.fits(layout)]
        assert where
        assert faults_for(where[0], [name]) == [fault]
        assert fault.tells.endswith(".")


def _pairs(layout: str) -> list[tuple[str, str]]:
    fitting = sorted(
        name for fault in FAULTS.values() if fault.fits(LAYOUTS[layout]) for name in [fault.name]
    )
    met = [
        pair for pair in combinations(fitting, 2) if not set(pair[1:]) & NEVER_TOGETHER.get(pair[0], set())
    ]
    met = [(a, b) for a, b in met if a not in NEVER_TOGETHER.get(b, set())]
    return random.Random(layout).sample(met, 14)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_two_faults_may_meet_and_the_truth_still_claims_nothing_that_did_not_flow(layout: str):
    for pair in _pairs(layout):
        written = exports(layout, *pair, hours=2.0)
        places = [(w.under, name) for w in written for name in w.members]
        assert len(set(places)) == len(places), pair
        for truth in (s for w in written for s in w.sessions):
            flowed = truth["delivered_ml"]
            assert flowed is None or (truth["processed_plasma_ml"] or 0) <= flowed + 1, pair
            assert set(truth.get("expected", ())) <= {
                "held",
                "refused",
                "waiting",
                "duplicate",
                "superseded",
            }, pair


def test_an_export_that_comes_cut_whole_and_both_again_lies_in_four_places():
    written = exports("twin-column-report", "same-again", "re-export")
    assert [w.under for w in written] == ["", "again", "again-2", "again-3"]
    assert [w.sessions[0].get("expected") for w in written] == [
        None,
        ["superseded"],
        ["duplicate"],
        ["duplicate"],
    ]
    first, whole, first_again, whole_again = (list(w.members.values()) for w in written)
    assert (first_again, whole_again) == (first, whole)


def test_what_is_expected_of_an_export_is_gone_with_the_line_that_was_the_reason():
    whole, cut = (
        exports("twin-column-journal", "wrong-checksum"),
        exports("twin-column-journal", "wrong-checksum", "cut"),
    )
    assert whole[0].sessions[0]["expected"] == ["held"]
    assert "expected" not in cut[0].sessions[0]
    assert not cut[0].sessions[0]["complete"]
    (_, second) = exports("twin-column-journal", "wrong-checksum", "re-export")
    assert second.sessions[0]["expected"] == ["held"]
    (_, after_refused) = exports("separator-record", "unknown-firmware", "contradicting-re-export")
    assert "expected" not in after_refused.sessions[0]


def test_halves_are_cut_where_the_power_failed_and_nowhere_else():
    with pytest.raises(NotPossibleError, match="two-halves cannot happen together with cut"):
        faults_for(LAYOUTS["twin-column-journal"], ["two-halves", "cut"])


@pytest.mark.parametrize(
    "layout", ["twin-column-report", "twin-column-journal", "twin-column-serial", "hl7-pcd"]
)
@pytest.mark.parametrize("seed", range(12))
def test_a_cut_file_has_just_what_its_truth_says(layout: str, seed: int):
    (content,), truth = one(layout, "cut", seed=seed)
    newline = {"hl7-pcd": b"\r", "twin-column-journal": "\r\n".encode("utf-16-le")}.get(layout, b"\r\n")
    whole = content[: content.rindex(newline) + len(newline)]
    if layout == "twin-column-report":
        (seen,) = reading.reports(whole)
    elif layout == "hl7-pcd":
        seen = reading.batch(whole[: whole.rindex(b"\rMSH|")])
    else:
        seen = reading.journal(whole) if layout == "twin-column-journal" else reading.line(whole)
    assert not truth["complete"]
    assert not seen.whole
    assert [column for column, _ in seen.loads] == [c["column"] for c in truth["cycles"]]
    counter = max(seen.counter, default=None)
    assert truth["readings"]["counter"] == counter
    if layout == "twin-column-report":
        assert [ml for _, ml in seen.loads] == [c["load_ml"] for c in truth["cycles"]]
    assert len(seen.alarms) == len(truth["alarms"])


def test_a_line_whose_end_was_cut_between_its_two_signs_is_whole():
    page = Page("p.txt", ("first", "second", "third"), encoding="utf-16-le", bom=b"\xff\xfe")
    content = page.content()
    ends = [page.whole_lines(content[:length]) for length in range(2, len(content) + 1, 2)]
    signs = "first\r\nsecond\r\nthird\r\n"
    assert ends[:20] == [signs[:length].count("\r") for length in range(20)]
    # The last line is an end mark: it needs no end of its own.
    assert ends[20:] == [3, 3, 3]


@pytest.mark.parametrize("seed", range(12))
def test_a_torn_copy_keeps_its_length_and_loses_its_end(seed: int):
    (content,), truth = one("twin-column-report", "torn-copy", seed=seed)
    (clean,), _ = one("twin-column-report", seed=seed)
    assert len(content) == len(clean)
    assert content.endswith(bytes(100))
    assert content.rstrip(b"\0") == clean[: len(content.rstrip(b"\0"))]
    assert not truth["complete"]


@pytest.mark.parametrize("seed", range(12))
def test_what_is_left_of_a_cut_archive_is_what_its_truth_says(seed: int):
    (content,), truth = one("prismaflex", "cut", seed=seed)
    remains = reading.what_is_left(content)
    samples = remains.get("PLS", b"").decode("ascii").split("\n")
    rows = [line.split(";") for line in samples if line[:4].strip().isdigit()]
    complete = [float(cells[6]) for cells in rows if len(cells) == 14]
    if truth.get("readable", True):
        assert (truth["readings"]["counter"] or 0) <= max(complete, default=0)
        assert truth["complete"] == ("PLT" in remains)
    else:
        assert "16;Run started" not in remains.get("PLE", b"").decode("utf-16-le", "ignore").replace("  ", "")


@pytest.mark.parametrize("seed", range(4))
def test_after_a_power_failure_a_journal_begins_again_and_prints_the_last_stretch(seed: int):
    (content,), truth = one("twin-column-journal", "power-failure", seed=seed)
    text = content[2:].decode("utf-16-le")
    heads = [line.split("\t") for line in text.split("\r\n") if line.startswith("H\t")]
    assert len(heads) == 2
    assert heads[0][1] == heads[1][1] == truth["run"]
    after = text[text.index("\r\nH\t") + 2 :]
    numbers = [
        line.split("\t")[2] for line in after.split("\r\n") if line[:2] in {"S\t", "P\t", "A\t", "E\t"}
    ]
    assert numbers == [str(n) for n in range(1, len(numbers) + 1)]
    seen = reading.journal_parts(content)
    assert truth["reported_ml"] is None
    assert sum(part[-1] for part in seen) == pytest.approx(truth["processed_plasma_ml"], abs=0.05)
    assert truth["delivered_ml"] - truth["processed_plasma_ml"] < 45


@pytest.mark.parametrize(
    "layout", ["twin-column-report", "twin-column-serial", "single-column-table", "hl7-pcd"]
)
def test_a_counter_that_falls_to_zero_is_seen_to_fall_once(layout: str):
    members, truth = one(layout, "counter-reset")
    seen = {
        "twin-column-report": lambda: reading.reports(members[0])[0].counter,
        "twin-column-serial": lambda: reading.line(members[0]).counter,
        "single-column-table": lambda: reading.table(members[0], members[-1]).counter,
        "hl7-pcd": lambda: reading.batch(members[0]).counter,
    }[layout]()
    falls = [a for a, b in pairwise(seen) if b < a]
    assert len(falls) == (1 if layout != "single-column-table" else len(truth["columns"]))
    assert sum(falls) + seen[-1] == pytest.approx(truth["readings"]["counter"], abs=0.05)


def _steps(times: list[str]) -> list[int]:
    seconds = [int(t[-8:-6]) * 3600 + int(t[-5:-3]) * 60 + int(t[-2:]) for t in times]
    return [b - a for a, b in pairwise(seconds)]


def test_in_the_autumn_night_an_hour_comes_twice_and_in_spring_one_is_missing():
    for fault, step, date in (("dst-autumn", -3540, "2024-10-27"), ("dst-spring", 3660, "2025-03-30")):
        (content,), truth = one("twin-column-report", fault)
        (seen,) = reading.reports(content)
        assert [s for s in _steps(seen.times) if s != 60] == [step]
        assert truth["started_local"].startswith(date)
        assert seen.start == truth["started_local"]
    assert ALIASES["dst-night"] == "dst-autumn"


def test_a_clock_that_nobody_changes_stays_in_summer_time():
    (content,), truth = one("twin-column-report", "clock-not-changed")
    (seen,) = reading.reports(content)
    assert set(_steps(seen.times)) == {60}
    assert seen.end == truth["printed_end"] > truth["ended_local"]


def test_one_run_in_two_files_is_two_stretches_of_it():
    for layout, read in (("twin-column-journal", reading.journal), ("twin-column-serial", reading.line)):
        first, second = exports(layout, "two-halves")
        seen = [read(content) for w in (first, second) for content in w.members.values()]
        assert [s.whole for s in seen] == [False, True]
        assert seen[0].run == seen[1].run == first.sessions[0]["run"]
        parts = [s.counter[-1] for s in seen]
        assert sum(parts) == pytest.approx(second.sessions[0]["processed_plasma_ml"], abs=0.05)
        assert parts[0] == first.sessions[0]["processed_plasma_ml"]
        assert second.sessions[0]["joins"] == [*first.members, *second.members]


def test_a_head_without_rows_has_a_total_and_nothing_else():
    (content,), truth = one("twin-column-report", "no-rows")
    (seen,) = reading.reports(content)
    assert seen.times == []
    assert seen.whole
    assert truth["readings"]["counter"] is None
    assert seen.reported == truth["processed_plasma_ml"]
    _, truth = one("single-column-table", "no-rows")
    assert truth["processed_plasma_ml"] is None


def test_a_clock_set_back_steps_back_once_and_the_truth_does_not():
    (content,), truth = one("twin-column-report", "clock-back", seed=3)
    (seen,) = reading.reports(content)
    assert [s for s in _steps(seen.times) if s != 60] == [60 - 55 * 60]
    assert seen.end == truth["printed_end"] < truth["ended_local"]


def test_a_clock_of_another_zone_prints_other_times_than_the_truth():
    (content,), truth = one("twin-column-journal", "wrong-zone")
    assert reading.journal(content).start == truth["printed_start"] != truth["started_local"]


def test_midnight_is_passed_and_leap_days_exist():
    (content,), truth = one("twin-column-report", "midnight")
    (seen,) = reading.reports(content)
    assert [s for s in _steps(seen.times) if s != 60] == [60 - 86_400]
    assert truth["started_local"][:10] < truth["ended_local"][:10]
    _, leap = one("single-column-table", "leap-day")
    assert leap["started_local"].startswith("2024-02-29")


def test_a_changed_column_has_a_new_serial_and_the_old_one_stays_listed():
    for layout in ("twin-column-report", "twin-column-journal", "twin-column-serial"):
        _, truth = one(layout, "column-change")
        serials = [c["serial"] for c in truth["columns"] if c["position"] == truth["columns"][-1]["position"]]
        assert len(serials) == len(set(serials)) == 2


@pytest.mark.parametrize("seed", range(20))
def test_a_wrongly_typed_identifier_is_one_slip_away(seed: int):
    (content,), truth = one("twin-column-report", "typed-wrong", seed=seed)
    typed, right = truth["patient_id"], truth["person"]
    assert typed != right
    assert abs(len(typed) - len(right)) <= 1
    assert sum(a != b for a, b in zip(typed, right, strict=False)) <= 2 or len(typed) != len(right)
    assert reading.reports(content)[0].patient == typed


def test_nobody_or_the_machine_itself_may_stand_in_the_patient_field():
    (content,), truth = one("twin-column-report", "no-patient")
    assert reading.reports(content)[0].patient == "" == truth["patient_id"]
    (content,), truth = one("twin-column-journal", "machine-as-patient")
    assert reading.journal(content).patient == truth["device"]["serial"]


def test_a_second_patient_in_one_file_is_another_person():
    (written,) = exports("twin-column-report", "second-patient")
    first, second = written.sessions
    assert first["person"] != second["person"]
    (content,) = written.members.values()
    assert [r.patient for r in reading.reports(content)] == [first["patient_id"], second["patient_id"]]
    (content,), truth = one("prismaflex", "second-patient")
    members = reading.lox(content)
    seen = reading.bedside(members["PLE"][2:].decode("utf-16-le"), members["PLS"].decode())
    assert seen.head["ids"].split() == [truth["patient_id"], truth["second_patient_id"]]


def test_a_storm_of_keep_alives_is_still_the_same_few_alarms():
    (content,), truth = one("twin-column-journal", "keep-alive-storm")
    text = content[2:].decode("utf-16-le")
    assert text.count("\r\nA\t") > 20 * len(truth["alarms"])
    seen = reading.journal(content)
    assert [code for code, _ in seen.alarms] == [a["code"] for a in truth["alarms"]]


def test_dropped_doubled_and_moved_samples_leave_the_totals_alone():
    (clean,), whole = one("twin-column-report")
    before = reading.reports(clean)[0].times
    for fault, more in (("dropped-lines", -1), ("doubled-lines", 1), ("reordered-lines", 0)):
        (content,), truth = one("twin-column-report", fault)
        (seen,) = reading.reports(content)
        assert (len(seen.times) - len(before)) * more >= abs(more) * 3
        assert sorted(set(seen.times) - set(before)) == []
        assert (seen.times == before) is False
        assert seen.whole
        assert truth["readings"] == whole["readings"]


def test_an_exchanged_code_page_holds_the_same_words():
    found = set()
    for seed in range(8):
        (content,), _ = one("twin-column-report", "encoding-swap", seed=seed)
        (clean,), _ = one("twin-column-report", seed=seed)
        text = clean.decode("cp1252")
        found |= {page for page in ("cp850", "utf-8") if text.encode(page) == content}
    assert found == {"cp850", "utf-8"}


def test_an_exchanged_locale_changes_numbers_and_not_dates():
    (content,), truth = one("twin-column-report", "locale-swap")
    text = content.decode("cp1252")
    assert f"Plasmavolumen ml;{truth['delivered_ml']}" in text
    assert "Beginn;25.10.2021" in text
    assert not truth["values_readable"]


def test_one_flipped_digit_is_one_changed_character():
    for layout in ("twin-column-report", "twin-column-journal", "single-column-table", "twin-column-serial"):
        members, truth = one(layout, "flipped-digit")
        clean, _ = one(layout)
        changed = [
            place
            for content, other in zip(members, clean, strict=True)
            for place, (a, b) in enumerate(zip(content, other, strict=True))
            if a != b
        ]
        assert len(changed) == 1
        assert truth["flipped"]["was"] != truth["flipped"]["is"]
        assert truth["processed_plasma_ml"] == truth["delivered_ml"]


def test_a_wrong_checksum_is_seen_and_nothing_else_is_changed():
    (content,), truth = one("twin-column-report", "wrong-checksum")
    assert not reading.reports(content)[0].whole
    assert not truth["complete"]
    (content,), truth = one("twin-column-journal", "wrong-checksum")
    assert not reading.journal(content).whole
    assert truth["expected"] == ["held"]
    (content,), truth = one("hl7-pcd", "wrong-checksum")
    assert not reading.batch(content).whole
    assert not truth["complete"]
    (content,), _ = one("twin-column-serial", "wrong-checksum")
    assert reading.frames(content)[1] == 5


@pytest.mark.parametrize("fault", ["noise", "lost-bytes", "cable-pulled"])
@pytest.mark.parametrize("seed", range(6))
def test_a_disturbed_line_loses_frames_and_no_event(fault: str, seed: int):
    (content,), truth = one("twin-column-serial", fault, seed=seed)
    (clean,), _ = one("twin-column-serial", seed=seed)
    seen, whole = reading.line(content), reading.line(clean)
    lost = len(reading.frames(clean)[0]) - len(reading.frames(content)[0])
    assert 5 < lost < 40
    assert seen.loads == whole.loads
    assert seen.alarms == whole.alarms
    assert seen.whole
    assert counter_reading_of(seen.counter) == truth["processed_plasma_ml"] == truth["delivered_ml"]


def counter_reading_of(values: list[float]) -> float | None:
    import numpy as np

    return counter_reading(np.array(values))


def test_a_re_export_begins_with_what_was_exported_before():
    first, second = exports("twin-column-report", "re-export")
    ((name, cut),) = first.members.items()
    assert second.members[name].startswith(cut)
    assert second.under == "again"
    assert [first.sessions[0]["complete"], second.sessions[0]["complete"]] == [False, True]
    assert second.sessions[0]["expected"] == ["superseded"]


def test_a_contradicting_re_export_is_the_same_run_with_other_numbers():
    first, second = (w.sessions[0] for w in exports("twin-column-journal", CONTRADICTING))
    assert (first["run"], first["device"]) == (second["run"], second["device"])
    assert first["delivered_ml"] != second["delivered_ml"]
    assert second["expected"] == ["held"]


def test_a_missing_member_is_named():
    for layout in ("single-column-table", "prismaflex"):
        (written,) = exports(layout, "missing-member", version="5.10" if layout == "prismaflex" else "1")
        (truth,) = written.sessions
        assert truth["missing"] not in written.members
        assert truth["expected"] == ["waiting"]
    (content,), truth = one("prismaflex", "missing-member")
    assert truth["missing"].split(".")[1] not in reading.lox(content)


def test_hl7_written_wrongly_says_the_same():
    (content,), truth = one("hl7-pcd", "writer-errors")
    for wrong in (b"ml/hr", b"|0^MDCIA_PLASMA_FLOW_RATE", b"mm[Hg]^ml[Hg]", b" |", b"%{vol}"):
        assert wrong in content
    assert reading.batch(content).reported == truth["reported_ml"]
    (content,), _ = one("hl7-pcd", "repeated-messages")
    controls = [line.split(b"|")[9] for line in content.split(b"\r") if line.startswith(b"MSH|")]
    assert len(controls) == len(set(controls)) + 6
    (content,), _ = one("hl7-pcd", "stray-answers")
    assert b"\rMSA|AA|4711\r" in content


def test_an_unknown_alarm_has_a_code_of_no_table():
    for layout, code in (("twin-column-report", "199"), ("hl7-pcd", "198998"), ("prismaflex", "64/3")):
        _, truth = one(layout, "unknown-alarm")
        assert (code, "other") in {(a["code"], a["kind"]) for a in truth["alarms"]}


def test_faults_of_all_stages_go_together():
    faults = ("typed-wrong", "power-failure", "dropped-lines", "cut", "dst-autumn")
    (content,), truth = one("twin-column-journal", *faults)
    assert truth["started_local"].startswith("2024-10-27")
    assert truth["patient_id"] != truth["person"]
    assert not truth["complete"]
    assert content.startswith(b"\xff\xfe")


def _report() -> Layout:
    return LAYOUTS["twin-column-report"]


@pytest.mark.parametrize(("name", "says"), [("noise", "cannot happen"), ("rust", "no fault is called")])
def test_a_fault_that_is_not_possible_is_said_with_those_that_are(name: str, says: str):
    with pytest.raises(NotPossibleError, match=says):
        faults_for(_report(), [name])


def test_a_column_that_nobody_has_seen_stands_in_a_version_that_may_have_some():
    (content,), _ = one("twin-column-report", "unknown-column")
    assert content.startswith(b"#TCR 3.0\r\n")
    (seen,) = reading.reports(content)
    assert seen.head["Sa"].endswith(";VP;QX")
    assert seen.whole
    (old,), _ = one("twin-column-report", "unknown-column", version="2.0")
    assert old.startswith(b"#TCR 2.0\r\n")
