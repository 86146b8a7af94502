"""The page that states the method names every code, and no code that does not exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from ingestor.meaning.pairs import QUESTIONS
from ingestor.phrases import catalogue

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "dose-method.md").read_text("utf-8")
WORDS = set(re.findall(r"`([a-z_]+)`", PAGE))
CODES = {code for code, entry in catalogue().items() if entry["kind"] == "reason"}


def spoken(module: str) -> set[str]:
    tree = ast.parse((ROOT / "ingestor" / "meaning" / f"{module}.py").read_text("utf-8"))
    return {
        n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    } & CODES


def test_every_reason_that_a_dose_can_carry_is_explained():
    modules = (
        "agreement",
        "detail",
        "dose",
        "duration",
        "figures",
        "judgement",
        "processed",
        "removal",
        "strength",
    )
    said = set().union(*(spoken(m) for m in modules)) | QUESTIONS
    assert len(said) > 40
    assert said - WORDS == set()


def test_every_code_in_its_tables_exists():
    first_cells = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `")]
    status_and_missing = [cell for cell in first_cells if "_" in cell]
    named = {word for cell in status_and_missing for word in re.findall(r"`([a-z_]+)`", cell)}
    fields = {
        n
        for n in named
        if n.endswith(("_min", "_ml", "_completed", "_aborted")) or n in {"interruptions", "alarms_"}
    }
    assert named - fields - {"plasma_per_cycle_", "alarms_"} - CODES == set()
