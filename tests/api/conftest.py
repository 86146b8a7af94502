import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from ingestor.access import passwords, tokens
from ingestor.access.permissions import AccountRole
from ingestor.config import Settings
from ingestor.store import accounts, audit, places, schema
from ingestor.store.engine import open_database
from tests.api.clinic import Clinic, furnish

PASSWORD = "wooden lamp nine"
ADMIN = audit.Actor("local:root", "admin")


class Staff:
    """One account and one token for each role."""

    def __init__(self, data: Path) -> None:
        self.tokens: dict[str, str] = {}
        db = open_database(f"sqlite:///{data / 'apherelog.db'}")
        now = datetime.now(UTC)
        stored = passwords.hashed(PASSWORD)
        with db.write() as connection:
            for role in AccountRole:
                accounts.add(connection, "vie", f"the {role.value}", role.value, now, password=stored)
                account = accounts.by_name(connection, f"the {role.value}")
                assert account is not None
                self.tokens[role.value] = tokens.issue(connection, account, role, 30, now, ADMIN)
        db.close()

    def __getitem__(self, role: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[role]}"}


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "empty.db"
    db = open_database(f"sqlite:///{path}")
    schema.upgrade(db)
    with db.write() as connection:
        places.ensure_centre(connection, "vie", "Vienna", "Europe/Vienna")
    db.close()
    return path


@pytest.fixture
def data(empty_store: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    shutil.copy(empty_store, folder / "apherelog.db")
    return folder


@pytest.fixture
def settings(data: Path) -> Settings:
    return Settings(data_dir=data, centre="vie")


@pytest.fixture
def staff(data: Path) -> Staff:
    return Staff(data)


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clinic, Staff]:
    """A clinic and its staff, made once; tests work on copies."""
    folder = tmp_path_factory.mktemp("clinic")
    made = furnish(Settings(data_dir=folder / "data", centre="vie"), folder)
    return made, Staff(made.data)


@pytest.fixture(scope="session")
def hospital(
    furnished: tuple[Clinic, Staff], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient]:
    """The service of the clinic, for tests that only look."""
    data = tmp_path_factory.mktemp("hospital") / "data"
    shutil.copytree(furnished[0].data, data)
    with TestClient(create_app(Settings(data_dir=data, centre="vie")), follow_redirects=False) as client:
        yield client


@pytest.fixture(scope="session")
def known(furnished: tuple[Clinic, Staff]) -> Clinic:
    """What is in the hospital."""
    return furnished[0]


@pytest.fixture
def clinic(furnished: tuple[Clinic, Staff], tmp_path: Path) -> Clinic:
    made, _ = furnished
    shutil.copytree(made.data, tmp_path / "clinic")
    return replace(made, data=tmp_path / "clinic")


@pytest.fixture(scope="session")
def people(furnished: tuple[Clinic, Staff]) -> Staff:
    return furnished[1]


@pytest.fixture
def ward(clinic: Clinic) -> Iterator[TestClient]:
    """The service of the clinic."""
    settings = Settings(data_dir=clinic.data, centre="vie")
    with TestClient(create_app(settings), follow_redirects=False) as client:
        yield client


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings), follow_redirects=False) as client:
        yield client
