"""Is everything that was kept still what it was? Every object is read and summed; every row is looked up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingestor.errors import NotFound, StorageTrouble
from ingestor.store import sources

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestor.archive import Archive
    from ingestor.store.engine import Database


@dataclass(slots=True)
class Scrubbed:
    """What was found, by sum.

    Attributes:
        objects: how many were read.
        damaged: bytes that no longer match their sum.
        missing: rows without bytes.
        orphans: bytes without a row; adopted when the house is opened next.
    """

    objects: int = 0
    damaged: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        """Say whether nothing is lost."""
        return not self.damaged and not self.missing


def scrub(archive: Archive, db: Database, told: Callable[[int], None] = lambda _: None) -> Scrubbed:
    """Read the whole archive.

    Args:
        archive: prepared.
        db: with the rows to compare.
        told: gets the number of objects read so far, now and then.
    """
    found = Scrubbed()
    shards = archive.shards()
    for shard in (f"{number:02x}" for number in range(256)):
        with db.read() as connection:
            known = sources.known_in_shard(connection, shard)
        here = set(archive.shard(shard)) if shard in shards else set()
        found.missing += sorted(known - here)
        found.orphans += sorted(here - known)
        for sha256 in sorted(here):
            try:
                archive.read(sha256)
            except StorageTrouble:
                found.damaged.append(sha256)
            except NotFound:
                continue  # set aside by somebody meanwhile
            found.objects += 1
        told(found.objects)
    return found
