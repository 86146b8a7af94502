"""Decoding, numbers and text."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers._text import Grammar, decode, printed, whole_number
from ingestor.driver import ParseError

COMMA = Grammar(",")
GERMAN = Grammar(",", ".")


@pytest.mark.parametrize(
    "text",
    ["NaN", "inf", "1e309", "1_000", "١٢", "１２", "0x1F", "1.234,5", "4" * 400, "", "-", "+", ",5",
     "5,", "1.5", "1 000", "--1", "1,5\x00", "1,5\n", "\t1"],
)  # fmt: skip
def test_a_number_outside_the_grammar_has_no_value(text: str):
    assert COMMA.value(text) is None
    assert COMMA.number(text, "mL").value is None


@pytest.mark.parametrize(
    ("grammar", "text", "value"),
    [(COMMA, "402,5", "402.5"), (COMMA, "  -83", "-83"), (COMMA, "+7,02", "7.02"),
     (GERMAN, "1.234,5", "1234.5"),
     (GERMAN, "1.234", "1234"), (GERMAN, "1234567", "1234567"), (Grammar("."), "1.234", "1.234"),
     (Grammar(",", signed=False), "-0,0", "0.0"), (Grammar(".", decimals=1), "402", "40.2")],
)  # fmt: skip
def test_a_number_inside_the_grammar_is_exact(grammar: Grammar, text: str, value: str):
    assert grammar.value(text) == Decimal(value)


@pytest.mark.parametrize("text", ["12.34", "1.2345", "1234.567", ".123", "1..234"])
def test_thousands_stand_between_groups_of_three_or_the_number_is_not_believed(text: str):
    assert GERMAN.value(text) is None


def test_a_layout_without_a_sign_refuses_a_minus_before_anything_but_zero():
    assert Grammar(",", signed=False).value("-402,5") is None


def test_a_byte_order_mark_decides_and_is_not_part_of_the_text():
    assert decode("\ufeffä".encode("utf-8"), ("utf-8",)) == ("ä", "utf-8")
    assert decode("\ufeffä".encode("utf-16-be"), ("utf-16",)) == ("ä", "utf-16-be")
    assert decode("ä".encode("utf-16-le"), ("utf-16", "utf-16-le")) == ("ä", "utf-16-le")
    assert decode("ä".encode("cp1252"), ("utf-8", "cp1252")) == ("ä", "cp1252")


def test_bytes_outside_the_declared_list_are_refused_with_their_line():
    with pytest.raises(ParseError) as refused:
        decode(b"a\nb\n\xff\n", ("utf-8",), "x.csv")
    assert (refused.value.code, refused.value.line, refused.value.member) == ("undecodable", 3, "x.csv")


@given(st.binary(), st.sampled_from([("utf-8",), ("utf-16",), ("cp1252", "cp850"), ("utf-16-le",)]))
def test_decoding_reads_or_refuses_and_nothing_else(data: bytes, declared: tuple[str, ...]):
    try:
        text, codec = decode(data, declared)
    except ParseError:
        return
    assert data.endswith(text.encode(codec))


def test_what_is_shown_hides_nothing():
    assert printed("a\x00b\u202e\ud800\ufeff") == r"a\u0000b\u202e\ud800\ufeff"
    assert printed("A\u0308") == "Ä"


@given(st.text())
def test_printed_text_can_be_stored_anywhere(text: str):
    shown = printed(text)
    shown.encode("utf-8")
    assert "\x00" not in shown
    assert printed(shown) == shown


def test_a_count_is_plain_digits():
    assert whole_number(" 15 ") == 15
    assert [whole_number(text) for text in ("1,0", "-1", "٣", "", "1" * 12)] == [None] * 5
