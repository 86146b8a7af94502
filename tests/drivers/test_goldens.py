"""What drivers say of stored samples: understood from the simulator's truth, and kept.

`APHERELOG_GOLDEN=write python -m pytest tests/drivers/test_goldens.py` writes what is said now. It refuses to drop a
field that was there: delete the file by hand if that is meant.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ingestor.driver import DeviceLog, Phase
from tests.drivers.said import plain
from tests.drivers.samples import Sample, all_drivers, stored

GOLDEN = Path(__file__).parent / "golden"


def read(sample: Sample) -> list[DeviceLog]:
    return list(all_drivers()[sample.driver].parse(sample.bundle))


def fields(value: object, path: str = "") -> set[str]:
    """Return the paths of all fields, rows of a list counted as one."""
    if isinstance(value, dict):
        return {path} | {one for key, inner in value.items() for one in fields(inner, f"{path}/{key}")}
    return {path}


def dropped(old: list[Any], new: list[Any]) -> set[str]:
    before = set().union(*map(fields, old))
    after = set().union(*map(fields, new))
    gone = before - after
    return gone | ({"logs"} if len(new) < len(old) else set())


@pytest.mark.parametrize("sample", stored(), ids=str)
def test_a_stored_sample_still_says_the_same(sample: Sample):
    said = json.loads(json.dumps([plain(log) for log in read(sample)], ensure_ascii=False))
    path = GOLDEN / f"{sample}.json"
    if os.environ.get("APHERELOG_GOLDEN") == "write":
        if path.exists():
            assert dropped(json.loads(path.read_text("utf-8")), said) == set()
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(said, ensure_ascii=False, indent=1) + "\n", "utf-8")
    assert path.exists(), "write it with APHERELOG_GOLDEN=write, and read what it says"
    assert said == json.loads(path.read_text("utf-8"))


def test_writing_refuses_to_drop_a_field():
    old = [{"a": 1, "b": {"c": [1, 2]}}]
    assert dropped(old, [{"a": 1, "b": {"c": []}}]) == set()
    assert dropped(old, [{"a": 1, "b": {}}]) == {"/b/c"}
    assert dropped(old, []) >= {"logs"}


OURS = [one for one in stored() if one.driver not in {"prismaflex", "hl7-pcd"}]


@pytest.mark.parametrize("sample", OURS, ids=str)
def test_what_is_read_is_what_the_simulator_did(sample: Sample):
    assert sample.truth is not None
    pairs = zip(read(sample), sample.truth["sessions"], strict=True)
    for log, truth in pairs:
        assert log.run_id in {truth["run"], None}
        assert (log.model, log.serial) == (truth["device"]["model"], truth["device"]["serial"])
        assert log.patient == (truth["patient_id"] or None)
        assert abs((log.started.local - datetime.fromisoformat(truth["printed_start"])).total_seconds()) < 60
        assert log.end_reached == truth["complete"]
        check_plasma(log, truth)
        check_cycles(log, truth)
        check_alarms(log, truth, sample)
        check_person(log, truth)


def check_plasma(log: DeviceLog, truth: dict[str, Any]) -> None:
    totals = {one.kind: one.number.value for one in log.totals}
    printed = totals.get("processed_plasma", totals.get("plasma_removed"))
    reported = truth["reported_ml"]
    assert (printed is None) == (reported is None)
    if printed is not None:
        # A sheet is written by hand: whole millilitres.
        assert abs(printed - Decimal(str(reported))) <= (Decimal("0.5") if "-sheet" in log.member else 0)
    if log.samples is None:
        return
    counter = next(one for one in log.samples.columns if one.channel == "processed_plasma")
    edges = [0, *log.samples.segments, len(counter.mantissa)]
    parts = [counter.mantissa[a:b].max() for a, b in pairwise(edges)]
    assert sum(parts) / 10**counter.scale <= truth["processed_plasma_ml"] + 0.2


def check_cycles(log: DeviceLog, truth: dict[str, Any]) -> None:
    loads = [one for one in log.phases if one.phase is Phase.LOAD]
    if not loads:
        return
    assert len({(one.cycle, one.position) for one in loads}) == len(truth["cycles"])
    printed = [one.volume.value for one in loads if one.volume is not None]
    if printed:
        assert [float(value or 0) for value in printed] == [one["load_ml"] for one in truth["cycles"]]


def check_alarms(log: DeviceLog, truth: dict[str, Any], sample: Sample) -> None:
    if sample.driver == "session-sheet":
        return  # a sheet only counts them
    said = [(one.code, one.kind, one.priority.value) for one in log.alarms]
    assert said == [(one["code"], one["kind"], one["priority"]) for one in truth["alarms"]]


def check_person(log: DeviceLog, truth: dict[str, Any]) -> None:
    facts = {one.kind: one.number.value for one in log.facts}
    if "weight" in facts:
        assert float(facts["weight"] or 0) == truth["weight_kg"]
    if "hematocrit" in facts:
        assert float(facts["hematocrit"] or 0) / 100 == pytest.approx(truth["hematocrit"], abs=0.005)
