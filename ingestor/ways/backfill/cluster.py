"""A Dask cluster as the reader: the pure part of every bundle runs on its workers, this process stores.

Source: Dask's distributed scheduler runs a task again whose worker was lost (distributed.dask.org, Resilience).
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Self

from ingestor.errors import Invalid
from ingestor.isolate import reading_of
from ingestor.isolate.anywhere import Task, profiles_in, read_anywhere
from ingestor.isolate.wire import clock_to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestor.flow.house import House
    from ingestor.isolate import Reading
    from ingestor.meaning.clock import Clock
    from ingestor.store.sources import StoredMember
    from ingestor.ways.backfill.engines import Promise

# How often a task whose worker was lost is given to another one.
_RETRIES = 3


class Cluster:
    """Reads on the workers of a scheduler, from storage that they share with this machine.

    Args:
        house: whose profiles travel along.
        address: of the scheduler, such as `tcp://10.0.0.5:8786`; TLS by Dask's own configuration.

    Raises:
        Invalid: `scheduler_missing`: the extra is not installed; `scheduler_unreachable`; `scheduler_empty`: it has
            no workers; `scheduler_differs`: a worker runs another version of this program.
    """

    def __init__(self, house: House, address: str) -> None:
        try:
            from distributed import Client
        except ImportError as error:
            raise Invalid("scheduler_missing") from error
        try:
            self._client: Any = Client(address, timeout=5, set_as_default=False)
        except (OSError, ValueError) as error:
            raise Invalid("scheduler_unreachable", address=address) from error
        self._profiles = profiles_in(house.settings.data_dir / "profiles")
        try:
            self._require_same_version()
        except Invalid:
            self._client.close()
            raise

    def __enter__(self) -> Self:
        """Return the engine."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the cluster; what it was reading for us is read again another time."""
        self._client.close()

    def read(
        self, members: Sequence[StoredMember], addresses: Sequence[str], clock: Clock, only: str | None
    ) -> Promise:
        """Begin to read one bundle on some worker."""
        known = tuple((m.name, a, m.sha256) for m, a in zip(members, addresses, strict=True))
        task = Task(known, clock_to_json(clock), only, self._profiles)
        return _Awaited(self._client.submit(read_anywhere, task, pure=False, retries=_RETRIES))

    def _require_same_version(self) -> None:
        ours = version("apherelog")
        theirs = self._client.run(version, "apherelog", on_error="return")
        if not theirs:
            raise Invalid("scheduler_empty")
        other = next((v for v in theirs.values() if v != ours), None)
        if other is not None:
            found = other if isinstance(other, str) else type(other).__name__
            raise Invalid("scheduler_differs", ours=ours, theirs=found)


class _Awaited:
    """A reading that the cluster owes; None where it could not give one, whatever the reason was."""

    def __init__(self, future: Any) -> None:  # noqa: ANN401 - Dask's own
        self._future = future

    def result(self) -> Reading | None:
        """Wait for it."""
        from distributed import KilledWorker

        try:
            raw = self._future.result()
        except (KilledWorker, OSError):
            return None
        return None if "unread" in raw[0] else reading_of(raw)
