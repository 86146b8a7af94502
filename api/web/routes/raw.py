"""Down to the original: the lines of an archived file as they stand there."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from starlette.responses import Response

from api.web.door import Visit, seeing
from ingestor.access.permissions import Permission
from ingestor.errors import Forbidden, NotFound, OtherWard
from ingestor.store import audit, places, privacy, sources

router = APIRouter()
_AROUND = 40
_LONGEST = 2000
_ENCODINGS = ("utf-8-sig", "cp1252")
_CONTROLS = dict.fromkeys(
    (*range(9), *range(11, 32), 127, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), 0xFFFD
)


def lines_of(data: bytes) -> list[str] | None:
    """Return the lines of a text, controls replaced by a sign; None where the bytes are no text."""
    if b"\0" in data[:4096] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None
    encodings = ("utf-16",) if data.startswith((b"\xff\xfe", b"\xfe\xff")) else _ENCODINGS
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        plain = text.replace("\r\n", "\n").replace("\r", "\n").translate(_CONTROLS)
        return [line[:_LONGEST] for line in plain.split("\n")]
    return None


@router.get("/sources/{source}")
def show(
    visit: Annotated[Visit, seeing(Permission.READ_RAW)], source: str, member: int = 0, line: int = 1
) -> Response:
    """Show the lines around one of a member. The look is audited: originals hold names."""
    name, data, names = _member(visit, source, member)
    lines = lines_of(data)
    total = len(lines or ())
    line = max(1, min(line, total or 1))
    first = max(1, line - _AROUND // 2)
    shown = (
        [(number, lines[number - 1]) for number in range(first, min(first + _AROUND, total + 1))]
        if lines
        else []
    )
    with visit.house.db.write() as connection:
        audit.record(connection, visit.actor, "read-raw", source)
    return visit.page(
        "source.html", source=source, names=names, member=member, name=name, size=len(data), lines=shown,
        text=lines is not None, here=line, first=first, total=total, around=_AROUND,
    )  # fmt: skip


@router.get("/sources/{source}/{member}/download")
def download(visit: Annotated[Visit, seeing(Permission.READ_RAW)], source: str, member: int) -> Response:
    """Hand out a member's bytes. They are never shown by a browser, whatever they hold."""
    _, data, _ = _member(visit, source, member)
    with visit.house.db.write() as connection:
        audit.record(connection, visit.actor, "download-raw", source)
    headers = {
        "Content-Disposition": f'attachment; filename="{source[:16]}-{member}.bin"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
    return Response(data, media_type="application/octet-stream", headers=headers)


def _member(visit: Visit, source: str, member: int) -> tuple[str, bytes, list[Any]]:
    with visit.house.db.read() as connection:
        members = sources.members_of(connection, source)
        if visit.caller.ward and places.is_of_other_ward(connection, source, visit.caller.ward):
            raise OtherWard("not_found", session=source)
        if privacy.source_is_closed(connection, source):
            raise Forbidden("source_closed")
    if not 0 <= member < len(members):
        raise NotFound
    chosen = members[member]
    return chosen.name, visit.house.archive.read(chosen.sha256), [m.name for m in members]
