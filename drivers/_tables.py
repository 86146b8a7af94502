"""Tables that come with a driver; code tables a site may change, line by line, in a file of its own.

The site's file has the driver's name and stands in the folder `codes` beside the site's profiles.
"""

from __future__ import annotations

import hashlib
import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ingestor.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


def shipped(package: str) -> dict[str, Any]:
    """Return the tables in `codes.toml` of a driver's package."""
    return tomllib.loads((files(package) / "codes.toml").read_text("utf-8"))


@cache
def about(package: str) -> dict[str, dict[str, str]]:
    """Return what a driver says of itself, by language, from `about.toml` of its package."""
    return tomllib.loads((files(package) / "about.toml").read_text("utf-8"))


def with_site(tables: dict[str, Any], driver: str, folder: Path | None) -> tuple[dict[str, Any], str]:
    """Return the tables with the site's lines over them, and a hash of what the site declares.

    The hash is empty where it declares nothing; a driver's version carries it, because another table gives
    another reading.

    Raises:
        SettingsError: the site's file cannot be read, or names a table that there is not.
    """
    path = None if folder is None else folder / "codes" / f"{driver}.toml"
    if path is None or not path.is_file():
        return tables, ""
    data = path.read_bytes()
    try:
        own = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError("settings", problems=f"{path.name}: {error}") from None
    strange = sorted(name for name, rows in own.items() if name not in tables or not isinstance(rows, dict))
    if strange:
        problems = f"{path.name}: no table {', '.join(strange)}; known are {', '.join(tables)}"
        raise SettingsError("settings", problems=problems)
    return {name: {**rows, **own.get(name, {})} for name, rows in tables.items()}, hashlib.sha256(
        data
    ).hexdigest()[:12]
