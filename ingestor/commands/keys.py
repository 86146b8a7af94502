"""`apherelog keys`: the key of the pseudonyms, its sheets for the safe, and its successor."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ingestor.commands.front import Front, pass_front
from ingestor.errors import Busy, Invalid, NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHEET = """apherelog: a part of the key of the pseudonyms / ein Teil des Schlüssels der Pseudonyme

Centre / Einrichtung: {centre}
Key / Schlüssel:      {key_id}
Sheet / Blatt:        {number} of / von {sheets}; any {needed} of them restore the key / je {needed} genügen

{text}

Keep each sheet with another person. / Jedes Blatt bei einer anderen Person aufbewahren.
apherelog keys restore SHEET SHEET
"""
_TEXT = re.compile(r"^APHK1(?:-[A-Z2-7]{1,4})+$", re.MULTILINE)
_KEY_ID = re.compile(r"\b[0-9a-f]{16}\b")


@click.group()
def keys() -> None:
    """Look at, keep safe, put back or replace the key of the pseudonyms."""


@keys.command("list")
@pass_front
def show(front: Front) -> None:
    """List the keys by name; which one is in use, and which are kept for old pseudonyms."""
    from ingestor.access.pseudonyms import prepare_key

    with front.store() as (settings, db):
        known = prepare_key(db, settings.data_dir)
    front.emit({"key": known.key_id, "in_use": True}, f"{known.key_id}  in use")
    for one in known.former:
        front.emit({"key": one.key_id, "in_use": False}, f"{one.key_id}  former")


@keys.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--sheets", default=3, show_default=True, help="How many sheets.")
@click.option("--needed", default=2, show_default=True, help="How many of them restore the key.")
@click.option("--key", "key_id", help="Name of a former key; the one in use by default.")
@pass_front
def escrow(front: Front, folder: Path, sheets: int, needed: int, key_id: str | None) -> None:
    """Write the key in parts, one file a sheet, into FOLDER: to be printed, sealed and deleted.

    A single sheet says nothing about the key.
    """
    from ingestor.access import shares
    from ingestor.access.pseudonyms import keys_in, prepare_key
    from ingestor.store import audit

    with front.store() as (settings, db):
        chosen = key_id or prepare_key(db, settings.data_dir).key_id
        key = keys_in(settings.data_dir).get(chosen)
        if key is None:
            raise NotFound("no_such_key", key_id=chosen)
        texts = shares.split(key, sheets, needed)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number, text in enumerate(texts, start=1):
            page = _SHEET.format(
                centre=settings.centre, key_id=chosen, number=number, sheets=sheets, needed=needed, text=text
            )
            _write(folder / f"key-{chosen}-sheet-{number}.txt", page)
        with db.write() as connection:
            audit.record(connection, front.actor(), "escrow-key", chosen, sheets=sheets, needed=needed)
    front.emit({"key": chosen, "folder": str(folder), "sheets": sheets, "needed": needed},
               f"{sheets} sheets are in {folder}. Print each, give each to another person, delete the files.")  # fmt: skip


def _write(path: Path, page: str) -> None:
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Invalid("cannot_write", path=str(path), problem=error.strerror or "") from error
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(page)


@keys.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False, exists=True)
)
@pass_front
def restore(front: Front, files: Sequence[Path]) -> None:
    """Put the key of some sheets back into the data folder. Nothing that stands there is overwritten."""
    from ingestor.access import shares
    from ingestor.access.pseudonyms import put_back
    from ingestor.store import audit

    pages = [file.read_text("utf-8", "replace") for file in files]
    texts = [match[0] for page in pages if (match := _TEXT.search(page))]
    names = {match[0] for page in pages if (match := _KEY_ID.search(page))}
    if len(texts) < len(pages) or len(names) != 1:
        raise Invalid("escrow_sheet")
    wanted = names.pop()
    with front.store() as (settings, db):
        path = put_back(settings.data_dir, shares.joined(texts), wanted)
        with db.write() as connection:
            audit.record(connection, front.actor(), "restore-key", wanted)
    front.emit({"key": wanted, "file": str(path)}, f"The key {wanted} is back in {path}.")


@keys.command()
@click.option("--reason", required=True, help="Why; it is kept for ever.")
@pass_front
def rotate(front: Front, reason: str) -> None:
    """Use a new key: every patient gets another pseudonym from now on. The former key stays for old ones.

    Stop the service and the watcher first.
    """
    from ingestor.access import pseudonyms
    from ingestor.archive import Archive

    with front.store() as (settings, db):
        archive = Archive(settings.data_dir / "archive")
        archive.prepare()
        try:
            if not archive.is_alone():
                raise Busy("key_in_use")
            former, new = pseudonyms.rotate(db, settings.data_dir, front.actor(), reason)
        finally:
            archive.close()
    front.emit(
        {"former": former, "key": new},
        f"From now on the key {new} is used; {former} is kept. Make new sheets.",
    )
