"""From files to drivers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drivers.profile.about import about
from drivers.profile.compiling import compile_layout
from drivers.profile.driver import ENGINE, ProfileDriver
from drivers.profile.inherit import digest, merged, overlays, parse_toml, with_parents
from drivers.profile.problems import Problems, ProfileInvalid
from drivers.profile.spec import Profile
from ingestor.driver import Claim, Evidence, ParseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ingestor.driver import Bundle, BundleKey, DeviceLog, Driver, Role

MOST_BYTES = 1_000_000


class NotUsable:
    """Stands in for a profile that cannot be used: it claims nothing and says what is wrong."""

    version = "0"
    evidence = Evidence.DECLARED
    roles: tuple[Role, ...] = ()

    def __init__(self, name: str, invalid: ProfileInvalid) -> None:
        self.name, self.invalid = name, invalid

    def bundle_key(self, member_name: str) -> BundleKey | None:  # noqa: ARG002 - the wall's signature
        """Return None."""
        return None

    def claim(self, bundle: Bundle) -> Claim:  # noqa: ARG002 - the wall's signature
        """Say why the profile cannot be used."""
        return Claim(claims=False, reason=f"this profile cannot be used: {'; '.join(self.invalid.problems)}")

    def parse(self, bundle: Bundle) -> Iterator[DeviceLog]:
        """Refuse.

        Raises:
            ParseError: always.
        """
        raise ParseError(bundle.members[0].name, 0, "a usable profile", str(self.invalid), "profile_invalid")


def compile_profile(data: dict[str, Any], known: Mapping[str, dict[str, Any]], problems: Problems) -> Profile:
    """Return the checked profile.

    Args:
        data: its own keys.
        known: keys of all profiles it may extend, by name.
        problems: holds file name and text for messages.

    Raises:
        ProfileInvalid: with every problem found.
    """
    whole = with_parents(data, known, problems)
    problems.settle()
    pairs = overlays(whole, problems)
    layouts = tuple(compile_layout(keys, problems, variant, version) for variant, version, keys in pairs)
    problems.settle()
    return Profile(layouts[0].name, about(data, layouts), digest(whole, ENGINE), layouts)


def load(path: Path, known: Mapping[str, dict[str, Any]], codes: Path | None = None) -> ProfileDriver:
    """Return the driver that one file describes.

    Args:
        path: the profile.
        known: keys of all profiles it may extend, by name.
        codes: a site's own alarm table, laid over the profile's; None if there is none.

    Raises:
        ProfileInvalid: with every problem, each with file, line and key.
    """
    data, problems = parse_toml(_text(path), path.name)
    if codes is not None:
        data = merged(with_parents(data, known, problems), _alarms(codes))
        data.pop("extends", None)
    return ProfileDriver(compile_profile(data, known, problems))


def _alarms(path: Path) -> dict[str, Any]:
    """Return a site's table of alarm codes.

    Raises:
        ProfileInvalid: it is no TOML, or says anything else.
    """
    data, problems = parse_toml(_text(path), f"codes/{path.name}")
    for key in data.keys() - {"alarms"}:
        problems.add(key, "only [alarms] is laid over a profile that ships")
    if not isinstance(data.get("alarms"), dict):
        problems.add("alarms", "expected a table [alarms]")
    problems.settle()
    return data


def _text(path: Path) -> str:
    if path.stat().st_size > MOST_BYTES:
        raise ProfileInvalid(path.name, [f"{path.name}: larger than {MOST_BYTES} bytes"])
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ProfileInvalid(path.name, [f"{path.name}: not UTF-8 at byte {error.start}"]) from error


def load_all(ours: Path, site: Path | None = None) -> Iterator[Driver]:
    """Yield a driver for each profile that ships and for each of a site, in order of name; a name stands once.

    Args:
        ours: folder of the profiles that ship.
        site: folder of a site's own; alarm tables for ours in its folder `codes`.
    """
    known: dict[str, dict[str, Any]] = {}
    read: list[tuple[Path, dict[str, Any], Path | None]] = []
    for folder in (ours, *([site] if site is not None else [])):
        for path in sorted(folder.glob("*.toml")):
            try:
                data, _ = parse_toml(_text(path), path.name)
                name = _name(data, path, known)
            except ProfileInvalid as invalid:
                yield NotUsable(path.stem, invalid)
                continue
            known[name] = data
            codes = site / "codes" / f"{name}.toml" if site is not None and folder == ours else None
            read.append((path, data, codes if codes is not None and codes.is_file() else None))
    for path, data, codes in read:
        if data.get("template") is True:
            continue
        try:
            yield load(path, known, codes)
        except ProfileInvalid as invalid:
            yield NotUsable(str(data.get("name", path.stem)), invalid)


def _name(data: dict[str, Any], path: Path, known: Mapping[str, Any]) -> str:
    name = str(data.get("name", path.stem))
    if name in known:
        told = f"{path.name}: the name {name!r} is taken; choose another one and say `extends = {name!r}`"
        raise ProfileInvalid(path.name, [told])
    return name
