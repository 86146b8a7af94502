"""Snapshots that stand there: found, checked, compared."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ingestor.errors import NotFound, StorageTrouble
from ingestor.store import snapshots

if TYPE_CHECKING:
    from pathlib import Path

    from ingestor.exports.view import View
    from ingestor.store.engine import Database
    from ingestor.store.snapshots import Registered

SUMS = "SHA256SUMS"


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where snapshots stand and how they are made.

    Attributes:
        folder: `DATA/snapshots`.
        view: patients as analysts see them.
        key_id: names the key of the pseudonyms.
    """

    db: Database
    folder: Path
    centre: str
    view: View
    key_id: str


def folder_of(shelf: Shelf, name: str) -> tuple[Registered, Path]:
    """Return a registered snapshot and its folder.

    Raises:
        NotFound: `no_such_snapshot`.
    """
    with shelf.db.read() as connection:
        one = snapshots.named(connection, shelf.centre, name)
    if one is None:
        raise NotFound("no_such_snapshot", name=name)
    return one, shelf.folder / name


def damaged(shelf: Shelf, name: str) -> list[str]:
    """Return the files of a snapshot that are not what was written down; empty is good.

    Raises:
        NotFound: `no_such_snapshot`.
    """
    one, folder = folder_of(shelf, name)
    if sum_of(folder / SUMS) != one.sha256:
        return [SUMS]
    listed_sums = [line.split("  ", 1) for line in (folder / SUMS).read_text("utf-8").splitlines()]
    return [path for digest, path in listed_sums if sum_of(folder / path) != digest]


def sum_of(path: Path) -> str | None:
    """Return the SHA-256 of a file, None where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def difference(shelf: Shelf, first: str, second: str) -> dict[str, Any]:
    """Return how the doses of two snapshots differ: sessions that came, that went, and fields that changed."""
    before, after = (_doses(folder_of(shelf, name)[1]) for name in (first, second))
    changed = []
    for key in sorted(before.keys() & after.keys()):
        old, new = before[key], after[key]
        fields = {name: [old.get(name), new.get(name)] for name in new if old.get(name) != new.get(name)}
        if fields:
            changed.append({"session_id": key, "fields": fields})
    return {
        "first": first, "second": second, "added": sorted(after.keys() - before.keys()),
        "removed": sorted(before.keys() - after.keys()), "changed": changed,
    }  # fmt: skip


def _doses(folder: Path) -> dict[str, dict[str, str]]:
    try:
        with (folder / "doses.csv").open(encoding="utf-8", newline="") as file:
            return {row["session_id"]: row for row in csv.DictReader(file)}
    except OSError as error:
        raise StorageTrouble("snapshot_damaged", name=folder.name) from error
