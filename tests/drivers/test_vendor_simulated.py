"""The vendor formats against simulators that were written from the same page by somebody else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from drivers.hl7_pcd import Hl7Pcd
from drivers.prismaflex import Prismaflex
from ingestor.detect import group
from ingestor.driver import Bundle, Member
from ingestor.isolate import Reading, read_here
from ingestor.meaning.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.parts import Exports

DRIVERS = (Prismaflex(), Hl7Pcd())
CLOCK = Clock("Europe/Vienna", datetime(2026, 6, 1, tzinfo=UTC), zone="Europe/Vienna")
LAYOUTS = (
    ("prismaflex", "--seed", "3"),
    ("prismaflex", "--seed", "11", "--version", "5.10"),
    ("prismaflex", "--seed", "5", "--therapy", "CVVHDF"),
    ("hl7-pcd", "--seed", "3"),
    ("hl7-pcd", "--seed", "11"),
)
# Faults of the treatment, the clock and the writer after which everything can still be told.
HARMLESS = {
    "prismaflex": ("slow-clock", "dst-autumn", "dst-spring", "midnight", "leap-day", "power-failure", "unknown-alarm"),
    "hl7-pcd": (
        "slow-clock", "dst-autumn", "dst-spring", "midnight", "leap-day", "power-failure", "counter-reset",
        "column-change", "keep-alive-storm", "unknown-alarm", "writer-errors", "repeated-messages", "stray-answers",
    ),
}  # fmt: skip
DAMAGE = {
    "prismaflex": ("cut", "torn-copy", "missing-member"),
    "hl7-pcd": ("cut", "torn-copy"),
}


def read(exports: Exports) -> list[Reading]:
    files = {str(p.relative_to(exports.folder)): p for p in exports.folder.rglob("*") if p.is_file()}
    files.pop("truth.json")
    keys = {name: {d.name: key for d in DRIVERS if (key := d.bundle_key(name))} for name in files}
    bundles = [
        Bundle(tuple(Member(n, files[n].read_bytes()) for n in names)) for names in group(sorted(files), keys)
    ]
    return [read_here(bundle, DRIVERS, CLOCK) for bundle in bundles]


def minutes_apart(one: Any, text: str | None) -> float:  # noqa: ANN401 - an instant or nothing
    if one is None or text is None:
        return 0.0 if one is None and text is None else float("inf")
    return abs((one.local - datetime.fromisoformat(text)).total_seconds()) / 60


def agrees(reading: Reading, truth: dict[str, Any], *, whole: bool = True) -> None:
    assert reading.trouble is None, reading.trouble
    (read,) = reading.runs
    run, figures = read.run, read.figures
    assert run.device.serial == truth["device"]["serial"]
    assert run.printed_id == truth["run"]
    assert (run.patient_printed or "") == truth["patient_id"]
    assert run.hold is None
    assert run.complete is whole
    counter = figures.readings["counter"]
    assert (None if counter is None else float(counter)) == truth["processed_plasma_ml"]
    reported = figures.readings["reported"]
    assert (None if reported is None else float(reported)) == truth["reported_ml"]
    assert minutes_apart(run.started, truth["printed_start"]) == 0
    assert sum(one.rows for one in run.ignored) <= run.rows_read
    facts = {fact.kind: fact.value for fact in run.facts}
    for kind, told in (("weight", truth["weight_kg"]), ("hematocrit", truth["hematocrit"])):
        assert told is None or float(facts[kind] or 0) == pytest.approx(told)


def cycles(reading: Reading) -> list[tuple[str, bool | None]]:
    return [(c.position, c.completed) for c in reading.runs[0].run.cycles]


def alarms(reading: Reading) -> Sequence[tuple[str, str]]:
    return sorted((a.kind, a.priority.value) for a in reading.runs[0].run.alarms)


@pytest.mark.parametrize("arguments", LAYOUTS, ids=" ".join)
def test_a_treatment_is_read_as_it_was_simulated(
    simulated: Callable[..., Exports], arguments: tuple[str, ...]
):
    exports = simulated(*arguments)
    (reading,) = read(exports)
    (truth,) = exports.sessions
    agrees(reading, truth)
    assert minutes_apart(reading.runs[0].run.ended, truth["printed_end"]) == 0
    if arguments[0] == "hl7-pcd":
        assert [position for position, _ in cycles(reading)] == [c["column"] for c in truth["cycles"]]
        assert alarms(reading) == sorted((a["kind"], a["priority"]) for a in truth["alarms"])
    else:
        assert [priority for _, priority in alarms(reading)] == sorted(a["priority"] for a in truth["alarms"])


@pytest.mark.parametrize(("layout", "fault"), [(k, f) for k, faults in HARMLESS.items() for f in faults])
def test_what_befalls_a_treatment_changes_nothing_of_what_is_read(
    simulated: Callable[..., Exports], layout: str, fault: str
):
    exports = simulated(layout, "--seed", "7", "--hours", "1", "--fault", fault)
    (reading,) = read(exports)
    (truth,) = exports.sessions
    agrees(reading, truth)
    assert len(reading.runs[0].run.alarms) == len(truth["alarms"])
    assert len(reading.runs[0].run.cycles) == len(truth["cycles"])


@pytest.mark.parametrize(("layout", "fault"), [(k, f) for k, faults in DAMAGE.items() for f in faults])
@pytest.mark.parametrize("seed", ["7", "8"])
def test_a_damaged_export_is_incomplete_and_its_volume_a_lower_bound(
    simulated: Callable[..., Exports], layout: str, fault: str, seed: str
):
    exports = simulated(layout, "--seed", seed, "--hours", "1", "--fault", fault)
    for reading, truth in zip(read(exports), exports.sessions, strict=True):
        if reading.trouble is not None:
            assert reading.trouble.code in {"no_identity", "not_recognised"}
            continue
        agrees(reading, truth, whole=False)


@pytest.mark.parametrize("layout", ["prismaflex", "hl7-pcd"])
def test_a_clock_set_back_leaves_the_counter_alone(simulated: Callable[..., Exports], layout: str):
    exports = simulated(layout, "--seed", "7", "--hours", "1", "--fault", "clock-back")
    (reading,) = read(exports)
    (truth,) = exports.sessions
    agrees(reading, truth)
    ended = reading.runs[0].run.ended
    assert ended is not None
    assert ended.local - datetime.fromisoformat(truth["printed_end"]) == timedelta(0)


@pytest.mark.parametrize("layout", ["prismaflex", "hl7-pcd"])
def test_a_second_patient_in_one_treatment_is_held_and_named_by_nobody(
    simulated: Callable[..., Exports], layout: str
):
    (reading,) = read(simulated(layout, "--seed", "7", "--hours", "1", "--fault", "second-patient"))
    run = reading.runs[0].run
    assert (run.hold, run.patient_printed) == ("patient_changes", None)


@pytest.mark.parametrize("layout", ["prismaflex", "hl7-pcd"])
@pytest.mark.parametrize("fault", ["no-patient", "machine-as-patient"])
def test_nobody_is_named_where_no_patient_is(simulated: Callable[..., Exports], layout: str, fault: str):
    (reading,) = read(simulated(layout, "--seed", "7", "--hours", "1", "--fault", fault))
    assert reading.runs[0].run.patient_printed is None


@pytest.mark.parametrize("layout", ["prismaflex", "hl7-pcd"])
def test_a_version_from_the_future_is_refused_by_its_name(simulated: Callable[..., Exports], layout: str):
    (reading,) = read(simulated(layout, "--seed", "7", "--hours", "1", "--fault", "unknown-firmware"))
    assert reading.trouble is not None
    assert reading.trouble.code == "unknown_version"


def test_a_batch_whose_count_is_wrong_is_incomplete(simulated: Callable[..., Exports]):
    exports = simulated("hl7-pcd", "--seed", "7", "--hours", "1", "--fault", "wrong-checksum")
    (reading,) = read(exports)
    agrees(reading, exports.sessions[0], whole=False)
    assert "batch_count" in {f.code for f in reading.runs[0].run.findings}


def test_the_remarks_on_a_writers_errors_name_them(simulated: Callable[..., Exports]):
    (reading,) = read(simulated("hl7-pcd", "--seed", "7", "--hours", "1", "--fault", "writer-errors"))
    codes = {f.code for f in reading.runs[0].run.findings}
    assert {"code_by_name", "offset_sign_missing"} <= codes
