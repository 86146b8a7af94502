"""What is wrong with columns, as it stands in the database now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestor.meaning.columns import Concern, Use, concerns
from ingestor.store import columns

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import Connection

    from ingestor.flow.house import House


def concerns_of(
    house: House, connection: Connection, serials: Collection[str], assumed: Mapping[str, str] | None = None
) -> dict[str, tuple[Concern, ...]]:
    """Return what is wrong with some columns, by session.

    Args:
        house: the open house.
        connection: a transaction.
        serials: of the columns.
        assumed: session -> patient, as if they were linked.
    """
    owners = assumed or {}
    uses = [
        Use(**row | {"patient": owners.get(row["session"], row["patient"])})
        for row in columns.uses(connection, house.centre, serials)
    ]
    words = [
        (word.code, word.serial, word.subject) for word in columns.words(connection, house.centre, serials)
    ]
    return concerns(uses, house.policy().column_uses, words)
