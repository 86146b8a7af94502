"""Small parts that several tests build with."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from ingestor.store.audit import Actor
from ingestor.store.sources import Order

if TYPE_CHECKING:
    from pathlib import Path

PERSON = Actor("tester", "steward")
ORDER = Order("test", PERSON)


def needs(program: str) -> None:
    """Skip where a program is missing, with a line that says so; in CI that is a failure."""
    if shutil.which(program) is None:
        line = f"{program} not installed: run `make test-system`"
        if os.environ.get("CI") == "true":
            pytest.fail(line)
        pytest.skip(line)


@dataclass(frozen=True)
class Exports:
    """Simulated files and the truth about them."""

    folder: Path
    truth: dict[str, Any]

    @property
    def files(self) -> list[Path]:
        return sorted(p for p in self.folder.iterdir() if p.name != "truth.json")

    @property
    def sessions(self) -> list[dict[str, Any]]:
        return self.truth["sessions"]
