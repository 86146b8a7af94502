"""The second transaction: what a reading means is stored with its doses and its receipt, all or nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from ingestor.driver import bundle_hash
from ingestor.faultpoints import point
from ingestor.flow import columns, outcome
from ingestor.flow.meaning import give_meaning
from ingestor.flow.placing import Place, place
from ingestor.flow.receipt import Placed, Rows, receipt, strongest
from ingestor.isolate import Reading, Trouble
from ingestor.meaning.clock import basis_of
from ingestor.model import Status
from ingestor.store import audit, runs, sources
from ingestor.store.audit import Actor
from ingestor.store.runs import Origin, RunReading
from ingestor.trace import channels_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from ingestor.errors import IngestorError
    from ingestor.flow.house import House
    from ingestor.model import Finding
    from ingestor.store.sources import StoredMember

_HOUSE = Actor("house", "agent")


class _PreviewOnlyError(Exception):
    """Rolls a preview's transaction back; carries what would have been stored."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        super().__init__()


def store(house: House, row: Any, members: Sequence[StoredMember], reading: Reading) -> dict[str, Any]:  # noqa: ANN401
    """Store a reading; return the receipt. A preview does all of it and rolls it back."""
    if reading.trouble is not None:
        return _refuse(house, row, members, reading)
    try:
        with house.db.write() as connection:
            document = _store(house, connection, row, members, reading)
            _roll_back_preview(row, document)
            _close(house, connection, row, document)
            point("pipeline.settle")
    except _PreviewOnlyError as preview:
        document = preview.document | {"status": Status.PREVIEW.value}
        with house.db.write() as connection:
            _close(house, connection, row, document)
    point("pipeline.settled")
    return document


def _roll_back_preview(row: Any, document: dict[str, Any]) -> None:  # noqa: ANN401
    if row.preview:
        raise _PreviewOnlyError(document)


def _store(
    house: House,
    connection: Connection,
    row: Any,  # noqa: ANN401
    members: Sequence[StoredMember],
    reading: Reading,
) -> dict[str, Any]:
    assert reading.driver is not None  # noqa: S101 - a reading without trouble has a driver
    places = [
        Place(
            house, connection, Origin(row.source, number, reading.driver), as_row(one), one.figures.last_seen
        )
        for number, one in enumerate(reading.runs)
    ]
    placed = [place(one) for one in places]
    statuses = {p.status for p in placed}
    cause = "superseded" if Status.SUPERSEDED in statuses else "ingest"
    touched = give_meaning(house, connection, *changed(connection, places, placed), cause)
    placed = [_with_session(connection, p) for p in placed]
    code, params = outcome.of_runs(house, connection, placed, [r.run for r in reading.runs])
    document = receipt(
        row.source, members, row.id,
        status=strongest(p.status for p in placed) if placed else Status.REFUSED,
        code=code, params=params, driver=reading.driver, placed=placed,
        findings=[*_findings(placed, reading), *columns.findings(house, connection, touched)],
    )  # fmt: skip
    if row.preview:
        document["preview"] = [outcome.summary(connection, s) for s in touched]
    return document


def changed(
    connection: Connection, places: Sequence[Place], placed: Sequence[Placed]
) -> tuple[list[str], dict[str, str]]:
    """Return the runs that changed, and for those that stand for others now, the session of these."""
    keys, origins = [], {}
    for one, answer in zip(places, placed, strict=True):
        if answer.status in {Status.STORED, Status.SUPERSEDED}:
            keys += [answer.run, *one.absorbed]
        for other in one.absorbed:
            known = runs.stored_run(connection, other)
            if known is not None and known.session_id:
                origins[answer.run] = known.session_id
    return keys, origins


def _findings(placed: Sequence[Placed], reading: Reading) -> list[Finding]:
    """What was found in the runs that are new; of a duplicate it was said before, and nothing is to be done."""
    return [
        finding
        for one, read in zip(placed, reading.runs, strict=True)
        if one.status is not Status.DUPLICATE
        for finding in read.run.findings
    ]


def as_row(one: Any) -> RunReading:  # noqa: ANN401
    """Return what a child read as the store takes it."""
    return RunReading(
        run=one.run, block=one.block or None, samples=one.rows,
        channels=channels_of(one.block) if one.block else (), figures=one.figures.to_json(),
        basis=basis_of(one.run),
    )  # fmt: skip


def _with_session(connection: Connection, one: Placed) -> Placed:
    known = runs.stored_run(connection, one.run)
    return Placed(one.status, one.rows, one.run, known.session_id if known else None, one.code, one.params)


