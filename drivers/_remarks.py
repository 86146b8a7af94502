"""Findings of one reading, gathered: the same remark on many lines is one finding with a count."""

from __future__ import annotations

from collections import Counter

from ingestor.driver import Finding, Severity

_MOST = 200


class Remarks:
    """Collects remarks of one member; the first line of each kind is kept."""

    def __init__(self, member: str) -> None:
        self.member = member
        self._found: dict[tuple[str, str, tuple[tuple[str, str], ...]], list[int]] = {}
        self._severity: dict[str, Severity] = {}
        self._more: Counter[str] = Counter()

    def add(
        self,
        code: str,
        line: int = 0,
        severity: Severity = Severity.WARNING,
        /,
        *,
        member: str = "",
        **params: str,
    ) -> None:
        """Remark something; remarks with the same code and parameters are counted together."""
        key = (code, member or self.member, tuple(sorted(params.items())))
        self._severity[code] = severity
        if key in self._found:
            self._found[key][1] += 1
        elif len(self._found) < _MOST:
            self._found[key] = [line, 1]
        else:
            self._more[code] += 1

    def findings(self) -> tuple[Finding, ...]:
        """Return one finding for each kind of remark, in the order of first lines, and how many more there are."""
        found = tuple(
            Finding(code, self._severity[code], member, line, {**dict(params), "rows": str(count)})
            for (code, member, params), (line, count) in sorted(
                self._found.items(), key=lambda item: (item[1][0], item[0])
            )
        )
        return found + tuple(
            Finding("more_alike", Severity.INFO, self.member, 0, {"code": code, "count": str(count)})
            for code, count in self._more.items()
        )
