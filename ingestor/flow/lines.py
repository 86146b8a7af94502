"""How the lines stand, as somebody who asks now should hear it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from ingestor.flow.house import is_alive
from ingestor.store import lines

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ingestor.store.lines import LineState


def standing(connection: Connection) -> list[LineState]:
    """Return all lines; one whose process is gone without a word is dead, whatever it said last."""
    return [
        replace(line, state=lines.DEAD, connected=0)
        if line.state != lines.ENDED and not is_alive(line.worker)
        else line
        for line in lines.known(connection)
    ]


def numbers(connection: Connection) -> dict[str, float]:
    """Return how many lines stand how, and what came over them, for monitoring."""
    found = standing(connection)
    states = Counter(line.state for line in found)
    return {state: float(states[state]) for state in (lines.OPEN, *lines.TROUBLE)} | {
        "line_treatments": float(sum(line.treatments for line in found)),
        "line_gaps": float(sum(line.gaps for line in found)),
    }
