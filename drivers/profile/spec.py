"""A layout as a profile describes it, checked and frozen."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from drivers._text import Grammar

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping

    from ingestor.model import Evidence, Priority, Role


@dataclass(frozen=True, slots=True)
class Field:
    """What one name of a block is in the file.

    Attributes:
        name: a name of `vocabulary`.
        words: the headings, keys or element paths under which it stands; empty if by position.
        units: the unit belonging to each word; one if by position; `cell` where it is printed behind each
            number; a path that begins with @ where an element carries it.
        values: printed word -> canonical word.
        optional: False: a block without it is not this layout.
        grammar: how its numbers are printed.
        interval: the number counts since the row before, not since the start.
        wraps_at: the counter goes on at zero when it reaches this number.
        source: name of the field whose printed word tells this one too.
    """

    name: str
    words: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    optional: bool = False
    grammar: Grammar = field(default_factory=Grammar)
    interval: bool = False
    wraps_at: int = 0
    source: str = ""

    def unit_of(self, word: str) -> str:
        """Return the unit that goes with one of the words."""
        if not self.units:
            return ""
        return self.units[self.words.index(word)] if word in self.words else self.units[0]


@dataclass(frozen=True, eq=False)
class Block:
    """A part of a file with rows of one kind.

    Attributes:
        name: as the profile calls it.
        rows: what its rows are, a key of `vocabulary.ROWS`.
        fields: by name.
        order: names by position; empty where a column row says them. `-` is a field that is not read.
        member: part of the bundle in which it stands.
        section: headings that open it.
        tag: content of the type field of its lines.
        prefix: what its lines begin with.
        separator: sign between key and value where it is not the file's delimiter.
        pairs: its lines are keys with values.
        path: element path of its rows.
        key, value: where an element of pairs carries its name and its value.
        widths: widths of its fields where they have no delimiter.
        ignore: headings, keys or elements that are known and deliberately not read.
        of_segment: its sums cover only what came after the last restart.
        until_next: a phase lasts until the next one of the same column.
        units_row: the line behind the column row names the units.
        new_column: word of the state after which a new column is in use and counters begin again.
    """

    name: str
    rows: str
    fields: Mapping[str, Field]
    order: tuple[str, ...] = ()
    member: str = ""
    section: tuple[str, ...] = ()
    tag: str = ""
    prefix: str = ""
    separator: str = ""
    pairs: bool = False
    path: str = ""
    key: str = ""
    value: str = ""
    widths: tuple[int, ...] = ()
    ignore: tuple[str, ...] = ()
    of_segment: bool = False
    until_next: bool = False
    new_column: str = ""
    units_row: bool = False

    def by_word(self) -> dict[str, Field]:
        """Return the fields by the words under which they stand."""
        return self._by_word

    @cached_property
    def _by_word(self) -> dict[str, Field]:
        return {word: one for one in self.fields.values() for word in one.words}


@dataclass(frozen=True, slots=True)
class Begin:
    """How a treatment begins: by a line, a tagged line, an element, or (nothing given) with the file."""

    lines: tuple[re.Pattern[str], ...] = ()
    literal: tuple[str, ...] = ()
    tag: str = ""
    path: str = ""
    namespace: re.Pattern[str] | None = None
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """What proves that a treatment is whole.

    Attributes:
        lines: patterns of the end line; groups are counts and checks.
        literal: what such lines begin with.
        tag, order: the tagged line and its fields.
        state: the last word of the samples' state.
        field: the header field that is only printed at the end.
        file: nothing does; a file that can be read is taken as whole.
    """

    lines: tuple[re.Pattern[str], ...] = ()
    literal: tuple[str, ...] = ()
    tag: str = ""
    order: tuple[str, ...] = ()
    state: str = ""
    field: str = ""
    document: bool = False
    file: bool = False


@dataclass(frozen=True, slots=True)
class Frames:
    """Framing of a serial line: start byte, end byte, a check in hex digits over payload and end byte."""

    start: int
    end: int
    check: str = ""
    sequence: int = 0
    modulo: int = 0


@dataclass(frozen=True, slots=True)
class SerialLine:
    """How a port has to be set: bits per second, and data bits, parity and stop bits such as 8N1."""

    speed: int
    bits: str


@dataclass(frozen=True, slots=True)
class AlarmKind:
    """What an alarm code means."""

    kind: str
    priority: Priority | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """One version or variant of a layout: everything that is needed to read it."""

    name: str
    variant: str
    version: re.Pattern[str] | None
    evidence: Evidence
    role: Role
    maker: str
    regenerable: bool | None
    cycle_definition: str
    form: str
    encodings: tuple[str, ...]
    other_encodings: tuple[str, ...]
    workbook: bool
    delimiter: str
    decimal: str
    quote: str
    empty: tuple[str, ...]
    stamps: tuple[str, ...]
    heading: re.Pattern[str] | None
    tag_field: int
    tags_ignored: tuple[str, ...]
    lines_ignored: tuple[str, ...]
    unknown_columns: bool
    begin: Begin
    end: End
    blocks: tuple[Block, ...]
    kinds: Mapping[str, AlarmKind]
    kinds_of_model: Mapping[str, Mapping[str, AlarmKind]]
    bundle: Mapping[str, str]
    frames: Frames | None
    line: SerialLine | None

    def of(self, rows: str) -> list[Block]:
        """Return the blocks whose rows are of one kind."""
        return [block for block in self.blocks if block.rows == rows]


@dataclass(frozen=True, slots=True)
class Profile:
    """A described format: a name, what it says of itself, a digest, its versions and variants."""

    name: str
    about: Mapping[str, Mapping[str, str]]
    digest: str
    layouts: tuple[Layout, ...]
