"""The parent's side of reading: children are lent, replaced, and never stop each other."""

from __future__ import annotations

import logging
import queue
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from ingestor.isolate.child import Child, Limits, Lost
from ingestor.isolate.found import Broken
from ingestor.isolate.reading import Detail, Reading, Trouble, blame
from ingestor.isolate.wire import clock_to_json, key_from_json, reading_from_frame, stamp_from_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ingestor.driver import Bundle, BundleKey
    from ingestor.meaning.clock import Clock
    from ingestor.model import DriverStamp

log = logging.getLogger(__name__)

_TRIES = 3
# A reading as it travels: a JSON head and blocks.
Raw = tuple[dict[str, Any], list[bytes]]


@dataclass(frozen=True, slots=True)
class KnownDriver:
    """A driver as it is listed; `about` holds title, source, reads and leaves by language."""

    stamp: DriverStamp
    roles: tuple[str, ...]
    about: dict[str, dict[str, str]]


@dataclass(slots=True)
class _Seat:
    """Where a child sits; empty until it is needed."""

    child: Child | None = None
    profiles_seen: object = None


def reading_of(raw: Raw) -> Reading:
    """Unpack what `Reader.read_raw` returned, here or on another machine."""
    head, blocks = raw
    if "lost" in head:
        code, driver, problem = head["lost"]
        details: dict[str, Detail] = {"driver": driver, "problem": problem}
        return Reading(trouble=Trouble(code, details, retry=True))
    reading = reading_from_frame(head, blocks)
    skipped = tuple(Broken(*one) for one in head["skipped"])
    return blame(replace(reading, broken=reading.broken + skipped))


class Reader:
    """Reads bundles in limited children. Safe to use from several threads.

    Args:
        profiles: the folder of the site's own profiles; children are replaced when something in it changes.
        limits: what one child may use.
        seats: how many children may work at the same time.
    """

    def __init__(self, profiles: Path | None = None, limits: Limits | None = None, seats: int = 1) -> None:
        self._profiles = profiles
        self._limits = limits or Limits()
        self._seats: queue.LifoQueue[_Seat] = queue.LifoQueue()
        self._unloadable: Counter[str] = Counter()
        self._all = [_Seat() for _ in range(seats)]
        for seat in self._all:
            self._seats.put(seat)

    def __enter__(self) -> Self:
        """Return the reader itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End all children."""
        self.close()

    def close(self) -> None:
        """End all children; what they were doing is lost, which the next start makes good."""
        for seat in self._all:
            if seat.child is not None:
                seat.child.close()
                seat.child = None

    def read(self, bundle: Bundle, clock: Clock, only: str | None = None) -> Reading:
        """Ask every driver, let the one that stands read, and give its words their meaning.

        Never raises for anything that a file or a driver does: `Reading.trouble` says it.

        Args:
            bundle: the bytes.
            clock: what is known of the machines' clocks.
            only: name of the one driver to ask.
        """
        raw = self.read_raw(bundle, clock_to_json(clock), only)
        return reading_of(raw)

    def read_raw(self, bundle: Bundle, clock: dict[str, Any], only: str | None = None) -> Raw:
        """Do what `read` does and return the answer as it travels; `reading_of` unpacks it.

        Args:
            bundle: the bytes.
            clock: from `clock_to_json`.
            only: name of the one driver to ask.
        """
        names = [m.name for m in bundle.members]
        head = {"do": "read", "names": names, "clock": clock, "only": only}
        try:
            answer, blocks, skipped = self._ask(head, [m.data for m in bundle.members])
        except Lost as lost:
            return {"lost": [lost.code, lost.driver, lost.problem]}, []
        return answer | {"skipped": [[b.name, b.problem] for b in skipped]}, blocks

    def bundle_keys(self, names: Sequence[str]) -> dict[str, dict[str, BundleKey]]:
        """Return for each name, by driver, how it pairs with others; see `ingestor.detect.group`."""
        try:
            answer, _, _ = self._ask({"do": "keys", "names": [n.rsplit("/", 1)[-1] for n in names]})
        except Lost:
            return {}
        found = ({driver: key_from_json(*key) for driver, key in keys.items()} for keys in answer["keys"])
        return dict(zip(names, found, strict=True))

    def drivers(self) -> tuple[tuple[KnownDriver, ...], tuple[Broken, ...]]:
        """Return all drivers that can be asked, and what is wrong with the others."""
        try:
            answer, _, skipped = self._ask({"do": "drivers"})
        except Lost as lost:
            return (), (Broken(lost.driver or "reader", lost.problem),)
        known = tuple(
            KnownDriver(stamp_from_json(*stamp), tuple(roles), about)
            for *stamp, roles, about in answer["drivers"]
        )
        return known, tuple(Broken(*b) for b in answer["broken"]) + skipped

    def _ask(
        self, head: dict[str, Any], blocks: Sequence[bytes] = ()
    ) -> tuple[dict[str, Any], list[bytes], tuple[Broken, ...]]:
        """Ask a child; where a driver breaks it before anything is decided, ask again without that driver."""
        skip: set[str] = set()
        starts = 0
        while True:
            try:
                with self._child() as child:
                    answer, out = child.ask(head | {"skip": sorted(skip)}, blocks)
            except Lost as lost:
                log.warning(
                    "child_lost", extra={"code": lost.code, "driver": lost.driver, "stage": lost.stage}
                )
                if lost.stage == "load":
                    self._unloadable[lost.driver] += 1
                elif lost.stage == "claim" and lost.driver not in skip:
                    skip.add(lost.driver)
                elif lost.stage == "start" and starts < _TRIES:
                    starts += 1
                else:
                    raise
            else:
                return answer, out, tuple(Broken(name, "crashed") for name in sorted(skip))

    @contextmanager
    def _child(self) -> Iterator[Child]:
        seat = self._seats.get()
        try:
            now = self._profiles_now()
            if seat.child is not None and (seat.child.is_spent or seat.profiles_seen != now):
                seat.child.close()
                seat.child = None
            if seat.child is None:
                bad = {name for name, times in self._unloadable.items() if times >= _TRIES}
                seat.child, seat.profiles_seen = Child(self._profiles, self._limits, bad), now
            yield seat.child
        except Lost:
            seat.child = None
            raise
        finally:
            self._seats.put(seat)

    def _profiles_now(self) -> object:
        if self._profiles is None or not self._profiles.is_dir():
            return None
        files = (p for p in self._profiles.rglob("*") if p.is_file())
        return sorted((str(p), p.stat().st_mtime_ns, p.stat().st_size) for p in files)
