"""Snapshots: a named, hashed data set that never changes, can be cited, built again and compared."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from ingestor import disk
from ingestor.errors import Invalid
from ingestor.exports.codebook import LANGUAGES, codebook
from ingestor.exports.datapackage import About, Resource, descriptor
from ingestor.exports.files import FORMATS, pieces
from ingestor.exports.plain import instant
from ingestor.exports.rows import batches
from ingestor.ops import pins
from ingestor.ops.shelf import SUMS, Shelf, folder_of, sum_of
from ingestor.store import audit, snapshots
from ingestor.store.snapshots import Registered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

    from ingestor.store.answers.doses import Wanted

TABLES = ("doses", "sessions", "cycles", "alarms")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_DESCRIPTOR, PINS = "datapackage.json", "readings.csv"


@dataclass(frozen=True, slots=True)
class Order:
    """What a snapshot shall hold; `asked` is the filter as it was given."""

    name: str
    wanted: Wanted
    asked: tuple[tuple[str, str], ...]
    actor: audit.Actor
    now: datetime


def take(shelf: Shelf, order: Order) -> Registered:
    """Write a snapshot down and register it.

    Raises:
        Invalid: `snapshot_name`, `snapshot_exists`.
        StorageTrouble: nothing of it is left.
    """
    if _NAME.fullmatch(order.name) is None:
        raise Invalid("snapshot_name", name=order.name)
    as_of = order.wanted.as_of or order.now
    order = replace(order, wanted=replace(order.wanted, as_of=as_of))
    with shelf.db.read() as connection:
        if snapshots.named(connection, shelf.centre, order.name) is not None:
            raise Invalid("snapshot_exists", name=order.name)
    final = shelf.folder / order.name
    half = shelf.folder / f".{order.name}.part"
    try:
        shelf.folder.mkdir(mode=0o750, exist_ok=True)
        for left in (half, final):  # of a snapshot that was cut off before it was registered
            _remove(left)
        half.mkdir(mode=0o750)
        digest = _write(shelf, order, half)
        one = Registered(
            order.name,
            shelf.centre,
            order.now,
            as_of,
            [list(pair) for pair in order.asked],
            digest,
            order.actor.name,
        )
        with shelf.db.write() as connection:
            snapshots.register(connection, one)
            audit.record(connection, order.actor, "snapshot", order.name, sha256=digest)
            half.rename(final)
            disk.sync_folder(shelf.folder)
    except OSError as error:
        raise disk.trouble(error) from error
    finally:
        _remove(half)
    return one


def _remove(folder: Path) -> None:
    if folder.exists():
        folder.chmod(0o750)
        shutil.rmtree(folder)


def _write(shelf: Shelf, order: Order, folder: Path) -> str:
    """Write all files; return the sum of the list of their sums."""
    seen = _Seen()
    pinned = _file(folder, PINS, pins.written(shelf, order.wanted), "text/csv", "readings")
    resources = [*_tables(shelf, order.wanted, folder, folder, seen), pinned]
    resources += [
        _file(folder, f"codebook.{language}.md", [codebook(language).encode()], "text/markdown")
        for language in LANGUAGES
    ]
    facts = {
        "as_of": instant(order.wanted.as_of), "filter": [list(pair) for pair in order.asked],
        "pseudonym_key": shelf.key_id, **seen.facts(),
    }  # fmt: skip
    about = descriptor(About(order.name, str(instant(order.now)), facts), resources)
    text = (json.dumps(about, ensure_ascii=False, indent=1) + "\n").encode()
    resources.append(_file(folder, _DESCRIPTOR, [text], "application/json"))
    sums = "".join(f"{r.sha256}  {r.path}\n" for r in resources).encode()
    whole = _file(folder, SUMS, [sums], "text/plain")
    disk.sync_folder(folder)
    folder.chmod(0o550)
    return whole.sha256


def _tables(shelf: Shelf, wanted: Wanted, pinned: Path, folder: Path, seen: _Seen) -> list[Resource]:
    """Write every table of a data set into `folder`, its sessions and readings being those of `pinned`."""

    def rows(table: str) -> Iterable[pa.RecordBatch]:
        if table == "doses":
            return _doses(shelf, wanted, pinned)
        if table == "sessions":
            return pins.sessions_of(shelf, wanted.as_of, pinned)
        return pins.parts_of(shelf, table, pinned)

    made = []
    for table in TABLES:
        for kind in ("csv", "parquet"):
            found = rows(table)
            if table == "doses" and kind == "csv":
                found = seen.watching(found)
            made.append(
                _file(folder, f"{table}.{kind}", pieces(table, kind, found), FORMATS[kind].media_type, table)
            )
    return [*made, _file(folder, "exclusions.csv", pins.exclusions(pinned), "text/csv", "exclusions")]


def _doses(shelf: Shelf, wanted: Wanted, pinned: Path) -> Iterable[pa.RecordBatch]:
    """Return the doses; which of them had a column or an alarm is known from the readings of that time alone."""
    if not (wanted.column or wanted.alarm):
        return batches(shelf.db, "doses", wanted, shelf.view)
    included = pa.array(
        [one.session_id for one in pins.read(pinned) if one.dosed and one.included], pa.string()
    )
    found = batches(shelf.db, "doses", replace(wanted, column=(), alarm=()), shelf.view)
    return (batch.filter(pc.is_in(batch["session_id"], included)) for batch in found)


def _file(folder: Path, name: str, content: Iterable[bytes], media_type: str, table: str = "") -> Resource:
    digest, size = hashlib.sha256(), 0
    fd = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o440)
    with os.fdopen(fd, "wb") as file:
        for piece in content:
            file.write(piece)
            digest.update(piece)
            size += len(piece)
        file.flush()
        os.fsync(file.fileno())
    return Resource(name, media_type, size, digest.hexdigest(), table)


class _Seen:
    """By whom and how the doses of the table were read and computed."""

    def __init__(self) -> None:
        self._drivers: dict[tuple[str, str, str], int] = {}
        self._methods: set[str] = set()

    def watching(self, found: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in found:
            self._methods.update(batch["method"].to_pylist())
            columns = (batch[name].to_pylist() for name in ("driver", "driver_version", "evidence"))
            for key in zip(*columns, strict=True):
                self._drivers[key] = self._drivers.get(key, 0) + 1
            yield batch

    def facts(self) -> dict[str, Any]:
        return {
            "methods": sorted(self._methods),
            "drivers": [
                {"name": name, "version": version, "evidence": evidence, "sessions": count}
                for (name, version, evidence), count in sorted(self._drivers.items())
            ],
        }


def rebuilt(shelf: Shelf, name: str, wanted: Wanted, into: Path) -> dict[str, str]:
    """Build the tables of a snapshot again from the store; return what became of each: `same` or `different`.

    Doses and sessions are those of the moment of the snapshot, cycles and alarms those of the readings that counted
    then (its `readings.csv`). All must be the same.

    Args:
        shelf: where it stands.
        name: of the snapshot.
        wanted: its filter, with its moment.
        into: folder for the new files; none of them may be there.

    Raises:
        NotFound: `no_such_snapshot`.
        Invalid: `cannot_write`.
    """
    _, folder = folder_of(shelf, name)
    try:
        into.mkdir(exist_ok=True)
        made = _tables(shelf, wanted, folder, into, _Seen())
    except OSError as error:
        raise Invalid("cannot_write", path=str(into), problem=error.strerror or "") from error
    return {r.path: "same" if sum_of(folder / r.path) == r.sha256 else "different" for r in made}
