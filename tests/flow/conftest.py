"""Exports made by the simulators, and a hand that brings them in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ingestor.flow.pipeline import ingest
from ingestor.store.sources import StoredMember
from tests.parts import ORDER

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestor.flow.house import House
    from ingestor.store.sources import Order


@pytest.fixture
def bring(house: House) -> Callable[..., dict[str, Any]]:
    """Return a function that takes bytes in under a name, as every way in does."""

    def run(data: bytes, name: str = "export.txt", order: Order = ORDER) -> dict[str, Any]:
        kept = house.archive.put_bytes(data)
        return ingest(house, [StoredMember(name, kept.sha256, kept.size)], order)

    return run
