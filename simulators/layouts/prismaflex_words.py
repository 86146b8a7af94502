"""What the bedside machine writes in English, German and Polish; the codes decide, the words are for people."""

from __future__ import annotations

LANGUAGES = ("en", "de", "pl")
LANGUAGE_NAMES = {"en": "English", "de": "German", "pl": "Polish"}

CLASSES = {
    8: ("Event", "Ereignis", "Zdarzenie"),
    16: ("Set value", "Sollwert", "Wartość zadana"),
    32: ("Warning", "Warnung", "Ostrzeżenie"),
    64: ("Malfunction", "Störung", "Usterka"),
    128: ("Caution", "Vorsicht", "Uwaga"),
    256: ("Advisory", "Hinweis", "Informacja"),
}
PRIORITIES = {32: "high", 64: "high", 128: "medium", 256: "low"}

TYPES = {
    (8, 38): ("Patient confirmed", "Patient bestätigt", "Pacjent potwierdzony"),
    (8, 8): ("Therapy chosen", "Therapie gewählt", "Wybrano terapię"),
    (8, 42): ("Anticoagulation chosen", "Antikoagulation gewählt", "Wybrano antykoagulację"),
    (8, 11): ("Load", "Laden", "Ładowanie"),
    (8, 13): ("Prime", "Füllen", "Wypełnianie"),
    (8, 14): ("Prime test", "Fülltest", "Test wypełnienia"),
    (8, 15): ("Prime test passed", "Fülltest bestanden", "Test wypełnienia zaliczony"),
    (8, 16): ("Run started", "Lauf gestartet", "Rozpoczęto zabieg"),
    (8, 71): ("Self-test started", "Selbsttest begonnen", "Autotest rozpoczęty"),
    (8, 72): ("Self-test ended", "Selbsttest beendet", "Autotest zakończony"),
    (8, 19): ("Stop pressed", "Stopp gedrückt", "Naciśnięto stop"),
    (8, 21): ("End of treatment", "Behandlungsende", "Koniec zabiegu"),
    (8, 84): ("Unload", "Entladen", "Rozładowanie"),
    (16, 17): ("Blood flow", "Blutfluss", "Przepływ krwi"),
    (16, 22): ("PBP flow", "PBP-Fluss", "Przepływ PBP"),
    (16, 20): ("Replacement flow", "Substituatfluss", "Przepływ substytutu"),
    (16, 21): ("Dialysate flow", "Dialysatfluss", "Przepływ dializatu"),
    (16, 24): ("Patient fluid removal", "Flüssigkeitsentzug", "Usuwanie płynu"),
    (16, 532): ("Set", "Set", "Zestaw"),
    (16, 416): ("Patient id", "Patienten-ID", "ID pacjenta"),
    (16, 26): ("Patient weight", "Gewicht", "Masa ciała"),
    (16, 47): ("Hematocrit", "Hämatokrit", "Hematokryt"),
    (16, 550): ("Therapy type", "Therapieart", "Rodzaj terapii"),
    (16, 565): ("Syringe", "Spritze", "Strzykawka"),
    (32, 5): ("Access pressure", "Zugangsdruck", "Ciśnienie dostępu"),
    (32, 9): ("Return pressure", "Rückgabedruck", "Ciśnienie powrotu"),
    (64, 3): ("Malfunction", "Störung", "Usterka"),
    (128, 31): ("Bag empty", "Beutel leer", "Pusty worek"),
    (128, 44): ("TMP", "TMP", "TMP"),
    (256, 12): ("Blood warmer", "Blutwärmer", "Podgrzewacz krwi"),
}
# The simulated incidents under the machine's own (class, type).
ALARMS = {
    "access_pressure_low": (32, 5),
    "return_pressure_high": (32, 9),
    "column_pressure_high": (128, 44),
    "bag_empty": (128, 31),
    "temperature": (256, 12),
    "other": (64, 3),
}


def word(key: tuple[int, int], language: str) -> str:
    """The text of a type in a language."""
    return TYPES[key][LANGUAGES.index(language)]
