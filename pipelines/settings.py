"""All settings in one place: environment ``GOROD_*``, then ``gorod.toml``, then these defaults."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

PROJECT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Locations and behaviour of Gorod. Paths are made absolute."""

    model_config = SettingsConfigDict(env_prefix="GOROD_", toml_file="gorod.toml", extra="forbid")

    home: Path = Field(
        default=PROJECT / ".gorod", description="state: landing, warehouse, publications, reports"
    )
    warehouse: str = Field(
        default="", description="DuckDB file or postgresql://…; default <home>/warehouse.duckdb"
    )
    mirror: Path | None = Field(default=None, description="folder that replaces the public origins")
    origin: Literal["sample", "mirror", "public", ""] = Field(
        default="",
        description="origin of deliveries; default: mirror if one is set, otherwise sample",
    )
    pseudonym_key: SecretStr = Field(
        default=SecretStr(""), description="HMAC key of pseudonyms; environment only"
    )
    busy_timeout_s: float = Field(default=20.0, ge=0, description="how long to wait for another writer")
    inbox_quiet_s: float = Field(
        default=10.0,
        ge=0,
        description="seconds for which a file in the drop folder must be unchanged, and not open for writing, before it is taken",
    )
    gate_processes: int = Field(
        default_factory=lambda: min(3, (os.cpu_count() or 1) - 1),
        ge=0,
        description="processes in which a run validates many deliveries; default: cores - 1, at most 3",
    )
    ui_token: SecretStr = Field(
        default=SecretStr(""), description="token of Dagster's UI; default: generated once; environment only"
    )
    ui_hosts: str = Field(
        default="", description="host names under which a proxy forwards to Dagster's UI, separated by spaces"
    )
    alert_mail_to: str = Field(default="", description="recipients of alerts by mail, separated by spaces")
    alert_mail_from: str = Field(default="", description="sender of these mails; default: gorod@<host>")
    smtp_host: str = Field(default="", description="mail server")
    smtp_port: int = Field(default=587, ge=1, le=65535, description="port of the mail server")
    smtp_tls: Literal["starttls", "tls"] = Field(
        default="starttls", description="TLS after a greeting (587), or from the first byte (465)"
    )
    smtp_user: str = Field(default="", description="login at the mail server; empty: none")
    smtp_password: SecretStr = Field(default=SecretStr(""), description="its password; environment only")
    alert_webhook: SecretStr = Field(
        default=SecretStr(""), description="address to which alerts are posted as JSON; environment only"
    )
    alert_silent_min: float = Field(
        default=10.0, gt=0, description="minutes after which a silent daemon is an alert"
    )
    alert_stale_h: float = Field(
        default=6.0, ge=0, description="hours for which marts may be behind the ledger before it is an alert"
    )
    keep_runs_days: int = Field(
        default=14, ge=1, description="days for which Dagster's runs and the logs of runs are kept"
    )
    keep_alerts_days: int = Field(default=90, ge=1, description="days for which past alerts are kept")
    maximum_loss_pct: float = Field(
        default=10.0,
        ge=0,
        le=100,
        description="share of a contract's published figures that a publication may lose before it is refused",
    )
    keep_publications: int = Field(
        default=3, ge=1, description="number of publications that are kept on disk"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before file before default; no dotenv, no secret files."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    def model_post_init(self, _context: object) -> None:
        """Make the paths absolute and fill in dependent settings."""
        self.home = self.home.expanduser().absolute()
        if self.mirror is not None:
            self.mirror = self.mirror.expanduser().absolute()
        if not self.origin:
            self.origin = "mirror" if self.mirror else "sample"
        if not self.warehouse:
            self.warehouse = str(self.home / "warehouse.duckdb")
        elif "://" not in self.warehouse and "=" not in self.warehouse:
            self.warehouse = str(Path(self.warehouse).expanduser().absolute())

    @property
    def landing(self) -> Path:
        """Immutable deliveries and their receipts."""
        return self.home / "landing"

    @property
    def inbox(self) -> Path:
        """Drop folder: ``<source>/<feed>/<instance>/<file>``. Files that have landed are removed; no others ever are."""
        return self.home / "inbox"

    @property
    def work(self) -> Path:
        """Scratch space: batches while they are validated. Safe to delete when nothing runs."""
        return self.home / "work"

    @property
    def published(self) -> Path:
        """Publications; readers open the link ``current``."""
        return self.home / "published"

    @property
    def reports(self) -> Path:
        """Reports with their manifests."""
        return self.home / "reports"

    @property
    def releases(self) -> Path:
        """Releases: frozen, never changed."""
        return self.home / "releases"

    @property
    def dagster_home(self) -> Path:
        """Dagster's own storage: runs, events, schedules."""
        return self.home / "dagster"


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process."""
    return Settings()
