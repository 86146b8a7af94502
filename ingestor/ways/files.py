"""Files and folders named by a person: bundles are put together, each goes through the one door."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ingestor.detect import group, is_junk
from ingestor.errors import IngestorError, StorageTrouble
from ingestor.flow.pipeline import Receipt, ingest
from ingestor.names import shown
from ingestor.phrases import LANGUAGES, both, phrase
from ingestor.store.sources import StoredMember

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ingestor.flow.house import House
    from ingestor.store.sources import Order

DEPTH = 8


def ingest_paths(house: House, paths: Sequence[Path], order: Order) -> Iterator[Receipt]:
    """Read files, and folders `DEPTH` levels deep; yield one receipt a bundle, and one a file that cannot be read.

    A file that cannot be read does not stop the others. A full or broken disk of ours does.

    Raises:
        StorageTrouble: nothing more can be kept safely.
    """
    found = {name: path for root in paths for name, path in files_below(root)}
    for names in group(list(found), house.reader.bundle_keys(list(found))):
        yield from _take(house, [found[name] for name in names], order)


def files_below(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield name and path of a file, or of all files `DEPTH` levels below a folder that may be exports."""
    if not root.is_dir():
        yield str(root), root
        return
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root)
        if (
            len(inside.parts) <= DEPTH
            and path.is_file()
            and not path.is_symlink()
            and not is_junk(str(inside))
        ):
            yield str(path), path


def _take(house: House, paths: Sequence[Path], order: Order) -> Iterator[Receipt]:
    """Take one bundle; where a member cannot be read, the others come in without it and wait for it."""
    members = []
    for path in paths:
        name = shown(os.fsencode(path.name))
        try:
            kept = house.archive.put_path(path)
        except StorageTrouble:
            raise
        except IngestorError as error:
            yield unread([name], error)
        else:
            members.append(StoredMember(name, kept.sha256, kept.size))
    if members:
        yield ingest(house, members, order)


def unread(names: Sequence[str], error: IngestorError) -> Receipt:
    """Return the receipt of a file whose bytes never came in."""
    return {
        "source": None, "members": [{"name": n, "bytes": None, "sha256": None} for n in names], "submission": None,
        "status": "refused", "run_statuses": [], "code": error.code, "message": both(error.code, **error.details),
        "parts": {language: phrase(error.code, language, **error.details) for language in LANGUAGES},
        "driver": None, "runs": [], "sessions": [],
        "rows": {"read": 0, "stored": 0, "held": 0, "duplicate": 0, "ignored": 0}, "findings": [],
    }  # fmt: skip
