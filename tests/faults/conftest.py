"""Two small exports of a machine, as a simulator writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from simulators.command import simulate

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def exports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder: Path = tmp_path_factory.mktemp("exports")
    arguments = ["twin-column-report", "--seed", "7", "--sessions", "2", "--out", str(folder)]
    done = CliRunner().invoke(simulate, arguments)
    assert done.exit_code == 0, done.output
    files = {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if p.name != "truth.json"}
    assert len(files) == 2
    return files
