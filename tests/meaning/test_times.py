"""The laws of printed times."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestor.errors import Invalid
from ingestor.meaning.clock import Offset
from ingestor.meaning.normalise import normalise
from ingestor.meaning.times import METHODS, place
from ingestor.model import TimeMethod

EPOCH = datetime(1970, 1, 1)
MINUTE = 60_000


def ms(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(milliseconds=1)


def every_minute(first: str, rows: int) -> np.ndarray:
    return ms(first) + np.arange(rows, dtype=np.int64) * MINUTE


def utc(rows, i: int) -> str:
    return str(EPOCH + timedelta(milliseconds=int(rows.utc_ms[i])))


def methods(rows) -> set[TimeMethod]:
    return {METHODS[m] for m in rows.method}


def test_a_summer_time_is_two_hours_ahead_and_a_winter_time_one():
    assert utc(place(every_minute("2024-07-01 12:00", 1), "Europe/Vienna"), 0) == "2024-07-01 10:00:00"
    assert utc(place(every_minute("2024-01-01 12:00", 1), "Europe/Vienna"), 0) == "2024-01-01 11:00:00"


@pytest.mark.parametrize("zone", ["Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "UTC"])
@given(minute=st.integers(0, 40 * 365 * 24 * 60))
def test_a_single_time_is_placed_as_the_zone_itself_says(zone, minute):
    from zoneinfo import ZoneInfo

    local = datetime(1996, 1, 1) + timedelta(minutes=minute)
    rows = place(np.array([ms(str(local))], np.int64), zone)
    expected = local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)
    assert utc(rows, 0) == str(expected.replace(tzinfo=None))


def test_the_night_the_clocks_go_back_is_resolved_by_the_order_of_the_rows():
    first = every_minute("2024-10-27 01:30", 90)  # to 02:59 summer time
    second = every_minute("2024-10-27 02:00", 120)  # then 02:00 winter time
    rows = place(np.concatenate([first, second]), "Europe/Vienna")
    assert np.all(np.diff(rows.utc_ms) == MINUTE)
    assert utc(rows, 0) == "2024-10-26 23:30:00"
    assert methods(rows) == {TimeMethod.ZONE}
    assert rows.set_back == ()


def test_a_clock_that_is_put_back_twenty_minutes_late_is_still_that_change():
    first = every_minute("2024-10-27 01:30", 111)  # to 03:20 by the old time
    second = every_minute("2024-10-27 02:21", 60)
    rows = place(np.concatenate([first, second]), "Europe/Vienna")
    assert np.all(np.diff(rows.utc_ms) == MINUTE)
    assert rows.set_back == ()


def test_a_step_back_of_an_hour_on_any_other_night_is_a_clock_set_back():
    first, second = every_minute("2024-10-20 01:30", 90), every_minute("2024-10-20 02:00", 30)
    rows = place(np.concatenate([first, second]), "Europe/Vienna")
    assert rows.set_back == (90,)
    assert np.all(np.diff(rows.utc_ms) == MINUTE)
    assert METHODS[rows.method[89]] is TimeMethod.ZONE
    assert METHODS[rows.method[90]] is TimeMethod.CLOCK_JUMP


def test_a_step_back_of_an_hour_on_that_night_but_in_the_evening_is_a_clock_set_back():
    first, second = every_minute("2024-10-27 20:30", 90), every_minute("2024-10-27 21:00", 30)
    assert place(np.concatenate([first, second]), "Europe/Vienna").set_back == (90,)


def test_a_run_that_ends_within_the_doubled_hour_and_began_before_it_is_in_the_first_pass():
    rows = place(every_minute("2024-10-27 01:30", 60), "Europe/Vienna")
    assert utc(rows, 59) == "2024-10-27 00:29:00"
    assert methods(rows) == {TimeMethod.ZONE}


def test_a_run_that_begins_within_the_doubled_hour_and_goes_on_after_it_is_in_the_second_pass():
    rows = place(every_minute("2024-10-27 02:30", 60), "Europe/Vienna")
    assert utc(rows, 0) == "2024-10-27 01:30:00"
    assert np.all(np.diff(rows.utc_ms) == MINUTE)


def test_a_run_wholly_within_the_doubled_hour_is_marked_and_not_guessed():
    rows = place(every_minute("2024-10-27 02:10", 30), "Europe/Vienna")
    assert methods(rows) == {TimeMethod.ZONE_AMBIGUOUS}
    assert utc(rows, 0) == "2024-10-27 00:10:00"


def test_a_clock_that_was_never_put_back_goes_on_evenly_and_is_marked():
    rows = place(every_minute("2024-10-27 01:30", 180), "Europe/Vienna")
    assert np.all(np.diff(rows.utc_ms) == MINUTE)
    assert methods(rows) == {TimeMethod.ZONE, TimeMethod.ZONE_AMBIGUOUS}


def test_a_run_time_counter_tells_on_which_side_of_the_change_a_row_lies():
    local = np.array([ms("2024-10-27 01:55"), ms("2024-10-27 02:31")], np.int64)
    rows = place(local, "Europe/Vienna", elapsed_s=np.array([0, 36 * 60], np.int64))
    assert utc(rows, 1) == "2024-10-27 00:31:00"
    rows = place(local, "Europe/Vienna", elapsed_s=np.array([0, 96 * 60], np.int64))
    assert utc(rows, 1) == "2024-10-27 01:31:00"
    assert METHODS[rows.method[1]] is TimeMethod.ELAPSED_COUNTER


def test_without_a_counter_a_row_after_a_long_pause_in_the_doubled_hour_is_marked():
    local = np.array([ms("2024-10-27 01:55"), ms("2024-10-27 02:31")], np.int64)
    assert METHODS[place(local, "Europe/Vienna").method[1]] is TimeMethod.ZONE_AMBIGUOUS


def test_an_hour_that_does_not_exist_is_marked_and_order_is_kept():
    rows = place(every_minute("2024-03-31 01:30", 150), "Europe/Vienna")
    assert np.all(np.diff(rows.utc_ms) == MINUTE)
    assert METHODS[rows.method[0]] is TimeMethod.ZONE
    assert METHODS[rows.method[45]] is TimeMethod.ZONE_NONEXISTENT
    assert METHODS[rows.method[149]] is TimeMethod.ZONE_NONEXISTENT


def test_a_clock_that_is_put_forward_runs_on_without_a_gap():
    first, second = every_minute("2024-03-31 01:30", 30), every_minute("2024-03-31 03:00", 60)
    rows = place(np.concatenate([first, second]), "Europe/Vienna")
    assert np.all(np.diff(rows.utc_ms) == MINUTE)
    assert methods(rows) == {TimeMethod.ZONE}


def test_one_row_that_stands_too_late_in_the_file_does_not_set_the_clock_back():
    local = every_minute("2024-03-18 08:00", 5)
    local[[2, 3]] = local[[3, 2]]
    rows = place(local, "Europe/Vienna")
    assert rows.set_back == ()
    assert rows.out_of_order == (3,)
    assert rows.utc_ms[4] - rows.utc_ms[0] == 4 * MINUTE


@given(
    back=st.integers(2, 600),
    at=st.integers(2, 100),
    start=st.integers(0, 365 * 24 * 60),
)
def test_however_far_a_clock_is_set_back_order_and_durations_stay(back, at, start):
    local = ms("2023-01-01") + start * MINUTE + np.arange(120, dtype=np.int64) * MINUTE
    local[at:] -= back * MINUTE
    rows = place(local, "UTC")
    assert rows.set_back == (at,)
    assert np.all(np.diff(rows.utc_ms) == MINUTE)


def test_fourteen_thousand_rows_take_milliseconds():
    from time import perf_counter

    local = ms("2024-10-27 00:30") + np.arange(14_400, dtype=np.int64) * 1000
    place(local, "Europe/Vienna")
    begun = perf_counter()
    place(local, "Europe/Vienna")
    assert perf_counter() - begun < 0.05


def test_the_29th_of_february_is_a_day_like_any_other(make):
    run = normalise(make.log(start="2024-02-29 23:00:00", end="2024-03-01 02:00:00"), make.clock())
    assert run.ended is not None
    assert run.ended.utc - run.started.utc == timedelta(hours=3)
    assert not [f for f in run.findings if f.code != "zone_defaulted"]


def test_a_zone_that_does_not_exist_is_refused(make):
    with pytest.raises(Invalid) as error:
        normalise(make.log(), make.clock(default_zone="Europe/Wien"))
    assert error.value.code == "unknown_zone"


def test_only_a_site_s_default_zone_is_remarked_upon(make):
    log = make.log()
    codes = [f.code for f in normalise(log, make.clock()).findings]
    assert codes == ["zone_defaulted"]
    of_its_own = make.clock(zones={("", "TC-2", "AM-1"): "Europe/London"})
    run = normalise(log, of_its_own)
    assert run.findings == ()
    assert run.started.utc == datetime(2024, 3, 18, 8, 12, 40, tzinfo=UTC)
    assert normalise(log, make.clock(zone="UTC")).findings == ()


def test_an_offset_in_the_file_beats_every_zone(make):
    log = make.log(started=make.stamp("08:12:40", 60), ended=make.stamp("11:00:00", 120))
    run = normalise(log, make.clock(default_zone="Asia/Tokyo"))
    assert run.started.utc == datetime(2024, 3, 18, 7, 12, 40, tzinfo=UTC)
    assert run.started.method is TimeMethod.OFFSET_IN_FILE
    assert run.ended.utc == datetime(2024, 3, 18, 9, 0, tzinfo=UTC)


def test_a_known_error_of_the_clock_is_taken_out_of_every_time_and_can_be_put_back(make):
    log = make.log(
        alarms=(make.alarm("09:00:00", "09:01:00"),),
        samples=make.samples(["08:20:00", "08:21:00"], make.column("plasma_flow", ["30", "30"], "ml/min")),
    )
    key = ("", "TC-2", "AM-1")
    early, late = datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 4, 1, tzinfo=UTC)
    plain = normalise(log, make.clock())
    mended = normalise(log, make.clock(offsets={key: (Offset(300, early, late),)}))
    five = timedelta(minutes=5)
    assert mended.started.utc == plain.started.utc - five
    assert mended.started.local == plain.started.local
    assert mended.alarms[0].cleared.utc == plain.alarms[0].cleared.utc - five
    assert list(plain.trace.utc_ms - mended.trace.utc_ms) == [300_000, 300_000]
    assert "clock_offset_applied" in [f.code for f in mended.findings]
    outside = normalise(log, make.clock(offsets={key: (Offset(300, late, None),)}))
    assert outside.started == plain.started


def test_the_later_entry_of_the_ledger_holds(make):
    key = ("", "TC-2", "AM-1")
    run = normalise(make.log(), make.clock(offsets={key: (Offset(300), Offset(60))}))
    assert run.started.utc == datetime(2024, 3, 18, 7, 11, 40, tzinfo=UTC)


def test_times_before_the_machines_were_built_or_after_tomorrow_are_not_believed(make):
    log = make.log(
        alarms=(make.alarm("1994-12-31 23:59:59", line=7), make.alarm("2025-06-03 10:00:00", line=8)),
        events=(make.event("2025-06-01 12:00:00", 9),),
    )
    run = normalise(log, make.clock())
    assert [a.onset for a in run.alarms] == [None, None]
    assert run.events[0].at is not None
    finding = next(f for f in run.findings if f.code == "time_not_believed")
    assert (finding.line, finding.params["rows"]) == (7, "2")
    assert run.hold is None


def test_a_run_whose_start_cannot_be_is_held(make):
    run = normalise(make.log(start="2031-01-01 08:00:00", end=None), make.clock())
    assert run.hold == "time_not_believed"
    assert run.started.local == datetime(2031, 1, 1, 8)


def test_samples_whose_time_cannot_be_are_ignored_and_counted(make):
    times = ["08:20:00", "08:21:00", "2077-01-01 00:00:00", "08:22:00", "08:23:00"]
    flow = make.column("plasma_flow", ["30"] * 5, "ml/min")
    run = normalise(make.log(samples=make.samples(times, flow, segments=(3,))), make.clock())
    assert len(run.trace) == 4
    assert run.segments == (2,)
    assert [(i.reason, i.rows) for i in run.ignored] == [("time_not_believed", 1)]
    assert next(f for f in run.findings if f.code == "time_not_believed").line == 102
    assert "clock_set_back" not in [f.code for f in run.findings]


def test_an_end_before_the_start_is_unknown(make):
    run = normalise(make.log(end="08:00:00"), make.clock())
    assert run.ended is None
    assert "end_before_start" in [f.code for f in run.findings]


@pytest.mark.parametrize(("minutes", "told"), [(59, True), (60, False), (480, False), (481, True)])
def test_a_treatment_of_unusual_length_is_remarked_upon(make, minutes, told):
    end = str(datetime(2024, 3, 18, 8, 0) + timedelta(minutes=minutes))
    run = normalise(make.log(start="08:00:00", end=end), make.clock())
    assert ("duration_unusual" in [f.code for f in run.findings]) is told


def test_alarms_of_the_night_the_clocks_go_back_follow_the_samples_beside_them(make):
    make.day = "2024-10-27"
    times = ["02:58:00", "02:59:00", "02:00:00", "02:01:00", "02:02:00"]
    flow = make.column("plasma_flow", ["30"] * 5, "ml/min")
    log = make.log(
        start="01:30:00",
        end="03:30:00",
        samples=make.samples(times, flow),
        alarms=(make.alarm("02:58:30", "02:00:30", line=101), make.alarm("02:01:30", line=104)),
    )
    run = normalise(log, make.clock())
    assert [str(a.onset.utc)[11:19] for a in run.alarms] == ["00:58:30", "01:01:30"]
    assert str(run.alarms[0].cleared.utc)[11:19] == "01:00:30"
    assert str(run.ended.utc)[11:19] == "02:30:00"
    assert not [f for f in run.findings if f.code.startswith("time_")]


def test_alarms_in_a_section_of_their_own_are_resolved_by_their_order(make):
    make.day = "2024-10-27"
    log = make.log(
        start="01:30:00",
        end="03:30:00",
        alarms=(make.alarm("02:20:00", line=1), make.alarm("02:10:00", line=2)),
    )
    run = normalise(log, make.clock())
    assert [str(a.onset.utc)[11:19] for a in run.alarms] == ["00:20:00", "01:10:00"]
    assert {a.onset.method for a in run.alarms} == {TimeMethod.ZONE}


def test_an_alarm_that_could_be_in_either_hour_is_marked(make):
    make.day = "2024-10-27"
    log = make.log(start="01:30:00", end="03:30:00", alarms=(make.alarm("02:20:00", line=5),))
    run = normalise(log, make.clock())
    assert run.alarms[0].onset.method is TimeMethod.ZONE_AMBIGUOUS
    assert ("time_ambiguous", 5) in [(f.code, f.line) for f in run.findings]


def test_after_a_clock_was_set_back_the_end_is_carried_on_too(make):
    times = ["08:20:00", "08:21:00", "08:22:00", "07:27:00", "07:28:00"]
    flow = make.column("plasma_flow", ["30"] * 5, "ml/min")
    run = normalise(make.log(end="09:00:00", samples=make.samples(times, flow)), make.clock())
    assert str(run.started.utc)[11:19] == "07:12:40"
    # 92 minutes after the last row, which stands at 07:24 UTC by the clock as it ran before.
    assert str(run.ended.utc)[11:19] == "08:56:00"
    finding = next(f for f in run.findings if f.code == "clock_set_back")
    assert (finding.line, finding.params["minutes"]) == (103, "55")


def test_a_time_before_or_after_a_clock_was_set_back_is_marked_as_such_and_not_as_a_change_of_the_clocks(
    make,
):
    times = ["08:20:00", "08:21:00", "08:22:00", "07:27:00", "07:28:00"]
    flow = make.column("plasma_flow", ["30"] * 5, "ml/min")
    alarm = make.alarm("07:40:00", line=5)
    run = normalise(
        make.log(start="07:00:00", end="09:00:00", samples=make.samples(times, flow), alarms=(alarm,)),
        make.clock(),
    )
    assert run.alarms[0].onset.method is TimeMethod.CLOCK_JUMP
    assert "time_ambiguous" not in [f.code for f in run.findings]


def test_a_clock_set_back_is_seen_in_times_with_an_offset_too(make):
    times = ["08:20:00", "08:21:00", "08:22:00", "07:27:00", "07:28:00"]
    flow = make.column("plasma_flow", ["30"] * 5, "ml/min")
    block = make.samples(times, flow, offset_min=60)
    alarms = (replace(make.alarm("07:28:00", line=104), onset=make.stamp("06:28:00", 0)),)
    log = make.log(
        started=make.stamp("08:00:00", 60), ended=make.stamp("09:00:00", 60), samples=block, alarms=alarms
    )
    run = normalise(log, make.clock())
    assert list(np.diff(run.trace.utc_ms)) == [MINUTE] * 4
    assert "clock_set_back" in [f.code for f in run.findings]
    assert str(run.started.utc)[11:19] == "07:00:00"
    assert str(run.alarms[0].onset.utc)[11:19] == "07:24:00"
    assert str(run.ended.utc)[11:19] == "08:56:00"
    assert run.ended.method is TimeMethod.CLOCK_JUMP


def test_a_time_that_was_printed_on_a_line_of_its_own_is_placed_there(make):
    make.day = "2024-10-27"
    times = ["02:58:00", "02:59:00", "02:00:00", "02:58:00", "02:59:00"]
    flow = make.column("plasma_flow", ["30"] * 5, "ml/min")
    alarm = make.alarm("02:58:30", "02:58:30", line=101)
    second = replace(alarm, cleared=replace(alarm.cleared, line=104))
    log = make.log(
        start="01:30:00", end="03:30:00", samples=make.samples(times, flow), alarms=(alarm, second)
    )
    run = normalise(log, make.clock())
    assert [str(a.onset.utc)[11:19] for a in run.alarms] == ["00:58:30", "00:58:30"]
    assert str(run.alarms[1].cleared.utc)[11:19] == "01:58:30"
    assert run.alarms[1].cleared.method is TimeMethod.ZONE
    assert run.alarms[0].cleared.method is TimeMethod.ZONE_AMBIGUOUS


def test_over_a_pause_the_order_of_the_file_still_tells_on_which_side_of_the_change_rows_lie():
    texts = ["02:01", "02:10", "02:58", "02:59", "02:00", "02:01", "02:40", "02:41", "03:30"]
    local = np.array([ms(f"2024-10-27 {text}") for text in texts], np.int64)
    rows = place(local, "Europe/Vienna")
    assert [utc(rows, i)[11:16] for i in range(len(texts))] == [
        "00:01", "00:10", "00:58", "00:59", "01:00", "01:01", "01:40", "01:41", "02:30",
    ]  # fmt: skip
    assert methods(rows) == {TimeMethod.ZONE}
