"""Small parts that several tests build with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ingestor.store.audit import Actor
from ingestor.store.sources import Order

if TYPE_CHECKING:
    from pathlib import Path

PERSON = Actor("tester", "steward")
ORDER = Order("test", PERSON)


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
