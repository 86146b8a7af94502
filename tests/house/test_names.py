"""File names as people see them."""

from __future__ import annotations

import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestor.names import shown


@given(st.binary(min_size=1, max_size=80).filter(lambda b: b"/" not in b and b"\0" not in b))
def test_any_name_is_shown_on_one_line_that_can_be_stored_anywhere(name: bytes) -> None:
    said = shown(name)
    said.encode("utf-8")
    assert len(said.splitlines()) == 1
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in said)


@given(st.text(min_size=1, max_size=60))
def test_what_was_shown_once_is_shown_alike_again(name: str) -> None:
    assert shown(shown(name)) == shown(name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (b"export.csv", "export.csv"),
        ("Säule 7.csv".encode(), "Säule 7.csv"),
        ("Sa\u0308ule.csv".encode(), "Säule.csv"),
        (b"S\xe4ule.csv", "S\\xe4ule.csv"),
        (b"a\nb", "a\\nb"),
        ("a\u202eb", "a\\u202eb"),
        (os.fsdecode(b"\xff"), "\\udcff"),
    ],
)
def test_hidden_characters_are_written_out(name: bytes | str, said: str) -> None:
    assert shown(name) == said
