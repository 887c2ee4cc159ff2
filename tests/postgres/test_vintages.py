"""Vintages, embargo and releases on a server: what holds of a file holds there too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines.publishing.embargo import ended_embargo
from pipelines.publishing.history import known
from pipelines.publishing.index_contract import newest_build, publish_index
from pipelines.releases import archive
from pipelines.releases.archive import cut, list_releases, verify
from pipelines.settings import Settings
from pipelines.warehouse.copy import copy_warehouse
from pipelines.warehouse.duckdb import DuckDBWarehouse
from pipelines.warehouse.postgres import PostgresWarehouse
from tests.postgres.test_parity import dbt
from tests.support.small_warehouse import SmallWarehouse, fill

KEY = ("appeals_per_1000", "c-minsk", "2019-06", "_T")


@pytest.mark.slow
def test_vintages_embargo_and_a_release(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = SmallWarehouse(tmp_path)
    ids = fill(small)
    server = PostgresWarehouse(dsn)
    copy_warehouse(DuckDBWarehouse(small.path), server)

    def build() -> datetime:
        done = dbt(dsn, tmp_path, "build", "--exclude", "resource_type:test", "resource_type:unit_test")
        assert done.returncode == 0, done.stdout[-3000:]
        with server.connection() as connection:
            connection.execute("update ops.build set whole = true")
            publish_index(connection, newest_build(connection))
        return datetime.now(UTC)

    def count(what: str) -> int:
        return int(server.query(f"select count(*) as rows from {what}")[0]["rows"])

    vintages = "history.known_indicator_value"
    first = build()
    rows = count(vintages)
    assert rows == count("marts.mart_indicator_value") > 100
    build()
    assert count(vintages) == rows  # a build without changes adds nothing
    with server.connection() as connection:
        connection.execute(
            "update raw.appeals_115__requests set rating = 5 where load_id = ?", [ids["minsk-06"]]
        )
        connection.execute("delete from catalogue.release_indicator")
        connection.execute("delete from catalogue.release")
        connection.execute(
            "insert into catalogue.release (release, time_period, freq, first_day, last_day, title_ru, title_be,"
            " title_en, embargo_until, embargo_until_minsk, example) select 'spring', '2019-Q2', 'Q',"
            " date '2019-04-01', date '2019-06-30', 't', 't', 't', now() + interval 1 hour, '', false"
        )
        connection.execute("insert into catalogue.release_indicator values ('spring', 'appeals_per_1000')")
        connection.execute("delete from ops.load_event where load_id = ?", [ids["minsk-05"]])
        connection.execute("delete from ops.load where load_id = ?", [ids["minsk-05"]])
    second = build()

    changed = f"{vintages} where known_to is not null"
    assert 0 < count(changed) < rows
    with server.connection(read_only=True) as connection:
        then = known(connection, "appeals_per_1000", "c-minsk", "2019-Q2", "_T", first)
        now = known(connection, "appeals_per_1000", "c-minsk", "2019-Q2", "_T", second)
    assert then.then is not None
    assert now.then is not None
    assert (then.then.obs_value is not None, now.then.obs_value) == (True, None)  # May was taken away

    held = "published_next.pub_indicator_value_v1 where indicator = 'appeals_per_1000' and time_period = '2019-06'"
    assert count(held) == 0
    assert ended_embargo(server) is None
    with server.connection() as connection:
        connection.execute("update intermediate.int_embargo_load set held_until = now() - interval 1 minute")
    ended = ended_embargo(server)
    assert ended is not None
    assert ended < datetime.now(UTC)

    monkeypatch.setattr(archive, "load_calendar", lambda _: {})
    settings = Settings(home=tmp_path / "home", warehouse=dsn, busy_timeout_s=2)
    release = cut(settings, "2019-Q1", second, by="x")
    assert release.is_new
    assert not cut(settings, "2019-Q1", second + timedelta(seconds=1), by="x").is_new
    assert verify(settings, release.id) == (release.id, [])
    assert [one.id for one in list_releases(settings)] == [release.id]
    with duckdb.connect(str(release.database), read_only=True) as connection:
        frozen = connection.execute("select count(*) from published.pub_indicator_value_v1").fetchone()
    assert frozen == (count("marts.mart_indicator_value where last_day <= date '2019-03-31'"),)
