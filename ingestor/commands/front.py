"""What every command needs: the options that stand before or after any verb, settings, and output."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingestor.config import Settings
    from ingestor.flow.house import House
    from ingestor.store.audit import Actor
    from ingestor.store.engine import Database

EXIT_OK, EXIT_BUG, EXIT_USAGE, EXIT_REFUSED, EXIT_NOTHING, EXIT_DATABASE, EXIT_INTERRUPTED = (
    0,
    1,
    2,
    3,
    4,
    5,
    130,
)


@dataclass(slots=True)
class Front:
    """The options that all commands share."""

    data: str | None = None
    database_url: str | None = None
    json: bool = False
    quiet: bool = False
    verbose: bool = False

    def settings(self, **flags: Any) -> Settings:  # noqa: ANN401
        """Read the settings, with this command line's options first."""
        from ingestor.config import load

        return load(data_dir=self.data, database_url=self.database_url, **flags)

    @contextmanager
    def house(self, **flags: Any) -> Iterator[House]:  # noqa: ANN401
        """Open the house: folders, database (created or upgraded), archive, recovery."""
        from ingestor.flow.house import open_house

        settings = self.settings(**flags)
        self._tell_of_a_new_folder(settings)
        with open_house(settings) as house:
            yield house

    @contextmanager
    def store(self, **flags: Any) -> Iterator[tuple[Settings, Database]]:  # noqa: ANN401
        """Open the database alone, created or upgraded: for commands that take in no files."""
        from ingestor.disk import make_folder
        from ingestor.store import places, schema
        from ingestor.store.engine import open_database

        settings = self.settings(**flags)
        self._tell_of_a_new_folder(settings)
        make_folder(settings.data_dir)
        db = open_database(settings.url)
        try:
            schema.upgrade(db)
            with db.write() as connection:
                places.ensure_centre(connection, settings.centre, settings.centre_name, settings.zone)
            yield settings, db
        finally:
            db.close()

    def _tell_of_a_new_folder(self, settings: Settings) -> None:
        """A slip in `--data` would else look like a house in which everything is gone."""
        if not settings.data_dir.exists():
            self.tell(f"New data folder: {settings.data_dir}")

    def actor(self) -> Actor:
        """Return who types: the system's user, acting as admin of this machine."""
        import getpass

        from ingestor.store.audit import Actor

        return Actor(f"local:{getpass.getuser()}", "admin")

    def emit(self, document: Any, text: str | None = None) -> None:  # noqa: ANN401
        """Print one result: a JSON line with --json, else the text."""
        if self.json:
            click.echo(json.dumps(document, ensure_ascii=False, default=str))
        elif text is not None and not self.quiet:
            click.echo(text)

    def tell(self, text: str) -> None:
        """Say something that is no data: it goes to stderr."""
        if not self.quiet:
            click.echo(text, err=True)


pass_front = click.make_pass_decorator(Front, ensure=True)


def language() -> str:
    """Return the language of the terminal: German where the locale says so, else English."""
    import os

    words = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return "de" if next((w for w in words if w), "").startswith("de") else "en"


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Give a file to write. It has its name when it is whole; half of one is never left.

    Raises:
        Invalid: `cannot_write`.
    """
    from ingestor.errors import Invalid

    half = path.with_name(f".{path.name}.part")
    try:
        with half.open("wb") as sink:
            yield sink
        half.replace(path)
    except OSError as error:
        raise Invalid("cannot_write", path=str(path), problem=error.strerror or "") from error
    finally:
        half.unlink(missing_ok=True)


def give_up(code: int) -> None:
    """End the program with one of the documented exit codes."""
    sys.exit(code)
