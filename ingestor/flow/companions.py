"""Files that belong together but came apart."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ingestor.store import sources
from ingestor.store.arrivals import Arrival
from ingestor.store.audit import Actor
from ingestor.store.sources import Order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestor.driver import BundleKey
    from ingestor.flow.house import House
    from ingestor.isolate import Reading
    from ingestor.store.sources import StoredMember


def complete(house: House, row: Any, members: Sequence[StoredMember], reading: Reading) -> str | None:  # noqa: ANN401
    """Join a lone member with companions that wait; return the submission of the whole, or None.

    Only what came within the time in which companions are awaited belongs together: machines use names again. Whether
    the parts are of one treatment is the driver's to judge, by their content.
    """
    driver = reading.driver.name if reading.driver else ""
    with house.db.read() as connection:
        since = row.at - timedelta(hours=house.settings.companion_hours)
        waiting = sources.waiting_members(connection, house.centre, row.id, since)
    names = [m.name for m in members] + [w.name for w in waiting]
    keys = {name: found.get(driver) for name, found in house.reader.bundle_keys(names).items()}
    mine = keys.get(members[0].name)
    if mine is None:
        return None
    whole = _parts(mine, members, waiting, keys)
    if len(whole) < len(mine.parts):
        return None
    together = [whole[part] for part in mine.parts]
    order = Order(row.way, Actor(row.actor, "agent"), row.zone, row.driver, row.preview)
    return house.arrivals.do(Arrival(house.centre, together, order, house.worker, house.now()))


def _parts(
    mine: BundleKey,
    members: Sequence[StoredMember],
    waiting: Sequence[StoredMember],
    keys: dict[str, BundleKey | None],
) -> dict[str, StoredMember]:
    found: dict[str, StoredMember] = {}
    for member in (*members, *waiting):
        key = keys.get(member.name)
        if key is not None and key.stem == mine.stem:
            found.setdefault(key.part, member)
    return found
