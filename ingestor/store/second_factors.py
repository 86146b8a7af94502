"""Second factors of accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from ingestor.store.tables import second_factor

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row


def of_account(connection: Connection, account: str) -> Row[Any] | None:
    """Return the second factor of an account, begun or confirmed; None where there is none."""
    query = select(second_factor).where(second_factor.c.account_id == account)
    return connection.execute(query).one_or_none()


def is_confirmed(connection: Connection, account: str) -> bool:
    """Tell whether logins of this account need a code."""
    factor = of_account(connection, account)
    return factor is not None and factor.confirmed_at is not None


def begin(connection: Connection, account: str, secret: str, now: datetime) -> None:
    """Keep a secret that does not count yet, in place of an earlier one."""
    remove(connection, account)
    connection.execute(
        insert(second_factor).values(
            account_id=account, secret=secret, created_at=now, last_step=0, recovery=[]
        )
    )


def confirm(connection: Connection, account: str, recovery: list[str], now: datetime) -> None:
    """Let the secret count; keep the hashes of its recovery codes."""
    query = update(second_factor).where(second_factor.c.account_id == account)
    connection.execute(query.values(confirmed_at=now, recovery=recovery))


def take_step(connection: Connection, account: str, step: int) -> bool:
    """Take the code of a step; return False if it, or a later one, was taken before."""
    query = update(second_factor).where(
        second_factor.c.account_id == account, second_factor.c.last_step < step
    )
    return connection.execute(query.values(last_step=step)).rowcount > 0


def spend(connection: Connection, account: str, hashed: str) -> bool:
    """Use a recovery code up; return whether there was such a one."""
    factor = of_account(connection, account)
    if factor is None or hashed not in factor.recovery:
        return False
    left = [one for one in factor.recovery if one != hashed]
    query = update(second_factor).where(second_factor.c.account_id == account)
    connection.execute(query.values(recovery=left))
    return True


def remove(connection: Connection, account: str) -> None:
    """Let logins of this account do without a code."""
    connection.execute(delete(second_factor).where(second_factor.c.account_id == account))
