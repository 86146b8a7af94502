"""The catalogue of machines: a person finds a machine by its name and learns what to do.

Source: the makers' public product names; what is not publicly known of a machine is `unknown` here.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

ROLES = ("adsorber", "separator", "combined", "unknown")
COLUMNS = ("regenerable", "single-use", "none", "unknown")
EXPORTS = ("specified", "observed", "declared", "unknown")
_TODO = {
    "read": {
        "de": "Exporte werden gelesen (Treiber {driver}). Vor dem ersten Einsatz einen Export mit dem Bildschirm vergleichen: „apherelog drivers accept {driver}“.",
        "en": "Exports are read (driver {driver}). Before first use compare one export with the screen: “apherelog drivers accept {driver}”.",
    },
    "describe": {
        "de": "Der Export dieses Geräts ist nicht öffentlich beschrieben. Einen Export besorgen und „apherelog drivers new DATEI“ aufrufen{like}.",
        "en": "This machine's export is not publicly described. Get one export and run “apherelog drivers new FILE”{like}.",
    },
    "like": {"de": "; Vorbild: {start}", "en": "; a layout to begin from: {start}"},
}


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine of the catalogue; the words for role, columns and export are closed lists.

    Attributes:
        driver: the driver that reads its export, empty where there is none.
        start: the declared layout to begin a profile from, empty where none is known to be like it.
        note: by language.
    """

    name: str
    maker: str
    role: str
    columns: str
    export: str
    driver: str = ""
    start: str = ""
    note: dict[str, str] = field(default_factory=dict)

    def todo(self, language: str) -> str:
        """Return what a person does to have this machine's exports read."""
        if self.driver:
            return _TODO["read"][language].format(driver=self.driver)
        like = _TODO["like"][language].format(start=self.start) if self.start else ""
        return _TODO["describe"][language].format(like=like)


@cache
def machines() -> tuple[Machine, ...]:
    """Return the catalogue, in the order of its file."""
    document = tomllib.loads((files(__package__) / "machines.toml").read_text("utf-8"))
    return tuple(Machine(**entry) for entry in document["machine"])
