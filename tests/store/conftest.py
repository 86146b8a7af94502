"""Databases without a house around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ingestor.store import schema
from ingestor.store.engine import open_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingestor.store.engine import Database
    from tests.postgres import Databases

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture(params=BOTH)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the URL of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'apherelog.db'}"
        return
    databases: Databases = request.getfixturevalue("postgresql")
    url = databases.empty()
    yield url
    databases.drop(url)


@pytest.fixture
def db(empty_url: str) -> Iterator[Database]:
    """Return an open database with the schema."""
    opened = open_database(empty_url)
    schema.upgrade(opened)
    yield opened
    opened.close()
