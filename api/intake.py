"""Files from the network: kept first, answered second, understood within a few seconds or later."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool

from ingestor.detect import group
from ingestor.driver import bundle_hash
from ingestor.errors import Busy, DatabaseTrouble, Invalid, StorageTrouble
from ingestor.flow import pipeline
from ingestor.flow.receipt import receipt
from ingestor.model import Status
from ingestor.store import sources
from ingestor.store.sources import StoredMember

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from api.service import Service
    from ingestor.archive import Archive, Kept
    from ingestor.archive.writer import Writer
    from ingestor.flow.pipeline import Receipt
    from ingestor.store.sources import Order

log = logging.getLogger(__name__)

PATIENCE_S = 10.0
_PIECE = 1 << 20
_NAME = 200
# From the best to the worst; the answer to several bundles is the worst of theirs.
_HTTP = {
    Status.DUPLICATE: 200, Status.PREVIEW: 200, Status.STORED: 201, Status.SUPERSEDED: 201, Status.WAITING: 202,
    Status.QUEUED: 202, Status.HELD: 409, Status.REFUSED: 422,
}  # fmt: skip


def shown_name(given: str) -> str:
    """Return a file name that is safe to show: the last part of a path, one line, no control characters."""
    plain = unicodedata.normalize("NFC", given.replace("\\", "/").rstrip("/").rpartition("/")[2])
    plain = "".join(c if c.isprintable() else "\ufffd" for c in plain).strip()
    return plain[:_NAME] or "export"


def header_name(given: str | None) -> str:
    """Return the name in an `X-Filename` header, which is percent-encoded UTF-8."""
    return shown_name(unquote(given or "", errors="replace"))


async def pieces(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield a body in pieces that are worth a thread each."""
    gathered = bytearray()
    async for chunk in body:
        gathered += chunk
        if len(gathered) >= _PIECE:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


async def keep_body(archive: Archive, expected: int, body: AsyncIterator[bytes]) -> Kept:
    """Keep a body; a small one is gathered first, so that one thread does all of it.

    Args:
        archive: where.
        expected: the length that was announced [B]; 0 if none was.
        body: as it comes.

    Raises:
        LimitExceeded: it is too large.
        StorageTrouble: nothing was kept.
    """
    if 0 < expected <= _PIECE:
        return await run_in_threadpool(archive.put_bytes, b"".join([piece async for piece in body]))
    return await keep_stream(await run_in_threadpool(archive.put_stream, expected), body)


async def keep_stream(writer: Writer, body: AsyncIterator[bytes]) -> Kept:
    """Write a body into the archive.

    Raises:
        LimitExceeded: it is too large.
        StorageTrouble: nothing was kept.
    """
    with writer:
        async for piece in pieces(body):
            await run_in_threadpool(writer.write, piece)
        return await run_in_threadpool(writer.finish)


async def taken(
    service: Service, files: Sequence[tuple[str, Kept]], order: Order, *, later: bool = False
) -> list[Receipt]:
    """Take in files that are kept; return one receipt a bundle.

    What is not understood within a few seconds is answered as queued and goes on.

    Args:
        service: the running service.
        files: names and what was kept.
        order: who sends them.
        later: the sender does not wait for the meaning: the answer comes when the job is durable.
    """
    if later:
        return await run_in_threadpool(_left_for_later, service, files, order)
    bundles = await run_in_threadpool(_bundles, service, files)
    submissions = [
        await run_in_threadpool(_kept, service, members, one) for members, one in _orders(bundles, order)
    ]
    return [await understood(service, submission) for submission in submissions]


def _left_for_later(service: Service, files: Sequence[tuple[str, Kept]], order: Order) -> list[Receipt]:
    receipts = []
    for members, one in _orders(_bundles(service, files), order):
        submission = _kept(service, members, one, later=True)
        source = bundle_hash([(m.name, m.sha256) for m in members])
        is_new = order.idempotency_key is None
        receipts.append(_queued(source, members, submission) if is_new else queued(service, submission))
    service.due.set()
    return receipts


def _orders(
    bundles: Sequence[Sequence[StoredMember]], order: Order
) -> Iterator[tuple[Sequence[StoredMember], Order]]:
    """Yield each bundle with the order it is taken in under."""
    for number, members in enumerate(bundles):
        yield (
            members,
            order if len(bundles) == 1 else replace(order, idempotency_key=_numbered(order, number)),
        )


def _bundles(service: Service, files: Sequence[tuple[str, Kept]]) -> list[list[StoredMember]]:
    if len(files) == 1:
        ((name, kept),) = files
        return [[StoredMember(shown_name(name), kept.sha256, kept.size)]]
    known: dict[str, Kept] = {}
    for name, kept in files:
        # Two files of one name in one form are two files.
        key, number = name, 1
        while key in known:
            number += 1
            key = f"{name} ({number})"
        known[key] = kept
    keys = service.house.reader.bundle_keys(list(known))
    return [
        [StoredMember(shown_name(n), known[n].sha256, known[n].size) for n in names]
        for names in group(list(known), keys)
    ]


def _numbered(order: Order, number: int) -> str | None:
    if order.idempotency_key is None:
        return None
    return hashlib.sha256(f"{order.idempotency_key}|{number}".encode()).hexdigest()


def _kept(service: Service, members: Sequence[StoredMember], order: Order, *, later: bool = False) -> str:
    submission = pipeline.keep(service.house, members, order, later=later)
    if order.idempotency_key is not None:
        with service.db.read() as connection:
            row = sources.submission_of(connection, submission)
        if row is not None and row.source != bundle_hash([(m.name, m.sha256) for m in members]):
            raise Invalid("key_reused")
    return submission


async def understood(
    service: Service, submission: str, work: Callable[[Service, str], Receipt] | None = None
) -> Receipt:
    """Return the receipt of a submission, or after a while that it is still being read."""
    loop = asyncio.get_running_loop()
    task = loop.run_in_executor(service.hands, work or _settled, service, submission)
    service.reading.add(task)
    task.add_done_callback(service.reading.discard)
    task.add_done_callback(_look_at)
    done, _ = await asyncio.wait({task}, timeout=PATIENCE_S)
    if done:
        return task.result()
    return await run_in_threadpool(queued, service, submission)


def _look_at(task: asyncio.Future[Any]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("settle_failed", extra={"kind": type(task.exception()).__name__})


def _settled(service: Service, submission: str) -> Receipt:
    try:
        return pipeline.settle(service.house, submission)
    except (Busy, DatabaseTrouble, StorageTrouble) as error:
        # The bytes and the job are durable: it is tried again by itself.
        with service.db.write() as connection:
            sources.postpone(connection, submission, error.code, service.now())
        return queued(service, submission)


def queued(service: Service, submission: str) -> Receipt:
    """Return the receipt of something that is still being read."""
    with service.db.read() as connection:
        row = sources.submission_of(connection, submission)
        assert row is not None, submission  # noqa: S101 - it was kept a moment ago
        members = sources.members_of(connection, row.source)
    if row.receipt is not None:
        return dict(row.receipt)
    return _queued(row.source, members, submission)


def _queued(source: str, members: Sequence[StoredMember], submission: str) -> Receipt:
    return receipt(source, members, submission, status=Status.QUEUED, code="queued")


def http_status(receipts: Sequence[Receipt]) -> int:
    """Return the HTTP status of what became of all bundles of one request: the worst."""
    order = list(_HTTP)
    return _HTTP[max((Status(r["status"]) for r in receipts), key=order.index)]
