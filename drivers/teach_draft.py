"""A draft profile from what is seen of a sample: it loads, and every guess in it waits for a person."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from drivers.teach_blocks import Blocks
from drivers.teach_kinds import is_state
from drivers.teach_remarks import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drivers.teach_remarks import Remarks
    from drivers.teach_structure import Look

_LAST_STATES = re.compile(r"end|ende|finish.*|fertig|beendet|stop", re.IGNORECASE)


class Draft:
    """Writes a draft of a text layout."""

    def __init__(self, seen: Look, name: str, file: str, marks: Remarks) -> None:
        self.seen, self.name, self.file, self.marks = seen, name, file, marks
        self.blocks = Blocks(seen, marks)

    def text(self) -> str:
        """Return the whole profile."""
        parts = (self.blocks.header(), self.blocks.tables(), self.blocks.totals(), self.blocks.alarm_kinds())
        lines = [line for part in parts for line in part]
        middle = (*self._file(), "", *self._begin(), *self._end(), "")
        return "\n".join([*head(self.name, self.file, self.marks), "", *middle, *lines]) + "\n"

    def _file(self) -> Iterator[str]:
        seen = self.seen
        yield "[file]"
        yield f"encoding  = {quoted(seen.encoding)}" + (
            "" if seen.sure else self.marks.guess(self.marks.say("code"))
        )
        yield f"delimiter = {quoted(seen.delimiter)}"
        yield f"decimal   = {quoted(seen.decimal)}{self.marks.guess(self.marks.say('decimal'))}"
        if seen.empty:
            yield f"empty     = [{', '.join(map(quoted, sorted(seen.empty)))}]"
        slashes = any("/" in one for one in seen.stamps)
        stamps = ", ".join(map(quoted, seen.stamps or ["HH:MM:SS"]))
        yield f"stamps    = [{stamps}]" + self.marks.guess(self.marks.say("order") if slashes else "")
        if any(table.section for table in seen.tables) or any(pairs.section for pairs in seen.pairs):
            yield 'heading   = "[*]"'
        yield 'unknown_columns = "keep"'

    def _begin(self) -> Iterator[str]:
        if self.seen.tagged and not self.seen.first:
            yield from ("[begin]", f"tag = {quoted(self.seen.tables[0].tag)}{self.marks.guess()}", "")
        elif self.seen.first:
            version = re.search(r"\d+(?:\.\d+)+$", self.seen.first)
            line = self.seen.first[: version.start()] + "{version}" if version else self.seen.first
            yield from ("[begin]", f"line = {quoted(line)}{self.marks.guess()}", "")
            if version:
                yield from (f"[version.{quoted(version[0])}]", "")

    def _end(self) -> Iterator[str]:
        yield "[end]"
        seen = self.seen
        if seen.last_at > max((t.line + len(t.rows) for t in seen.tables), default=0):
            yield f"line = {quoted(self._end_line())}{self.marks.guess()}"
            return
        states = [
            t.column(i)[-1]
            for t in seen.tables
            for i, h in enumerate(t.headings)
            if is_state(h) and t.column(i)
        ]
        if states and _LAST_STATES.fullmatch(states[0]):
            yield f"state = {quoted(states[0])}{self.marks.guess()}"
        else:
            yield f"file = true{self.marks.guess(self.marks.say('whole'))}"

    def _end_line(self) -> str:
        match = re.fullmatch(r"(.*?)(\d+)", self.seen.last)
        if match is None:
            return self.seen.last
        rows = sum(len(table.rows) for table in self.seen.tables)
        counts = {"lines": self.seen.last_at - max(self.seen.first_at, 1), "rows": rows}
        found = next((name for name, count in counts.items() if count == int(match[2])), "any")
        return f"{match[1]}{{{found}}}"


def head(name: str, file: str, marks: Remarks) -> list[str]:
    """Return how every draft begins: inert until a person has confirmed it."""
    return [
        f"# {marks.say('head', file=file)}", "", f"name     = {quoted(name)}", f"title    = {quoted(name)}",
        f"source   = {quoted(file)}", 'evidence = "declared"',
        f"template = true  # {marks.say('remove')}", f'role     = "adsorber"{marks.guess(marks.say("role"))}',
        f'columns  = "unknown"{marks.guess(marks.say("columns"))}',
        f'cycles   = "load"{marks.guess(marks.say("cycles"))}',
    ]  # fmt: skip
