"""What every layout tells: its machine, its versions, how a treatment runs on it and how it is printed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulators.columns import TWIN, Product

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulators.export import Export
    from simulators.plan import Device, Plan


@dataclass(frozen=True, slots=True)
class Style:
    """How an export is printed.

    Attributes:
        language: `de`, `en`, and what else the layout speaks.
        version: one of the layout's.
        hz: samples a second, where the layout leaves it open.
        therapy: for machines that do more than one.
    """

    language: str = "de"
    version: str = ""
    hz: float = 1 / 60
    therapy: str = ""


@dataclass(frozen=True, slots=True)
class Dose:
    """What a kind of machine usually gives: plasma volumes a session, and its range of plasma flow [mL/min].

    Source: domain page, section 1.
    """

    volumes: tuple[float, float] = (1.2, 2.4)
    flow: tuple[float, float] = (20, 45)


@dataclass(frozen=True, slots=True)
class Cells:
    """Where the numbers of a layout with fields stand: in a sample, and in the line of a load if it has one."""

    separator: str
    decimal: str
    flow: int
    counter: int
    load: int | None = None


@dataclass(frozen=True)
class Layout:
    """One layout.

    Attributes:
        versions: the newest first.
        languages: the usual one first.
        device: maker, model, stem of the serial number, software.
        products: columns that this kind of machine takes.
        hung: number of columns hung at once.
        run_format: the machine's number of a treatment, for `strftime`; `{}` is its place on that day.
        treat: runs a plan on this kind of machine.
        render: prints treatments into one export.
        holds_many: whether one export may hold several treatments.
        restarts: whether a power failure shows as a new head in mid-file.
        cells: where its numbers stand; None if its lines have no fields.
        checksum: whether it carries checksums or counts.
        sums_the_file: whether one of them covers the whole file, so that damage is a contradiction.
        counts_lines: whether it ends with a count: a wrong one means that something is missing.
    """

    name: str
    versions: tuple[str, ...]
    languages: tuple[str, ...]
    device: Device
    treat: Callable[[Plan, Style], Any]
    render: Callable[[Sequence[Any], Style], Export]
    products: tuple[Product, ...] = TWIN
    hung: int = 2
    run_format: str = "%Y%m%d-{:02d}"
    holds_many: bool = False
    restarts: bool = False
    cells: Cells | None = None
    checksum: bool = False
    sums_the_file: bool = False
    counts_lines: bool = False
    therapies: tuple[str, ...] = ()
    dose: Dose = field(default_factory=Dose)
