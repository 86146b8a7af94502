"""What a profile takes from another, and what a version changes: tables are merged key by key."""

from __future__ import annotations

import copy
import hashlib
import json
import tomllib
from typing import TYPE_CHECKING, Any

from drivers.profile.problems import Problems, near

if TYPE_CHECKING:
    from collections.abc import Mapping

Keys = dict[str, Any]


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> Keys:
    """Return `base` with the keys of `over` laid on it; tables are merged, everything else is replaced."""
    out = copy.deepcopy(dict(base))
    for key, value in over.items():
        before = out.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            out[key] = merged(before, value)
        else:
            out[key] = copy.deepcopy(value)
    return out


def with_parents(data: Keys, known: Mapping[str, Keys], problems: Problems) -> Keys:
    """Return a profile's keys on top of those it extends."""
    return _with_parents(data, known, problems, (str(data.get("name", "")),))


def _with_parents(data: Keys, known: Mapping[str, Keys], problems: Problems, seen: tuple[str, ...]) -> Keys:
    parent = data.get("extends")
    if parent is None:
        return copy.deepcopy(data)
    if not isinstance(parent, str) or parent not in known or parent in seen:
        problems.add("extends", f"there is no profile {parent!r} to extend{near(str(parent), known)}")
        return copy.deepcopy(data)
    base = _with_parents(known[parent], known, problems, (*seen, parent))
    for own in ("name", "title", "template", "source", "extends"):
        base.pop(own, None)
    return merged(base, data)


def overlays(data: Keys, problems: Problems) -> list[tuple[str, str, Keys]]:
    """Return (variant, version pattern, keys) for each version and variant; one pair if there are none."""
    bare = {key: value for key, value in data.items() if key not in {"version", "variant"}}
    out = []
    for kind in ("version", "variant"):
        tables = data.get(kind) or {}
        if not isinstance(tables, dict):
            problems.add(kind, f"expected a table for each {kind}")
            continue
        for name, over in tables.items():
            if not isinstance(over, dict):
                problems.add(f"{kind}.{name}", "expected a table; an empty one changes nothing")
                continue
            out.append((str(name), str(name) if kind == "version" else "", merged(bare, over)))
    if data.get("version") and data.get("variant"):
        problems.add("variant", "a profile has versions or variants, not both")
    return out or [("", "", bare)]


def digest(data: Keys, engine: str) -> str:
    """Return a short sum of everything that decides how bytes are read."""
    keys = {key: value for key, value in data.items() if key not in {"title", "source"}}
    text = json.dumps([engine, keys], sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def parse_toml(text: str, file: str) -> tuple[Keys, Problems]:
    """Return the keys of a profile.

    Raises:
        ProfileInvalid: the text is no TOML; the problem names the line.
    """
    problems = Problems(file, text)
    try:
        return tomllib.loads(text), problems
    except tomllib.TOMLDecodeError as error:
        problems.add("", f"this is not TOML: {error}")
    problems.settle()
    raise AssertionError
