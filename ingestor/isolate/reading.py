"""One bundle read: every driver asked, the one that stands reads, and its words are given their meaning."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ingestor.detect import Answer, kind_of, missing_parts, the_one
from ingestor.errors import IngestorError, LimitExceeded, Refused
from ingestor.isolate.found import Broken, where
from ingestor.isolate.limits import RUNS, check_bytes, check_log
from ingestor.meaning.figures import RunFigures, run_figures
from ingestor.meaning.normalise import normalise
from ingestor.model import DriverStamp
from ingestor.phrases import catalogue
from ingestor.trace import to_block

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ingestor.driver import Bundle, Driver
    from ingestor.meaning.clock import Clock
    from ingestor.model import Run

Detail = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why nothing was read; `details` fill the phrase of `code` and may quote the file: never logged.

    Attributes:
        retry: the reader failed, not the file: worth another attempt.
    """

    code: str
    details: dict[str, Detail]
    retry: bool = False


@dataclass(frozen=True, slots=True)
class RunReading:
    """One run as read.

    Attributes:
        run: without its trace.
        figures: what the dose needs to know of it.
        block: its trace as one Parquet block, empty where it has none.
        rows: length of the trace.
    """

    run: Run
    figures: RunFigures
    block: bytes
    rows: int


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that is known of a bundle after all drivers have seen it.

    Attributes:
        driver: the one whose claim stands.
        claims: the answers of all drivers, by name.
        awaits: parts that the driver still waits for; then `trouble` counts only once nobody waits any more.
        runs: none if there is trouble.
        broken: drivers that broke on this bundle.
    """

    driver: DriverStamp | None = None
    claims: tuple[Answer, ...] = ()
    awaits: tuple[str, ...] = ()
    runs: tuple[RunReading, ...] = ()
    trouble: Trouble | None = None
    broken: tuple[Broken, ...] = ()


def read_here(
    bundle: Bundle,
    drivers: Sequence[Driver],
    clock: Clock,
    only: str | None = None,
    at: Callable[[str, str], None] = lambda _stage, _driver: None,
) -> Reading:
    """Read a bundle in this process.

    Args:
        bundle: the bytes.
        drivers: all there are.
        clock: what is known of the machines' clocks.
        only: name of the one driver to ask; a person chose it.
        at: told ("claim" | "parse", driver name) before a driver is called.
    """
    try:
        check_bytes(bundle)
    except Refused as error:
        return Reading(trouble=_told(error))
    asked = [d for d in drivers if only in {None, d.name}]
    answers, broken = _ask(bundle, asked, at)
    known = Reading(claims=answers, broken=broken)
    try:
        chosen = the_one(answers, kind_of(bundle.members[0].data)).driver
    except Refused as error:
        return blame(replace(known, trouble=_told(error)))
    driver = next(d for d in asked if d.name == chosen.name)
    known = replace(known, driver=chosen)
    at("parse", driver.name)
    try:
        awaits = missing_parts([driver.bundle_key(m.name) for m in bundle.members])
        known = replace(known, awaits=awaits)
        return replace(known, runs=_read(driver, bundle, clock))
    except IngestorError as error:
        return replace(known, trouble=_told(error))
    except MemoryError:
        return replace(known, trouble=Trouble("limit_memory", {"driver": driver.name}, retry=True))
    except Exception as error:  # noqa: BLE001 - foreign code: a bug in a driver is told, and stops nobody else
        told: dict[str, Detail] = {"driver": driver.name, "problem": where(error)}
        return replace(known, trouble=Trouble("driver_failed", told, retry=True))


def blame(reading: Reading) -> Reading:
    """Where nobody claims a bundle but a driver broke on it, it may be that driver's: say so, and try again."""
    unclaimed = not any(a.claim.claims for a in reading.claims)
    if reading.trouble is None or reading.trouble.retry or not unclaimed or not reading.broken:
        return reading
    first = reading.broken[0]
    told: dict[str, Detail] = {"driver": first.name, "problem": first.problem}
    return replace(reading, trouble=Trouble("driver_failed", told, retry=True))


def _ask(
    bundle: Bundle, drivers: Sequence[Driver], at: Callable[[str, str], None]
) -> tuple[tuple[Answer, ...], tuple[Broken, ...]]:
    answers, broken = [], []
    for driver in drivers:
        at("claim", driver.name)
        try:
            stamp = DriverStamp(driver.name, driver.version, driver.evidence)
            answers.append(Answer(stamp, driver.claim(bundle)))
        except Exception as error:  # noqa: BLE001 - foreign code: see above
            broken.append(Broken(driver.name, where(error)))
    return tuple(answers), tuple(broken)


def _read(driver: Driver, bundle: Bundle, clock: Clock) -> tuple[RunReading, ...]:
    runs: list[RunReading] = []
    for log in driver.parse(bundle):
        if len(runs) >= RUNS:
            raise LimitExceeded("limit_runs", limit=RUNS)
        check_log(log)
        run = normalise(log, clock, layout=driver.name)
        figures = run_figures(run)
        rows = 0 if run.trace is None else len(run.trace)
        block = b"" if run.trace is None or not rows else to_block(run.trace)
        runs.append(RunReading(replace(run, trace=None), figures, block, rows))
    if not runs:
        raise Refused("no_treatment")
    return tuple(runs)


def _told(error: IngestorError) -> Trouble:
    """Return an error as it crosses the process: a code that has words, and plain details."""
    plain = {k: v if isinstance(v, Detail) else str(v) for k, v in error.details.items()}
    return Trouble(error.code if error.code in catalogue() else "unreadable", plain)
