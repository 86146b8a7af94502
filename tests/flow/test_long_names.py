"""Names and numbers that a database could not index are refused on both databases, and the longest allowed stored."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ingestor.isolate.limits import NAME_CHARACTERS
from tests.site import Treatment

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestor.flow.house import House

    Bring = Callable[..., dict[str, Any]]

ONE = Treatment()


def _long(length: int) -> str:
    """Return characters that no compression makes shorter."""
    return "".join(random.Random(5).choices("".join(map(chr, range(0x4E00, 0x9000))), k=length))


@pytest.mark.parametrize("field", ["serial", "run", "patient", "columns", "software"])
def test_a_name_no_database_can_index_is_refused_and_the_longest_allowed_stored(
    house: House, bring: Bring, field: str
) -> None:
    def named(text: str) -> bytes:
        one: Any = (text, "C-2") if field == "columns" else text
        return replace(ONE, **{field: one}).data()

    refused = bring(named(_long(NAME_CHARACTERS + 1)))
    assert (refused["status"], refused["code"]) == ("refused", "limit_name")
    assert house.archive.content(refused["source"]) is not None
    assert bring(named(_long(NAME_CHARACTERS)))["status"] == "stored"
