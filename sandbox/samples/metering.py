"""The sample of metering: one month of two cities, as files of a supplier. No meter, reading or outage is real."""

from __future__ import annotations

import io
from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sandbox.cities import CITIES, Place

Row = dict[str, Any]
MONTH = date(2026, 10, 1)
CITIES_OF_SAMPLE = ("brest", "barysau")
UNITS = {"electricity": "kWh", "heat": "Gcal", "water": "m3"}
# consumption of an hour: of a home, of anybody else
USUAL = {"electricity": (0.3, 12.0), "heat": (0.002, 0.08), "water": (0.01, 0.4)}
HOUR = timedelta(hours=1)


def meters(city: Place, scale: float = 1) -> list[Row]:
    """The register of a city: three of five meters are smart, one of four belongs to no home."""
    rng = Random(f"meters {city.code}")
    return [
        {
            "meter_id": f"{resource[0].upper()}-{city.soato[:4]}-{number:06}",
            "resource": resource,
            "consumer_kind": "other" if number % 4 == 3 else "household",
            "is_smart": number % 5 < (4 if resource == "electricity" else 2),
            "installed_on": date(2010 + rng.randrange(15), 1 + rng.randrange(12), 1 + rng.randrange(28)),
        }
        for resource in UNITS
        for number in range(round(city.size * 2 * scale))
    ]


@lru_cache(maxsize=64)
def readings(city: Place, first: date, last: date, scale: float = 1) -> Sequence[Row]:
    """The hourly readings of the smart meters from the first day to the last."""
    return tuple(
        reading
        for meter in meters(city, scale)
        if meter["is_smart"]
        for reading in _of_meter(meter, first, last)
    )


def _of_meter(meter: Row, first: date, last: date) -> Iterator[Row]:
    resource, kind = meter["resource"], meter["consumer_kind"]
    usual = USUAL[resource][kind == "other"]
    rng = Random(f"{meter['meter_id']} {first}")
    # registers begin anew each month only in this invention: they have to grow within it
    register = round(rng.uniform(100, 9000), 3) + (first.year - 2020) * 50_000 + first.toordinal() * 25
    at = datetime(first.year, first.month, first.day)
    while at.date() <= last:
        consumed = round(usual * rng.uniform(0.4, 1.6) * (0.6 if at.hour < 6 else 1.2), 4)
        register = round(register + consumed, 4)
        yield {
            "meter_id": meter["meter_id"], "resource": resource, "consumer_kind": kind, "hour_started_at": at,
            "register": register, "consumed": consumed, "unit": UNITS[resource],
            "quality": "estimated" if rng.random() < 0.01 else "measured",
        }  # fmt: skip
        at += HOUR


def balance(city: Place, month: date) -> list[Row]:
    """Input and amounts billed of a month, in two zones."""
    rng = Random(f"balance {city.code} {month}")
    rows = []
    for zone in ("Z-01", "Z-02"):
        for resource, unit in UNITS.items():
            given = round(city.size * 20_000 * rng.uniform(80, 120) * USUAL[resource][0])
            household = round(given * rng.uniform(0.4, 0.5))
            other = round(given * rng.uniform(0.36, 0.44))
            rows.append(
                {"month_started_on": month, "zone": zone, "resource": resource, "unit": unit, "network_input": given,
                 "billed_household": household, "billed_other": other}
            )  # fmt: skip
    return rows


def outages(city: Place, month: date) -> list[Row]:
    """Interruptions of a month; some last less than five minutes."""
    rng = Random(f"outages {city.code} {month}")
    days = monthrange(month.year, month.month)[1]
    rows = []
    for number in range(city.size * 4):
        at = datetime(
            month.year, month.month, 1 + rng.randrange(days - 2), rng.randrange(24), rng.randrange(60)
        )
        lasted = timedelta(seconds=rng.choice((90, 240, 1800, 5400, 13_500)) + rng.randrange(30))
        rows.append(
            {"outage_id": f"OUT-{city.soato[:4]}-{month:%y%m}-{number:03}", "resource": rng.choice((*UNITS, "electricity")),
             "is_planned": rng.random() < 0.4, "started_at": at, "ended_at": at + lasted, "customers": rng.randrange(1, 4)}
        )  # fmt: skip
    return rows


def as_parquet(rows: Sequence[Row]) -> bytes:
    """The rows as a file."""
    written = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), written, compression="zstd")
    return written.getvalue()


def files() -> dict[str, bytes]:
    """Bytes by path within the sample's folder."""
    last = MONTH.replace(day=monthrange(MONTH.year, MONTH.month)[1])
    found: dict[str, bytes] = {}
    for code in CITIES_OF_SAMPLE:
        city = CITIES[code]
        for feed, rows in {
            "meters": meters(city), "readings": readings(city, MONTH, last), "balance": balance(city, MONTH),
            "outages": outages(city, MONTH),
        }.items():  # fmt: skip
            found[f"{feed}/{code}/{feed}-{MONTH:%Y-%m}.parquet"] = as_parquet(rows)
    return found
