"""Who reads: threads that each watch a limited child on this machine, or a cluster (`cluster.py`)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol, Self

from ingestor.driver import Bundle, Member
from ingestor.isolate import Reader, reading_of
from ingestor.isolate.wire import clock_to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestor.flow.house import House
    from ingestor.isolate import Reading
    from ingestor.meaning.clock import Clock
    from ingestor.store.sources import StoredMember


class Promise(Protocol):
    """A reading that is on its way; None where this engine could not have the bytes."""

    def result(self) -> Reading | None:
        """Wait for it."""


class Engine(Protocol):
    """Reads bundles that are in the archive already."""

    def read(
        self, members: Sequence[StoredMember], addresses: Sequence[str], clock: Clock, only: str | None
    ) -> Promise:
        """Begin to read one bundle.

        Args:
            members: as they are kept.
            addresses: where they came from, one a member.
            clock: what is known of the machines' clocks.
            only: name of the one driver to ask.
        """


class Local:
    """Reads on this machine.

    Args:
        house: whose archive holds the bytes.
        workers: how many children read at the same time.
    """

    def __init__(self, house: House, workers: int) -> None:
        self._archive = house.archive
        self._reader = Reader(house.settings.data_dir / "profiles", seats=workers)
        self._threads = ThreadPoolExecutor(workers, "read")

    def __enter__(self) -> Self:
        """Return the engine."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the children; what they were reading is read again another time."""
        self._threads.shutdown(cancel_futures=True)
        self._reader.close()

    def read(
        self,
        members: Sequence[StoredMember],
        addresses: Sequence[str],  # noqa: ARG002 - the archive is at hand here
        clock: Clock,
        only: str | None,
    ) -> Promise:
        """Begin to read one bundle from the archive."""

        def work() -> Reading:
            bundle = Bundle(tuple(Member(m.name, self._archive.read(m.sha256)) for m in members))
            return reading_of(self._reader.read_raw(bundle, clock_to_json(clock), only))

        return self._threads.submit(work)
