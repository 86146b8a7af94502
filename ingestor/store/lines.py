"""How the lines stand on which machines talk: a few facts each, written by whoever records them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from ingestor.store import site
from ingestor.store.tables import setting

if TYPE_CHECKING:
    from sqlalchemy import Connection

OPEN, QUIET, LOST, ENDED, DEAD = "line_open", "line_quiet", "line_lost", "line_ended", "line_dead"
TROUBLE = (QUIET, LOST, DEAD)
_KEY = "line:"


@dataclass(frozen=True, slots=True)
class LineState:
    """One line.

    Attributes:
        name: the port, or the address that is listened on.
        way: `capture` or `mllp`.
        state: the code of how it stands, see `ingestor.phrases`.
        since: since when it stands so.
        heard_at: when the last byte or message came, None before the first.
        connected: connections that are open; of a cable 0 or 1.
        treatments: handed in since the recording began.
        gaps: how often the line was lost in the middle of a treatment since then.
        worker: the process that records it.
    """

    name: str
    way: str
    state: str
    since: datetime
    heard_at: datetime | None
    connected: int
    treatments: int
    gaps: int
    worker: str


def note(connection: Connection, line: LineState) -> None:
    """Keep how a line stands now."""
    facts: dict[str, Any] = asdict(line)
    facts |= {"since": line.since.isoformat(), "heard_at": line.heard_at and line.heard_at.isoformat()}
    site.set_fact(connection, f"{_KEY}{line.way}:{line.name}", facts)


def known(connection: Connection) -> list[LineState]:
    """Return all lines that were ever recorded, by name."""
    query = select(setting.c.value).where(setting.c.key.startswith(_KEY)).order_by(setting.c.key)
    return [_line(facts) for facts in connection.execute(query).scalars()]


def _line(facts: dict[str, Any]) -> LineState:
    heard = facts["heard_at"]
    since = datetime.fromisoformat(facts["since"])
    return LineState(**facts | {"since": since, "heard_at": heard and datetime.fromisoformat(heard)})
