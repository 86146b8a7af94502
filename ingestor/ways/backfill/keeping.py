"""The first half of a backfill: bundles are found, their bytes archived, and their jobs made durable in batches."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ingestor.detect import group, is_junk
from ingestor.driver import bundle_hash
from ingestor.errors import IngestorError, StorageTrouble
from ingestor.flow import pipeline
from ingestor.flow.settling import as_duplicate
from ingestor.isolate.anywhere import fetch
from ingestor.names import shown
from ingestor.store import sources
from ingestor.store.sources import StoredMember
from ingestor.ways.files import DEPTH, files_below, unread

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Executor

    from ingestor.flow.house import House
    from ingestor.flow.pipeline import Receipt
    from ingestor.store.sources import Order

# Bundles that share one transaction.
BATCH = 64
Addresses = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A bundle whose bytes and job are durable.

    Attributes:
        addresses: where its members came from, one each.
    """

    submission: str
    members: tuple[StoredMember, ...]
    addresses: Addresses


def bundles_below(house: House, root: str) -> list[Addresses]:
    """Return the files of each bundle below a folder, or below an address of shared storage."""
    found = dict(_files(root))
    grouped = group(list(found), house.reader.bundle_keys(list(found)))
    return [tuple(found[name] for name in names) for names in grouped]


def _files(root: str) -> Iterator[tuple[str, str]]:
    if "://" not in root:
        yield from ((name, str(path)) for name, path in files_below(Path(root)))
        return
    import fsspec

    system, start = fsspec.core.url_to_fs(root)
    for path in sorted(system.find(start, maxdepth=DEPTH)):
        name = path.removeprefix(start).lstrip("/") or path.rsplit("/", 1)[-1]
        if not is_junk(name):
            yield name, system.unstrip_protocol(path)


def keep_batch(
    house: House, bundles: Sequence[Addresses], order: Order, threads: Executor
) -> list[Kept | Receipt]:
    """Archive some bundles and make their jobs durable in one transaction.

    What was settled before is answered at once, so that a backfill which was broken off goes on where it was.

    Raises:
        StorageTrouble: nothing more can be kept safely.
    """
    archived = list(threads.map(lambda addresses: _archive(house, addresses), bundles))
    answers: dict[Addresses, Kept | Receipt] = {}
    unknown: dict[Addresses, tuple[StoredMember, ...]] = {}
    for addresses, members in zip(bundles, archived, strict=True):
        if isinstance(members, dict):
            answers[addresses] = members
        elif (known := _known(house, members)) is not None:
            answers[addresses] = known
        else:
            unknown[addresses] = members
    submissions = pipeline.keep_all(house, list(unknown.values()), order)
    for submission, (addresses, members) in zip(submissions, unknown.items(), strict=True):
        answers[addresses] = Kept(submission, members, addresses)
    return [answers[addresses] for addresses in bundles]


def _archive(house: House, addresses: Addresses) -> tuple[StoredMember, ...] | Receipt:
    names = [shown(os.fsencode(a.rsplit("/", 1)[-1])) for a in addresses]
    try:
        kept = [
            house.archive.put_bytes(fetch(a)) if "://" in a else house.archive.put_path(a) for a in addresses
        ]
    except StorageTrouble:
        raise
    except IngestorError as error:
        return unread(names, error)
    return tuple(StoredMember(name, k.sha256, k.size) for name, k in zip(names, kept, strict=True))


def _known(house: House, members: Sequence[StoredMember]) -> Receipt | None:
    source = bundle_hash([(m.name, m.sha256) for m in members])
    with house.db.read() as connection:
        earlier = sources.earlier_receipt(connection, source)
    return None if earlier is None else as_duplicate(house, source, members, earlier.id, earlier)
