"""Printed times."""

# ruff: noqa: DTZ001 - printed wall clocks have no zone

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers._clock import Clock
from drivers._stamps import Moment, check_format, read_moment

GERMAN = ("dd.mm.yyyy HH:MM:SS", "HH:MM:SS")


def ms(hour: int, minute: int = 0, second: int = 0) -> int:
    return ((hour * 60 + minute) * 60 + second) * 1000


@pytest.mark.parametrize(
    ("text", "declared", "moment"),
    [
        ("18.03.2024 08:12:40", "dd.mm.yyyy HH:MM:SS", Moment(date(2024, 3, 18), ms(8, 12, 40))),
        ("08:12:40", "HH:MM:SS", Moment(None, ms(8, 12, 40))),
        ("081240", "HHMMSS", Moment(None, ms(8, 12, 40))),
        ("20240318", "yyyymmdd", Moment(date(2024, 3, 18), None)),
        ("Tue Apr  4 15:43:17 2017", "ddd mmm _d HH:MM:SS yyyy", Moment(date(2017, 4, 4), ms(15, 43, 17))),
        ("03/18/2024 12:05 AM", "mm/dd/yyyy hh:MM AM", Moment(date(2024, 3, 18), ms(0, 5))),
        ("3/8/24 1:05 pm", "m/d/yy h:MM AM", Moment(date(2024, 3, 8), ms(13, 5))),
        ("2024-03-18T08:12:40+01:00", "yyyy-mm-ddTHH:MM:SSzz", Moment(date(2024, 3, 18), ms(8, 12, 40), 60)),
        ("2024-03-18T08:12:40Z", "yyyy-mm-ddTHH:MM:SSzz", Moment(date(2024, 3, 18), ms(8, 12, 40), 0)),
        ("08h12", "HH'h'MM", Moment(None, ms(8, 12))),
        ("08:12:40.5", "HH:MM:SS.fff", Moment(None, ms(8, 12, 40) + 500)),
        ("27:00:01", "+HH:MM:SS", Moment(None, ms(27, 0, 1), since_start=True)),
        ("600", "+S", Moment(None, 600_000, since_start=True)),
    ],
)
def test_a_declared_format_is_read_exactly(text: str, declared: str, moment: Moment):
    assert read_moment(text, (declared,)) == moment


@pytest.mark.parametrize(
    "text",
    ["31.02.2024 08:00:00", "29.02.2023 08:00:00", "01.01.0001 00:00:00", "18.03.2024", "24:00:00",
     "08:60:00", "8:12:40", "٠٨:١٢:٤٠", "08:12:40Z", "", "18.03.9999 00:00:00"],
)  # fmt: skip
def test_what_is_no_time_has_no_value(text: str):
    assert read_moment(text, GERMAN) is None


def test_leap_day_is_a_day():
    assert read_moment("29.02.2024 08:00:00", GERMAN) == Moment(date(2024, 2, 29), ms(8))


@pytest.mark.parametrize(
    "declared", ["DD.MM.YYYY", "hh:MM", "HH:MM AM", "S", "yyyy yyyy", "---", "dd.mm. HH:MM"]
)
def test_a_format_that_means_nothing_is_an_error_with_a_sentence(declared: str):
    with pytest.raises(ValueError, match=r".+"):
        check_format(declared)


def test_times_without_date_go_on_from_the_start_and_over_midnight():
    clock = Clock(datetime(2024, 3, 18, 23, 50))
    seen = [clock.at(text, GERMAN) for text in ("23:59:50", "00:10:00", "00:09:00", "02:00:00")]
    assert [stamp.local for stamp in seen if stamp] == [
        datetime(2024, 3, 18, 23, 59, 50),
        datetime(2024, 3, 19, 0, 10),
        datetime(2024, 3, 19, 0, 9),
        datetime(2024, 3, 19, 2, 0),
    ]


def test_a_clock_set_back_over_midnight_is_not_taken_for_a_day_later():
    clock = Clock(datetime(2024, 3, 18, 23, 50))
    clock.at("00:03:00", GERMAN)
    stamp = clock.at("23:59:00", GERMAN)
    assert stamp is not None
    assert stamp.local == datetime(2024, 3, 18, 23, 59)


def test_the_second_time_of_a_row_does_not_move_the_order():
    clock = Clock(datetime(2024, 3, 18, 23, 50))
    onset = clock.at("23:59:50", GERMAN)
    assert onset is not None
    cleared = clock.at("00:10:00", GERMAN, after=onset.local)
    second = clock.at("23:59:55", GERMAN)
    assert cleared is not None
    assert second is not None
    assert (cleared.local.day, second.local.day) == (19, 18)


@given(st.text(max_size=30), st.datetimes())
def test_any_text_is_read_or_not_and_nothing_else(text: str, start: datetime):
    stamp = Clock(start).at(text, (*GERMAN, "+HH:MM:SS", "+S"))
    assert stamp is None or stamp.text == text.strip(" ")
