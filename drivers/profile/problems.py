"""What is wrong with a profile, said so that its author finds the place."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ingestor.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Iterable


class ProfileInvalid(Invalid):
    """A profile cannot be used. `problems` are sentences, each with its file, line and key."""

    code = "profile_invalid"

    def __init__(self, file: str, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(file=file, problems="; ".join(self.problems))

    def __str__(self) -> str:
        """Return all problems, one a line."""
        return "\n".join(self.problems)


@dataclass(slots=True)
class Problems:
    """Collects problems; `text` is the profile's source, to find line numbers in."""

    file: str
    text: str = ""
    found: list[str] = field(default_factory=list)

    def add(self, where: str, sentence: str) -> None:
        """Note one problem of the key `where`, such as `block.samples.time`."""
        line = line_of(self.text, where)
        place = f"{self.file} line {line}" if line else self.file
        self.found.append(f"{place}, {where}: {sentence}" if where else f"{place}: {sentence}")

    def settle(self) -> None:
        """Raise ProfileInvalid if there is any."""
        if self.found:
            raise ProfileInvalid(self.file, self.found)


def line_of(text: str, where: str) -> int:
    """Return the line of a profile in which a key stands, or its table, or 0."""
    table, best = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.split("#")[0].strip()
        if bare.startswith("["):
            table = bare.strip("[] ").replace('"', "").replace("'", "")
            if where == table or where.startswith(f"{table}."):
                best = number
        elif "=" in bare:
            key = bare.split("=")[0].strip().strip("\"'")
            full = f"{table}.{key}" if table else key
            if where == full or where.startswith(f"{full}."):
                return number
    return best


def near(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?`, or the list of what is known where that is short."""
    known = sorted(known)
    close = difflib.get_close_matches(word, known, 1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known are {', '.join(known)}" if len(known) <= 60 else ""  # noqa: PLR2004 - readable


class Keys:
    """One table of a profile, key by key: what nobody asked for is a problem at the end."""

    def __init__(self, data: dict[str, Any], where: str, problems: Problems) -> None:
        self.data, self.where, self.problems = data, where, problems
        self._taken: set[str] = set()

    def path(self, key: str) -> str:
        """Return the full name of a key."""
        return f"{self.where}.{key}" if self.where else key

    def complain(self, key: str, sentence: str) -> None:
        """Note a problem of one key."""
        self.problems.add(self.path(key) if key else self.where, sentence)

    def raw(self, key: str) -> Any:  # noqa: ANN401 - whatever stands in the TOML
        """Return a value unchecked, None where the key is missing."""
        self._taken.add(key)
        return self.data.get(key)

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text; without a default it has to be there."""
        value = self.raw(key)
        if value is None and default is not None:
            return default
        if isinstance(value, str) and value:
            return value
        self.complain(key, "a text is needed here" if value is None else f"expected a text, got {value!r}")
        return default or ""

    def words(self, key: str) -> tuple[str, ...]:
        """Return one text or a list of texts; empty where the key is missing."""
        value = self.raw(key)
        if value is None:
            return ()
        several = value if isinstance(value, list) else [value]
        if all(isinstance(word, str) for word in several) and several:
            return tuple(several)
        self.complain(key, f"expected a text or a list of texts, got {value!r}")
        return ()

    def choice(self, key: str, options: Iterable[str], default: str | None = None) -> str:
        """Return one of the known words; the first of them where another stands, after a complaint."""
        value, known = self.text(key, default), tuple(options)
        if value and value not in known:
            self.complain(key, f"{value!r} is not known here{near(value, known)}")
            return known[0]
        return value

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return true or false."""
        value = self.raw(key)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self.complain(key, f"expected true or false, got {value!r}")
        return default

    def count(self, key: str, default: int = 0) -> int:
        """Return a whole number, zero or more."""
        value = self.raw(key)
        if value is None:
            return default
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        self.complain(key, f"expected a whole number, got {value!r}")
        return default

    def below(self, key: str) -> Keys | None:
        """Return a table inside this one, None where it is missing."""
        value = self.raw(key)
        if value is None:
            return None
        if isinstance(value, dict):
            return Keys(value, self.path(key), self.problems)
        self.complain(key, f"expected a table, got {value!r}")
        return None

    def rest(self) -> dict[str, Any]:
        """Return what nobody asked for, and take it."""
        left = {key: value for key, value in self.data.items() if key not in self._taken}
        self._taken |= left.keys()
        return left

    def done(self) -> None:
        """Note every key that nobody asked for."""
        known = sorted(self._taken)
        for key in self.data:
            if key not in self._taken:
                self.complain(key, f"unknown key{near(key, known)}")
