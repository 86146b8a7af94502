"""The notebooks are run cell by cell, as they stand, against a served cohort whose answer is known."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from api.app import create_app
from ingestor.config import Settings
from ingestor.exports.view import View
from ingestor.flow import patients
from ingestor.flow.house import open_house
from ingestor.ops import snapshots
from ingestor.ops.shelf import Shelf
from ingestor.store import sessions
from ingestor.store.answers.doses import Wanted
from tests.api.clinic import STEWARD, Clinic, furnish
from tests.api.conftest import Staff
from tests.web.conftest import run_app

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
FALL = {0: "0.30", 1: "0.45", 2: "0.60"}


def _cells(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["cells"]
    return found


def _script(path: Path) -> str:
    return "\n\n".join("".join(cell["source"]) for cell in _cells(path) if cell["cell_type"] == "code")


def _igg(settings: Settings, clinic: Clinic) -> None:
    """Measure Anna's IgG before and after each session: 10 g/L, and less by what the session is said to have done."""
    with open_house(settings) as house, house.db.write() as connection:
        for number, key in enumerate(clinic.sessions[:3]):
            row = sessions.session_row(connection, key)
            after = Decimal(10) * (1 - Decimal(FALL[number]))
            for at, value in ((row.started_at, Decimal(10)), (row.ended_at, after)):
                when = at + timedelta(hours=-1 if at == row.started_at else 1)
                one = patients.NewMeasurement("igg", value, "g/L", when)
                patients.measure(house, connection, clinic.anna, one, STEWARD)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("cohort")
    settings = Settings(data_dir=folder / "data", centre="vie")
    clinic = furnish(settings, folder)
    _igg(settings, clinic)
    app = create_app(settings)
    url, (server, thread) = run_app(app)  # type: ignore[misc]
    service = app.state.service
    shelf = Shelf(service.db, settings.data_dir / "snapshots", "vie", View(service.pseudonyms.of), "key")
    snapshots.take(shelf, snapshots.Order("cited", Wanted("vie"), (), STEWARD, datetime.now(UTC)))
    modules = folder / "modules"
    modules.mkdir()
    shutil.copy(ROOT / "api" / "apherelog_client.py", modules)
    yield {
        "APHERELOG_URL": url, "APHERELOG_TOKEN": Staff(clinic.data).tokens["analyst"], "MPLBACKEND": "Agg",
        "PYTHONPATH": f"{ROOT}:{modules}", "MPLCONFIGDIR": str(folder / "matplotlib"),
    }  # fmt: skip
    server.should_exit = True
    thread.join(10)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_a_notebook_is_kept_without_outputs_and_without_a_token(path: Path) -> None:
    text = path.read_text("utf-8")
    assert "apx_" not in text
    assert json.loads(text)["nbformat"] == 4
    for cell in _cells(path):
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None


def test_the_python_notebook_makes_the_table_and_the_plots(served: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", "-c", _script(ROOT / "docs/notebooks/cohort-python.ipynb")],
        cwd=tmp_path, env=os.environ | served, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "5 sessions; plasma in mL" in done.stdout
    assert "cited" in done.stdout
    plots = {path.stem for path in tmp_path.glob("*.svg")}
    assert plots == {"dose-per-session", "dose-per-course", "agreement", "alarms", "dose-response"}
    rows = list(csv.DictReader(io.StringIO((tmp_path / "dose-response.csv").read_text("utf-8"))))
    assert sum(int(row["sessions"]) for row in rows) == 3
    mean = sum(float(row["igg_fall"]) * int(row["sessions"]) for row in rows) / 3
    assert mean == pytest.approx(sum(map(float, FALL.values())) / 3, abs=1e-6)


@pytest.mark.skipif(not shutil.which("Rscript"), reason="R is not installed: the R notebook was not run")
def test_the_r_notebook_makes_the_table_and_the_plots(served: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "cells.R").write_text(_script(ROOT / "docs/notebooks/cohort-r.ipynb"), "utf-8")
    done = subprocess.run(
        ["Rscript", "cells.R"],
        cwd=tmp_path,
        env=os.environ | served,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("*-r.svg"))) == 4
    assert (tmp_path / "dose-classes-r.csv").stat().st_size > 20
