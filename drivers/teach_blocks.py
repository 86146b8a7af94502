"""The blocks of a draft: header, tables, sums, tagged records, alarm codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers import teach_words as words
from drivers.teach_kinds import fits, is_totals, kind_of
from drivers.teach_privacy import may_name_somebody, shape_of
from drivers.teach_remarks import quoted
from drivers.teach_structure import clock_of, format_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from drivers.teach_remarks import Remarks
    from drivers.teach_structure import Look, Pairs, Table
    from drivers.teach_words import Words

# Fields of which no value is ever shown.
_PERSONAL = frozenset({"patient", "run_id", "serial", "text", "remark"})


class Blocks:
    """Writes the blocks of a draft, line by line."""

    def __init__(self, seen: Look, marks: Remarks) -> None:
        self.seen, self.marks = seen, marks
        self.alarm_codes: dict[str, str] = {}

    def header(self) -> Iterator[str]:
        """Yield the header; without a serial number no machine can be told."""
        groups = [p for p in self.seen.pairs if not is_totals(p)]
        found: list[str] = []
        for number, pairs in enumerate(groups):
            name = "header" if number == 0 else f"header_{number + 1}"
            lines = list(self._pairs(pairs, (*words.HEADER, *words.SUMS), found))
            yield f"[block.{name}]"
            if number:
                yield 'rows = "header"'
            yield from (*_place(pairs, self.seen.delimiter), *lines, "")
        if groups and "serial" not in found:
            yield f'# serial = "?"{self.marks.guess(self.marks.say("serial"))}'
            yield ""

    def totals(self) -> Iterator[str]:
        """Yield the machine's own sums."""
        found: list[str] = []
        for pairs in filter(is_totals, self.seen.pairs):
            yield "[block.totals]"
            yield from (*_place(pairs, self.seen.delimiter), *self._pairs(pairs, words.SUMS, found), "")

    def _pairs(self, pairs: Pairs, known: Words, found: list[str]) -> Iterator[str]:
        for key, value, _ in pairs.entries:
            name = words.guess(key, known)
            if name == "started" and format_of([value]) in {"dd.mm.yyyy", "yyyy-mm-dd", "yyyymmdd"}:
                name = "date"
            if name is None or name in found:
                why = self.marks.say("again") if name else self.marks.say("unread")
                self.marks.unread.append(key)
                yield f"# {quoted(key)}: {why}"
                continue
            found.append(name)
            yield self._field(name, key, [])

    def tables(self) -> Iterator[str]:
        """Yield a block for every table that somebody can guess, a remark for the others."""
        taken: set[str] = set()
        for table in self.seen.tables:
            if table.tag:
                yield from self._tagged(table, taken)
                continue
            kind = kind_of(table)
            if kind is None or kind in taken:
                self.marks.unread.append(" ".join(table.headings)[:60] or f"line {table.line}")
                yield f"# {table.section or table.line}: {' '.join(table.headings)[:90]}: {self.marks.say('unread')}"
                continue
            taken.add(kind)
            yield f"[block.{kind}]"
            if table.section:
                yield f"section = {quoted(table.section)}"
            yield from (*self._columns(table, kind), "")

    def _columns(self, table: Table, kind: str) -> Iterator[str]:
        found: list[str] = []
        nested: list[str] = []
        known = words.TABLES.get(kind, (*words.HEADER, *words.SUMS))
        for index, heading in enumerate(table.headings):
            cells = table.column(index)
            name = words.guess(heading, known) if heading else None
            if name is None or name in found or not fits(name, cells):
                self.marks.unread.append(heading)
                yield f"# {quoted(heading)}: {self.marks.say('unread')}; {self.marks.like(cells)}"
                continue
            found.append(name)
            values = self._values(kind, name, heading, cells)
            if values:
                nested += values
            else:
                yield self._field(name, heading, cells)
        if kind == "alarms":
            self._learn_codes(table, found)
        yield from nested

    def _field(self, name: str, word: str, cells: Sequence[str]) -> str:
        like = "" if name in _PERSONAL else self.marks.like(cells)
        if not words.needs_unit(name):
            return f"{name} = {quoted(word)}{self.marks.guess(like)}"
        unit, is_printed = words.guess_unit(word, name)
        why = "; ".join(filter(None, ("" if is_printed else self.marks.say("unit"), like)))
        return f"{name} = {{ word = {quoted(word)}, unit = {quoted(unit)} }}{self.marks.guess(why)}"

    def _values(self, kind: str, name: str, heading: str, cells: Sequence[str]) -> list[str]:
        field = {("samples", "state"): "phase", ("alarms", "state"): "alarm_state"}.get((kind, name), name)
        if not words.has_values(field):
            return []
        lines = [
            f"[block.{kind}.{name}]",
            f"word = {quoted(heading)}{self.marks.guess()}",
            f"[block.{kind}.{name}.values]",
        ]
        groups: dict[str, list[str]] = {}
        for cell in dict.fromkeys(cells):
            meant = words.guess_value(field, cell) or (
                "none" if (kind, name) == ("samples", "state") else None
            )
            if meant is None:
                self.marks.unread.append(cell)
                lines.append(f"# ? = {quoted(cell)}")
            else:
                groups.setdefault(meant, []).append(cell)
        return lines + [
            f"{meant} = [{', '.join(map(quoted, several))}]{self.marks.guess()}"
            for meant, several in groups.items()
        ]

    def _tagged(self, table: Table, taken: set[str]) -> Iterator[str]:
        largest = max(self.seen.tables, key=lambda one: len(one.rows))
        width = max(len(row) for row in table.rows) - 1
        fields = ["-"] * width
        time = next((i for i in range(width) if clock_of(table.column(i + 1))), None)
        off = "" if table is largest and time is not None and not taken else "# "
        if not off:
            taken.add("samples")
            fields[time or 0] = "time"
        name = "samples" if not off else table.tag.lower()
        yield f"{off}[block.{name}]{self.marks.guess(self.marks.say('tagged'))}"
        yield f"{off}tag = {quoted(table.tag)}"
        yield f"{off}fields = [{', '.join(map(quoted, fields))}]"
        shown = (shape_of(cell) if may_name_somebody(cell) else cell for cell in table.rows[0])
        yield f"# {self.marks.say('like')} {quoted(self.seen.delimiter.join(shown))}"
        yield ""

    def _learn_codes(self, table: Table, found: Sequence[str]) -> None:
        if "code" not in found:
            return
        places = {words.guess(h, words.ALARMS): i for i, h in reversed(list(enumerate(table.headings)))}
        for row in table.rows:
            text = row[places["text"]] if "text" in places and places["text"] < len(row) else ""
            self.alarm_codes.setdefault(row[places["code"]], text)

    def alarm_kinds(self) -> Iterator[str]:
        """Yield the alarm codes that occur, for a person to name their kinds."""
        if self.alarm_codes:
            yield f"# [alarms]{self.marks.guess(self.marks.say('alarm'))}"
            for code, text in sorted(self.alarm_codes.items())[:200]:
                yield f'# {quoted(code)} = "other"  # {text[:60]}'


def _place(pairs: Pairs, delimiter: str) -> Iterator[str]:
    if pairs.section:
        yield f"section = {quoted(pairs.section)}"
    if pairs.prefix:
        yield f"prefix = {quoted(pairs.prefix)}"
    if pairs.separator != delimiter:
        yield f"separator = {quoted(pairs.separator)}"
