"""A second person who confirms beside the first one, with name and password, in the first one's window."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from api.auth import actor_of
from api.service import service_of
from ingestor.access import logins
from ingestor.access.permissions import Permission
from ingestor.errors import Busy, Denied, Forbidden, Invalid

if TYPE_CHECKING:
    from api.web.door import Visit
    from ingestor.store.audit import Actor

_PATIENCE_S = 10
# One password is hashed at a time here, so that the threads of all others stay free.
_hashing = threading.Lock()


def second_person(visit: Visit) -> Actor:
    """Return the second person whose name and password stand in the form.

    Raises:
        Invalid: `second_person_missing`: the form names nobody.
        Denied: `login_wrong`.
        Forbidden: `same_person`, or the second person may not link.
        TooMany: too many wrong passwords.
        Busy: too many at once.
    """
    name = visit.field("second_name", 100)
    if not name:
        raise Invalid("second_person_missing")
    service = service_of(visit.request)
    key = f"name|{name.casefold()}"
    if service.settings.rate_limits:
        service.failures.check(key)
    if not _hashing.acquire(timeout=_PATIENCE_S):
        raise Busy
    try:
        caller = logins.vouch(service.db, name, visit.form.get("second_password", ""))
    except Denied:
        service.failures.failed(key)
        raise
    finally:
        _hashing.release()
    service.failures.succeeded(key)
    if caller.name == visit.caller.name or caller.centre != visit.caller.centre:
        raise Forbidden("same_person")
    caller.require(Permission.LINK)
    return actor_of(caller)
