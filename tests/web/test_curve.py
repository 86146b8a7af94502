"""The drawing shows what was recorded, no more and no less."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from api.web.curve import draw
from api.web.samples import document, reduced, table
from api.web.scale import steps
from tests.web.clinic import START, a_run


@settings(max_examples=60)
@given(
    arrays.arrays(
        np.float64, st.integers(1, 3000), elements=st.one_of(st.floats(-1000, 1000), st.just(np.nan))
    )
)
def test_no_peak_is_lost_by_reducing(values: np.ndarray):
    at = np.arange(len(values), dtype=np.int64) * 1000
    moments, kept = reduced(at, values, 100)
    known = values[~np.isnan(values)]
    assert len(kept) <= max(200, len(known) if len(known) <= 200 else 0)
    assert moments == sorted(moments)
    if len(known):
        assert (min(kept), max(kept)) == (known.min(), known.max())
    else:
        assert kept == []


@given(st.floats(-1e5, 1e5), st.just(0.0) | st.floats(1e-3, 1e5))
def test_an_axis_encloses_its_values(low: float, span: float):
    ticks = steps(low, low + span)
    assert ticks == sorted(ticks)
    assert 2 <= len(ticks) <= 12
    slack = 1e-8 * (ticks[1] - ticks[0])
    assert ticks[0] <= low + slack
    assert ticks[-1] >= low + span - slack


def test_a_run_is_drawn_with_its_phases_alarms_and_panels():
    run = a_run(START, "TC20-1", "1", None, cycles=4, every=10)
    curve = draw(run)
    assert curve is not None
    assert [lane.position for lane in curve.lanes] == ["A", "B"]
    assert sum(band.span.phase == "load" for lane in curve.lanes for band in lane.bands) == 4
    assert [mark.alarm.code for mark in curve.marks] == ["A12", "A31", "I02"]
    assert [panel.name for panel in curve.panels] == ["flows", "pressures", "plasma"]
    assert curve.start == START


def test_a_gap_in_the_record_is_a_gap_in_the_line():
    run = a_run(START, "TC20-1", "1", None, cycles=4, every=10)
    trace = run.trace
    late = np.arange(len(trace)) >= len(trace) // 2
    broken = replace(trace, utc_ms=trace.utc_ms + np.where(late, 3_600_000, 0))
    whole, parted = draw(run), draw(replace(run, trace=broken))
    plasma = next(p for p in parted.panels if p.name == "plasma").lines[0].points
    assert next(p for p in whole.panels if p.name == "plasma").lines[0].points.count("M") == 1
    assert plasma.count("M") == 2


def test_a_run_without_time_has_no_drawing():
    run = a_run(START, "TC20-1", "1", None, cycles=1)
    assert draw(replace(run, trace=None, phases=(), ended=None)) is None


def test_the_table_holds_the_same_values_with_their_lines():
    run = a_run(START, "TC20-1", "1", None, cycles=2, every=10)
    rows = table(run.trace, first=5, count=3)
    assert [row.line for row in rows] == [45, 46, 47]
    assert rows[0].local == START + timedelta(seconds=50)
    assert rows[1].values[1] == run.trace.columns[1].values()[6]


def test_a_clock_set_back_during_the_run_makes_no_step_in_what_is_zoomed():
    run = a_run(START, "TC20-0117", "4100", None, cycles=2, every=60)
    moved = run.trace.local_ms.copy()
    moved[20:] -= 3_600_000
    shown = document(replace(run.trace, local_ms=moved), "de")["local_s"]
    assert [b - a for a, b in pairwise(shown)] == [60.0] * (len(shown) - 1)
    assert shown[0] * 1000 == moved[0]