def _refuse(house: House, row: Any, members: Sequence[StoredMember], reading: Reading) -> dict[str, Any]:  # noqa: ANN401
    assert reading.trouble is not None  # noqa: S101 - only called with trouble
    params = {**reading.trouble.details, "days": house.settings.refused_days}
    return _end(house, row, members, Status.REFUSED, reading.trouble.code, params, reading)


def wait(house: House, row: Any, members: Sequence[StoredMember], reading: Reading) -> dict[str, Any]:  # noqa: ANN401
    """Keep a lone member until its companion comes; it is read alone after the time set by the site."""
    until = house.now() + timedelta(hours=house.settings.companion_hours)
    params = {"parts": ", ".join(reading.awaits), "hours": f"{house.settings.companion_hours:g}"}
    document = _receipt(row, members, Status.WAITING, "waiting_companion", params, reading)
    with house.db.write() as connection:
        sources.wait(connection, row.id, "waiting_companion", document, until)
    return document


def postpone(house: House, row: Any, members: Sequence[StoredMember], reading: Reading) -> dict[str, Any]:  # noqa: ANN401
    """Try again later, three times in all; then refuse."""
    assert reading.trouble is not None  # noqa: S101 - only called with trouble
    with house.db.write() as connection:
        again = sources.postpone(connection, row.id, reading.trouble.code, house.now())
    if not again:
        return _refuse(house, row, members, reading)
    return _receipt(row, members, Status.QUEUED, "queued_again", {"problem": reading.trouble.code}, reading)


def left_for_later(
    members: Sequence[StoredMember], submission: str, trouble: IngestorError
) -> dict[str, Any]:
    """Answer for what is kept but could not be settled now; `jobs.run_due` does it later."""
    source = bundle_hash([(m.name, m.sha256) for m in members])
    return receipt(
        source,
        members,
        submission,
        status=Status.QUEUED,
        code="queued_again",
        params={"problem": trouble.code},
    )


def fail(house: House, submission: str) -> dict[str, Any]:
    """Put a submission aside that brought the program down; try it again as often as any other."""
    with house.db.read() as connection:
        row = sources.submission_of(connection, submission)
        assert row is not None, submission  # noqa: S101 - the caller has just claimed it
        members = sources.members_of(connection, row.source)
    return postpone(house, row, members, Reading(trouble=Trouble("internal", {}, retry=True)))


def known_before(house: House, row: Any, members: Sequence[StoredMember], earlier: Any) -> dict[str, Any]:  # noqa: ANN401
    """Answer for bytes that are here already: nothing changes."""
    document = as_duplicate(house, row.source, members, row.id, earlier)
    with house.db.write() as connection:
        _close(house, connection, row, document)
    return document


def as_duplicate(
    house: House,
    source: str,
    members: Sequence[StoredMember],
    submission: str,
    earlier: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """Return the receipt of bytes that an earlier submission brought."""
    then, here = earlier.receipt, ZoneInfo(house.settings.zone)
    rows = then["rows"]
    return receipt(
        source, members, submission, status=Status.DUPLICATE,
        code="duplicate_held" if then["status"] == Status.HELD.value else "duplicate",
        params={"since": outcome.moment(earlier.at.astimezone(here))},
    ) | {
        "driver": then["driver"], "runs": then["runs"], "sessions": then["sessions"],
        "run_statuses": [Status.DUPLICATE.value] * len(then["run_statuses"]),
        "rows": Rows(duplicate=rows["read"] - rows["ignored"], ignored=rows["ignored"]).to_json(),
    }  # fmt: skip


def _end(
    house: House,
    row: Any,  # noqa: ANN401
    members: Sequence[StoredMember],
    status: Status,
    code: str,
    params: dict[str, Any],
    reading: Reading,
) -> dict[str, Any]:
    document = _receipt(row, members, status, code, params, reading)
    with house.db.write() as connection:
        _close(house, connection, row, document)
    return document


def _receipt(
    row: Any,  # noqa: ANN401
    members: Sequence[StoredMember],
    status: Status,
    code: str,
    params: dict[str, Any],
    reading: Reading,
) -> dict[str, Any]:
    return receipt(
        row.source, members, row.id, status=status, code=code, params=params, driver=reading.driver
    )


def _close(house: House, connection: Connection, row: Any, document: dict[str, Any]) -> None:  # noqa: ANN401
    """End a submission with its receipt, and with it the submissions of its parts that waited for the whole."""
    for key in dict.fromkeys((row.id, *sources.waiting_parts(connection, row.id))):
        sources.finish(connection, key, document["status"], document["code"], document, house.now())
    audit.record(
        connection, _HOUSE, "settle", row.id, status=document["status"], code=document["code"],
        sessions=document["sessions"],
    )  # fmt: skip
