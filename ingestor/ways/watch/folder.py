"""One watched folder, look by look."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ingestor.detect import group
from ingestor.errors import Busy, DatabaseTrouble, StorageTrouble
from ingestor.names import shown
from ingestor.store import watching
from ingestor.store.watching import WAITING, SeenFile
from ingestor.ways.watch.memory import Memory
from ingestor.ways.watch.owner import Owner
from ingestor.ways.watch.scan import Seen, print_of, scan
from ingestor.ways.watch.settling import Settling
from ingestor.ways.watch.taking import Taking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingestor.disk import FileStamp
    from ingestor.driver import BundleKey
    from ingestor.flow.house import House

log = logging.getLogger(__name__)

_BATCH_S = 30.0
_EMPTY_S = 24 * 3600.0
_LOST_LOOKS = 3
_NOTE_S = 20.0
_NAMES = 5000
_NEVER_SEEN = {"new", "folder_missing"}
_NO_KEYS: dict[str, BundleKey] = {}


@dataclass(frozen=True, slots=True)
class Habits:
    """How folders are watched.

    Attributes:
        quiet: how long a file must not change before it is taken [s].
        moves: files are moved to `done/` and `refused/` once they are durable.
        recursive: folders inside are watched too, eight levels deep.
        silence: after how long without a heartbeat another watcher's folder is taken over [s].
    """

    quiet: float = 10
    moves: bool = False
    recursive: bool = False
    silence: float = 180


@dataclass(slots=True)
class Look:
    """What one look at a folder led to.

    Attributes:
        state: the code of the folder's state.
        left: files that are there and not dealt with yet.
        trouble: the code of what is wrong with our own disk or database.
        scan_s: how long the scan took [s].
    """

    state: str
    left: int = 0
    trouble: str | None = None
    scan_s: float = 0


class Folder:
    """Looks at one folder again and again.

    Args:
        house: the open house.
        path: the folder, absolute.
        habits: how it is watched.
        told: gets the receipt of every bundle taken.
        clock: monotonic moments [s].
    """

    def __init__(
        self,
        house: House,
        path: bytes,
        habits: Habits,
        told: Callable[[dict[str, Any]], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._house, self._path, self._habits, self._told, self._clock = house, path, habits, told, clock
        self.name = shown(path)
        with house.db.write() as connection:
            self._id = watching.enter(connection, house.centre, path, house.now())
            self._never_seen = watching.state_of(connection, self._id) in _NEVER_SEEN
        self._owner = Owner(house, self._id, habits.silence, clock)
        self._settling = Settling(habits.quiet)
        self._taking = Taking(house, path, self._id, moves=habits.moves)
        self._memory: Memory | None = None
        self._state = ""
        self._noted = 0.0
        self._device: int | None = None

    def look(self) -> Look:
        """Look once, take what has settled, and say how things stand."""
        try:
            if not self._owner.hold():
                self._memory = None
                return self._say(Look("folder_standby"))
            if self._memory is None:
                self._memory = self._recall()
            return self._say(self._look(self._memory))
        except (StorageTrouble, Busy, DatabaseTrouble) as error:
            return self._say(Look("folder_stuck", left=1, trouble=error.code))

    def leave(self) -> None:
        """Stop watching, so that another may begin at once."""
        self._owner.leave()

    def _look(self, memory: Memory) -> Look:
        began = self._clock()
        try:
            seen = scan(self._path, memory.done, recursive=self._habits.recursive)
        except OSError as error:
            if self._never_seen and isinstance(error, FileNotFoundError):
                return self._keep(Look("folder_missing"), None)
            memory.lost += 1
            if memory.lost == _LOST_LOOKS:
                log.critical("folder_gone", extra={"folder": self.name, "errno": error.errno})
            return self._keep(Look("folder_gone"), None)
        memory.lost, self._never_seen = 0, False
        took = self._clock() - began
        if not seen.entries and self._is_unmounted(seen.device):
            return self._keep(Look("folder_not_mounted"), None)
        self._mention(seen, memory)
        self._finish(seen, memory)
        self._forget(seen, memory)
        fresh = seen.fresh
        settled = self._settling.look(fresh, self._clock())
        settled |= {p for p in fresh if fresh[p].size and _has_sentinel(p, seen)}
        taken = self._take(fresh, settled, memory)
        self._report_empty(fresh, memory)
        left = len(fresh) - taken
        state = "folder_working" if taken else "folder_waiting" if left else "folder_nothing_new"
        return self._keep(Look(state if seen.files else "folder_empty", left, scan_s=took), seen)

    def _recall(self) -> Memory:
        memory = Memory()
        with self._house.db.read() as connection:
            for file in watching.seen_files(connection, self._id):
                memory.note(file)
        if self._habits.moves:
            memory.unmoved, memory.done = memory.done, {}
        return memory

    def _finish(self, seen: Seen, memory: Memory) -> None:
        """Move what an earlier life took and could not move any more; what cannot be moved stays."""
        for path in seen.fresh.keys() & memory.unmoved.keys():
            if print_of(seen.fresh[path]) == memory.unmoved[path]:
                del seen.fresh[path]
                memory.done[path] = memory.unmoved[path]
                self._taking.finish(path)
        memory.unmoved.clear()

    def _take(self, fresh: dict[bytes, FileStamp], settled: set[bytes], memory: Memory) -> int:
        """Take settled bundles, oldest first, until it is time to look again; return how many files."""
        end = self._clock() + _BATCH_S
        ready = {p for p in settled if not memory.is_delayed(p, self._clock())}
        taken = 0
        for bundle in self._bundles(fresh, memory) if ready else ():
            if self._clock() > end:
                break
            if not ready.issuperset(bundle) or not self._owner.hold():
                continue
            done = self._taking.take([(p, fresh[p]) for p in bundle])
            for file in done.files:
                memory.note(file)
                if file.state == WAITING:
                    memory.delay(file.path, self._clock(), patient=self._habits.quiet > 0)
                else:
                    taken += 1
            if done.receipt is not None:
                self._told(done.receipt)
        return taken

    def _bundles(self, fresh: dict[bytes, FileStamp], memory: Memory) -> Iterator[list[bytes]]:
        """Yield files that belong together, oldest first; names that look alike are not paired."""
        by_name: dict[str, bytes] = {}
        alone = [path for path in fresh if by_name.setdefault(shown(path), path) is not path]
        memory.keys = {name: keys for name, keys in memory.keys.items() if name in by_name}
        unknown = [name for name in by_name if name not in memory.keys]
        for start in range(0, len(unknown), _NAMES):
            found = self._house.reader.bundle_keys(unknown[start : start + _NAMES])
            memory.keys |= {name: keys or _NO_KEYS for name, keys in found.items()}
        bundles = [[by_name[name] for name in names] for names in group(list(by_name), memory.keys)]
        bundles += [[path] for path in alone]
        return iter(sorted(bundles, key=lambda b: min((fresh[p].mtime_ns, p) for p in b)))

    def _is_unmounted(self, device: int) -> bool:
        with self._house.db.read() as connection:
            known = watching.device_of(connection, self._id)
        return known is not None and known != device

    def _forget(self, seen: Seen, memory: Memory) -> None:
        """Forget what only waited and is no longer there; what was taken is never forgotten."""
        gone = memory.waiting - seen.fresh.keys()
        if gone:
            with self._house.db.write() as connection:
                watching.forget(connection, self._id, sorted(gone))
            memory.waiting -= gone
        memory.delays = {p: d for p, d in memory.delays.items() if p in seen.fresh}

    def _report_empty(self, fresh: dict[bytes, FileStamp], memory: Memory) -> None:
        since = self._clock() - _EMPTY_S
        empty = [
            SeenFile(path, stamp, WAITING, "source_empty")
            for path, stamp in fresh.items()
            if stamp.size == 0
            and path not in memory.waiting
            and (self._settling.since(path) or since) < since
        ]
        if empty:
            with self._house.db.write() as connection:
                watching.remember(connection, self._id, empty, self._house.now())
            memory.waiting |= {file.path for file in empty}

    def _mention(self, seen: Seen, memory: Memory) -> None:
        for path in seen.odd.keys() - memory.odd:
            log.warning("ignored", extra={"folder": self.name, "file": shown(path), "code": seen.odd[path]})
        memory.odd = set(seen.odd)

    def _keep(self, look: Look, seen: Seen | None) -> Look:
        device = seen.device if seen and seen.entries else None
        news = look.state != self._state or device not in {None, self._device}
        if news or self._clock() - self._noted > _NOTE_S:
            self._noted, self._device = self._clock(), device or self._device
            counts = (seen.files if seen else 0, look.left)
            with self._house.db.write() as connection:
                watching.note(connection, self._id, look.state, device, counts, self._house.now())
        return look

    def _say(self, look: Look) -> Look:
        if look.state != self._state:
            self._state = look.state
            level = (
                logging.WARNING
                if look.state in {"folder_gone", "folder_missing", "folder_not_mounted", "folder_stuck"}
                else logging.INFO
            )
            log.log(level, look.state, extra={"folder": self.name, "code": look.trouble})
        return look


def _has_sentinel(path: bytes, seen: Seen) -> bool:
    """Say whether the sender has said that this file is whole."""
    return not seen.sentinels.isdisjoint((path + b".done", path + b".sha256"))
