"""Several folders at once, each by its own thread: one share that hangs stops no other."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ingestor.errors import Busy, DatabaseTrouble, StorageTrouble
from ingestor.flow.jobs import run_due
from ingestor.isolate.found import where
from ingestor.names import shown
from ingestor.ways.watch.folder import Folder, Habits, Look

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ingestor.flow.house import House

log = logging.getLogger(__name__)

_SHORTEST_S = 0.1
_SCAN_SHARE = 10
_UNSURE = {"folder_stuck", "folder_gone", "folder_missing", "folder_not_mounted", "folder_standby"}


@dataclass(slots=True)
class Ended:
    """How `--once` ended for one folder."""

    state: str = ""
    left: int = 0
    trouble: str | None = None

    @property
    def is_unsure(self) -> bool:
        """Say whether files may have been left behind."""
        return self.left > 0 or self.state in _UNSURE


class Watchers:
    """The watching threads of one process.

    Args:
        house: the open house.
        folders: absolute paths, bytes.
        habits: how they are watched.
        interval: pause between two looks [s]; longer where a look takes long.
        told: gets the receipt of every bundle taken; called from the threads, one at a time.
    """

    def __init__(
        self,
        house: House,
        folders: Sequence[bytes],
        habits: Habits,
        interval: float = 5,
        told: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> None:
        self._house, self._habits, self._interval = house, habits, interval
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._told = told
        self._folders = {folder: Ended() for folder in folders}
        self._threads: list[threading.Thread] = []

    def start(self, *, once: bool = False) -> None:
        """Begin to watch; with `once` each thread ends when nothing more can be taken."""
        for folder, ended in self._folders.items():
            thread = threading.Thread(target=self._watch, args=(folder, ended, once), daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, patience: float = 8) -> None:
        """Stop after the file in hand; what is durable by then is finished by the next start."""
        self._stop.set()
        end = time.monotonic() + patience
        for thread in self._threads:
            thread.join(max(0, end - time.monotonic()))

    def wait(self) -> list[Ended]:
        """Wait until all threads have ended, and say how."""
        for thread in self._threads:
            while thread.is_alive():
                thread.join(0.2)  # in pieces, so that signals are seen
        return list(self._folders.values())

    def _watch(self, path: bytes, ended: Ended, once: bool) -> None:  # noqa: FBT001 - a thread's arguments
        folder = None
        pause = min(self._interval, max(self._habits.quiet / 4, _SHORTEST_S)) if once else self._interval
        late = time.monotonic() + self._habits.quiet * 1.5 + 4 * pause
        while not self._stop.is_set():
            look = Look("folder_stuck", left=1)
            try:
                folder = folder or Folder(self._house, path, self._habits, self._tell)
                look = folder.look()
                self._due()
            except Exception as error:  # noqa: BLE001 - a bug in one look must not end the watching
                log.critical("look_failed", extra={"folder": shown(path), "problem": where(error)})
            ended.state, ended.left, ended.trouble = look.state, look.left, look.trouble
            if once and _is_done(ended, is_late=time.monotonic() > late):
                break
            self._stop.wait(max(pause, _SCAN_SHARE * look.scan_s))
        if folder is not None:
            folder.leave()

    def _tell(self, receipt: dict[str, Any]) -> None:
        with self._lock:
            self._told(receipt)

    def _due(self) -> None:
        """Settle jobs that are due: of processes that ended, second attempts, companions nobody waits for."""
        try:
            for receipt in run_due(self._house):
                self._tell(receipt)
        except (Busy, DatabaseTrouble, StorageTrouble) as error:
            log.warning("jobs_wait", extra={"code": error.code})


def _is_done(ended: Ended, *, is_late: bool) -> bool:
    """Say whether one more look would change nothing."""
    if ended.trouble == "disk_full" or not ended.is_unsure:
        return True
    return is_late and ended.state != "folder_working"
