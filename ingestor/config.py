"""Settings: `apherelog.toml` < environment `APHERELOG_*` < flags. Unknown keys are errors."""

from __future__ import annotations

import difflib
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from ingestor.errors import SettingsError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

# Those of the room that computes them; a test holds both together.
Formula = Literal["nadler", "kaplan", "ml-per-kg-70", "lemmens", "gilcher", "icsh"]


class ColumnProduct(BaseModel):
    """What a site knows of a column product, by the name that its machines print.

    Attributes:
        uses: how often one column may be used.
        extraction: mean fraction that one pass over it takes out, for the model of removal.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    uses: int | None = Field(None, ge=1)
    extraction: float | None = Field(None, gt=0, le=1)


class Settings(BaseSettings):
    """Everything a site can set. Each field is described in the README's table of settings."""

    model_config = SettingsConfigDict(env_prefix="APHERELOG_", extra="forbid", frozen=True)

    data_dir: Path = Field(Path("apherelog-data"), description="Archive, database and site profiles")
    database_url: str | None = Field(
        None,
        pattern=r"^(postgresql|sqlite)(\+[a-z]+)?://",
        description="Where the database is, if not in the data folder",
    )
    centre: str = Field("site", pattern=r"^[a-z0-9-]{1,40}$", description="Short name of this centre")
    centre_name: str = Field("This centre", description="Name of this centre on pages")
    zone: str = Field("Europe/Vienna", description="Time zone of machines that have none of their own")
    max_file_mib: int = Field(32, ge=1, le=4096, description="Largest file that is accepted [MiB]")
    refused_days: int = Field(90, ge=1, description="How long bytes of refused files are kept [days]")
    companion_hours: float = Field(24, gt=0, description="How long a file waits for its companion [h]")
    course_gap_days: int = Field(28, ge=1, description="A longer gap begins a new course [days]")
    plasma_volume_formula: Formula = Field("nadler", description="Formula of the estimated plasma volume")
    withhold_above: float = Field(
        0.10, gt=0, le=1, description="Readings that differ more are withheld [fraction]"
    )
    weight_days: int = Field(30, ge=0, description="Oldest weight used for a dose [days]")
    hematocrit_days: int = Field(7, ge=0, description="Oldest hematocrit used for a dose [days]")
    height_years: int = Field(10, ge=0, description="Oldest height used for a dose [years]")
    identifier_rule: str = Field(
        "strip-zeros", pattern="^(exact|strip-zeros|alnum)$", description="How typed patient ids are compared"
    )
    admin_second_factor: bool = Field(
        default=False, description="Administrators without a second factor may only set one up"
    )
    smallest_cell: int = Field(
        5, ge=1, description="Counts of fewer persons are not told in summaries for analysts"
    )
    retention_years: int = Field(30, ge=1, description="How long treatments are kept at least [years]")
    audit_anchors: tuple[str, ...] = Field(
        (),
        description="Where number and hash of the newest audit entry are written: files, syslog, syslog:HOST:PORT",
    )
    audit_anchor_minutes: int = Field(60, ge=1, le=1440, description="How often that is done [min]")
    second_person: bool = Field(default=False, description="A second person confirms each link made by hand")
    columns: dict[str, ColumnProduct] = Field(
        {}, description="By column product as printed: `uses` (how often a column may be used), `extraction`"
    )
    support: str = Field("", description="Whom to call when stuck; shown on every page")
    rate_limits: bool = Field(default=True, description="Limit logins and uploads per minute")
    public_docs: bool = Field(default=True, description="Show /docs and /openapi.json without a login")
    public_metrics: bool = Field(default=True, description="Show /metrics without a login")
    proxies: tuple[str, ...] = Field(
        ("127.0.0.1", "::1"), description="Addresses of proxies that are believed"
    )
    oidc_issuer: str | None = Field(
        None, pattern="^https?://", description="Address of the hospital's sign-on"
    )
    oidc_client_id: str = Field("apherelog", description="Name of this service there")
    oidc_secret_file: Path | None = Field(None, description="File with the secret that goes with that name")
    oidc_groups: dict[str, str] = Field(default_factory=dict, description="Group of the sign-on -> role here")
    allowed_hosts: tuple[str, ...] = Field(("*",), description="Host names this service answers to")

    @field_validator("oidc_groups")
    @classmethod
    def _are_roles(cls, groups: dict[str, str]) -> dict[str, str]:
        roles = {"nurse", "analyst", "steward", "admin", "auditor"}
        if set(groups.values()) - roles:
            msg = f"expected group -> one of {', '.join(sorted(roles))}"
            raise ValueError(msg)
        return groups

    @field_validator("zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            msg = "expected a time zone such as Europe/Vienna"
            raise ValueError(msg) from None
        return name

    toml_file: ClassVar[Path | None] = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags before environment before secret files before `apherelog.toml`."""
        sources = (init_settings, env_settings, file_secret_settings)
        path = settings_file()
        return (*sources, TomlConfigSettingsSource(settings_cls, path)) if path else sources

    @property
    def url(self) -> str:
        """Return the database's URL."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'apherelog.db').absolute()}"


# Read by the client, by tests and for fault injection; no settings of a site.
_OTHERS = {"CONFIG", "FAULT", "FUZZ_SECONDS", "GOLDEN", "SEED", "TOKEN", "URL"}
_PREFIX = "APHERELOG_"


def unknown_variables() -> set[str]:
    """Return environment variables that look like settings and are none: a slip in one must not go unnoticed."""
    known = {name.upper() for name in Settings.model_fields} | _OTHERS
    given = {name for name in os.environ if name.upper().startswith(_PREFIX)}
    return {name for name in given if name.upper().removeprefix(_PREFIX) not in known}


def settings_file() -> Path | None:
    """Return the file of settings, if there is one.

    Raises:
        SettingsError: one was named and is not there. To start without it would be to start in another data folder.
    """
    named = os.environ.get("APHERELOG_CONFIG")
    path = Path(named or "apherelog.toml")
    if path.is_file():
        return path
    if named:
        raise SettingsError("settings", problems=f"APHERELOG_CONFIG names {path}, and there is no such file")
    return None


def load(**flags: Any) -> Settings:  # noqa: ANN401
    """Read the settings; flags that are None do not count.

    Raises:
        SettingsError: a key is unknown or a value does not fit; the message names it, never its value.
    """
    strangers = sorted(unknown_variables())
    if strangers:
        raise SettingsError("settings", problems=f"unknown environment variable: {', '.join(strangers)}")
    try:
        return Settings(**{k: v for k, v in flags.items() if v is not None})
    except ValidationError as error:
        problems = "; ".join(map(_in_words, error.errors()))
    except tomllib.TOMLDecodeError as error:
        problems = f"{settings_file()}: {error}"
    except UnicodeDecodeError:
        problems = f"{settings_file()}: not UTF-8"
    except OSError as error:
        problems = f"{settings_file()}: {error.strerror}"
    raise SettingsError("settings", problems=problems) from None


def _in_words(error: ErrorDetails) -> str:
    name, known = ".".join(map(str, error["loc"])), list(Settings.model_fields)
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, known, 1)
        return f"{name}: there is no such setting" + (f"; did you mean {near[0]}?" if near else "")
    if error["type"] == "literal_error":
        return f"{name}: expected one of {', '.join(get_args(Formula))}"
    return f"{name}: {error['msg'].removeprefix('Value error, ')}"


def origins(settings: Settings) -> list[tuple[str, str, str]]:
    """Return (name, value, origin) of every setting; origin is default, environment, file or flag."""
    in_file = _file_keys()
    found = []
    for name in Settings.model_fields:
        value = str(getattr(settings, name))
        if name == "database_url" and "@" in value:
            value = f"{value.split('://', maxsplit=1)[0]}://***@{value.rsplit('@', 1)[1]}"
        from_environment = f"APHERELOG_{name.upper()}" in os.environ
        given = name in settings.model_fields_set
        origin = (
            "environment"
            if from_environment
            else "file"
            if name in in_file
            else "flag"
            if given
            else "default"
        )
        found.append((name, value, origin))
    return found


def _file_keys() -> set[str]:
    path = settings_file()
    return set(tomllib.loads(path.read_text("utf-8"))) if path else set()
