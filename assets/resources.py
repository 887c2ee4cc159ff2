"""Resources of the assets: Gorod's settings and its warehouse."""

import dagster as dg
from pydantic import Field

from pipelines.settings import Settings, get_settings
from pipelines.warehouse import open_warehouse
from pipelines.warehouse.base import Warehouse


class SettingsResource(dg.ConfigurableResource[Settings]):
    """Gorod's settings. An empty value means that of the process: environment ``GOROD_*``, then ``gorod.toml``.

    Secrets do not belong here: the UI shows the configuration of a run.
    """

    home: str = Field(default="", description="folder of all state, GOROD_HOME")
    warehouse: str = Field(default="", description="DuckDB file or postgresql://…, GOROD_WAREHOUSE")
    origin: str = Field(default="", description="sample, mirror or public, GOROD_ORIGIN")

    def get(self) -> Settings:
        """The settings of a step."""
        given = {"home": self.home, "warehouse": self.warehouse, "origin": self.origin}
        chosen = {name: value for name, value in given.items() if value}
        return Settings.model_validate(chosen) if chosen else get_settings()


class WarehouseResource(dg.ConfigurableResource[Warehouse]):
    """The warehouse of these settings, DuckDB or PostgreSQL."""

    settings: SettingsResource

    def open(self) -> Warehouse:
        """The warehouse; it connects when it is used."""
        return open_warehouse(self.settings.get())


SETTINGS = SettingsResource()
RESOURCES = {"settings": SETTINGS, "warehouse": WarehouseResource(settings=SETTINGS)}
