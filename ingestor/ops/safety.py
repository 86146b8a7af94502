"""What is looked at before the doors open: settings that would make an installation less than safe."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import make_url

from ingestor.errors import SettingsError
from ingestor.ops import anchors
from ingestor.store.engine import durability_warnings, veil_is_drawn

if TYPE_CHECKING:
    from ingestor.config import Settings
    from ingestor.store.engine import Database

# The first that anybody would try as the password of a database.
_DEFAULTS = frozenset({
    "", "postgres", "password", "passwort", "apherelog", "admin", "changeme", "change-me", "secret", "geheim", "root",
    "test", "example", "123456",
})  # fmt: skip
_CHECKED = {"verify-full", "verify-ca"}
_HERE = {"localhost", "127.0.0.1", "::1"}
_OTHERS = stat.S_IRWXO


def require_safe(settings: Settings) -> None:
    """See that no secret is a default one and that nobody else can read those in files.

    Raises:
        SettingsError: `default_secret`, `secret_file_open`, and as `anchors.require_usable`.
    """
    url = make_url(settings.url)
    if url.password is not None and str(url.password).casefold() in _DEFAULTS:
        raise SettingsError("default_secret", setting="database_url")
    config = Path(os.environ.get("APHERELOG_CONFIG", "apherelog.toml"))
    secrets = [config] if url.password is not None and config.is_file() else []
    if settings.oidc_secret_file is not None:
        secrets.append(settings.oidc_secret_file)
    for path in secrets:
        require_closed(path)
    anchors.require_usable(settings)


def require_closed(path: Path) -> None:
    """See that others than owner and group cannot read a file that holds a secret.

    Raises:
        SettingsError: `secret_file_open`; `secret_file_missing`.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise SettingsError("secret_file_missing", path=str(path)) from error
    if stat.S_IMODE(mode) & _OTHERS:
        raise SettingsError("secret_file_open", path=str(path))


def warnings(settings: Settings, db: Database) -> list[str]:
    """Return what is less than safe and yet allowed; shown by `/health`."""
    found = durability_warnings(db)
    if not veil_is_drawn(db):
        found.append("identities_not_separate")
    found += _of_settings(settings)
    return found


def _of_settings(settings: Settings) -> list[str]:
    found = []
    url = make_url(settings.url)
    remote = url.get_backend_name() != "sqlite" and url.host is not None and url.host not in _HERE
    if remote and not str(url.host).startswith("/") and url.query.get("sslmode") not in _CHECKED:
        found.append("database_line_not_checked")
    if settings.data_dir.exists() and stat.S_IMODE(settings.data_dir.stat().st_mode) & _OTHERS:
        found.append("data_folder_open")
    if not settings.rate_limits:
        found.append("no_rate_limits")
    return found
