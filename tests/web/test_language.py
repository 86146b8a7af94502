"""Which language a page speaks."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.web.formats import Formats
from api.web.language import asked_for
from api.web.wording import text


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr;q=0.9, de;q=0.3, en;q=0.5", "en"),
        ("fr", "en"),
        ("", "en"),
        ("de;q=0, en;q=0.1", "en"),
        ("DE", "de"),
    ],
)
def test_the_browser_chooses_by_weight(header: str, language: str):
    assert asked_for(header) == language


@given(st.text())
def test_no_header_breaks_the_choice(header: str):
    assert asked_for(header) in {"de", "en"}


def test_numbers_and_dates_are_those_of_the_language():
    german, english = Formats("de", "Europe/Vienna"), Formats("en", "Europe/Vienna")
    assert german.number(Decimal("6543.21"), 1).replace("\u00a0", ".") == "6.543,2"
    assert english.number(Decimal("6543.21"), 1) == "6,543.2"
    assert german.percent(Decimal("0.135")) == "13,5\u00a0%"
    at = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    assert german.moment(at) == "02.07.2026, 00:30"
    assert english.moment(at) == "2 Jul 2026, 00:30"


def test_zero_is_shown_and_nothing_is_a_dash():
    formats = Formats("de", "Europe/Vienna")
    assert formats.quantity(Decimal(0), "mL") == "0\u00a0ml"
    assert formats.quantity(None, "mL") == formats.number(None) == formats.moment(None) == "–"


def test_one_is_singular_and_none_is_plural():
    assert text("sessions.count", "de", n=1) == "1 Sitzung"
    assert text("sessions.count", "en", n=0) == "0 sessions"
    assert text("sessions.count", "en", n=1200) == "1,200 sessions"
