"""`apherelog drivers`: which formats are read, how well they are known, and who has accepted them here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingestor.commands.front import EXIT_NOTHING, EXIT_OK, EXIT_REFUSED, Front, give_up, language, pass_front

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ingestor.isolate.reader import KnownDriver

TIERS = {
    "specified": {
        "de": "nach veröffentlichter Spezifikation geschrieben",
        "en": "written from a published specification",
    },
    "observed": {
        "de": "an echten, öffentlichen Exporten beobachtet",
        "en": "seen in real exports that are public",
    },
    "declared": {
        "de": "beschrieben; ein echter Export dieses Geräts lag noch nicht vor",
        "en": "described; no real export of that machine has been seen yet",
    },
}
_WORDS = {
    "source": {"de": "Quelle", "en": "Source"},
    "reads": {"de": "Liest", "en": "Reads"},
    "leaves": {"de": "Lässt", "en": "Leaves"},
    "accepted": {"de": "Angenommen", "en": "Accepted"},
    "unusable": {"de": "nicht benutzbar", "en": "cannot be used"},
    "compared": {
        "de": "Ein Export wurde mit dem Bildschirm des Geräts verglichen.",
        "en": "One export was compared with the machine's screen.",
    },
    "nobody": {"de": "hier noch von niemandem", "en": "here by nobody yet"},
}


def word(key: str) -> str:
    """Return one of this command's words in the terminal's language."""
    return _WORDS[key][language()]


@click.group()
def drivers() -> None:
    """List, explain, teach and accept drivers."""


@drivers.command("list")
@pass_front
def list_(front: Front) -> None:
    """List all drivers with their tier of evidence; one JSON object a line with --json."""
    from ingestor.isolate import Reader

    signed = _acceptances(front)
    with Reader(_profiles(front)) as reader:
        known, broken = reader.drivers()
    for driver in known:
        document = _document(driver, signed)
        front.emit(document, _line(document))
    for one in broken:
        front.emit(
            {"name": one.name, "problem": one.problem}, f"{one.name}: {word('unusable')} ({one.problem})"
        )


@drivers.command()
@click.argument("name")
@pass_front
def show(front: Front, name: str) -> None:
    """Show one driver: source, tier, what it reads, what it leaves, who accepted it, in German and English."""
    from ingestor.isolate import Reader

    signed = _acceptances(front)
    with Reader(_profiles(front)) as reader:
        driver = _driver(reader.drivers()[0], name)
    document = _document(driver, signed)
    front.emit(document, "\n".join(_lines(document)))


@drivers.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--zone", help="Time zone of the machine's clock, for example Europe/Vienna.")
@pass_front
def check(front: Front, files: Sequence[Path], zone: str | None) -> None:
    """Explain for every driver why it claims a file or declines it, and what would be stored; stores nothing.

    One JSON object a bundle with --json. Exit code 3: some would be refused; 4: none would be read.
    """
    from datetime import UTC, datetime

    from ingestor.commands.checked import told
    from ingestor.flow.checking import check as checked
    from ingestor.isolate import Reader
    from ingestor.meaning.clock import Clock

    settings = front.settings()
    clock = Clock(settings.zone, datetime.now(UTC), zone=zone)
    statuses = []
    with Reader(settings.data_dir / "profiles") as reader:
        for bundle in _bundles(reader, files):
            document = checked(reader, bundle, clock)
            statuses.append(document["would_store"]["status"])
            front.emit(document, "\n".join(told(document)))
    refused = sum(status == "refused" for status in statuses)
    give_up(EXIT_NOTHING if refused == len(statuses) else EXIT_REFUSED if refused else EXIT_OK)


@drivers.command()
@click.argument("name")
@click.option(
    "--model", help="Model of the machine as its exports print it; all that were read here, if not given."
)
@click.option("--note", help="What was compared: export, date, values on the screen.")
@click.option("--person", help="Who compared and signs; you, if not given.")
@pass_front
def accept(front: Front, name: str, model: str | None, note: str | None, person: str | None) -> None:
    """Record that a person compared one real export with the machine's screen; doses are computed again.

    One JSON object a model with --json.
    """
    from ingestor.errors import Invalid
    from ingestor.flow.acceptance import accept as accepted
    from ingestor.store.acceptances import models_read_by

    actor = front.actor()
    with front.house() as house, house.db.write() as connection:
        driver = _driver(house.reader.drivers()[0], name)
        version = driver.stamp.version
        models = [model] if model else models_read_by(connection, name, version)
        if not models:
            raise Invalid("no_machine_read", driver=name)
        for one in models:
            signed = {"person": person or actor.name, "note": note or word("compared")}
            key, sessions = accepted(
                house, connection, (name, version, one), signed["person"], signed["note"], actor
            )
            document = {
                "acceptance": key,
                "driver": name,
                "version": version,
                "model": one,
                **signed,
                "sessions": sessions,
            }
            front.emit(document, f"{key}: {name} {version}, {one} ({len(sessions)})")


@drivers.command()
@click.argument("acceptance")
@click.option("--reason", required=True, help="Why it is taken back.")
@pass_front
def revoke(front: Front, acceptance: str, reason: str) -> None:
    """Take an acceptance back; doses are computed again."""
    from ingestor.flow.acceptance import revoke as revoked

    with front.house() as house, house.db.write() as connection:
        sessions = revoked(house, connection, acceptance, front.actor(), reason)
    front.emit({"revoked": acceptance, "sessions": sessions}, f"{acceptance} ({len(sessions)})")


def _profiles(front: Front) -> Path:
    return front.settings().data_dir / "profiles"


def _acceptances(front: Front) -> list[dict[str, str]]:
    """Return who accepted what; nobody where there is no database yet, because looking does not create one."""
    settings = front.settings()
    if settings.database_url is None and not (settings.data_dir / "apherelog.db").exists():
        return []
    from ingestor.store import acceptances

    with front.house() as house, house.db.read() as connection:
        rows = acceptances.standing(connection)
    return [
        {
            "id": row.id, "driver": row.driver, "version": row.version, "model": row.model,
            "person": row.person, "note": row.note, "at": row.at.isoformat(),
        }
        for row in rows
    ]  # fmt: skip


def _driver(known: Sequence[KnownDriver], name: str) -> KnownDriver:
    from ingestor.errors import NotFound

    found = next((d for d in known if d.stamp.name == name), None)
    if found is None:
        raise NotFound("no_such_driver", name=name, known=", ".join(d.stamp.name for d in known))
    return found


def _document(driver: KnownDriver, signed: list[dict[str, str]]) -> dict[str, Any]:
    stamp = driver.stamp
    return {
        "name": stamp.name,
        "version": stamp.version,
        "evidence": stamp.evidence.value,
        "evidence_text": TIERS[stamp.evidence.value],
        "roles": list(driver.roles),
        "about": driver.about,
        "accepted": [s for s in signed if (s["driver"], s["version"]) == (stamp.name, stamp.version)],
    }


def _line(document: dict[str, Any]) -> str:
    title = document["about"].get(language(), document["about"].get("en", {})).get("title", "")
    models = ", ".join(sorted({s["model"] for s in document["accepted"]}))
    signed = f"  [{word('accepted')}: {models}]" if models else ""
    return f"{document['name']:24} {document['evidence']:10} {title}{signed}"


def _lines(document: dict[str, Any]) -> Iterator[str]:
    yield f"{document['name']} {document['version']}"
    for tongue in ("de", "en"):
        about = document["about"].get(tongue, {})
        yield ""
        yield f"{about.get('title', document['name'])}"
        yield f"  {document['evidence']}: {document['evidence_text'][tongue]}"
        for part in ("source", "reads", "leaves"):
            if about.get(part):
                yield f"  {_WORDS[part][tongue]}: {about[part]}"
        signed = [
            f"{s['model']} – {s['person']}, {s['at'][:10]}: {s['note']} ({s['id']})"
            for s in document["accepted"]
        ]
        yield f"  {_WORDS['accepted'][tongue]}: {'; '.join(signed) or _WORDS['nobody'][tongue]}"


def _bundles(reader: Any, files: Sequence[Path]) -> Iterator[Any]:  # noqa: ANN401 - types of heavy rooms
    from ingestor.detect import group
    from ingestor.driver import Bundle, Member
    from ingestor.ways.files import files_below

    found = {name: path for root in files for name, path in files_below(root)}
    for names in group(list(found), reader.bundle_keys(list(found))):
        yield Bundle(tuple(Member(found[name].name, found[name].read_bytes()) for name in names))
