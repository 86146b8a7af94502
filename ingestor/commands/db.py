"""`apherelog db`: upgrade, check, back up, restore or move."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingestor.commands.front import EXIT_DATABASE, EXIT_OK, Front, give_up, language, pass_front

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestor.archive import Archive
    from ingestor.store.engine import Database


@click.group()
def db() -> None:
    """Upgrade, check, back up, restore or move the database."""


@db.command()
@click.option("--rehearse", is_flag=True, help="On a copy: nothing is changed; exit code 5 if it fails.")
@pass_front
def upgrade(front: Front, rehearse: bool) -> None:  # noqa: FBT001 - click hands flags over
    """Create the database, or bring it to this program's version."""
    from ingestor.store import schema

    if rehearse:
        _rehearse(front)
        return
    with front.store() as (_, store):
        got, _ = schema.versions(store)
    front.emit({"version": got}, f"The database has version {got}.")


@db.command()
@pass_front
def check(front: Front) -> None:
    """Check the database, the audit chain and every archived byte; exit code 5 if something is wrong."""
    from ingestor.ops.scrub import scrub
    from ingestor.store import audit, copying, schema
    from ingestor.store.engine import durability_warnings

    with _opened(front) as (store, archive):
        with store.read() as connection:
            first_bad = audit.first_bad(connection)
        version, wanted = schema.versions(store)
        scrubbed = scrub(archive, store)
        found: dict[str, Any] = {
            "database": copying.troubles(store), "version": version, "wanted": wanted,
            "not_durable": durability_warnings(store), "audit_first_bad": first_bad,
            "objects": scrubbed.objects, "damaged": scrubbed.damaged, "missing": scrubbed.missing,
            "orphans": scrubbed.orphans,
        }  # fmt: skip
    well = scrubbed.is_well and not found["database"] and first_bad is None
    front.emit(found, _told(found, well=well))
    give_up(EXIT_OK if well else EXIT_DATABASE)


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@pass_front
def backup(front: Front, file: Path) -> None:
    """Write a checked copy of the database to a new FILE, while it is in use.

    Copy DATA/archive afterwards, with any tool: archived bytes never change. Keep DATA/*.key apart from both: a
    restored copy does not start without the key of the pseudonyms, and whoever has it can resolve them.
    """
    from ingestor.ops.backup import back_up
    from ingestor.phrases import sentence

    with front.store() as (settings, store):
        size = back_up(store, file)
    keys = sorted(str(p) for p in settings.data_dir.glob("*.key"))
    words = {
        "path": str(file), "bytes": size, "archive": str(settings.data_dir / "archive"),
        "keys": ", ".join(keys) or str(settings.data_dir / "pseudonym.key"),
    }  # fmt: skip
    front.emit(
        {"file": str(file), "bytes": size, "keys_not_included": keys},
        sentence("backup_written", language(), **words),
    )


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@pass_front
def restore(front: Front, file: Path) -> None:
    """Bring the database back to the state of FILE; the present state is put aside first.

    Nothing else may be running. Archived bytes that are newer than the copy are read again afterwards.
    """
    from ingestor.ops import backup as ops

    with _opened(front) as (store, archive):
        aside = ops.restore(store, archive, file, front.actor(), datetime.now(UTC))
    with front.house() as house:
        from ingestor.flow.jobs import run_due

        again = len(list(run_due(house)))
    front.emit(
        {"restored": str(file), "put_aside": str(aside), "read_again": again},
        f"Restored. The state before is in {aside}; {again} newer files were read again.",
    )


@db.command()
@click.argument("url")
@pass_front
def move(front: Front, url: str) -> None:
    """Carry everything from SQLite into an empty PostgreSQL database at URL, and compare every table.

    Broken off, it goes on where it was. Afterwards set `database_url` to URL; the archive stays where it is. Keep
    the password out of URL: PGPASSWORD, a .pgpass file or a service file give it.
    """
    from ingestor.ops import moving

    with front.store() as (_, store):
        moved = moving.move(store, url, front.actor(), lambda name, rows: front.tell(f"{name}: {rows}"))
    total, now = sum(moved.rows.values()), sum(moved.carried.values())
    front.emit(
        {"carried": moved.carried, "rows": moved.rows},
        f"{total} rows are there and equal, {now} of them carried now. Set database_url to the new address.",
    )


@db.command()
@pass_front
def separate(front: Front) -> None:
    """On PostgreSQL, make the role in which analysts' queries run; it sees no row of an identity.

    The database's user must be allowed to make roles, once. On SQLite there is nothing to do.
    """
    from ingestor.store import audit, postgresql

    with front.store() as (_, store):
        if not store.is_sqlite:
            with store.write() as connection:
                postgresql.make_role(connection)
                audit.record(connection, front.actor(), "separate", "database")
    front.emit(
        {"role": None if store.is_sqlite else postgresql.ROLE},
        "Identities are kept apart from analysts' queries.",
    )


def _rehearse(front: Front) -> None:
    """Copy the database beside itself, upgrade and check the copy, and throw it away."""
    from ingestor.ops.backup import rehearse
    from ingestor.store.engine import open_database

    settings = front.settings()
    store = open_database(settings.url)
    try:
        told = rehearse(store, settings.data_dir)
    finally:
        store.close()
    well = not told.troubles
    text = f"From {told.before} to {told.after} in {told.seconds:.1f} s on a copy of {told.bytes} bytes"
    front.emit(asdict(told), f"{text}: {'all is well.' if well else told.troubles}")
    give_up(EXIT_OK if well else EXIT_DATABASE)


@db.command()
@pass_front
def forecast(front: Front) -> None:
    """Say how long the disk will do if the next years are as the last one."""
    from ingestor.ops.forecast import forecast as foresee

    with front.store() as (settings, store):
        found = foresee(store, settings, datetime.now(UTC))
    years = (
        "nothing came during the last year" if found.years is None else f"{found.years} years at this rate"
    )
    front.emit(
        asdict(found),
        f"{found.archive_bytes} bytes of originals, {found.year_sources} files and {found.year_bytes} bytes a year,"
        f" {found.free_bytes} bytes free: {years}.",
    )


@contextmanager
def _opened(front: Front) -> Iterator[tuple[Database, Archive]]:
    """Open database and archive without making anything good."""
    from ingestor.archive import Archive

    with front.store() as (settings, store):
        archive = Archive(settings.data_dir / "archive")
        archive.prepare()
        try:
            yield store, archive
        finally:
            archive.close()


def _told(found: dict[str, Any], *, well: bool) -> str:
    if well:
        return f"All is well: {found['objects']} archived files read, database and audit chain checked."
    bad = {k: v for k, v in found.items() if k in {"database", "audit_first_bad", "damaged", "missing"} and v}
    return "\n".join(f"{name}: {value}" for name, value in bad.items())
