"""The database knows how its values are spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from ingestor.store.spread import learn

if TYPE_CHECKING:
    from ingestor.flow.house import House


def test_after_much_was_taken_in_the_planner_knows_how_values_are_spread(house: House):
    learn(house.db, anew=True)
    known = {
        True: "SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'centre'",
        False: "SELECT reltuples FROM pg_class WHERE relname = 'centre'",
    }[house.db.is_sqlite]
    with house.db.read() as connection:
        assert connection.execute(text(known)).scalar() == 1


def test_looking_again_changes_nothing(house: House):
    learn(house.db)
    learn(house.db)
    with house.db.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM centre")).scalar() == 1
