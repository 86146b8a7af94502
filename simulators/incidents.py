"""Alarms and pauses of a treatment: when they begin, who answers, when they are over, what they stop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from simulators.plan import Plan


@dataclass(frozen=True, slots=True)
class AlarmKind:
    """One row of the alarm table of the declared machines.

    Attributes:
        weight: share among all alarms.
        lasts: shortest and longest time from onset to end [s].
        stops_pumps: whether blood and plasma pumps stand still while it lasts.
    """

    code: int
    klass: int
    kind: str
    german: str
    english: str
    weight: float
    lasts: tuple[int, int]
    stops_pumps: bool

    @property
    def priority(self) -> str:
        """Class 1 low, 2 medium, 3 high."""
        return ("low", "medium", "high")[self.klass - 1]

    def text(self, language: str) -> str:
        """What the machine's screen says."""
        return self.german if language == "de" else self.english


_STOPS, _GOES_ON = True, False
ALARM_KINDS = {
    kind.code: kind
    for kind in (
        AlarmKind(
            101,
            3,
            "access_pressure_low",
            "Zugangsdruck niedrig",
            "Access pressure low",
            0.34,
            (12, 150),
            _STOPS,
        ),
        AlarmKind(
            105,
            3,
            "return_pressure_high",
            "Rückgabedruck hoch",
            "Return pressure high",
            0.22,
            (10, 120),
            _STOPS,
        ),
        AlarmKind(
            113,
            2,
            "column_pressure_high",
            "Säulendruck hoch",
            "Column pressure high",
            0.18,
            (15, 90),
            _GOES_ON,
        ),
        AlarmKind(131, 2, "bag_empty", "Beutel leer", "Bag empty", 0.16, (45, 240), _STOPS),
        AlarmKind(140, 1, "temperature", "Temperatur", "Temperature", 0.10, (60, 600), _GOES_ON),
    )
}


UNKNOWN = AlarmKind(199, 2, "other", "Zustand 199", "Condition 199", 0.0, (75, 76), _GOES_ON)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One occurrence; seconds of the treatment.

    Attributes:
        acknowledged: when somebody pressed the key; None if it ended by itself before.
        cleared: when its cause was gone; None if it still stood at the end.
        aborts_load: whether the load that ran was given up.
    """

    kind: AlarmKind
    onset: int
    acknowledged: int | None
    cleared: int | None
    aborts_load: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """Pumps standing still from `start` (included) to `end` (excluded) [s of the treatment]."""

    start: int
    end: int
    cause: str


@dataclass(frozen=True, slots=True)
class Incidents:
    """All alarms and pauses of one treatment in order of time; pauses never overlap."""

    alarms: tuple[Alarm, ...]
    pauses: tuple[Pause, ...]


def draw_incidents(plan: Plan) -> Incidents:
    """What happens to this treatment, between its first minutes and its last."""
    rng = plan.rng("incidents")
    first, last = 600, plan.seconds - 900
    if last - first < 600:
        return Incidents((), ())
    hours = (last - first) / 3600
    count = int(rng.poisson(plan.troubles.alarms_per_hour * hours))
    stops = int(rng.poisson(plan.troubles.stops_per_hour * hours))
    slots = _apart(rng, first, last, count + stops)
    causes = ["alarm"] * count + ["operator"] * stops
    rng.shuffle(causes)
    alarms: list[Alarm] = []
    pauses: list[Pause] = []
    if plan.troubles.unknown_alarm:
        onset = int(rng.integers(first, last))
        alarms.append(Alarm(UNKNOWN, onset, None, onset + 75))
    for (start, latest), cause in zip(slots, causes, strict=False):
        if cause == "operator":
            pauses.append(Pause(start, min(start + int(rng.integers(40, 300)), latest), cause))
            continue
        alarm = _draw_alarm(rng, start, latest)
        alarms.append(alarm)
        if alarm.kind.stops_pumps and alarm.cleared is not None:
            pauses.append(Pause(start + 1, alarm.cleared + int(rng.integers(1, 6)), alarm.kind.kind))
    alarms.sort(key=lambda a: a.onset)
    if alarms and not alarms[-1].kind.stops_pumps and plan.rng("still standing").random() < 0.15:
        alarms[-1] = replace(alarms[-1], cleared=None)
    return Incidents(tuple(_one_at_a_time(alarms)), tuple(pauses))


def _one_at_a_time(alarms: list[Alarm]) -> Iterator[Alarm]:
    """An alarm that stands cannot begin again: one of the same kind is over before the next."""
    for place, alarm in enumerate(alarms):
        following = next((a.onset for a in alarms[place + 1 :] if a.kind is alarm.kind), None)
        if following is None or (alarm.cleared is not None and alarm.cleared < following - 5):
            yield alarm
            continue
        seen = alarm.acknowledged
        cleared = following - 5
        yield replace(alarm, cleared=cleared, acknowledged=seen if seen and seen < cleared else None)


def _apart(rng: np.random.Generator, first: int, last: int, count: int) -> list[tuple[int, int]]:
    """Onsets at random, each with the second by which it must be over so that none meets the next."""
    onsets = sorted(int(s) for s in rng.integers(first, last, count))
    kept: list[int] = []
    for onset in onsets:
        if not kept or onset - kept[-1] > 60:
            kept.append(onset)
    ends = [*kept[1:], last + 300][: len(kept)]
    return [(onset, end - 20) for onset, end in zip(kept, ends, strict=True)]


def _draw_alarm(rng: np.random.Generator, onset: int, latest: int) -> Alarm:
    kinds = list(ALARM_KINDS.values())
    kind = kinds[int(rng.choice(len(kinds), p=[k.weight for k in kinds]))]
    lasts = int(rng.integers(*kind.lasts))
    cleared = min(onset + lasts, latest) if kind.stops_pumps else onset + lasts
    answered = onset + int(rng.integers(3, max(4, min(60, cleared - onset))))
    seen = answered < cleared and (kind.stops_pumps or rng.random() < 0.8)
    aborts = kind.kind == "column_pressure_high" and bool(rng.random() < 0.2)
    return Alarm(kind, onset, answered if seen else None, cleared, aborts)
