"""The truth that survives damage, counted from the lines that are still there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from simulators.truth import counter_reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from simulators.export import Export
    from simulators.numbers import Floats
    from simulators.page import Marks
    from simulators.truth import SessionTruth


@dataclass
class _Left:
    """What is left of one treatment, over all pages that tell of it."""

    is_known: bool = True
    is_whole: bool = True
    has_end: bool = True
    reported: bool = True
    totals: bool = True
    blood: float | None = None
    anticoagulant: float | None = None
    loads: int | None = None
    columns_unseen: int = 0
    load_ends: int = 0
    alarms: int | None = None
    open_alarms: tuple[int, ...] = ()
    counter: Floats | None = None


def after_lines(export: Export) -> Export:
    """The truth after lines were dropped, doubled or moved: readings from what now stands there."""
    sessions = tuple(_reread(export, place, truth) for place, truth in enumerate(export.sessions))
    return replace(export, sessions=sessions)


def _reread(export: Export, place: int, truth: SessionTruth) -> SessionTruth:
    if truth["readings"]["counter"] is None:
        return truth
    counters = [m.counter for p in export.pages for m in p.marks if m.session == place and len(m.counter)]
    readings = truth["readings"] | {"counter": counter_reading(counters[0]) if counters else None}
    return truth | {"readings": readings, "processed_plasma_ml": first_of(readings)}


def first_of(readings: Mapping[str, float | None]) -> float | None:
    """The reading that is served: printed total, loads, counter, in this order."""
    return next((value for value in readings.values() if value is not None), None)


def after_cut(export: Export, lines: Mapping[str, int]) -> tuple[SessionTruth, ...]:
    """The truths when only the first lines of some pages are left.

    Args:
        export: the whole export.
        lines: page name to number of whole lines; a page that is not named is whole.
    """
    return tuple(_after_cut(export, lines, place, truth) for place, truth in enumerate(export.sessions))


def _after_cut(export: Export, lines: Mapping[str, int], place: int, truth: SessionTruth) -> SessionTruth:
    left = _Left()
    for page in export.pages:
        there = lines.get(page.name, len(page.lines))
        for marks in page.marks:
            if marks.session == place:
                _look(left, marks, there, is_whole=there >= len(page.lines))
    truth = _still_expected(truth, lines)
    if left.is_whole:
        return truth
    if not left.is_known:
        return truth | {
            "complete": False,
            "readable": False,
            "processed_plasma_ml": None,
            "reported_ml": None,
            "readings": dict.fromkeys(truth["readings"]),
            "blood_processed_ml": None,
            "ac_volume_ml": None,
            "cycles": [],
            "alarms": [],
        }
    return _shortened(truth, left, lines)


def expecting(truth: SessionTruth, status: str, member: str, line: int) -> SessionTruth:
    """The truth of an export that must not simply be stored, and the line that is the reason, from 0."""
    return truth | {"expected": [status], "expected_at": {"member": member, "line": line + 1}}


def _still_expected(truth: SessionTruth, lines: Mapping[str, int]) -> SessionTruth:
    """The truth; without what was expected of it if the line that was the reason is gone."""
    reason = truth.get("expected_at")
    if reason is None or reason["line"] <= lines.get(reason["member"], reason["line"]):
        return truth
    return {key: value for key, value in truth.items() if key not in {"expected", "expected_at"}}


def _look(left: _Left, marks: Marks, there: int, *, is_whole: bool) -> None:
    left.is_known &= marks.known <= there
    # A treatment further up in the file is whole although the file is not.
    left.is_whole &= marks.end < there if marks.end is not None else is_whole
    left.has_end &= marks.stop is None or marks.stop < there
    left.reported &= marks.reported is None or marks.reported < there
    left.totals &= marks.totals is None or marks.totals < there
    seen = int(np.searchsorted(marks.samples, there))
    if marks.blood is not None and marks.anticoagulant is not None and seen:
        left.blood, left.anticoagulant = float(marks.blood[seen - 1]), float(marks.anticoagulant[seen - 1])
    if marks.loads:
        left.loads = sum(line < there for line in marks.loads)
        left.load_ends = sum(line < there for line in marks.load_ends)
    if marks.alarms:
        left.alarms = sum(line < there for line in marks.alarms)
        left.open_alarms = tuple(place for place, line in enumerate(marks.alarm_ends) if line >= there)
    left.columns_unseen += sum(line >= there for line in marks.columns)
    if len(marks.counter):
        left.counter = marks.counter[:seen]


def _shortened(truth: SessionTruth, left: _Left, lines: Mapping[str, int]) -> SessionTruth:
    cycles = _cycles(truth["cycles"], left)
    has_loads = truth["readings"]["cycles"] is not None
    readings = {
        "reported": truth["reported_ml"] if left.reported else None,
        "cycles": _sum_of_loads(truth, cycles, lines) if has_loads and cycles else None,
        "counter": None if left.counter is None else counter_reading(left.counter),
    }
    known = [value for value in readings.values() if value is not None]
    alarms = truth["alarms"] if left.alarms is None else truth["alarms"][: left.alarms]
    return truth | {
        "complete": False,
        "ended_local": truth["ended_local"] if left.has_end else None,
        "processed_plasma_ml": max(known, default=None),
        "reported_ml": readings["reported"],
        "readings": readings,
        "blood_processed_ml": truth["blood_processed_ml"] if left.totals else left.blood,
        "ac_volume_ml": truth["ac_volume_ml"] if left.totals else left.anticoagulant,
        "cycles": cycles,
        "columns": truth["columns"][: len(truth["columns"]) - left.columns_unseen],
        "alarms": [a | {"cleared_local": None} if i in left.open_alarms else a for i, a in enumerate(alarms)],
    }


def _sum_of_loads(
    truth: SessionTruth, cycles: list[dict[str, Any]], lines: Mapping[str, int]
) -> float | None:
    """What stands there, a flipped digit as it stands; None if one is not printed."""
    volumes: list[float | None] = [c["load_ml"] for c in cycles]
    known = [volume for volume in volumes if volume is not None]
    if len(known) < len(volumes):
        return None
    flipped, wrong = truth.get("flipped"), 0.0
    if flipped is not None and flipped["line"] <= lines.get(flipped["member"], flipped["line"]):
        wrong = flipped["off_ml"]
    return round(sum(known) + wrong, 1)


def _cycles(cycles: Sequence[dict[str, Any]], left: _Left) -> list[dict[str, Any]]:
    if left.loads is None:
        return list(cycles)
    seen = [dict(c) for c in cycles[: left.loads]]
    for cycle in seen[left.load_ends :]:
        # Neither completed nor given up: nobody can know.
        cycle |= {"load_ml": None, "completed": None}
    return seen
