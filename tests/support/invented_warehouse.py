"""A small invented warehouse with the published contracts, for tests. All figures are made up.

Run as a program: ``python invented_warehouse.py WAREHOUSE [STEP]`` writes one; ``step`` moves every value.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.warehouse.migrations import schema_sql

CONTRACTS = {
    "pub_indicator_value_v1": "indicator varchar, ref_area varchar, freq varchar, time_period varchar,"
    " breakdown varchar, obs_value double, obs_status varchar, missing_reason varchar, unit_measure varchar,"
    " decimals integer, numerator double, denominator double, denominator_period varchar,"
    " coverage_population_pct double, coverage_time_pct double, method_version varchar, first_day date,"
    " last_day date, synthetic boolean, note_ru varchar,"
    " note_be varchar, note_en varchar, is_revised boolean, value_before double",
    "pub_indicator_v1": "indicator varchar, name_ru varchar, name_be varchar, name_en varchar,"
    " definition_ru varchar, numerator_ru varchar, denominator_ru varchar, unit_measure varchar,"
    " unit_ru varchar, decimals integer, direction varchar, theme varchar, theme_ru varchar,"
    " frequencies varchar, method_version varchar, sources varchar, attribution varchar, frameworks varchar",
    "pub_measure_v1": "measure varchar, name_ru varchar, unit_measure varchar",
    "pub_territory_v1": "ref_area varchar, level varchar, parent varchar, region varchar, name_ru varchar,"
    " name_be varchar, name_en varchar, soato varchar, iso_3166_2 varchar, area_km2 double, lon double,"
    " lat double, valid_from date, valid_to date",
    "pub_period_v1": "time_period varchar, freq varchar, first_day date, last_day date, name_ru varchar,"
    " name_be varchar, name_en varchar",
    "pub_observation_v1": "measure varchar, ref_area varchar, freq varchar, time_period varchar,"
    " breakdown varchar, obs_value double, obs_status varchar, missing_reason varchar, unit_measure varchar,"
    " load_id varchar, source_rows bigint",
    "pub_load_v1": "load_id varchar, source varchar, feed varchar, instance varchar, ref_area varchar,"
    " slice varchar, sha256 varchar, files varchar, received_at timestamp, state varchar,"
    " rows_delivered bigint, rows_accepted bigint, rows_quarantined bigint, licence varchar,"
    " attribution varchar, synthetic boolean",
    "pub_boundary_v1": "ref_area varchar, level varchar, geometry varchar, load_id varchar",
    "pub_data_quality_v1": "load_id varchar, ref_area varchar, source varchar, feed varchar, instance varchar,"
    " slice varchar, state varchar,"
    " rows_delivered bigint, rows_accepted bigint, rows_quarantined bigint, control_total bigint,"
    " control_share_pct double, not_retained boolean, warnings bigint",
}

# a figure that was different before
REVISED = ("requests_per_1000", "BY-BR")
# figures that cover one town, and the models' wording for it
LOW_COVERAGE = {("requests_per_1000", "BY-MI"), ("net_migration_per_1000", "BY-MI"), ("wage_byn", "BY-MI")}
LOW_COVERAGE_NOTE = (
    "Низкий охват, только 14,6 % населения: г. Борисов. При проверке загрузки были предупреждения."
)
LOW_COVERAGE_NOTE_BE = "Нізкі ахоп, толькі 14,6 % насельніцтва: г. Барысаў."
LOW_COVERAGE_NOTE_EN = "Low coverage, only 14.6 % of the population: Barysaw."

# ref_area: names ru, be, en; SOATO; corners of an invented outline (west, south, east, north)
REGIONS: dict[str, tuple[str, str, str, str, tuple[float, float, float, float]]] = {
    "BY-BR": (
        "Брестская область",
        "Брэсцкая вобласць",
        "Brest Region",
        "1000000000",
        (23.2, 51.5, 26.8, 53.0),
    ),
    "BY-VI": (
        "Витебская область",
        "Віцебская вобласць",
        "Vitebsk Region",
        "2000000000",
        (26.5, 54.7, 31, 56.1),
    ),
    "BY-HO": (
        "Гомельская область",
        "Гомельская вобласць",
        "Gomel Region",
        "3000000000",
        (26.8, 51.3, 31.6, 52.6),
    ),
    "BY-HR": (
        "Гродненская область",
        "Гродзенская вобласць",
        "Grodno Region",
        "4000000000",
        (23.5, 53.0, 26.4, 55),
    ),
    "BY-MI": ("Минская область", "Мінская вобласць", "Minsk Region", "6000000000", (26.4, 52.6, 29.0, 54.7)),
    "BY-MA": (
        "Могилёвская область",
        "Магілёўская вобласць",
        "Mogilev Region",
        "7000000000",
        (29, 52.6, 32.6, 54.6),
    ),
    "BY-HM": ("город Минск", "горад Мінск", "Minsk", "5000000000", (27.3, 53.75, 27.8, 54.05)),
}
CITIES = {
    "c-brest": ("Брест", "BY-BR"),
    "c-vitebsk": ("Витебск", "BY-VI"),
    "c-baranovichi": ("Барановичи", "BY-BR"),
}

# indicator: name, unit code, unit, decimals, frequency, scale, sources
INDICATORS: dict[str, tuple[str, str, str, int, str, float, str]] = {
    "requests_per_1000": (
        "Обращения на 1 000 жителей",
        "PER_1000",
        "на 1 000 жителей",
        1,
        "M",
        4.2,
        "portal",
    ),
    "planned_days_median": ("Плановый срок решения, медиана", "DAYS", "дней", 0, "M", 14, "portal"),
    "rated_share_pct": ("Доля обращений с оценкой заявителя", "PCT", "%", 1, "M", 31, "portal"),
    "wage_byn": ("Среднемесячная заработная плата", "BYN", "рублей", 2, "M", 2100, "statistics"),
    "wage_growth_pct": ("Рост заработной платы за год", "PCT", "%", 1, "M", 12, "statistics"),
    "wage_to_country_pct": ("Заработная плата к средней по стране", "PCT", "%", 1, "M", 97, "statistics"),
    "population": ("Население на начало года", "PERSONS", "человек", 0, "A", 1_250_000, "statistics"),
    "old_age_dependency": ("Нагрузка пожилыми", "PER_100", "на 100 трудоспособных", 1, "A", 38, "statistics"),
    "net_migration_per_1000": (
        "Миграционный прирост",
        "PER_1000",
        "на 1 000 жителей",
        2,
        "A",
        -1.4,
        "statistics",
    ),
    "pon_ports_per_100": ("Порты PON на 100 жителей", "PER_100", "на 100 жителей", 1, "Q", 44, "inventory"),
    "pon_used_pct": ("Занятость портов PON", "PCT", "%", 1, "Q", 71, "inventory"),
    "wifi_points_per_10000": (
        "Общественные точки Wi-Fi",
        "PER_10000",
        "на 10 000 жителей",
        1,
        "Q",
        3,
        "inventory",
    ),
}
MONTHS = ["январь", "февраль", "март", "апрель", "май", "июнь", "июль", "август", "сентябрь"]
MONTHS += ["октябрь", "ноябрь", "декабрь"]
PERIODS = {
    "M": [f"2025-{month:02d}" for month in range(1, 13)],
    "Q": [f"2025-Q{quarter}" for quarter in range(1, 5)],
    "A": ["2024", "2025"],
}


def value_of(indicator: str, ref_area: str, period: str, step: int = 0) -> float:
    """The invented value: the indicator's level, a share for the territory, a small wave over time."""
    areas = ["BY", *REGIONS, *CITIES]
    place = 1 + 0.06 * (areas.index(ref_area) - 3)
    time = 1 + 0.01 * PERIODS[INDICATORS[indicator][4]].index(period)
    return round(INDICATORS[indicator][5] * place * time + 0.5 * step, INDICATORS[indicator][3])


