"""How values are spread, for the planner of the database: without it, a good index may lie unused."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy import text

from ingestor.errors import Busy

if TYPE_CHECKING:
    from ingestor.store.engine import Database

log = logging.getLogger(__name__)

# Every table that has grown much since the last look, from a sample of each index.
# Source: https://sqlite.org/pragma.html#pragma_optimize
_LOOK = "PRAGMA optimize=0x10012"
_NEVER = "SELECT reltuples < 0 FROM pg_class WHERE oid = 'session'::regclass"


def learn(db: Database, *, anew: bool = False) -> None:
    """Let the database look at how its values are spread; where it is busy, the next start will do it.

    Args:
        db: the store.
        anew: after much was taken in; otherwise only what the database thinks outdated. PostgreSQL keeps up by
            itself and is asked only once.
    """
    try:
        with db.write() as connection:
            if anew:
                connection.execute(text("ANALYZE"))
            elif db.is_sqlite:
                connection.execute(text(_LOOK))
            elif connection.execute(text(_NEVER)).scalar():
                connection.execute(text("ANALYZE"))
    except Busy:
        log.info("spread_not_learned")
