"""Parts that all tests share: real folders, real SQLite files, a fixed moment."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from tests.parts import Exports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Exports]:
    """Return a function that runs a simulator: simulated("twin-column-report", "--seed", "7", ...)."""
    from simulators.command import simulate

    made: dict[tuple[str, ...], Exports] = {}

    def run(*arguments: str) -> Exports:
        if arguments not in made:
            folder = tmp_path_factory.mktemp("exports")
            done = CliRunner().invoke(simulate, [*arguments, "--out", str(folder)])
            assert done.exit_code == 0, done.output
            made[arguments] = Exports(folder, json.loads((folder / "truth.json").read_text("utf-8")))
        return made[arguments]

    return run
