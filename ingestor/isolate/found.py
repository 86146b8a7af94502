"""Drivers, found by the entry point group `ingestor.drivers`: ours and a hospital's own by the same door."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, cast

from ingestor.model import Evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from pathlib import Path

    from ingestor.driver import Driver

GROUP = "ingestor.drivers"
_VERBS = ("bundle_key", "claim", "parse")


@dataclass(frozen=True, slots=True)
class Broken:
    """A driver or an entry point that could not be used; `problem` holds no content of any file."""

    name: str
    problem: str


def find_drivers(
    profiles: Path | None, skip: Collection[str] = (), at: Callable[[str], None] = lambda _: None
) -> tuple[tuple[Driver, ...], tuple[Broken, ...]]:
    """Return all drivers by name, and what is wrong with the others.

    An entry point names a driver, a class without arguments that makes one, or a function that takes the folder
    of the site's profiles (or None) and yields drivers.

    Args:
        profiles: the site's own profiles.
        skip: entry points that are known to bring the process down.
        at: told the name of each entry point before it is loaded.
    """
    found: dict[str, Driver] = {}
    broken = [Broken(name, "crashed while loading") for name in sorted(skip)]
    for entry in sorted(entry_points(group=GROUP), key=lambda e: (e.name, e.value)):
        if entry.name in skip:
            continue
        at(entry.name)
        try:
            for driver in _drivers_of(entry.load(), profiles):
                if driver.name in found:
                    broken.append(Broken(driver.name, "another driver has this name"))
                else:
                    found[driver.name] = driver
        except Exception as error:  # noqa: BLE001 - foreign code: one bad driver must not stop the others
            broken.append(Broken(entry.name, where(error)))
    return tuple(found[name] for name in sorted(found)), tuple(broken)


def _drivers_of(thing: Any, profiles: Path | None) -> Iterable[Driver]:  # noqa: ANN401 - anything can stand there
    if isinstance(thing, type):
        thing = thing()
    made = [thing] if hasattr(thing, "claim") else thing(profiles)
    for driver in made:
        _check(driver)
        yield cast("Driver", driver)


def _check(driver: Any) -> None:  # noqa: ANN401 - see above
    missing = [verb for verb in _VERBS if not callable(getattr(driver, verb, None))]
    named = all(isinstance(getattr(driver, word, None), str) for word in ("name", "version"))
    if missing or not named or not isinstance(getattr(driver, "evidence", None), Evidence):
        msg = f"no driver: missing {', '.join(missing) or 'name, version or evidence'}"
        raise TypeError(msg)


def about(driver: Driver) -> dict[str, dict[str, str]]:
    """Return what a driver says of itself, by language; its docstring where it has no `about`."""
    told = getattr(driver, "about", None)
    if not isinstance(told, dict):
        text = inspect.getdoc(type(driver)) or ""
        return {"en": {"title": text.split("\n")[0], "reads": " ".join(text.split())}} if text else {}
    return {
        str(tongue): {str(part): str(text) for part, text in texts.items()}
        for tongue, texts in told.items()
        if isinstance(texts, dict)
    }


def where(error: BaseException) -> str:
    """Return an error's kind and place without its text, which may quote a file."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    if frame is None:
        return type(error).__name__
    name = frame.tb_frame.f_globals.get("__name__", "?")
    return f"{type(error).__name__} in {name} line {frame.tb_lineno}"
