"""Dagster's event log on a PostgreSQL server for one long command: see ``event_log.py``."""

from __future__ import annotations

from typing import Any

from dagster._serdes import ConfigurableClassData
from dagster_postgres.event_log import PostgresEventLogStorage
from sqlalchemy import create_engine


class ServerEventLog(PostgresEventLogStorage):
    """Keeps a session open, and asks before each use whether it still lives: the server may have been restarted."""

    def __init__(self, postgres_url: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._tables: set[str] = set()
        super().__init__(postgres_url, inst_data=inst_data)
        self._engine = create_engine(
            postgres_url, isolation_level="AUTOCOMMIT", pool_size=1, max_overflow=4, pool_pre_ping=True
        )

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> ServerEventLog:
        """As the configuration of an instance makes it."""
        return cls(config_value["postgres_url"], inst_data)

    def has_table(self, table_name: str) -> bool:
        """Whether there is a table; one that is there stays for as long as a command runs."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def dispose(self) -> None:
        """Close the session."""
        super().dispose()
        self._engine.dispose()
