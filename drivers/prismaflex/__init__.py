"""Treatment logs of the Prismaflex: renal replacement, plasma exchange and haemoperfusion.

Source: exports that are public; the maker publishes no description.
Evidence: observed. No export of a plasma exchange has been seen: that the effluent is the removed plasma is an
    assumption, and marked as one.
Clock: local time of the machine, without zone.
Numbers: whole numbers, decimal point; set values as raw numbers beside a text in the machine's language.
Reads: software 8.x, `NAME.LOX`, a gzipped tar with the members `.PLE` (events), `.PLP` (pressures) and `.PLS`
    (volumes), and these members unpacked; software 5.x, three files `*E.TXT`, `*P.TXT`, `*S.TXT`.
Leaves: all other members (scales, tare, bus, syringe, loader, service log, configuration), set and calibration
    lines of the header, fluid column of the events. Codes without a known meaning are kept by their numbers.
"""

from __future__ import annotations

from drivers.prismaflex.driver import Prismaflex, drivers

__all__ = ["Prismaflex", "drivers"]
