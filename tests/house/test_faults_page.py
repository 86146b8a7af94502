"""The page of faults names every fault, and tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/faults.md").read_text("utf-8")


def test_every_fault_has_its_line() -> None:
    assert re.findall(r"^\| (F\d{3}) \|", PAGE, re.MULTILINE) == [
        f"F{number:03d}" for number in range(1, 127)
    ]


def test_every_test_that_is_named_exists() -> None:
    known = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)\(", file.read_text("utf-8"), re.MULTILINE)
    }
    named = re.findall(r"`(test_\w+)`", PAGE)
    assert len(named) > 100
    assert [name for name in named if name not in known] == []


def test_a_line_without_a_test_does_not_say_that_it_holds() -> None:
    lines = [line for line in PAGE.splitlines() if re.match(r"\| F\d{3} \|", line)]
    assert [line for line in lines if "| – |" in line and "holds" in line.rsplit("|", 2)[1]] == []
