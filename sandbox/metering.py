"""A supplier's metering system: the tables of its replica, or its files in a folder. Everything in it is invented."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import psycopg

from sandbox.cities import Place
from sandbox.samples.metering import Row, as_parquet, balance, meters, outages, readings

TABLES = {
    "meters": "meter_id text, resource text, consumer_kind text, is_smart boolean, installed_on date",
    "hourly_readings": "meter_id text, resource text, consumer_kind text, hour_started_at timestamp, register numeric(18, 4), "
    "consumed numeric(18, 4), unit text, quality text, changed_at timestamp default now()",
    "balance": "month_started_on date, zone text, resource text, unit text, network_input numeric, billed_household numeric, "
    "billed_other numeric, changed_at timestamp default now()",
    "outages": "outage_id text, resource text, is_planned boolean, started_at timestamp, ended_at timestamp, customers integer, "
    "changed_at timestamp default now()",
}


def fill(session: psycopg.Connection, city: Place, first: date, last: date, scale: float = 1) -> None:
    """Create the tables in an empty database, and fill them with the days from the first to the last."""
    session.execute("create schema metering")
    for name, columns in TABLES.items():
        session.execute(f"create table metering.{name} ({columns})".encode())
    session.execute("create index on metering.hourly_readings (hour_started_at)")
    _copy(session, "meters", meters(city, scale))
    for month in _finished(first, last):
        _copy(session, "balance", balance(city, month))
        _copy(session, "outages", outages(city, month))
    day = first
    while day <= last:
        _copy(session, "hourly_readings", list(readings(city, day, day, scale)))
        day += timedelta(days=1)


def put_files(folder: Path, city: Place, first: date, last: date, scale: float = 1) -> None:
    """The same as files: a day of readings each, a month of the others."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"meters-{last:%Y-%m}.parquet").write_bytes(as_parquet(meters(city, scale)))
    for month in _finished(first, last):
        (folder / f"balance-{month:%Y-%m}.parquet").write_bytes(as_parquet(balance(city, month)))
        (folder / f"outages-{month:%Y-%m}.parquet").write_bytes(as_parquet(outages(city, month)))
    day = first
    while day <= last:
        (folder / f"readings-{day}.parquet").write_bytes(as_parquet(readings(city, day, day, scale)))
        day += timedelta(days=1)


def _finished(first: date, last: date) -> list[date]:
    """The first days of the months that are over on the last day."""
    month, found = first.replace(day=1), []
    while (following := (month + timedelta(days=31)).replace(day=1)) <= last + timedelta(days=1):
        found.append(month)
        month = following
    return found


def _copy(session: psycopg.Connection, table: str, rows: list[Row]) -> None:
    columns = ", ".join(rows[0])
    with session.cursor().copy(f"copy metering.{table} ({columns}) from stdin".encode()) as copy:
        for row in rows:
            copy.write_row(list(row.values()))
