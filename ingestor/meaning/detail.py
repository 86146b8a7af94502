"""What is served beside the flat row of a dose: its inputs, its parts, its columns, the model's answer."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ingestor.meaning.removal import measured, model_output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestor.meaning.duration import Duration
    from ingestor.meaning.policy import Policy
    from ingestor.meaning.processed import Processed
    from ingestor.meaning.served import Input, Part, Situation
    from ingestor.meaning.strength import Strength
    from ingestor.model import Person


def detail(
    parts: Sequence[Part],
    plasma: Sequence[Part],
    person: Person | None,
    policy: Policy,
    results: tuple[Processed, Strength, Duration],
    situation: Situation,
) -> dict[str, Any]:
    """Return everything of a dose that has no column of its own, as plain JSON values."""
    volume, relation, times = results
    products = [c.product for p in plasma for c in p.figures.columns]
    ended = times.ended or max(p.figures.last_seen for p in parts)
    return {
        "inputs": [_input(i) for i in relation.inputs.values()],
        "formula_asked": policy.formula,
        "lower_bound": _is_lower_bound(plasma, volume),
        "integrated_gap_s": plain(volume.readings.gap_s),
        "columns": [_columns(p) for p in plasma],
        "column_warnings": [one.to_json() for one in situation.columns],
        "runs": [_run(p) for p in parts],
        "notes": sorted({note for p in parts for note in p.figures.notes}),
        "model_output": model_output(relation.pv_multiple, products, policy),
        "measured": measured(person, times.started, ended, policy.igg_age),
        "decision": _decision(situation),
    }


def _is_lower_bound(plasma: Sequence[Part], volume: Processed) -> bool:
    """More plasma may have been processed than this says."""
    if volume.ml is None:
        return False
    partial = not all(p.figures.complete for p in plasma)
    return partial or bool({"integrated_with_gaps", "part_without_plasma"} & set(volume.troubles))


def _input(one: Input) -> dict[str, Any]:
    return {f.name: plain(getattr(one, f.name)) for f in fields(one)}


def _columns(part: Part) -> dict[str, Any]:
    rows = [{f.name: plain(getattr(c, f.name)) for f in fields(c)} for c in part.figures.columns]
    return {"run": part.run, "columns": rows}


def _run(part: Part) -> dict[str, Any]:
    own = {"run": part.run, "role": part.figures.role, "device": part.device, "source": part.source}
    return own | {
        "complete": part.figures.complete,
        "accepted": part.accepted,
        "readings": {name: plain(value) for name, value in part.figures.readings.items()},
    }


def _decision(situation: Situation) -> dict[str, Any] | None:
    made = situation.decision
    if made is None:
        return None
    # Who decided and why stands with the session: what a person wrote may name a person.
    return {"reading": made.reading, "at": plain(made.at)}


def plain(value: object) -> Any:  # noqa: ANN401 - JSON is what it is
    """Return a value as JSON has it."""
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, datetime) else value
