import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingestor.store import places, schema
from ingestor.store.engine import Database, open_database

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


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
def db(empty_store: Path, tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "apherelog.db"
    shutil.copy(empty_store, path)
    db = open_database(f"sqlite:///{path}")
    yield db
    db.close()
