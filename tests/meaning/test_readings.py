"""The laws of counters and flows."""

from __future__ import annotations

import itertools
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestor.meaning.readings import counter, flow_of, length, merged, within
from ingestor.trace import Trace, TraceColumn

D = Decimal
MIN = 60_000


def trace(channel: str, values: list[str | None], times: list[int] | None = None, scale: int = 1) -> Trace:
    """Samples at minutes, one a minute if not told otherwise."""
    at = np.array(times if times is not None else range(len(values)), np.int64) * MIN
    mantissa = np.array([0 if v is None else int(D(v).scaleb(scale)) for v in values], np.int64)
    null = np.array([v is None for v in values])
    column = TraceColumn(channel, "", "", mantissa, scale, null)
    return Trace(at, at, np.arange(len(values), dtype=np.int32), (column,))


def total(*values: str | None, segments: tuple[int, ...] = ()) -> Decimal | None:
    found = counter(trace("processed_plasma", list(values)), "processed_plasma", segments, D(20))
    return None if found is None else found.total


def test_a_counter_tells_its_last_value():
    assert total("0", "30.5", "60.5") == D("60.5")


def test_a_counter_that_fell_by_more_than_half_began_again_and_both_segments_count():
    assert total("0", "300", "600", "0", "100") == 700
    assert total("600", "250") == 850


def test_a_segment_adds_its_last_value_and_not_its_largest():
    assert total("0", "600", "590", "10", "100") == 690


def test_a_smaller_fall_is_jitter():
    assert total("600", "301") == 301
    assert total("600", "300") == 300
    assert total("600", "299.9") == D("899.9")


def test_a_fall_of_twenty_millilitres_or_less_is_jitter():
    assert total("20", "0", "50") == 50
    assert total("20.1", "0", "50") == D("70.1")


def test_a_counter_a_little_below_zero_tells_of_no_plasma():
    assert total("-3", "-1") == 0
    assert total("-3", "5") == 5


def test_missing_values_are_passed_over():
    assert total("600", None, "0", None) == 600
    assert total(None, None) is None
    assert counter(None, "processed_plasma", (), D(20)) is None
    assert counter(trace("blood_flow", ["1"]), "processed_plasma", (), D(20)) is None


def test_where_the_layout_says_that_counters_began_again_any_fall_is_enough():
    assert total("10", "15", "0", "5") == 5
    assert total("10", "15", "0", "5", segments=(2,)) == 20
    assert total("10", "15", None, "14.9", segments=(2,)) == D("29.9")
    assert total("10", "15", "14", "13", segments=(2,)) == 28
    assert total("10", "15", segments=(0,)) == 15
    assert total("10", "15", None, segments=(2,)) == 15


def test_a_counter_that_went_on_did_not_begin_again_whatever_the_layout_says():
    assert total("10", "15", "15", "25", segments=(2,)) == 25


def test_rows_that_stand_too_late_in_the_file_do_not_begin_a_counter_again():
    late = trace("processed_plasma", ["1480", "0", "1500", "20"], [0, 2, 1, 3])
    assert counter(late, "processed_plasma", (), D(20)).total == 1520
    assert counter(late, "processed_plasma", (1, 3), D(20)).total == 1520


def test_a_counter_knows_its_first_and_its_last_value():
    found = counter(trace("processed_plasma", [None, "5", "600", "0", "90"]), "processed_plasma", (), D(20))
    assert (found.first, found.last, found.total) == (5, 90, 690)


rising = st.lists(st.integers(0, 500), min_size=1, max_size=30)


@given(steps=rising)
def test_a_rising_counter_is_the_sum_of_its_steps(steps):
    values = [str(sum(steps[: i + 1])) for i in range(len(steps))]
    assert total(*values) == sum(steps)


@given(first=rising, second=rising)
def test_what_a_counter_gained_after_a_restart_is_added(first, second):
    one = [str(sum(first[: i + 1])) for i in range(len(first))]
    other = ["0", *(str(sum(second[: i + 1])) for i in range(len(second)))]
    assert total(*one, *other, segments=(len(one),)) == sum(first) + sum(second)


def flow(values, times=None, factor=3):
    found = flow_of(trace("plasma_flow", values, times), factor)
    assert found is not None
    return found


def test_a_flow_is_held_until_the_next_sample():
    one = flow(["30", "20", "10", "0"])
    assert one.integrated([one.whole()]) == (60, 0)


