"""What a watcher may forget: a restart finds it again by looking."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingestor.store.watching import WAITING
from ingestor.ways.watch.scan import print_of

if TYPE_CHECKING:
    from ingestor.driver import BundleKey
    from ingestor.store.watching import SeenFile

_LONGEST_WAIT_S = 300.0


@dataclass(frozen=True, slots=True)
class Delay:
    """A file that is tried again at `until`, after so many tries."""

    until: float = 0
    tries: int = 0


@dataclass(slots=True)
class Memory:
    """One folder's files.

    Attributes:
        done: `print_of` the stamps of files that are dealt with, by path.
        unmoved: of an earlier life: dealt with, but perhaps still to be moved.
        waiting: paths that have a row saying why they wait.
        delays: files that are tried again later.
        keys: how names pair, see `Reader.bundle_keys`.
        odd: what was mentioned as ignored.
        lost: how often in a row the folder could not be reached.
    """

    done: dict[bytes, int] = field(default_factory=dict)
    unmoved: dict[bytes, int] = field(default_factory=dict)
    waiting: set[bytes] = field(default_factory=set)
    delays: dict[bytes, Delay] = field(default_factory=dict)
    keys: dict[str, dict[str, BundleKey]] = field(default_factory=dict)
    odd: set[bytes] = field(default_factory=set)
    lost: int = 0

    def note(self, file: SeenFile) -> None:
        """Take over what became of a file."""
        if file.state == WAITING:
            self.waiting.add(file.path)
        else:
            self.done[file.path] = print_of(file.stamp)
            self.waiting.discard(file.path)
            self.delays.pop(file.path, None)

    def delay(self, path: bytes, now: float, *, patient: bool) -> None:
        """Try a file again later, each time later than the last; at once where nobody is patient."""
        tries = self.delays.get(path, Delay()).tries + 1
        wait = min(2.0**tries, _LONGEST_WAIT_S) if patient else 0.0
        self.delays[path] = Delay(now + wait, tries)

    def is_delayed(self, path: bytes, now: float) -> bool:
        """Say whether it is too early to try a file again."""
        return path in self.delays and self.delays[path].until > now
