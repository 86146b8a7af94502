"""Parts that all tests share: real folders, real SQLite files, a fixed moment."""

from __future__ import annotations

import json
import logging
import os
import shutil
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import hypothesis
import pytest
from click.testing import CliRunner
from sqlalchemy import make_url

from tests import postgres
from tests.marks import Watch
from tests.parts import Exports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ingestor.config import Settings
    from ingestor.flow.house import House
    from ingestor.isolate import Reader
    from simulators.archive import ArchiveOrder
    from tests.clinics import Clinic, Taken

# A slow machine is no failure: what takes too long is measured by benchmarks.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what a machine cannot do, with a line that says so; in CI that is a failure."""
    missing = []
    if item.get_closest_marker("browser") and not shutil.which("chromium"):
        missing.append("chromium")
    if item.get_closest_marker("strace") and not shutil.which("strace"):
        missing.append("strace")
    if item.get_closest_marker("postgres") and not postgres.is_there():
        missing.append("postgresql")
    if missing:
        line = f"{', '.join(missing)} not installed: run `make test-system`"
        if os.environ.get("CI") == "true":
            pytest.fail(line)
        pytest.skip(line)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whatever is done in a house is done on both databases, unless a test is about one of them."""
    if "house" in metafunc.fixturenames and not metafunc.definition.get_closest_marker("sqlite"):
        both = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
        metafunc.parametrize("database_url", both, indirect=True)


_watch = Watch()


@pytest.fixture(autouse=True)
def logs_name_nobody() -> Iterator[None]:
    """F123: whatever a test hands in, no log of the program names a planted person."""
    root = logging.getLogger()
    root.addHandler(_watch)
    yield
    root.removeHandler(_watch)
    seen, _watch.seen = _watch.seen, []
    assert seen == []


@pytest.fixture(scope="session")
def postgresql() -> Iterator[postgres.Databases]:
    """Give databases on a server of this process, or on the one that TEST_DATABASE_URL names."""
    with ExitStack() as ends:
        given = os.environ.get("TEST_DATABASE_URL")
        admin = make_url(given) if given else ends.enter_context(postgres.Server(postgres.QUICK)).url
        databases = postgres.Databases(admin.set(drivername="postgresql+psycopg"))
        ends.callback(databases.close)
        yield databases


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """None: SQLite in the data folder."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield None
        return
    databases: postgres.Databases = request.getfixturevalue("postgresql")
    url = databases.with_schema()
    yield url
    databases.drop(url)


@pytest.fixture
def settings(tmp_path: Path, database_url: str | None) -> Settings:
    from ingestor.config import Settings

    return Settings(data_dir=tmp_path / "data", database_url=database_url)


@pytest.fixture(scope="session")
def reader() -> Iterator[Reader]:
    """One limited child for all tests that bring no drivers of their own: starting one takes half a second."""
    from ingestor.isolate import Reader

    with Reader(None) as shared:
        yield shared


@pytest.fixture
def house(settings: Settings, reader: Reader) -> Iterator[House]:
    from ingestor.flow.house import open_house

    with open_house(settings, now=lambda: NOW, reader=reader) as opened:
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


@pytest.fixture(scope="session")
def written_clinic(tmp_path_factory: pytest.TempPathFactory) -> Callable[[ArchiveOrder], Clinic]:
    """Return a function that writes a clinic of two decades, once a process: written_clinic(clinics.SAMPLE)."""
    from tests import clinics

    made: dict[ArchiveOrder, Clinic] = {}

    def run(order: ArchiveOrder) -> Clinic:
        if order not in made:
            made[order] = clinics.written(order, tmp_path_factory.mktemp("clinic"))
        return made[order]

    return run


@pytest.fixture(scope="session")
def taken_clinic(
    written_clinic: Callable[[ArchiveOrder], Clinic],
    reader: Reader,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[ArchiveOrder], Taken]:
    """Return a function that takes such a clinic in (SQLite), once a process; copy what you change."""
    from ingestor.config import Settings
    from ingestor.flow.house import open_house
    from tests import clinics

    made: dict[ArchiveOrder, Taken] = {}

    def run(order: ArchiveOrder) -> Taken:
        if order not in made:
            data = tmp_path_factory.mktemp("taken") / "data"
            with open_house(Settings(data_dir=data), now=lambda: NOW, reader=reader) as house:
                receipts = clinics.take_in(house, written_clinic(order))
            made[order] = clinics.Taken(written_clinic(order), data, receipts)
        return made[order]

    return run
