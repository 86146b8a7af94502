"""Named points at which a test can let the house break. Inert unless the test extra is installed.

A test sets `APHERELOG_FAULT="name:action[:n]"`: at the n-th passage (the first by default) of that point the
action happens: `kill`, `raise:ENOSPC` (any errno name), `sleep:SECONDS`.
"""

from __future__ import annotations

import os
import signal
import time
from functools import cache
from importlib.util import find_spec

_passages: dict[str, int] = {}


@cache
def _plan() -> tuple[str, str, str, int] | None:
    text = os.environ.get("APHERELOG_FAULT")
    if not text or find_spec("hypothesis") is None:
        return None
    name, action, *rest = text.split(":")
    argument = rest[0] if rest and action != "kill" else ""
    count = rest[-1] if len(rest) > (0 if action == "kill" else 1) else "1"
    return name, action, argument, int(count)


def point(name: str) -> None:
    """Mark a step of the intake; does nothing outside tests."""
    plan = _plan()
    if plan is None or plan[0] != name:
        return
    _passages[name] = _passages.get(name, 0) + 1
    if _passages[name] == plan[3]:
        _act(plan[1], plan[2])


def _act(action: str, argument: str) -> None:
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "sleep":
        time.sleep(float(argument))
    elif action == "raise":
        import errno

        code = getattr(errno, argument)
        raise OSError(code, os.strerror(code))
