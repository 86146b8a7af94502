"""`single-column-table`: two plain CSV files of a membrane machine with single-use columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulators.clock import stamp_texts
from simulators.columns import SINGLE_USE
from simulators.export import Export
from simulators.layout import Cells, Dose, Layout
from simulators.numbers import decimals
from simulators.page import Marks, Page
from simulators.plan import Device
from simulators.sampling import sample
from simulators.single_column import treat_single
from simulators.truth import Shown, truth_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulators.layout import Style
    from simulators.sampling import Samples
    from simulators.treatment import Treatment

NAME = "single-column-table"
HEADER = (
    "time,elapsed_s,blood_flow_ml_min,plasma_flow_ml_min,plasma_total_ml,access_mmhg,return_mmhg,tmp_mmhg,"
    "column_mmhg,temp_c,state"
)
ALARM_HEADER = "time,code,severity,message,cleared"
_BOM = b"\xef\xbb\xbf"
_ISO = "%Y-%m-%d"


def render(treatments: Sequence[Treatment], style: Style) -> Export:
    """The pair of one treatment: samples and alarms."""
    (treatment,) = treatments
    plan = treatment.plan
    stem = f"{plan.device.serial}_{plan.run}"
    newline = "\r\n" if style.language == "de" else "\n"
    s = sample(treatment, style.hz, from_start=True)
    head = _comments(treatment)
    first, last = len(head) + 1, len(head) + len(s.seconds)
    loads = np.array([[p.start, p.end] for p in treatment.loads])
    rows = first + np.minimum(np.searchsorted(s.seconds, loads), len(s.seconds) - 1)
    marks = Marks(
        known=first + 1,
        samples=np.arange(first, last + 1),
        counter=s.plasma,
        loads=tuple(rows[:, 0].tolist()),
        load_ends=tuple(rows[:, 1].tolist()),
        columns=tuple(first + int(np.searchsorted(s.seconds, c.since)) for c in treatment.columns[1:]),
        stop=last,
        end=last,
    )
    table = Page(f"{stem}.csv", (*head, HEADER, *_rows(treatment, s)), (marks,), bom=_BOM, newline=newline)
    lines = (ALARM_HEADER, *_alarms(treatment, style.language))
    alarms = Page(
        f"{stem}_alarms.csv", lines, (Marks(alarms=tuple(range(1, len(lines)))),), bom=_BOM, newline=newline
    )
    shown = Shown(counter=s.plasma, end=int(s.seconds[-1]), body=False)
    truth = truth_of(treatment, shown)
    truth |= {"blood_processed_ml": None, "ac_volume_ml": None}
    for place, column in enumerate(truth["columns"]):
        column |= {"serial": None, "use": None, **({"product": None, "lot": None} if place else {})}
    return Export(NAME, (table, alarms), (truth,))


def _comments(treatment: Treatment) -> list[str]:
    plan, column = treatment.plan, treatment.columns[0].column
    pairs = (
        ("machine", plan.device.model),
        ("serial", plan.device.serial),
        ("software", plan.device.software),
        ("treatment", plan.run),
        ("patient", plan.typed_id),
        ("column product", column.product.name),
        ("column lot", column.lot),
    )
    return [f"# {key}: {value}" for key, value in pairs]


def _rows(treatment: Treatment, s: Samples) -> list[str]:
    columns = (
        stamp_texts(treatment.plan.clock.walls(s.seconds), _ISO, "T"),
        decimals(s.seconds, 0),
        decimals(s.blood_flow, 1),
        decimals(s.plasma_flow, 1),
        decimals(s.plasma, 1),
        decimals(s.access, 0),
        decimals(s.back, 0),
        decimals(s.tmp, 0),
        decimals(s.column, 0),
        decimals(s.temperature, 1),
        _states(treatment, s),
    )
    return list(map(",".join, zip(*columns, strict=True)))


def _states(treatment: Treatment, s: Samples) -> list[str]:
    states = np.full(treatment.seconds + 1, "treatment", dtype=object)
    loads = treatment.loads
    states[: loads[0].start] = "prime"
    states[loads[-1].end :] = "rinseback"
    for pause in treatment.pauses:
        states[pause.start : pause.end] = "column change" if pause.cause == "column_change" else "paused"
    states[treatment.seconds] = "end"
    shown: list[str] = states[s.seconds].tolist()
    return shown


def _alarms(treatment: Treatment, language: str) -> list[str]:
    clock = treatment.plan.clock

    def time(second: int | None) -> str:
        return "" if second is None else f"{clock.wall(second):%Y-%m-%dT%H:%M:%S}"

    return [
        f"{time(a.onset)},{a.kind.code},{a.kind.priority},{a.kind.text(language)},{time(a.cleared)}"
        for a in treatment.alarms
    ]


LAYOUT = Layout(
    NAME,
    versions=("1",),
    languages=("en", "de"),
    device=Device("", "MF-350", "MF-", "2.7.1"),
    treat=treat_single,
    render=render,
    products=SINGLE_USE,
    hung=1,
    run_format="%y%m%d{:03d}",
    cells=Cells(",", ".", flow=3, counter=4),
    dose=Dose((0.9, 1.6), (14, 35)),
)
