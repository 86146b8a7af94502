"""A receipt as its reader may see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ingestor.exports.view import View


def shown(receipt: dict[str, Any], view: View) -> dict[str, Any]:
    """Return a receipt; without names of files, quotes and sentences where identities are not shown.

    File names and what a finding quotes of a file may hold the name of a patient.
    """
    if view.identified:
        return receipt
    plain = ("source", "submission", "status", "run_statuses", "code", "driver", "runs", "sessions", "rows")
    return {name: receipt[name] for name in plain} | {
        "members": [{"bytes": m["bytes"], "sha256": m["sha256"]} for m in receipt["members"]],
        "findings": [
            {"code": f["code"], "severity": f["severity"], "line": f["line"]} for f in receipt["findings"]
        ],
    }