def rows(step: int = 0) -> dict[str, list[dict[str, Any]]]:
    """All rows by table."""
    areas = ["BY", *REGIONS, *CITIES]
    return {
        "pub_indicator_value_v1": [
            _value(indicator, area, period, step)
            for indicator, about in INDICATORS.items()
            for area in areas
            for period in PERIODS[about[4]]
        ],
        "pub_indicator_v1": [_indicator(i) for i in INDICATORS],
        "pub_measure_v1": [{"measure": "appeals", "name_ru": "Обращения", "unit_measure": "COUNT"}],
        "pub_territory_v1": _territories(),
        "pub_period_v1": [_period(p, f) for f, periods in PERIODS.items() for p in periods],
        "pub_observation_v1": [
            {
                "measure": "appeals", "ref_area": area, "freq": "M", "time_period": period, "breakdown": "_T",
                "obs_value": float(10 + step), "obs_status": "A", "missing_reason": None,
                "unit_measure": "COUNT",
                "load_id": "statistics-all" if area not in CITIES else f"portal-{area}", "source_rows": 10,
            }
            for area in areas
            for period in PERIODS["M"]
        ],
        "pub_load_v1": _loads(),
        "pub_boundary_v1": [
            {
                "ref_area": area, "level": "region", "geometry": json.dumps(_outline(*REGIONS[area][4])),
                "load_id": "inventory-all",
            }
            for area in REGIONS
        ],
        "pub_data_quality_v1": [
            {
                **{k: load[k] for k in ("load_id", "ref_area", "source", "feed", "instance", "slice", "state")},
                "rows_delivered": load["rows_delivered"], "rows_accepted": load["rows_accepted"],
                "rows_quarantined": load["rows_quarantined"],
                "control_total": 1000, "control_share_pct": 99.5, "not_retained": False, "warnings": 1,
            }
            for load in _loads()
        ],
    }  # fmt: skip