def test_only_what_flowed_during_the_spans_counts_and_to_the_millisecond():
    one = flow(["30", "30", "60", "60", "0"])
    assert one.integrated([(MIN // 2, MIN), (2 * MIN, 2 * MIN + 1000)]) == (16, 0)


def test_the_last_sample_is_held_to_the_end_of_a_load_that_is_near():
    one = flow(["30", "30"])
    assert one.integrated([(0, 2 * MIN)]) == (60, 0)
    assert one.integrated([(0, 4 * MIN)]) == (120, 0)
    assert one.integrated([(0, 5 * MIN)]) == (120, MIN)


def test_a_load_that_began_long_before_the_first_sample_has_missing_data():
    one = flow(["30", "30", "30"], [10, 11, 12])
    assert one.integrated([(7 * MIN, 12 * MIN)]) == (60, 0)
    assert one.integrated([(6 * MIN, 12 * MIN)]) == (60, 4 * MIN)


def test_a_pause_longer_than_three_intervals_is_missing_data_and_adds_nothing():
    assert flow(["30"] * 6, [0, 1, 2, 5, 6, 7]).integrated([(0, 7 * MIN)]) == (210, 0)
    assert flow(["30"] * 6, [0, 1, 2, 6, 7, 8]).integrated([(0, 8 * MIN)]) == (120, 4 * MIN)
    assert flow(["30"] * 6, [0, 1, 2, 6, 7, 8], factor=4).integrated([(0, 8 * MIN)]) == (240, 0)


def test_a_sample_without_a_value_is_missing_data():
    assert flow(["30", None, "30", "0"]).integrated([(0, 3 * MIN)]) == (60, MIN)


def test_a_gap_outside_all_loads_does_not_matter():
    one = flow(["30"] * 6, [0, 1, 2, 8, 9, 10])
    assert one.integrated([(0, 2 * MIN), (8 * MIN, 10 * MIN)]) == (120, 0)


def test_rows_out_of_order_are_put_in_order():
    one = flow(["30", "30", "60", "30", "0"], [0, 2, 1, 3, 4])
    assert one.integrated([one.whole()]) == (150, 0)


def test_without_samples_of_flow_there_is_no_flow():
    assert flow_of(None, 3) is None
    assert flow_of(trace("plasma_flow", ["30"]), 3) is None
    assert flow_of(trace("plasma_flow", [None, None]), 3) is None
    assert flow_of(trace("blood_flow", ["30", "30"]), 3) is None


def test_stretches_without_flow_or_without_data_are_still():
    one = flow(["0", "30", "0", "0", "30", None, "30", "0"], [0, 1, 2, 3, 4, 5, 6, 7])
    assert one.still() == [(0, MIN), (2 * MIN, 4 * MIN), (5 * MIN, 6 * MIN)]
    assert one.flowing() == (MIN, 7 * MIN)
    assert one.flowing_ms() == 3 * MIN
    assert flow(["0", "0"]).flowing() is None
    assert flow(["0", "0"]).still() == [(0, MIN)]


def test_a_gap_counts_as_still():
    assert flow(["30"] * 6, [0, 1, 2, 6, 7, 8]).still() == [(2 * MIN, 6 * MIN)]


flows = st.lists(st.integers(0, 600), min_size=3, max_size=40)


@given(values=flows, cut=st.integers(0, 39 * MIN))
def test_a_span_cut_in_two_gives_the_same_volume(values, cut):
    one = flow([str(D(v) / 10) for v in values])
    first, last = one.whole()
    middle = min(cut, last)
    whole, _ = one.integrated([(first, last)])
    parts, _ = one.integrated([(first, middle), (middle, last)])
    assert whole == parts


@given(values=flows)
def test_sums_in_whole_numbers_agree_with_floating_point(values):
    one = flow([str(D(v) / 10) for v in values])
    found, _ = one.integrated([one.whole()])
    assert float(found) == pytest.approx(sum(values[:-1]) / 10, abs=1e-6)


@given(values=flows, more=st.integers(1, 100), at=st.integers(0, 39))
def test_more_flow_never_gives_less_volume(values, more, at):
    higher = [*values]
    higher[at % len(values)] += more
    low, high = flow([str(D(v) / 10) for v in values]), flow([str(D(v) / 10) for v in higher])
    assert high.integrated([high.whole()]) >= low.integrated([low.whole()])


spans = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)).map(sorted).map(tuple), max_size=8)


@given(some=spans)
def test_the_length_of_a_union_counts_each_moment_once(some):
    moments = {m for start, end in some for m in range(start, end)}
    assert length(some) == len(moments)
    joined = merged(some)
    assert all(a[1] < b[0] for a, b in itertools.pairwise(joined))


@given(some=spans, window=st.tuples(st.integers(0, 50), st.integers(0, 50)).map(sorted).map(tuple))
def test_what_lies_within_a_window_stays(some, window):
    moments = {m for start, end in some for m in range(start, end) if window[0] <= m < window[1]}
    assert length(within(some, window)) == len(moments)


def test_a_later_fall_is_measured_against_the_value_before_it():
    assert total("1000", "300", "500", "200") == 1700


def test_the_last_flow_and_not_the_one_before_is_held_at_the_end():
    assert flow(["30", "60"]).integrated([(0, 4 * MIN)]) == (210, 0)


def test_the_smallest_printed_flow_is_a_flow():
    one = flow(["0", "0.1", "0"])
    assert one.flowing() == (MIN, 2 * MIN)
    assert one.flowing_ms() == MIN
    assert one.still() == [(0, MIN)]


def test_spans_of_no_length_are_none():
    assert merged([(5, 5), (7, 8), (8, 8), (3, 3)]) == [(7, 8)]
    assert within([(0, 5), (5, 9), (9, 12)], (5, 9)) == [(5, 9)]
