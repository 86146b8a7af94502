"""Snapshots that stand there: found, checked, compared."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ingestor.errors import NotFound, StorageTrouble
from ingestor.exports.plain import instant
from ingestor.store import snapshots
from ingestor.store.answers import changes
from ingestor.store.tables import DOSE_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable
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
    """Return how the doses of two snapshots differ: sessions that came, that went, fields that changed, and why.

    `why` has the changes that were announced between the two moments; where there is none, the filters differ.
    """
    (one, old_folder), (other, new_folder) = (folder_of(shelf, name) for name in (first, second))
    before, after = _doses(old_folder), _doses(new_folder)
    start, end = sorted((one.as_of, other.as_of))
    with shelf.db.read() as connection:
        announced = changes.between(connection, shelf.centre, start, end)
    changed = []
    for key in sorted(before.keys() & after.keys()):
        old, new = before[key], after[key]
        fields = {name: [old.get(name), new.get(name)] for name in new if old.get(name) != new.get(name)}
        if fields:
            changed.append({"session_id": key, "fields": fields, "why": _why(announced.get(key, ()))})
    added, removed = sorted(after.keys() - before.keys()), sorted(before.keys() - after.keys())
    why = {key: _why(announced.get(key, ())) or [{"kind": "filter"}] for key in (*added, *removed)}
    return {
        "first": first, "second": second, "added": added, "removed": removed, "changed": changed, "why": why,
    }  # fmt: skip


def changed_since(shelf: Shelf, name: str) -> list[dict[str, Any]]:
    """Return the doses of a snapshot that are served otherwise now, by session: when, why, and which fields.

    Raises:
        NotFound: `no_such_snapshot`.
        StorageTrouble: `snapshot_damaged`.
    """
    one, folder = folder_of(shelf, name)
    with shelf.db.read() as connection:
        announced = changes.between(connection, shelf.centre, one.as_of)
    told = {key: why for key, found in announced.items() if (why := _why(found))}
    if not told:
        return []
    mine = _sessions(folder)
    return [{"session_id": key, "changes": told[key]} for key in sorted(told.keys() & mine)]


def _why(found: Iterable[Any]) -> list[dict[str, Any]]:
    """Return changes of what is served; those of what stands behind a dose alone are none."""
    shown = ((one, _served(one.fields)) for one in found)
    return [
        {"at": instant(one.at), "kind": one.kind, "cause": one.cause, "fields": fields}
        for one, fields in shown
        if fields or one.kind != "changed"
    ]


def _served(fields: Iterable[str]) -> list[str]:
    named = ("patient" if name == "patient_id" else name for name in fields)
    return [name for name in named if name in DOSE_COLUMNS]


def _sessions(folder: Path) -> set[str]:
    try:
        with (folder / "doses.csv").open(encoding="utf-8", newline="") as file:
            return {row["session_id"] for row in csv.DictReader(file)}
    except OSError as error:
        raise StorageTrouble("snapshot_damaged", name=folder.name) from error


def _doses(folder: Path) -> dict[str, dict[str, str]]:
    try:
        with (folder / "doses.csv").open(encoding="utf-8", newline="") as file:
            return {row["session_id"]: row for row in csv.DictReader(file)}
    except OSError as error:
        raise StorageTrouble("snapshot_damaged", name=folder.name) from error