def write(
    path: Path, step: int = 0, *, shuffled: bool = False, ok: bool = True, behind: bool = False
) -> Path:
    """Write the warehouse. ``shuffled`` reverses the rows, ``ok`` and ``behind`` describe the build."""
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema published; create schema marts; create schema intermediate")
        connection.execute(schema_sql())
        _enter(connection)
        for table, content in rows(step).items():
            connection.execute(f"create table published.{table} ({CONTRACTS[table]})")
            batch = pa.Table.from_pylist(content[::-1] if shuffled else content)
            connection.register("batch", batch)
            connection.execute(f"insert into published.{table} by name select * from batch")
            connection.unregister("batch")
            connection.execute(f"comment on table published.{table} is 'Контракт {table}: invented'")
        connection.execute("comment on column published.pub_territory_v1.soato is 'Код СОАТО, it''s text'")
        connection.execute("create table published.not_a_contract as select 1 as x")
        connection.execute(
            "insert into ops.build values"
            " ('first', now() - interval 1 hour, false, true, 'defs-1', 5),"
            " ('last', now(), $ok, true, 'defs-2', $version)",
            {"ok": ok, "version": 4 if behind else 5},
        )
        connection.execute("insert into ops.index_build values ('last', now(), 1)")
    return path


def _enter(connection: duckdb.DuckDBPyConnection) -> None:
    """The ledger: the contract's loads, all in force, and five decisions."""
    for number, load in enumerate(_loads(), start=1):
        connection.execute(
            "insert into ops.load by name select $load_id as load_id, $number as load_no, $source as source, $feed as feed,"
            " $instance as instance, $ref_area as ref_area, $load_id as part, $slice as slice, $load_id as delivery_id,"
            " $sha256 as sha256, $files as files, '' as folder, '' as origin, $synthetic as synthetic,"
            " $received_at::timestamp as received_at, $received_at::timestamp as decided_at, 'accepted' as outcome,"
            " true as readable, false as not_retained, $rows_delivered as rows_delivered,"
            " $rows_accepted as rows_accepted, $rows_quarantined as rows_quarantined, 0 as warnings,"
            " '' as suite_hash, 0 as seconds",
            {key: value for key, value in load.items() if key not in ("state", "licence", "attribution")}
            | {"number": number},
        )
    connection.execute(
        "insert into ops.load_event select 'l', range, 'accepted', now(), 'test', null, null from range(5)"
    )
    connection.execute("create table catalogue.feed as select distinct source, feed from ops.load")
    connection.execute("create table catalogue.measure as select source, feed from ops.load where false")
    connection.execute("create table intermediate.int_observations_by_load (load_id varchar)")


def _value(indicator: str, area: str, period: str, step: int) -> dict[str, Any]:
    _, unit_code, _, decimals, freq, _, source = INDICATORS[indicator]
    missing = None
    if (indicator, area) == ("requests_per_1000", "BY-HR"):
        missing = ("O", "not_delivered")
    elif (indicator, area) == ("wage_byn", "BY-MA"):
        missing = ("O", "not_published")
    elif (indicator, area) == ("rated_share_pct", "BY-VI"):
        missing = ("L", "not_retained")
    elif (indicator, area) == ("planned_days_median", "BY-HM"):
        missing = ("Q", "suppressed")
    status = "P" if freq == "A" and period == "2025" else "A"
    value = None if missing else value_of(indicator, area, period, step)
    if (indicator, area) == ("wifi_points_per_10000", "BY-MA"):
        value = 0.0
    coverage, note = (62.5 if source == "portal" else 100.0), None
    if (indicator, area) in LOW_COVERAGE and not missing:
        status, coverage, note = "U", 14.6, LOW_COVERAGE_NOTE
    first, last = _days(period)
    return {
        "indicator": indicator, "ref_area": area, "freq": freq, "time_period": period, "breakdown": "_T",
        "obs_value": value, "obs_status": missing[0] if missing else status,
        "missing_reason": missing[1] if missing else None, "unit_measure": unit_code, "decimals": decimals,
        "numerator": None if missing else 10.0, "denominator": None if missing else 4.0,
        "denominator_period": "2025", "coverage_population_pct": coverage,
        "coverage_time_pct": 100.0, "method_version": "1", "first_day": first, "last_day": last,
        "synthetic": source == "inventory", "note_ru": note,
        "note_be": note and LOW_COVERAGE_NOTE_BE, "note_en": note and LOW_COVERAGE_NOTE_EN,
        "is_revised": (indicator, area) == REVISED, "value_before": 1.5 if (indicator, area) == REVISED else None,
    }  # fmt: skip


