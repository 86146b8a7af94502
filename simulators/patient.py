"""Made-up patients: body, blood and IgG, so that plasma volumes and courses are believable."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np


@dataclass(frozen=True, slots=True)
class Patient:
    """A person who does not exist.

    Attributes:
        identifier: what is typed at the machine.
        height_cm, weight_kg: body.
        hematocrit: a fraction.
        igg_g_l: serum IgG before the first session.
    """

    identifier: str
    sex: str
    birth: date
    height_cm: float
    weight_kg: float
    hematocrit: float
    igg_g_l: float

    @property
    def plasma_volume_ml(self) -> float:
        """Plasma volume by Nadler's formula.

        Source: Nadler, Hidalgo, Bloch, Surgery 1962;51:224-232.
        """
        cubed = (self.height_cm / 100) ** 3
        if self.sex == "male":
            blood = 0.3669 * cubed + 0.03219 * self.weight_kg + 0.6041
        else:
            blood = 0.3561 * cubed + 0.03308 * self.weight_kg + 0.1833
        return 1000 * blood * (1 - self.hematocrit)


def draw_patient(rng: np.random.Generator, identifier: str = "") -> Patient:
    """A patient of a clinic for inflammatory muscle disease: adult, two thirds women, often anaemic."""
    sex = "female" if rng.random() < 0.65 else "male"
    tall, spread = (165.0, 6.0) if sex == "female" else (178.0, 7.0)
    height = float(np.clip(rng.normal(tall, spread), 145, 202))
    mass_index = float(np.clip(rng.normal(25.5, 4.0), 17.5, 40))
    weight = mass_index * (height / 100) ** 2
    hematocrit = float(np.clip(rng.normal(0.37 if sex == "female" else 0.41, 0.035), 0.26, 0.50))
    born = date(1935, 1, 1) + timedelta(days=int(rng.integers(0, 58 * 365)))
    return Patient(
        identifier or f"{int(rng.integers(1_000_000, 99_999_999)):010d}",
        sex,
        born,
        round(height),
        round(weight * 2) / 2,
        round(hematocrit, 2),
        round(float(np.clip(rng.normal(12.0, 2.5), 6, 20)), 2),
    )
