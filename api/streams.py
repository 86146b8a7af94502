"""Files streamed while they are made. What breaks on the way breaks the connection: half a file is never a whole one."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from starlette.responses import StreamingResponse

from api.auth import actor_of
from api.filters import FILTERS, query_of, wanted
from api.service import service_of
from ingestor.errors import TooMany
from ingestor.exports.files import FORMATS, pieces
from ingestor.exports.rows import batches
from ingestor.store import audit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from api.service import Service
    from ingestor.access.permissions import Caller
    from ingestor.exports.files import Format

_AGAIN_S = 10


def asked_format(request: Request) -> str | None:
    """Return the format that the `Accept` header names, None where it leaves the choice."""
    accepted = [part.split(";")[0].strip().lower() for part in request.headers.get("accept", "").split(",")]
    kinds = {one.media_type.split(";")[0]: name for name, one in reversed(FORMATS.items())}
    return next((kinds[kind] for kind in accepted if kind in kinds), None)


def streamed(request: Request, caller: Caller, table: str, kind: str) -> StreamingResponse:
    """Answer with every row of a filter.

    Raises:
        Invalid: the filter has a slip in it.
        TooMany: enough exports are running.
    """
    service = service_of(request)
    query = query_of(request, FILTERS)
    asked = wanted(query, service, caller)
    query.finish()
    if asked.as_of is None:
        asked = replace(asked, as_of=service.now())
    if not service.exports.acquire(blocking=False):
        raise TooMany("too_many_exports", wait_s=_AGAIN_S)
    with ExitStack() as slot:
        slot.callback(service.exports.release)
        # Values of filters may be pseudonyms; which ones were used is enough.
        with service.db.write() as connection:
            used = sorted(set(request.query_params))
            audit.record(connection, actor_of(caller), "export", table, format=kind, filters=used)
        slot.pop_all()
    found = pieces(table, kind, batches(service.db, table, asked, service.view(caller)))
    return _Export(service, found, table, FORMATS[kind])


class _Export(StreamingResponse):
    """A file on its way; its place among the running exports is free again however it ends."""

    def __init__(self, service: Service, found: Iterator[bytes], table: str, form: Format) -> None:
        self._service = service
        name = {"Content-Disposition": f'attachment; filename="{table}.{form.suffix}"'}
        super().__init__((piece for piece in found if piece), media_type=form.media_type, headers=name)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._service.exports.release()
