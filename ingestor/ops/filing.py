"""A folder of files while they are written."""

from __future__ import annotations

import hashlib
import os
from typing import IO, TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path


class Filing:
    """The files of a folder while they are written: counted, summed, and durable at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, IO[bytes]] = {}
        self._hashes: dict[str, Any] = {}
        self.counts: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._open.values():
            with file:
                file.flush()
                os.fsync(file.fileno())

    def write(self, name: str, count: int, some: bytes) -> None:
        """Append to a file."""
        if name not in self._open:
            self._open[name] = (self._folder / name).open("xb")
            self._hashes[name], self.counts[name] = hashlib.sha256(), 0
        self._open[name].write(some)
        self._hashes[name].update(some)
        self.counts[name] += count

    @property
    def sums(self) -> dict[str, str]:
        """Return the SHA-256 of every file."""
        return {name: one.hexdigest() for name, one in sorted(self._hashes.items())}
