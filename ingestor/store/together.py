"""Several threads' work in one transaction: the disk takes as long for one commit as for many."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(slots=True)
class _Piece(Generic[Item, Answer]):
    """One thread's share."""

    item: Item
    answer: Answer | None = None
    error: BaseException | None = None
    is_over: bool = False

    def outcome(self) -> Answer:
        if self.error is not None:
            raise self.error
        return cast("Answer", self.answer)


class Together(Generic[Item, Answer]):
    """Whoever comes while a batch is being done shares the next one with all others who wait.

    Args:
        do_all: does some items in one transaction and returns their answers in order, or raises for all of them.
    """

    def __init__(self, do_all: Callable[[Sequence[Item]], Sequence[Answer]]) -> None:
        self._do_all = do_all
        self._mutex = threading.Lock()
        self._turn = threading.Lock()
        self._waiting: list[_Piece[Item, Answer]] = []

    def do(self, item: Item) -> Answer:
        """Have one item done; return when its transaction is committed."""
        mine: _Piece[Item, Answer] = _Piece(item)
        with self._mutex:
            self._waiting.append(mine)
        with self._turn:
            if not mine.is_over:
                with self._mutex:
                    batch, self._waiting = self._waiting, []
                self._lead(batch)
        return mine.outcome()

    def _lead(self, batch: Sequence[_Piece[Item, Answer]]) -> None:
        try:
            answers = self._do_all([piece.item for piece in batch])
            for piece, answer in zip(batch, answers, strict=True):
                piece.answer = answer
        except BaseException as error:
            for piece in batch:  # whoever shares the transaction must hear of it
                piece.error = error
            raise
        finally:
            for piece in batch:
                piece.is_over = True
