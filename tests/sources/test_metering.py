"""Metering by both ways: a real PostgreSQL replica for one city, files by SFTP for the other; nothing is lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import psycopg
import pytest
import yaml

from pipelines.connectors import sftp as connector
from pipelines.declarations.sources import SOURCES, Source
from pipelines.errors import OriginError
from pipelines.loading.load import LoadOutcome
from pipelines.loading.plan import Wanted, make_plan
from pipelines.settings import get_settings
from sandbox import metering, sftp
from sandbox.cities import CITIES
from sandbox.samples.metering import as_parquet, balance, meters, outages, readings
from sandbox.sftp import Host
from tests.sources.asked import Home
from tests.support.portal import use_home

OCTOBER = date(2026, 10, 1)
FIRST, SECOND = date(2026, 11, 1), date(2026, 11, 2)
DAY = ("readings", "brest", "2026-11-02..2026-11-02")


def expected(city: str, first: date, last: date) -> int:
    return len(readings(CITIES[city], first, last))


@pytest.fixture
def replica(dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection]:
    monkeypatch.setenv("GOROD_METERING_BREST_DSN", dsn)
    with psycopg.connect(dsn, autocommit=True) as session:
        metering.fill(session, CITIES["brest"], FIRST, SECOND)
        yield session


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    with sftp.running(tmp_path / "host") as given:
        metering.put_files(given.root / "out" / "barysau", CITIES["barysau"], FIRST, SECOND)
        monkeypatch.setenv("GOROD_METERING_BARYSAU_USER", sftp.USER)
        monkeypatch.setenv("GOROD_METERING_BARYSAU_PASSWORD", sftp.PASSWORD)
        monkeypatch.setenv("GOROD_METERING_KNOWN_HOSTS", str(given.known_hosts(tmp_path / "known_hosts")))
        connector._first_seen.clear()
        yield given


@pytest.fixture
def home(tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setenv("GOROD_METERING_SFTP", f"127.0.0.1:{host.port}")
    monkeypatch.setenv("GOROD_METERING_SYNTHETIC", "1")
    monkeypatch.setenv("GOROD_INBOX_QUIET_S", "0")
    found = Home(use_home(monkeypatch, tmp_path / "home", tmp_path / "mirror"), "metering", monkeypatch)
    monkeypatch.setattr("pipelines.connectors.sql.today", lambda: date(2026, 11, 3))
    yield found.on("2026-11-03")
    get_settings.cache_clear()


def load(home: Home) -> dict[tuple[str, str, str], int]:
    """Everything, the register first: readings are validated against it."""
    return {key: rows for feed in ("meters", "readings") for key, rows in home.load_all(feed=feed).items()}


def test_both_ways_give_all_they_have_and_a_late_correction_replaces_its_day(
    home: Home, replica: psycopg.Connection
) -> None:
    rows = load(home)
    given = {key: count for key, count in rows.items() if key[0] == "readings"}
    assert {(city, count) for (_, city, _), count in given.items()} == {
        (city, expected(city, day, day)) for city in ("brest", "barysau") for day in (FIRST, SECOND)
    }
    assert sum(count for (feed, _, _), count in rows.items() if feed == "meters") == sum(
        len(meters(CITIES[city])) for city in ("brest", "barysau")
    )
    assert home.warehouse.query("select distinct synthetic from ops.load") == [{"synthetic": True}]
    assert load(home) == {}
    replica.execute(
        "update metering.hourly_readings set consumed = 0, quality = 'estimated', changed_at = now() + interval '1 hour' "
        "where hour_started_at = '2026-11-02 05:00'"
    )
    (((_, city, _), count),) = home.load_all(feed="readings").items()
    assert (city, count) == ("brest", expected("brest", SECOND, SECOND))
    kept = home.rows(
        "readings",
        "count(*) as n, count(distinct (meter_id, hour_started_at)) as single",
        "instance = 'brest'",
    )
    assert kept == [{"n": expected("brest", FIRST, SECOND), "single": expected("brest", FIRST, SECOND)}]


def test_one_citys_broken_system_holds_up_no_other(
    home: Home, replica: psycopg.Connection, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOROD_METERING_BREST_DSN")
    plan = make_plan(Wanted(source="metering", feed="meters"), home.settings, home.warehouse)
    assert [one.instance for one in plan.candidates["metering", "meters"]] == ["barysau"]
    assert "GOROD_METERING_BREST_DSN" in str(plan.failures["metering", "meters"])
    assert replica and host.reads == 0


def test_a_lost_connection_and_a_corrupt_file_are_caught_up(
    home: Home, replica: psycopg.Connection, host: Host
) -> None:
    assert replica
    whole = (host.root / "out/barysau/meters-2026-11.parquet").read_bytes()
    host.put("out/barysau/meters-2026-11.parquet", whole[:-100])
    outcomes = home.load(feed="meters", instance="barysau")
    (refused,) = outcomes.values()
    assert isinstance(refused, LoadOutcome) and refused.state == "rejected"
    host.put("out/barysau/meters-2026-11.parquet", whole)
    host.on_read.append(host.drop)
    assert list(home.load_all(feed="meters", instance="barysau").values()) == [len(meters(CITIES["barysau"]))]


def test_readings_of_a_meter_that_the_register_does_not_know_are_kept_back(
    home: Home, replica: psycopg.Connection
) -> None:
    home.load_all(feed="meters")
    replica.execute(
        "update metering.hourly_readings set meter_id = 'E-0000-000001' where meter_id = "
        "(select min(meter_id) from metering.hourly_readings) and hour_started_at = '2026-11-02 05:00'"
    )
    found = [
        one
        for one in home.load(feed="readings", instance="brest").values()
        if not isinstance(one, OriginError)
    ]
    assert sorted(one.rows_quarantined for one in found) == [0, 1]


def test_another_city_is_a_few_lines() -> None:
    added = """
  homiel:
    title: {ru: г. Гомель, be: г. Гомель, en: Gomel}
    ref_area: c-homiel
    origin:
      kind: sftp
      host: files.homiel.example
      path: /out
      user: GOROD_METERING_HOMIEL_USER
      key: GOROD_METERING_HOMIEL_KEY
      known_hosts: GOROD_METERING_KNOWN_HOSTS"""
    assert len(added.strip().splitlines()) <= 10
    text = (SOURCES / "metering" / "source.yml").read_text(encoding="utf-8")
    source = Source.model_validate(yaml.safe_load(text.replace("\ninstances:", "\ninstances:" + added, 1)))
    assert source.instances["homiel"].origin is not None


@pytest.mark.parametrize("city", ["brest", "barysau"])
def test_saidi_and_saifi_are_those_of_ieee_1366(city: str, samples: Path) -> None:
    """Recomputed from the invented outages by the formula, with the whole register as customers served."""
    served = sum(one["resource"] == "electricity" for one in meters(CITIES[city]))
    lasting = [
        (Decimal((one["ended_at"] - one["started_at"]).seconds) / 60, one["customers"])
        for one in outages(CITIES[city], OCTOBER)
        if one["resource"] == "electricity" and (one["ended_at"] - one["started_at"]).seconds > 300
    ]
    assert len(lasting) > 0
    with duckdb.connect(
        str(samples / "published" / "current" / "gorod.duckdb"), read_only=True
    ) as connection:
        values = dict(
            connection.execute(
                "select indicator, obs_value from published.pub_indicator_value_v1 where time_period = '2026-10' "
                "and breakdown = '_T' and ref_area = ?", [f"c-{city}"],
            ).fetchall()
        )  # fmt: skip
    assert values["electricity_saidi_min"] == pytest.approx(
        sum(minutes * n for minutes, n in lasting) / served, abs=Decimal("0.00001")
    )
    assert values["electricity_saifi"] == pytest.approx(
        Decimal(sum(n for _, n in lasting)) / served, abs=Decimal("0.00001")
    )
    water = [one for one in balance(CITIES[city], OCTOBER) if one["resource"] == "water"]
    lost = sum(one["network_input"] - one["billed_household"] - one["billed_other"] for one in water)
    assert values["water_losses_pct"] == pytest.approx(
        Decimal(100 * lost) / sum(one["network_input"] for one in water), abs=Decimal("0.00001")
    )
    smart = sum(one["is_smart"] for one in meters(CITIES[city]))
    measured = sum(
        one["quality"] == "measured" for one in readings(CITIES[city], OCTOBER, date(2026, 10, 31))
    )
    assert values["metering_hours_received_pct"] == pytest.approx(
        Decimal(100 * measured) / (smart * 744), abs=Decimal("0.00001")
    )


def test_the_sample_and_the_replica_hold_the_same_kind_of_rows() -> None:
    (first, *_) = readings(CITIES["brest"], OCTOBER, OCTOBER)
    assert first["hour_started_at"] == datetime(2026, 10, 1)
    assert as_parquet([first])[:4] == b"PAR1"
