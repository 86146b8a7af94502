"""Parts that all tests share: real folders, real SQLite files, a fixed moment."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingestor.config import Settings
    from ingestor.flow.house import House

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what a machine cannot do, with a line that says so; in CI that is a failure."""
    missing = []
    if item.get_closest_marker("browser") and not shutil.which("chromium"):
        missing.append("chromium")
    if item.get_closest_marker("strace") and not shutil.which("strace"):
        missing.append("strace")
    if missing:
        line = f"{', '.join(missing)} not installed: run `make test-system`"
        if os.environ.get("CI") == "true":
            pytest.fail(line)
        pytest.skip(line)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    from ingestor.config import Settings

    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def house(settings: Settings) -> Iterator[House]:
    from ingestor.flow.house import open_house

    with open_house(settings, now=lambda: NOW) as opened:
        yield opened
