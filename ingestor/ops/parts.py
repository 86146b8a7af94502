"""What this installation is made of: a bill of materials and a list of licences, from what is installed here.

Source: CycloneDX 1.6 (ECMA-424) for the form of the bill; PEP 639 and 566 for the metadata of distributions.
"""

from __future__ import annotations

import base64
import hashlib
import re
from importlib import metadata
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from importlib.metadata import Distribution

_ROOT = "apherelog"
_REQUIREMENT = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)")
_EXTRA = re.compile(r"extra\s*==\s*['\"]([\w-]+)")
_OWN_EXTRAS = {"postgres", "oidc", "scheduler"}
_LICENCE = "License :: "
_LONGEST = 80


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _installed() -> dict[str, Distribution]:
    return {_plain(d.name): d for d in metadata.distributions()}


def parts() -> dict[str, Distribution]:
    """Return this program and everything it needs that is installed, by name."""
    known = _installed()
    found: dict[str, Distribution] = {}
    waiting = [_ROOT]
    while waiting:
        name = waiting.pop()
        if name in known and name not in found:
            found[name] = known[name]
            waiting += _needs(known[name])
    return dict(sorted(found.items()))


def _needs(one: Distribution) -> Iterator[str]:
    for line in one.requires or ():
        match = _REQUIREMENT.match(line)
        extra = _EXTRA.search(line)
        if match and (extra is None or (one.name == _ROOT and extra[1] in _OWN_EXTRAS)):
            yield _plain(match[1])


def licence_of(one: Distribution) -> str:
    """Return the licence that a distribution names: an expression, else its classifiers, else a short text."""
    about = one.metadata.json
    if about.get("license_expression"):
        return str(about["license_expression"])
    named = [c.removeprefix(_LICENCE) for c in about.get("classifier", ()) if c.startswith(_LICENCE)]
    if named:
        return "; ".join(n.removeprefix("OSI Approved :: ") for n in named)
    text = str(about.get("license") or "").strip().split("\n")[0]
    return text if 0 < len(text) <= _LONGEST else "not named"


def licences() -> list[tuple[str, str, str]]:
    """Return name, version and licence of every part."""
    return [(one.name, one.version, licence_of(one)) for one in parts().values()]


def bill(now: datetime) -> dict[str, Any]:
    """Return the bill of materials as a CycloneDX 1.6 document."""
    found = parts()
    own = found[_ROOT]
    listed = [_component(name, one) for name, one in found.items() if name != _ROOT]
    marks = "|".join(f"{name}=={one.version}" for name, one in found.items())
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, marks)}",
        "version": 1,
        "metadata": {
            "timestamp": now.isoformat(timespec="seconds"),
            "component": _component(_ROOT, own) | {"type": "application"},
        },
        "components": listed,
        "dependencies": [
            {
                "ref": _ref(name, one),
                "dependsOn": sorted({_ref(n, found[n]) for n in _needs(one) if n in found}),
            }
            for name, one in found.items()
        ],
    }


def _ref(name: str, one: Distribution) -> str:
    return f"pkg:pypi/{name}@{one.version}"


def _component(name: str, one: Distribution) -> dict[str, Any]:
    expression = one.metadata.json.get("license_expression")
    licence = [{"expression": expression}] if expression else [{"license": {"name": licence_of(one)}}]
    return {
        "type": "library", "bom-ref": _ref(name, one), "name": name, "version": one.version, "licenses": licence,
        "purl": _ref(name, one), "hashes": [{"alg": "SHA-256", "content": _digest(one)}],
    }  # fmt: skip


def _digest(one: Distribution) -> str:
    """Return one sum over the installed files of a part, from the sums that were recorded when it was installed."""
    recorded = sorted(
        f"{file.as_posix()} {base64.urlsafe_b64decode(file.hash.value + '==').hex()}"
        for file in one.files or ()
        if file.hash is not None
    )
    return hashlib.sha256("\n".join(recorded).encode()).hexdigest()
