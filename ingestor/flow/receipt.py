"""The receipt: what became of one submission. Its sums always add up."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ingestor.model import Status
from ingestor.phrases import LANGUAGES, both, phrase

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ingestor.model import DriverStamp, Finding
    from ingestor.store.sources import StoredMember

_STRENGTH = (
    Status.REFUSED, Status.DUPLICATE, Status.WAITING, Status.STORED, Status.SUPERSEDED, Status.HELD,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rows:
    """Data records of a source; `read` is always the sum of the others."""

    stored: int = 0
    held: int = 0
    duplicate: int = 0
    ignored: int = 0

    @property
    def read(self) -> int:
        """Return how many records were read."""
        return self.stored + self.held + self.duplicate + self.ignored

    def __add__(self, other: Rows) -> Rows:
        """Add two counts."""
        return Rows(
            self.stored + other.stored, self.held + other.held,
            self.duplicate + other.duplicate, self.ignored + other.ignored,
        )  # fmt: skip

    def to_json(self) -> dict[str, int]:
        """Return the five counts."""
        return {"read": self.read, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of one run of a source."""

    status: Status
    rows: Rows
    run: str
    session: str | None = None
    code: str | None = None
    params: dict[str, str] = field(default_factory=dict)


def strongest(statuses: Iterable[Status]) -> Status:
    """Return the status that speaks for all runs of a source."""
    return max(statuses, key=_STRENGTH.index)


def finding_json(one: Finding) -> dict[str, Any]:
    """Return a finding as a receipt shows it."""
    text = both(one.code, **{**one.params, "member": one.member, "line": one.line})
    return {
        "code": one.code, "severity": one.severity.value, "member": one.member, "line": one.line, "text": text,
    }  # fmt: skip


def receipt(  # noqa: PLR0913 - one argument a part of the document
    source: str,
    members: Sequence[StoredMember],
    submission: str,
    *,
    status: Status,
    code: str,
    params: dict[str, Any] | None = None,
    driver: DriverStamp | None = None,
    placed: Sequence[Placed] = (),
    findings: Sequence[Finding] = (),
) -> dict[str, Any]:
    """Return the receipt as the JSON document that everybody gets."""
    rows = sum((p.rows for p in placed), Rows())
    stamp = (
        {"name": driver.name, "version": driver.version, "evidence": driver.evidence.value}
        if driver
        else None
    )
    return {
        "source": source,
        "members": [asdict(m) for m in members],
        "submission": submission,
        "status": status.value,
        "run_statuses": [p.status.value for p in placed],
        "code": code,
        "message": both(code, **(params or {})),
        "parts": {language: phrase(code, language, **(params or {})) for language in LANGUAGES},
        "driver": stamp,
        "runs": [p.run for p in placed],
        "sessions": list(dict.fromkeys(p.session for p in placed if p.session)),
        "rows": rows.to_json(),
        "findings": [finding_json(f) for f in findings],
    }
