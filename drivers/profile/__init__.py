"""The profile engine: a format described in one TOML file becomes a full driver, without Python."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from drivers.profile.loading import NotUsable, load_all
from drivers.profile.problems import ProfileInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestor.driver import Driver

__all__ = ["NotUsable", "ProfileInvalid", "shipped"]


def shipped(folder: Path | None = None) -> Iterator[Driver]:
    """Yield a driver for each profile that ships, and for each in a site's own folder.

    A profile of the site that cannot be used is yielded too: it claims nothing and says why.

    Args:
        folder: the site's own profiles, `*.toml`, and its alarm codes for ours, `codes/NAME.toml`; None if there
            are none.
    """
    ours = Path(str(files("drivers"))) / "profiles"
    yield from load_all(ours, folder)
