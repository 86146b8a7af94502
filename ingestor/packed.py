"""The members of a gzipped tar, as some machines export it: read with limits, and as far as it goes when cut.

The blocks of the tar are read here and not by a library, because a member that was cut has to be kept with what
is there of it, and because nothing but plain files may ever come out.

Source: RFC 1952 for gzip; POSIX.1-2017, pax, for the ustar header.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from ingestor.errors import ParseError

MOST_MEMBERS = 50
MOST_BYTES = 64 * 2**20
MOST_RATIO = 100
# A short file of few rows is mostly padding and shrinks far more than a long one.
_RATIO_FROM = 2**20
_BLOCK = 512
_CHUNK = 2**16
_GZIP = b"\x1f\x8b\x08"
_FILES, _FOLDER, _EXTRAS = (b"0", b"\0", b"7"), b"5", (b"x", b"g", b"L", b"K", b"X")


@dataclass(frozen=True, slots=True)
class Packed:
    """One file of the archive; `name` without folders, `whole` False where its end is missing."""

    name: str
    data: bytes
    whole: bool


@dataclass(frozen=True, slots=True)
class Archive:
    """What an archive holds; `cut` where the stream ended before its own end or broke off."""

    members: tuple[Packed, ...]
    cut: bool


def is_gzip(data: bytes) -> bool:
    """Say whether bytes begin like a gzip file."""
    return data.startswith(_GZIP)


def unpack(data: bytes, member: str) -> Archive:
    """Return the plain files of a gzipped tar.

    Raises:
        ParseError: too much comes out (`limit_archive`), something that is no plain file (`archive_link`), or a
            name twice (`archive_twice`).
    """
    raw, cut = _inflated(data, member)
    entries, broken = _entries(raw, member)
    members: dict[str, Packed] = {}
    for name, kind, content, whole in entries:
        if kind == _FOLDER:
            continue
        if kind not in _FILES:
            raise ParseError(member, 0, "plain files only", f"a link or a device: {name}", "archive_link")
        short = name.replace("\\", "/").rsplit("/", 1)[-1]
        if short in members:
            raise ParseError(member, 0, "every name once", short, "archive_twice")
        members[short] = Packed(short, content, whole)
    return Archive(tuple(members.values()), cut or broken)


def _inflated(data: bytes, member: str) -> tuple[bytes, bool]:
    """Return what comes out, and whether the stream was cut or broke off in a fault."""
    reader, out, size = zlib.decompressobj(wbits=31), list[bytes](), 0
    for place in range(0, len(data), _CHUNK):
        rest = data[place : place + _CHUNK]
        while rest and not reader.eof:
            before = reader.copy()
            try:
                out.append(reader.decompress(rest, _CHUNK * 16))
            except zlib.error:
                out.append(_until_fault(before, rest))
                return b"".join(out), True
            size += len(out[-1])
            _check_size(size, len(data), member)
            rest = reader.unconsumed_tail
    if not reader.eof:
        out.append(reader.flush())
    return b"".join(out), not reader.eof


def _until_fault(reader: zlib._Decompress, data: bytes) -> bytes:
    """Return what can be had of a piece in which the stream breaks off."""
    out: list[bytes] = []
    try:
        for place in range(len(data)):
            out.append(reader.decompress(data[place : place + 1], _CHUNK))  # noqa: PERF401 - kept when it raises
    except zlib.error:
        pass
    return b"".join(out)


def _check_size(size: int, packed: int, member: str) -> None:
    if size > MOST_BYTES or (size > _RATIO_FROM and size > MOST_RATIO * packed):
        expected = f"at most {MOST_BYTES // 2**20} MiB and {MOST_RATIO} times the packed size"
        raise ParseError(member, 0, expected, f"{size} bytes so far", "limit_archive")


def _entries(raw: bytes, member: str) -> tuple[list[tuple[str, bytes, bytes, bool]], bool]:
    """Return name, type, content and whether it is whole, of every entry; and whether a header is broken."""
    entries: list[tuple[str, bytes, bytes, bool]] = []
    place, count = 0, 0
    while header := raw[place : place + _BLOCK].rstrip(b"\0"):
        header = header.ljust(_BLOCK, b"\0")
        size = _octal(header[124:136])
        if size is None or not _sum_fits(header):
            return entries, True
        count += 1
        if count > MOST_MEMBERS:
            raise ParseError(member, 0, f"at most {MOST_MEMBERS} members", "more", "limit_archive")
        place += _BLOCK
        kind, content = header[156:157], raw[place : place + size]
        place += -(-size // _BLOCK) * _BLOCK
        if kind not in _EXTRAS:
            name = header[:100].split(b"\0")[0].decode("latin-1")
            entries.append((name, kind, content, len(content) == size))
    return entries, False


def _octal(field: bytes) -> int | None:
    digits = field.strip(b" \0")
    return int(digits, 8) if digits and not digits.strip(b"01234567") else None


def _sum_fits(header: bytes) -> bool:
    return _octal(header[148:156]) == sum(header[:148]) + 8 * 32 + sum(header[156:])
