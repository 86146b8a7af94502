"""Anchors: number and hash of the newest audit entry, written where the database's owner cannot change them.

A chain alone does not show that its tail was cut or that all of it was computed anew. A line of an anchor, kept on
another machine, shows both: the entry it names must still be there, with the same hash.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ingestor.errors import Invalid, SettingsError, StorageTrouble
from ingestor.store import audit, site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from sqlalchemy import Connection

    from ingestor.config import Settings
    from ingestor.store.engine import Database

log = logging.getLogger(__name__)

FACT = "audit_anchor"
_MARK = "apherelog-audit-anchor"
_LINE = re.compile(rf"{_MARK} (\{{[^{{}}]*\}})")
_LOCAL_SYSLOG = "/dev/log"
_SYSLOG_PORT = 514
_RETRY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Anchor:
    """What one line of an anchor says: entry `seq` of this centre's chain had this hash."""

    centre: str
    seq: int
    hash: str
    at: str

    def line(self) -> str:
        """Return the line as it is written."""
        body = {"centre": self.centre, "seq": self.seq, "hash": self.hash, "at": self.at}
        return f"{_MARK} {json.dumps(body)}"


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Where chain and anchors part.

    Attributes:
        kind: `cut` (entries are missing at the end) or `rebuilt` (an entry has another hash than it had).
        first: number of the first entry that can be wrong.
        last: number of the first entry that is certainly missing or wrong.
    """

    kind: str
    first: int
    last: int


def require_usable(settings: Settings) -> None:
    """See that anchors can be written, and not into the data folder.

    Raises:
        SettingsError: `anchor_inside`, `anchor_place`.
    """
    for place in settings.audit_anchors:
        if place == "syslog" or place.startswith("syslog:"):
            _syslog_address(place)
            continue
        path = Path(place)
        if not path.is_absolute() or not os.access(path if path.exists() else path.parent, os.W_OK):
            raise SettingsError("anchor_place", place=place)
        if path.resolve().is_relative_to(settings.data_dir.resolve()):
            raise SettingsError("anchor_inside", place=place)


def drop(db: Database, settings: Settings, now: datetime) -> Anchor | None:
    """Write the newest entry to every place of the settings; None where the chain is empty.

    Raises:
        StorageTrouble: `anchor_not_written`: one of the places did not take it; the others have it.
    """
    with db.read() as connection:
        head = audit.head(connection)
    if head is None:
        return None
    anchor = Anchor(settings.centre, head[0], head[1], now.replace(microsecond=0).isoformat())
    failed = [place for place in settings.audit_anchors if not _written(place, anchor.line())]
    if failed:
        raise StorageTrouble("anchor_not_written", place=", ".join(failed))
    with db.write() as connection:
        site.set_fact(connection, FACT, {"seq": anchor.seq, "at": anchor.at})
    return anchor


class Keeper:
    """Drops an anchor whenever one is due.

    Args:
        db: with the chain.
        settings: where to and how often.
        now: the clock.
    """

    def __init__(self, db: Database, settings: Settings, now: Callable[[], datetime]) -> None:
        self._db, self._settings, self._now = db, settings, now
        self._every = timedelta(minutes=settings.audit_anchor_minutes)
        self._due: datetime | None = None

    def keep(self) -> None:
        """Drop one if it is time; trouble is logged and tried again a minute later."""
        if not self._settings.audit_anchors or (self._due is not None and self._now() < self._due):
            return
        try:
            drop(self._db, self._settings, self._now())
        except StorageTrouble as error:
            log.error("anchor_not_written", extra={"place": error.details["place"]})  # noqa: TRY400
            self._due = self._now() + _RETRY
            return
        self._due = self._now() + self._every


def _written(place: str, line: str) -> bool:
    try:
        if place.startswith("syslog"):
            _to_syslog(place, line)
        else:
            _append(Path(place), line)
    except OSError:
        return False
    return True


def _append(path: Path, line: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        os.write(fd, line.encode() + b"\n")
        os.fsync(fd)
    finally:
        os.close(fd)


def _syslog_address(place: str) -> str | tuple[str, int]:
    """Return the address of `syslog` (this machine's) or `syslog:HOST[:PORT]` (UDP)."""
    _, _, rest = place.partition(":")
    if not rest:
        return _LOCAL_SYSLOG
    host, _, port = rest.rpartition(":") if rest.rpartition(":")[0] else (rest, "", "")
    if port and not port.isdigit():
        raise SettingsError("anchor_place", place=place)
    return host, int(port) if port else _SYSLOG_PORT


class _Syslog(logging.handlers.SysLogHandler):
    """One that tells when it could not write."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - as the library names it
        raise  # noqa: PLE0704 - called while the error is being handled


def _to_syslog(place: str, line: str) -> None:
    facility = logging.handlers.SysLogHandler.LOG_AUTHPRIV
    handler = _Syslog(_syslog_address(place), facility=facility)
    try:
        handler.emit(logging.LogRecord("apherelog", logging.INFO, "", 0, f"apherelog: {line}", None, None))
    finally:
        handler.close()


def anchors_in(path: Path, centre: str) -> list[Anchor]:
    """Return the anchors of a centre that stand in a file, an anchor's own or a log that holds others too.

    Raises:
        Invalid: `anchor_file`: the file cannot be read, or no anchor of this centre stands in it.
    """
    try:
        text = path.read_text("utf-8", "replace")
        found = [Anchor(**json.loads(match)) for match in _LINE.findall(text)]
    except (OSError, ValueError, TypeError) as error:
        raise Invalid("anchor_file", path=str(path)) from error
    mine = [one for one in found if one.centre == centre]
    if not mine:
        raise Invalid("anchor_file", path=str(path))
    return mine


def contradiction(connection: Connection, anchors: Iterable[Anchor]) -> Contradiction | None:
    """Return where the chain first contradicts the anchors, or None."""
    good = 0
    for anchor in sorted(anchors, key=lambda one: one.seq):
        held = audit.hash_of(connection, anchor.seq)
        if held == anchor.hash:
            good = anchor.seq
            continue
        head = audit.head(connection)
        last = head[0] if head else 0
        if anchor.seq > last:
            return Contradiction("cut", last + 1, last + 1)
        return Contradiction("rebuilt", good + 1, anchor.seq)
    return None
