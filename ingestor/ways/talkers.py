"""How machines that talk are found: by entry points, as drivers are."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from ingestor.errors import Invalid

if TYPE_CHECKING:
    from pathlib import Path

    from ingestor.talk import Conversation, Line


def line_of(name: str, profiles: Path | None) -> Line:
    """Return the serial line of a profile.

    Raises:
        Invalid: `no_such_line`, with the names there are.
    """
    known: dict[str, Line] = {}
    for entry in entry_points(group="ingestor.lines"):
        known |= {line.name: line for line in entry.load()(profiles)}
    if name not in known:
        raise Invalid("no_such_line", name=name, known=", ".join(sorted(known)) or "–")
    return known[name]


def conversation() -> Conversation:
    """Return the conversation that answers HL7.

    Raises:
        Invalid: `no_conversation`: none is installed.
    """
    for entry in entry_points(group="ingestor.conversations", name="hl7"):
        made: Conversation = entry.load()()
        return made
    raise Invalid("no_conversation")
