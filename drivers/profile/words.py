"""Proof of a code page: the words of a layout, where they stand in a file, have to decode as declared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drivers.profile.spec import Profile


@dataclass(slots=True)
class Words:
    """Which words outside ASCII were met where a declared word belongs.

    Attributes:
        known: lines with words that are declared.
        strange: line -> word that is not.
    """

    known: set[int] = field(default_factory=set)
    strange: dict[int, str] = field(default_factory=dict)

    def meet(self, word: str, line: int, *, declared: bool) -> None:
        """Note a word that stands where a declared word belongs."""
        if word.isascii():
            return
        if declared:
            self.known.add(line)
        else:
            self.strange.setdefault(line, word)

    def right_in(self, profile: Profile, codec: str, others: tuple[str, ...]) -> set[str]:
        """Return the other codes in which the bytes of some strange word spell a declared one."""
        declared, out = declared_words(profile), set()
        for word in self.strange.values():
            for other in others:
                try:
                    respelled = word.encode(codec).decode(other)
                except UnicodeError:
                    continue
                if respelled in declared:
                    out.add(other)
        return out


def declared_words(profile: Profile) -> set[str]:
    """Return every word that a profile declares to stand in a file."""
    fields = [one for layout in profile.layouts for block in layout.blocks for one in block.fields.values()]
    sections = {word for layout in profile.layouts for block in layout.blocks for word in block.section}
    return sections | {word for one in fields for word in (*one.words, *one.values)}
