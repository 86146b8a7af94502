"""Every text of the pages comes from the catalogue, in both languages."""

from __future__ import annotations

import re
import string
from html.parser import HTMLParser
from pathlib import Path

import pytest

from api import web
from api.web.wording import texts
from ingestor import phrases

WEB = Path(web.__file__).parent
TEMPLATES = sorted((WEB / "templates").rglob("*.html"))
# Words that are the same everywhere: the product's name.
NAMES = {"apherelog", "SHA-256", "l"}
BUILT = {
    "nav", "tray", "role", "status", "word", "reading", "formula", "formula_text", "agreement", "input_source",
    "priority", "phase", "alarm_kind", "device_role", "time_method", "evidence", "revision", "sex", "link_rule",
    "channel", "total", "fact", "glossary", "curve.panel", "link.suggest", "check", "record", "field", "dose_field",
    "privacy_kind", "privacy_decision", "site_field", "cause", "plot",
}  # fmt: skip


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found += re.findall(r"[A-Za-zÄÖÜäöüß]{2,}[\w-]*", data)

    def handle_starttag(self, _: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name in {"title", "alt", "placeholder", "aria-label", "label"}:
                self.handle_data(value or "")


def _without_jinja(text: str) -> str:
    return re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", " ", text, flags=re.DOTALL)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda p: p.name)
def test_a_template_holds_no_words_of_its_own(template: Path):
    words = _Words()
    words.feed(_without_jinja(template.read_text("utf-8")))
    assert [w for w in words.found if w not in NAMES] == []


def _used_keys() -> set[str]:
    sources = [*TEMPLATES, *WEB.rglob("*.py")]
    written = "\n".join(p.read_text("utf-8") for p in sources)
    return set(re.findall(r"[\"']([a-z_]+(?:\.[a-z_0-9-]+)+)[\"']", written))


def test_every_text_that_a_template_asks_for_exists():
    asked = set()
    for template in TEMPLATES:
        asked |= set(re.findall(r"\bt\(\s*[\"']([^\"']+)[\"']\s*[,)]", template.read_text("utf-8")))
    assert asked - set(texts()) == set()


def test_no_text_is_left_over():
    used = _used_keys()
    left = {k for k in texts() if k not in used and not any(k.startswith(f"{b}.") for b in BUILT)}
    assert left == set()


def _forms(text: str | dict[str, str]) -> list[str]:
    return list(text.values()) if isinstance(text, dict) else [text]


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", sorted(texts()))
def test_both_languages_say_the_same(key: str):
    german, english = texts()[key]
    assert all(form.strip() for form in (*_forms(german), *_forms(english)))
    assert {frozenset(_fields(f)) for f in _forms(german)} <= {frozenset(_fields(f)) for f in _forms(english)}
    assert isinstance(german, dict) == isinstance(english, dict)
    if isinstance(german, dict):
        assert set(german) == set(english) == {"one", "other"}


def test_german_is_polite():
    said = [f for german, _ in texts().values() for f in _forms(german)]
    said += [entry["de"][part] for entry in phrases.catalogue().values() for part in phrases.PARTS]
    familiar = re.compile(r"\b(du|dein|deine|dir|dich|hast du|klick)\b", re.IGNORECASE)
    assert [s for s in said if familiar.search(s)] == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda p: p.name)
def test_a_template_is_well_formed(template: Path):
    from api.web.render import HERE, _localised

    _localised("de", "Europe/Vienna").get_template(str(template.relative_to(HERE / "templates")))
