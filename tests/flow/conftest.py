"""Exports made by the simulators, and a hand that brings them in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ingestor.flow.pipeline import ingest
from ingestor.isolate import Reader
from ingestor.store.sources import StoredMember
from tests.parts import ORDER
from tests.site import install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ingestor.flow.house import House
    from ingestor.store.sources import Order


@pytest.fixture(scope="session", autouse=True)
def site_driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Let every child of these tests find the driver of `tests.site`."""
    folder = install(tmp_path_factory.mktemp("site"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        yield folder


@pytest.fixture(scope="session")
def reader(site_driver: Path) -> Iterator[Reader]:
    """A child that knows the site's driver."""
    with Reader() as one:
        yield one


@pytest.fixture
def bring(house: House) -> Callable[..., dict[str, Any]]:
    """Return a function that takes bytes in under a name, as every way in does."""

    def run(data: bytes, name: str = "export.txt", order: Order = ORDER) -> dict[str, Any]:
        kept = house.archive.put_bytes(data)
        return ingest(house, [StoredMember(name, kept.sha256, kept.size)], order)

    return run
