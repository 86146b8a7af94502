"""Work that goes on while its last result is used."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")
_END = object()


def ahead(source: Iterable[T]) -> Iterator[T]:
    """Yield items that are made in a thread of their own, one ahead. What breaks there breaks here."""
    steps, context = iter(source), copy_context()  # what the asker may not see, the thread may not either

    def step() -> T | object:
        return context.run(lambda: next(steps, _END))

    with ThreadPoolExecutor(1, "ahead") as pool:
        coming = pool.submit(step)
        while (item := coming.result()) is not _END:
            coming = pool.submit(step)
            yield cast("T", item)
