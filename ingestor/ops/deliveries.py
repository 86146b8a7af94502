"""Deliveries: a folder of files in another data model, made of the doses as they were known at one moment.

The same order gives the same bytes: nothing in the files says when or where they were written.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ingestor import disk
from ingestor.errors import Invalid, StorageTrouble
from ingestor.exports.concepts import FILE, Concepts, read
from ingestor.exports.fhir import bulk
from ingestor.exports.fhir.releases import VERSIONS
from ingestor.exports.omop import layout
from ingestor.exports.omop.book import Book, Site
from ingestor.exports.plain import instant
from ingestor.exports.treatments import Treatment, treatments
from ingestor.exports.view import View
from ingestor.ops.filing import Filing
from ingestor.ops.shelf import folder_of
from ingestor.store.engine import identities_hidden

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from ingestor.access.pseudonyms import Pseudonyms
    from ingestor.config import Settings
    from ingestor.ops.shelf import Shelf
    from ingestor.store.answers.doses import Wanted
    from ingestor.store.engine import Database

Asked = list[tuple[str, str]]
MANIFEST, SUMS = "manifest.json", "SHA256SUMS"


@dataclass(frozen=True, slots=True)
class Stock:
    """From what deliveries are made.

    Attributes:
        view: makes the pseudonyms.
        concepts: the site's map.
        facts: what the files say of their origin beside the moment: key of the pseudonyms, sum of the map.
    """

    db: Database
    name: str
    zone: str
    view: View
    concepts: Concepts
    facts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Order:
    """What shall be delivered.

    Attributes:
        kind: `fhir` or `omop`.
        wanted: the filter, with its moment.
        release: of FHIR.
        types: of resources; those alone.
        request: how it was asked for.
        facts: what else the files shall say of their origin: the snapshot and its sum.
        asked: the filter as it may be shown.
    """

    kind: str
    wanted: Wanted
    release: str = "R4"
    types: Collection[str] = bulk.TYPES
    request: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    asked: Asked = field(default_factory=list)


def stock_of(settings: Settings, db: Database, pseudonyms: Pseudonyms) -> Stock:
    """Return from what deliveries of this site are made.

    Raises:
        Invalid: `concept_map`.
    """
    concepts, digest = site_concepts(settings.data_dir)
    facts = {
        "pseudonym_key": pseudonyms.key_id,
        "pseudonym_purpose": pseudonyms.purpose,
        "concepts_sha256": digest,
    }
    return Stock(db, settings.centre_name, settings.zone, View(pseudonyms.of), concepts, facts)


def of_snapshot(shelf: Shelf, name: str) -> tuple[Asked, dict[str, str]]:
    """Return the filter of a data set, with its moment, and what the files say of it.

    Raises:
        NotFound: `no_such_snapshot`.
    """
    one, _ = folder_of(shelf, name)
    given = [(n, v) for n, v in one.asked if n != "as_of"]
    return [*given, ("as_of", one.as_of.isoformat())], {"snapshot": name, "snapshot_sha256": one.sha256}


def shown(given: Asked, wanted: Wanted, view: View) -> Asked:
    """Return a filter as others may see it: patients by pseudonym, whatever they were named by; without its moment."""
    patients = [
        ("patient", str(view.patient(key)))
        for name, keys in wanted.equal
        if name == "patient"
        for key in keys
    ]
    return [*((n, v) for n, v in given if n not in {"patient", "as_of"}), *patients]


def site_concepts(data_dir: Path) -> tuple[Concepts, str]:
    """Return the map of concepts in a data folder and its SHA-256; without one, what is the same everywhere.

    Raises:
        Invalid: `concept_map`.
    """
    path = data_dir / FILE
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        return Concepts(), "none"
    except OSError as error:
        raise Invalid("concept_map", path=str(path), problem=error.strerror or "") from error
    return read(found.decode("utf-8", "replace"), str(path)), hashlib.sha256(found).hexdigest()


def deliver(
    stock: Stock, order: Order, into: Path, going: Callable[[int], None] | None = None
) -> dict[str, Any]:
    """Write a delivery; the folder has its name when it is whole. Return what is in `manifest.json`.

    Args:
        stock: from what.
        order: what.
        into: the folder; it must not be there, or be empty.
        going: is told after each piece how many sessions went by; may stop it by an error.

    Raises:
        Invalid: `folder_taken`.
        StorageTrouble: nothing of it is left.
    """
    half = into.with_name(f".{into.name}.part")
    try:
        if not into.parent.is_dir():
            raise Invalid("cannot_write", path=str(into), problem="no such folder")
        if into.exists() and (not into.is_dir() or any(into.iterdir())):
            raise Invalid("folder_taken", path=str(into))
        _remove(half)
        half.mkdir(mode=0o750)
        with identities_hidden():
            manifest = _write(stock, order, half, going)
        disk.sync_folder(half)
        half.replace(into)
        disk.sync_folder(into.parent)
    except OSError as error:
        raise disk.trouble(error) from error
    finally:
        _remove(half)
    return manifest


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _write(stock: Stock, order: Order, folder: Path, going: Callable[[int], None] | None) -> dict[str, Any]:
    passing = _passing(treatments(stock.db, order.wanted, stock.view), folder, going)
    with Filing(folder) as files:
        for name, count, some in _LINES[order.kind](stock, order, passing):
            files.write(name, count, some)
    manifest = _manifest(stock, order, files)
    text = (json.dumps(manifest, ensure_ascii=False, indent=1) + "\n").encode()
    with Filing(folder) as last:
        last.write(MANIFEST, 0, text)
        sums = {**files.sums, **last.sums}
        last.write(SUMS, 0, "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())).encode())
    return manifest


def _passing(
    pieces: Iterator[list[Treatment]], folder: Path, going: Callable[[int], None] | None
) -> Iterator[list[Treatment]]:
    seen = 0
    for piece in pieces:
        if not disk.room(folder).holds():
            raise StorageTrouble("disk_full")
        yield piece
        seen += len(piece)
        if going is not None:
            going(seen)


def _fhir(stock: Stock, order: Order, pieces: Iterator[list[Treatment]]) -> Iterator[tuple[str, int, bytes]]:
    for kind, some in bulk.lines(pieces, stock.concepts, order.release, order.types):
        yield f"{kind}.ndjson", len(some), b"".join(some)


def _omop(stock: Stock, order: Order, pieces: Iterator[list[Treatment]]) -> Iterator[tuple[str, int, bytes]]:
    as_of = order.wanted.as_of
    assert as_of is not None  # noqa: S101 - an order has a moment
    site = Site(order.wanted.centre, stock.name, stock.zone, as_of, stock.concepts, _facts(stock, order))
    for table, count, some in Book(site).lines(pieces):
        yield f"{table}.csv", count, some


_LINES = {"fhir": _fhir, "omop": _omop}
_LEFT_OUT = {f"{bulk.LEFT_OUT}.ndjson", f"{layout.EXCLUSIONS}.csv"}


def _facts(stock: Stock, order: Order) -> dict[str, str]:
    asked: dict[str, str] = {}
    for name, value in order.asked:
        known = asked.get(f"filter_{name}")
        asked[f"filter_{name}"] = value if known is None else f"{known}|{value}"
    return {"as_of": str(instant(order.wanted.as_of)), **order.facts, **asked, **stock.facts}


def _manifest(stock: Stock, order: Order, files: Filing) -> dict[str, Any]:
    """Return what the bulk data interface of FHIR answers when files are ready, with facts of our own."""
    listed = [
        {"type": name.partition(".")[0], "url": name, "count": count} for name, count in files.counts.items()
    ]
    form = {"fhirVersion": VERSIONS[order.release]} if order.kind == "fhir" else {"cdmVersion": "5.4"}
    return {
        "transactionTime": str(instant(order.wanted.as_of)), "request": order.request, "requiresAccessToken": True,
        "output": [one for one in listed if one["url"] not in _LEFT_OUT], "deleted": [],
        "error": [one for one in listed if one["url"] in _LEFT_OUT],
        "extension": {"urn:apherelog:origin": {**form, **_facts(stock, order), "sha256": files.sums}},
    }  # fmt: skip
