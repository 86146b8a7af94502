"""Making good what an earlier end left half done, before any door opens."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestor.errors import StorageTrouble
from ingestor.faultpoints import point
from ingestor.flow.jobs import reclaim
from ingestor.store import arrivals, audit, site, sources

if TYPE_CHECKING:
    from ingestor.flow.house import House

log = logging.getLogger(__name__)

# What was seen of the archive when it last agreed with the rows; what has no bytes any more.
SEEN = "archive_seen"
MISSING = "archive_missing"
_ON_THE_WAY_S = 600
_NEWEST = 100


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a start made good.

    Attributes:
        swept: broken-off copies removed.
        requeued: jobs of dead processes given back.
        adopted: kept bytes that had no row.
        missing: rows whose bytes are gone.
    """

    swept: int = 0
    requeued: int = 0
    adopted: int = 0
    missing: int = 0


def recover(house: House) -> Recovered:
    """Sweep broken-off copies, give back jobs of dead processes, and make archive and rows agree."""
    _look_at_chain(house)
    swept = house.archive.sweep_tmp()
    requeued = reclaim(house)
    adopted, missing = _agree(house)
    done = Recovered(swept, requeued, adopted, missing)
    if done != Recovered():
        facts = {"swept": swept, "requeued": requeued, "adopted": adopted, "missing": missing}
        log.log(logging.CRITICAL if missing else logging.WARNING, "recovered", extra=facts)
    return done


def _look_at_chain(house: House) -> None:
    """Say it loudly if the newest part of the audit chain does not hold; `audit verify` looks at all of it."""
    with house.db.read() as connection:
        bad = audit.first_bad(connection, _NEWEST)
    if bad is not None:
        log.critical("audit_broken", extra={"entry": bad})


def _agree(house: House) -> tuple[int, int]:
    """Give bytes without a row a job, and tell rows without bytes.

    Only folders whose names changed since the last agreement are compared. While another process has the
    archive open, young bytes without a row may be on their way in: they are left for a later start.
    """
    youngest = 0.0 if house.archive.is_alone() else _ON_THE_WAY_S
    with house.db.read() as connection:
        seen = site.fact(connection, SEEN) or {}
        missing = set(site.fact(connection, MISSING) or ())
        now = house.archive.shards()
        changed = [s for s in sorted(now.keys() | seen.keys()) if now.get(s) != seen.get(s)]
        known = {shard: sources.known_in_shard(connection, shard) for shard in changed}
    if not changed:
        return 0, len(missing)
    here = {shard: set(house.archive.shard(shard)) if shard in now else set() for shard in changed}
    orphans = [sha256 for s in changed for sha256 in sorted(here[s] - known[s])]
    ripe = [o for o in orphans if house.archive.age(o) >= youngest]
    adopted = sum(_adopt(house, sha256) for sha256 in ripe)
    for shard in {o[:2] for o in orphans if o not in ripe}:
        now.pop(shard, None)
    missing = {m for m in missing if m[:2] not in here} | {m for s in changed for m in known[s] - here[s]}
    with house.db.write() as connection:
        site.set_fact(connection, SEEN, now)
        site.set_fact(connection, MISSING, sorted(missing))
    return adopted, len(missing)


def _adopt(house: House, sha256: str) -> bool:
    try:
        size = len(house.archive.read(sha256))
    except StorageTrouble:
        house.archive.quarantine(sha256)
        return False
    point("recovery.adopt")
    with house.db.write() as connection:
        arrivals.adopt(connection, house.centre, sha256, size, f"recovered-{sha256[:12]}", house.now())
    return True
