"""The front door. Commands are found by entry point and imported only when called."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

import click

from ingestor.commands.front import (
    EXIT_DATABASE,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_USAGE,
    Front,
    language,
)
from ingestor.errors import DatabaseTrouble, IngestorError, SettingsError, StorageTrouble

if TYPE_CHECKING:
    from collections.abc import Sequence

# One line each, so that `--help` need not import the commands. A foreign command shows its own line.
SUMMARIES = {
    "audit": "Verify, anchor or export the audit chain.",
    "backfill": "Ingest a large folder with several processes.",
    "capture": "Record a machine's serial line.",
    "columns": "Show warnings about columns and acknowledge them.",
    "config": "Show the settings and where each comes from.",
    "db": "Upgrade, check, back up, restore or move the database.",
    "demo": "Start a made-up clinic to look around in.",
    "devices": "List machines and correct what is known of their clocks.",
    "doctor": "Explain a folder, a share or this installation.",
    "drivers": "List, explain, teach and accept drivers.",
    "export": "Write doses, sessions, cycles, alarms or traces to a file.",
    "held": "Show readings that contradict earlier ones, and decide which counts.",
    "imports": "List what came in, and what became of it.",
    "ingest": "Read exported files or folders.",
    "keys": "Keep safe, put back or replace the key of the pseudonyms.",
    "link": "Link a session to a patient.",
    "listen": "Receive HL7 reports over the network.",
    "machines": "List the machines known by name.",
    "pairs": "Say of two runs whether they are one treatment.",
    "patients": "List, add, measure or import patients.",
    "parts": "List the parts of this installation, their licences, or a bill of materials.",
    "privacy": "List requests of persons, and what has been kept long enough.",
    "reprocess": "Read archived files again with a new driver.",
    "serve": "Start the web service.",
    "sessions": "List and show sessions and their doses.",
    "simulate": "Write exports as a machine would, and the truth beside them.",
    "unlink": "Undo the link of a session.",
    "users": "Add users and tokens.",
    "verify": "Compute every dose again and compare.",
    "watch": "Take files from an export folder.",
}
_WITH_VALUE = {"--data": "data", "--database-url": "database_url"}
_SWITCHES = {"--json": "json", "-q": "quiet", "--quiet-output": "quiet", "-v": "verbose"}


class Door(click.Group):
    """A group whose commands are entry points."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002, D102
        return sorted({e.name for e in entry_points(group="apherelog.commands")})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002, D102
        found = list(entry_points(group="apherelog.commands", name=name))
        command: click.Command | None = found[0].load() if found else None
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: D102
        rows = [(name, SUMMARIES.get(name, "")) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(cls=Door, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="apherelog")
def apherelog() -> None:
    """Keep what immunoadsorption machines recorded, and serve the dose of every session.

    These options stand before or after any command:

    \b
      --data DIR           archive and database     (APHERELOG_DATA_DIR)
      --database-url URL   another database         (APHERELOG_DATABASE_URL)
      --json               JSON on stdout, one document a line
      -q, -v               say less, say more
    """


def split(arguments: Sequence[str]) -> tuple[Front, list[str]]:
    """Take the options that may stand anywhere out of a command line."""
    front, rest = Front(), []
    words = iter(arguments)
    for word in words:
        name, _, value = word.partition("=")
        if name in _WITH_VALUE:
            setattr(front, _WITH_VALUE[name], value or next(words, None))
        elif word in _SWITCHES:
            setattr(front, _SWITCHES[word], True)
        elif word == "--":
            rest += [word, *words]
        else:
            rest.append(word)
    return front, rest


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and end with a documented exit code."""
    front, rest = split(sys.argv[1:] if arguments is None else arguments)
    sys.exit(_run(front, rest))


def _run(front: Front, rest: list[str]) -> int:
    try:
        # Outside standalone mode click returns the code of an early exit.
        ended = apherelog.main(rest, prog_name="apherelog", obj=front, standalone_mode=False)
        return ended if isinstance(ended, int) else EXIT_OK
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except IngestorError as error:
        _explain(front, error)
        return _code_of(error)


def _code_of(error: IngestorError) -> int:
    serious = isinstance(error, DatabaseTrouble | SettingsError | StorageTrouble)
    return EXIT_DATABASE if serious else EXIT_USAGE


def _explain(front: Front, error: IngestorError) -> None:
    from ingestor.phrases import both, catalogue, phrase

    details: dict[str, Any] = dict(error.details)
    if error.code not in catalogue():
        front.tell(f"{error.code}: {details}")
        return
    if front.json:
        front.emit({"error": error.code, "message": both(error.code, **details)})
    words = phrase(error.code, language(), **details)
    front.tell("\n".join(f"{part}" for part in words.values() if part))
