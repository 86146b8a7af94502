"""`apherelog machines`, and what `apherelog drivers` does with descriptions of formats."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drivers.machines import machines as catalogue
from ingestor.commands.drivers import drivers
from ingestor.commands.front import Front, language, pass_front

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["drivers", "machines"]

_UNNAMED = "new-machine"
_NEXT = {
    "de": {
        "drafted": "{profile}: Entwurf mit {guesses} Vermutungen.",
        "fixture": "{fixture}: dieselbe Datei ohne Personen, mit anderen Tagen; bitte vor dem Weitergeben durchsehen.",
        "no_fixture": "Eine Datei ohne Personen ließ sich nicht herstellen; bitte das Original nicht weitergeben.",
        "unread": "Nicht zugeordnet: {what}",
        "todo": "Jetzt: jede mit RATE markierte Zeile mit Handbuch und Bildschirm vergleichen, „template = true“ löschen, die Datei nach {profiles_folder} legen und „apherelog drivers check“ aufrufen.",
    },
    "en": {
        "drafted": "{profile}: draft with {guesses} guesses.",
        "fixture": "{fixture}: the same file without persons and on other days; please look it through before handing it on.",
        "no_fixture": "A file without persons could not be made; please do not hand the original on.",
        "unread": "Not placed: {what}",
        "todo": "Now: compare every line marked GUESS with manual and screen, remove `template = true`, put the file into {profiles_folder} and run “apherelog drivers check”.",
    },
}  # fmt: skip


@click.group()
def machines() -> None:
    """List the machines known by name."""


@machines.command("list")
@click.argument("words", nargs=-1)
@pass_front
def list_(front: Front, words: tuple[str, ...]) -> None:
    """List the catalogue of machines, or those whose name or maker holds all WORDS."""
    for machine in catalogue():
        said = f"{machine.name} {machine.maker}".lower()
        if not all(word.lower() in said for word in words):
            continue
        todo = {tongue: machine.todo(tongue) for tongue in ("de", "en")}
        note = machine.note.get(language(), "")
        about = ", ".join(filter(None, (machine.role, machine.columns, note)))
        text = f"{machine.name} – {machine.maker}\n  {about}\n  {todo[language()]}"
        front.emit({**asdict(machine), "todo": todo}, text)


@drivers.command()
@click.argument("sample", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--name", default=_UNNAMED, show_default=True, help="Name of the profile, such as the machine's."
)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Folder to write to."
)
@pass_front
def new(front: Front, sample: Path, name: str, out: Path) -> None:
    """Draft a profile from an unknown export, and write the export without persons beside it.

    Every guess in the draft is marked. It reads nothing until a person has confirmed it and put it among the
    site's profiles.
    """
    from drivers.teach import is_json, teach
    from ingestor.driver import Member
    from ingestor.errors import Invalid

    # A sample's own name may hold a patient's: it goes into nothing that is written.
    title = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or _UNNAMED
    data = sample.read_bytes()
    if is_json(data):
        raise Invalid("sample_is_json", file=sample.name)
    taught = teach(Member(f"{title}.sample{sample.suffix}", data), title, language())
    if taught is None:
        raise Invalid("sample_not_text", file=sample.name)
    out.mkdir(parents=True, exist_ok=True)
    profile, masked = out / f"{title}.toml", out / f"{title}.sample{sample.suffix}"
    for path in (profile, masked):
        if path.exists():
            raise Invalid("file_exists", file=str(path))
    profile.write_text(taught.profile, "utf-8")
    if taught.fixture is not None:
        masked.write_bytes(taught.fixture)
    document = {
        "profile": str(profile), "fixture": str(masked) if taught.fixture is not None else None,
        "guesses": taught.guesses, "unread": list(taught.unread), "problems": list(taught.problems),
        "profiles_folder": str(front.settings().data_dir / "profiles"),
    }  # fmt: skip
    front.emit(document, "\n".join(_next_steps(document)))


def _next_steps(document: dict[str, Any]) -> Iterator[str]:
    words = _NEXT[language()]
    yield words["drafted"].format(**document)
    yield words["fixture"].format(**document) if document["fixture"] else words["no_fixture"]
    if document["unread"]:
        yield words["unread"].format(what=", ".join(document["unread"][:20]))
    yield from (f"  {problem}" for problem in document["problems"])
    yield words["todo"].format(**document)