def _indicator(indicator: str) -> dict[str, Any]:
    name, unit_code, unit, decimals, freq, _, source = INDICATORS[indicator]
    return {
        "indicator": indicator, "name_ru": name, "name_be": f"{name} (бел.: ў, і)", "name_en": indicator,
        "definition_ru": f"Вымышленное определение показателя «{name}».",
        "numerator_ru": "вымышленный числитель",
        "denominator_ru": "вымышленный знаменатель", "unit_measure": unit_code, "unit_ru": unit,
        "decimals": decimals, "direction": "up", "theme": "t", "theme_ru": "Тема", "frequencies": freq,
        "method_version": "1", "sources": source,
        "attribution": f"Вымышленный источник «{source}», CC BY 4.0",
        "frameworks": "ISO 37122",
    }  # fmt: skip


def _territories() -> list[dict[str, Any]]:
    country = (
        "BY",
        "country",
        None,
        None,
        "Республика Беларусь",
        "Рэспубліка Беларусь",
        "Belarus",
        None,
        "BY",
    )
    regions = [(a, "region", "BY", a, r[0], r[1], r[2], r[3], a) for a, r in REGIONS.items()]
    cities = [(c, "city", reg, reg, name, name, name, None, None) for c, (name, reg) in CITIES.items()]
    keys = ("ref_area", "level", "parent", "region", "name_ru", "name_be", "name_en", "soato", "iso_3166_2")
    return [dict(zip(keys, row, strict=True)) for row in [country, *regions, *cities]]


def _period(period: str, freq: str) -> dict[str, Any]:
    first, last = _days(period)
    if freq == "M":
        name = f"{MONTHS[int(period[5:]) - 1]} {period[:4]} г."
    else:
        name = f"{period} г." if freq == "A" else f"{period[6]} квартал {period[:4]} г."
    return {
        "time_period": period, "freq": freq, "first_day": first, "last_day": last,
        "name_ru": name, "name_be": name, "name_en": period,
    }  # fmt: skip


def _days(period: str) -> tuple[str, str]:
    year = period[:4]
    if "Q" in period:
        quarter = int(period[-1])
        return (
            f"{year}-{3 * quarter - 2:02d}-01",
            f"{year}-{3 * quarter:02d}-{30 if quarter in (2, 3) else 31}",
        )
    if "-" in period:
        month = int(period[5:])
        last = 28 if month == 2 else 30 if month in (4, 6, 9, 11) else 31
        return f"{period}-01", f"{period}-{last}"
    return f"{year}-01-01", f"{year}-12-31"


def _loads() -> list[dict[str, Any]]:
    whole = [("statistics-all", "statistics", "wages", "country", "BY", "2010..2025", "accepted", False)]
    cities = [
        (f"portal-{city}", "portal", "requests", city, city, "2025-12", "accepted", False) for city in CITIES
    ]
    refused = [
        ("portal-refused", "portal", "requests", "c-vitebsk", "c-vitebsk", "2025-11", "rejected", False)
    ]
    inventory = [("inventory-all", "inventory", "resources", "country", "BY", "snapshot", "accepted", True)]
    keys = ("load_id", "source", "feed", "instance", "ref_area", "slice", "state", "synthetic")
    return [
        {
            **dict(zip(keys, row, strict=True)),
            "sha256": "ab" * 32, "files": f"{row[0]}.csv", "received_at": "2026-01-05 06:00:00",
            "rows_delivered": 1000, "rows_accepted": 995, "rows_quarantined": 5,
            "licence": "CC BY 4.0", "attribution": f"Вымышленный источник «{row[1]}», CC BY 4.0",
        }
        for row in [*whole, *cities, *refused, *inventory]
    ]  # fmt: skip


def _outline(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
