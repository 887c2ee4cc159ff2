"""The main job on the samples: figures against a computation of their own, region files, persons, a second run."""

from __future__ import annotations

import csv
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.declarations.sources import SOURCES
from pipelines.settings import PROJECT
from sandbox.inventory import STREETS, SURNAMES

pytestmark = pytest.mark.slow

APPEALS = SOURCES / "appeals_115" / "sample" / "requests"
STATISTICS = SOURCES / "belstat" / "sample"
REGION = {
    "BY-BR": "Брестская область",
    "BY-VI": "Витебская область",
    "BY-HO": "Гомельская область",
    "BY": "Республика Беларусь",
}


def gorod(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GOROD_", "DAGSTER_"))}
    return subprocess.run(
        [sys.executable, "-m", "pipelines.cli", *arguments],
        cwd=PROJECT, env={**kept, "GOROD_HOME": str(home)}, capture_output=True, text=True, check=False, timeout=1400,
    )  # fmt: skip


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The main job on all samples; shared by all workers."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "samples"
    with (shared / "samples.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            done = gorod(folder, "run", "--report")
            assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
            (folder / "done").touch()
    return folder


@pytest.fixture
def published(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(home / "published" / "current" / "gorod.duckdb"), read_only=True) as connection:
        yield connection


def value(
    published: duckdb.DuckDBPyConnection, indicator: str, ref_area: str, period: str
) -> tuple[Any, ...]:
    """Value, numerator and denominator of a published figure."""
    (row,) = published.execute(
        "select obs_value, numerator, denominator from published.pub_indicator_value_v1 "
        "where indicator = ? and ref_area = ? and time_period = ? and breakdown = '_T'",
        [indicator, ref_area, period],
    ).fetchall()
    return tuple(row)


def requests(city: str, *months: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    for month in months:
        with (APPEALS / city / f"opendata-115-{month}-01.csv").open(encoding="utf-8", newline="") as stream:
            rows += csv.DictReader(stream)
    return [row for row in rows if is_sound(row)]


def is_sound(row: dict[str, str]) -> bool:
    """Whether the row has none of the faults that the samples hold: the gate keeps such rows back."""
    in_country = not row["lat"] or (51 < float(row["lat"]) < 57 and 23 < float(row["lng"]) < 33)
    has_category, has_status = "." in row["category"], row["status"] in {"1", "3", "4", "5", "7"}
    return in_country and has_category and has_status and row["planned"] >= row["opened"][:10]


def wage(territory: str, year: str) -> Decimal:
    """The wage in roubles, as the statistical portal answered it."""
    (path,) = (STATISTICS / "wages").glob("wage_*_2020-2026.json")
    answer = json.loads(path.read_text(encoding="utf-8"))
    (row,) = [row for row in answer["tableRows"] if row[0]["value"].strip() == territory]
    cell = row[1 + answer["tableHeader"][0].index(year)]["value"]
    return Decimal(cell.replace("\xa0", "").replace(",", "."))


def people(territory: str, year: str, locality: str) -> int:
    """People of both sexes and all ages, added up from the age groups."""
    (path,) = (STATISTICS / "population").glob("dataportal_age5_*.json")
    answer = json.loads(path.read_text(encoding="utf-8"))
    place = 4 + answer["tableHeader"][0].index(year)
    return sum(
        int(row[place]["value"].replace("\xa0", ""))
        for row in answer["tableRows"]
        if (row[0]["value"], row[2]["value"], row[3]["value"]) == (territory, "Оба пола", locality)
    )


def test_rated_requests_of_a_city_in_a_month(published: duckdb.DuckDBPyConnection) -> None:
    rows = requests("viciebsk", "2026-07")
    rated = [row for row in rows if int(row["rating"]) > 0]
    obs_value, numerator, denominator = value(published, "appeals_rated_pct", "c-viciebsk", "2026-07")
    assert (numerator, denominator) == (len(rated), len(rows))
    assert abs(obs_value - Decimal(100 * len(rated)) / len(rows)) < Decimal("0.000001")


def test_rated_requests_of_a_region_in_a_quarter_are_a_ratio_of_sums(
    published: duckdb.DuckDBPyConnection,
) -> None:
    rows = requests("viciebsk", "2026-07", "2026-08", "2026-09")
    rated = [row for row in rows if int(row["rating"]) > 0]
    _, numerator, denominator = value(published, "appeals_rated_pct", "BY-VI", "2026-Q3")
    assert (numerator, denominator) == (len(rated), len(rows))


def test_mean_of_ratings(published: duckdb.DuckDBPyConnection) -> None:
    ratings = [
        int(row["rating"])
        for row in requests("homiel", "2026-07", "2026-08", "2026-09")
        if row["rating"] != "0"
    ]
    obs_value, numerator, denominator = value(published, "appeals_rating_mean", "c-homiel", "2026-Q3")
    assert (numerator, denominator) == (sum(ratings), len(ratings))
    assert abs(obs_value - Decimal(sum(ratings)) / len(ratings)) < Decimal("0.000001")


def test_planned_days(published: duckdb.DuckDBPyConnection) -> None:
    from datetime import date

    days = [
        (date.fromisoformat(row["planned"]) - date.fromisoformat(row["opened"][:10])).days
        for row in requests("barysau", "2026-08")
    ]
    _, numerator, denominator = value(published, "appeals_planned_days_mean", "c-barysau", "2026-08")
    assert (numerator, denominator) == (sum(days), len(days))


@pytest.mark.parametrize("area", ["BY-BR", "BY-HO", "BY"])
def test_wages(area: str, published: duckdb.DuckDBPyConnection) -> None:
    now, before, country = wage(REGION[area], "2025"), wage(REGION[area], "2024"), wage(REGION["BY"], "2025")
    assert value(published, "wage_nominal_byn", area, "2025")[0] == now
    growth, *sides = value(published, "wage_growth_pct", area, "2025")
    assert sides == [now, before]
    assert abs(growth - 100 * now / before) < Decimal("0.000001")
    assert abs(value(published, "wage_to_country_pct", area, "2025")[0] - 100 * now / country) < Decimal(
        "0.000001"
    )


@pytest.mark.parametrize("area", ["BY-VI", "BY"])
def test_urban_share(area: str, published: duckdb.DuckDBPyConnection) -> None:
    urban = people(REGION[area], "2025", "городская местность")
    all_ = people(REGION[area], "2025", "Всего по типам местности")
    obs_value, numerator, denominator = value(published, "urban_share_pct", area, "2025")
    assert (numerator, denominator) == (urban, all_)
    assert abs(obs_value - Decimal(100 * urban) / all_) < Decimal("0.000001")
    assert value(published, "population", area, "2025")[0] == all_


@pytest.mark.parametrize("area", ["BY-HO", "BY"])
def test_old_age_dependency_counts_each_age_once(area: str, published: duckdb.DuckDBPyConnection) -> None:
    """The table has totals beside parts in three of its dimensions, and ages in words."""
    (path,) = (STATISTICS / "population").glob("dataportal_age5_*.json")
    answer = json.loads(path.read_text(encoding="utf-8"))
    place = 4 + answer["tableHeader"][0].index("2025")
    old, of_working_age = 0, 0
    for row in answer["tableRows"]:
        territory, age, sex, locality = (cell["value"] for cell in row[:4])
        if (territory, sex, locality) == (REGION[area], "Оба пола", "Всего по типам местности"):
            persons = int(row[place]["value"].replace("\xa0", ""))
            youngest = int("".join(letter for letter in age.split("-")[0] if letter.isdigit()))
            old += persons if youngest >= 65 else 0
            of_working_age += persons if 15 <= youngest < 65 else 0
    obs_value, *sides = value(published, "old_age_dependency_pct", area, "2025")
    assert sides == [old, of_working_age]
    assert abs(obs_value - Decimal(100 * old) / of_working_age) < Decimal("0.000001")


def test_every_delivered_row_is_accounted_for(home: Path) -> None:
    files = sorted(APPEALS.rglob("*.csv"))
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
        found = warehouse.execute(
            "select count(*), sum(rows_delivered), sum(rows_accepted + rows_quarantined) from ops.load "
            "where source = 'appeals_115'"
        ).fetchone()
        unexplained = warehouse.execute(
            "select count(*) from ops.quarantine where json_array_length(reasons) = 0"
        ).fetchone()
    rows = sum(len(path.read_text(encoding="utf-8").splitlines()) - 1 for path in files)
    assert found == (len(files), rows, rows)
    assert unexplained == (0,)


def test_every_published_value_is_made_of_rows_of_delivered_files(home: Path) -> None:
    """All the way for all values: each has terms, each term observations, and rows of files make each observation."""
    key = "indicator, ref_area, freq, time_period, breakdown"
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
        warehouse.execute(
            f"""
            create temp table observed as
            with figures as (
                select {key} from published.pub_indicator_value_v1 where obs_value is not null
            ),

            -- of what was filled in, the terms of the values that it was filled in from
            terms as (
                select own.* from marts.mart_trace_term as own join published.pub_indicator_value_v1 using ({key})
                where imputed_by is null
                union all
                select terms.* replace (donors.indicator as indicator, donors.ref_area as ref_area,
                    donors.time_period as time_period)
                from marts.mart_trace_donor as donors join marts.mart_trace_term as terms
                    on terms.indicator = donors.donor_indicator and terms.ref_area = donors.donor_ref_area
                    and terms.freq = donors.freq and terms.time_period = donors.donor_period
                    and terms.breakdown = donors.breakdown
            ),

            factors as (
                select *, measure as factor, term_breakdown as part from terms
                union all
                select *, times_measure as factor, '_T' as part from terms where times_measure is not null
            )

            select {", ".join(f"figures.{name}" for name in key.split(", "))}, seen.measure, seen.ref_area as place,
                seen.observed_freq, seen.observed_period, seen.breakdown as part, seen.load_id,
                coalesce(seen.reported_value, seen.obs_value) as said
            from figures
            left join factors using ({key})
            left join marts.mart_trace_observation as seen
                on factors.factor = seen.measure and factors.term_ref_area = seen.ref_area
                and factors.term_freq = seen.freq and factors.term_period = seen.time_period
                and factors.part = seen.breakdown
            """
        )
        nowhere = f"select {key}, measure from observed where load_id is null"
        assert warehouse.execute(nowhere).fetchall() == []
        other = """
            with delivered as (
                select measure, ref_area as place, freq as observed_freq, time_period as observed_period, breakdown as part,
                    load_id, sum(value) as total
                from marts.mart_trace_row where sha256 is not null and files <> '[]' group by all
            )

            select distinct observed.measure, place, observed_period, part, load_id, said, total
            from observed left join delivered using (measure, place, observed_freq, observed_period, part, load_id)
            where said <> coalesce(total, 0)
        """
        assert warehouse.execute(other).fetchall() == []
        (traced,), (told,) = (
            warehouse.execute(f"select count(distinct ({key})) from {table}").fetchall()[0]
            for table in (
                "observed",
                "published.pub_indicator_value_v1 where obs_value is not null",
            )
        )
    assert traced == told > 5000


def test_a_region_file_holds_only_its_own(home: Path) -> None:
    regions = sorted((home / "published" / "current" / "regions").glob("*.duckdb"))
    assert [path.stem for path in regions] == ["BY-BR", "BY-HM", "BY-HO", "BY-HR", "BY-MA", "BY-MI", "BY-VI"]
    for path in regions:
        with duckdb.connect(str(path), read_only=True) as connection:
            strangers = connection.execute(
                "select count(*) filter (where t.region is distinct from $1 and v.ref_area <> $1), count(*) "
                "from published.pub_indicator_value_v1 as v left join published.pub_territory_v1 as t using (ref_area)",
                [path.stem],
            ).fetchone()
            assert strangers is not None
            assert strangers[0] == 0
            assert strangers[1] > 100
            others = connection.execute(
                "select count(*) from published.pub_territory_v1 where region is distinct from $1 and ref_area <> $1",
                [path.stem],
            ).fetchone()
            assert others == (0,)


def test_no_person_is_anywhere_but_in_the_deliveries(home: Path) -> None:
    """Names and addresses of the samples, in every byte that a run leaves behind."""
    secrets = [
        *(f"{surname} А. Б.".encode() for surname in SURNAMES),
        *(f"ул. {street}".encode() for street in STREETS),
        "улица Примерная".encode(),
        requests("minsk", "2026-05")[0]["lat"].encode(),
    ]
    delivered = b"".join(path.read_bytes() for path in (home / "landing").rglob("*.json"))
    assert secrets[0] in delivered, "the test looks for something that was never there"
    searched = 0
    for path in home.rglob("*"):
        if path.is_file() and not path.is_symlink() and "landing" not in path.relative_to(home).parts:
            content = path.read_bytes()
            searched += 1
            for secret in secrets:
                assert secret not in content, f"{secret.decode()} in {path.relative_to(home)}"
    assert searched > 20


def test_no_person_hides_in_compressed_columns(home: Path) -> None:
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
        columns = warehouse.execute(
            "select schema_name, table_name, column_name from duckdb_columns() "
            "where data_type = 'VARCHAR' and not internal and database_name = current_database() "
            "and (schema_name, table_name) in (select schema_name, table_name from duckdb_tables())"
        ).fetchall()
        assert len(columns) > 100
        for schema, table, column in columns:
            found = warehouse.execute(
                f'select count(*) from "{schema}"."{table}" where regexp_matches("{column}", ?)',
                [rf"улица Примерная|({'|'.join(SURNAMES)}) А\. Б\.|ул\. ({'|'.join(STREETS)})"],
            ).fetchone()
            assert found == (0,), f"{schema}.{table}.{column}"


def test_a_second_run_changes_nothing(home: Path) -> None:
    before = (home / "published" / "current").readlink()
    done = gorod(home, "run", "--report")
    assert done.returncode == 0
    assert "Nothing new" in done.stdout
    assert (home / "published" / "current").readlink() == before
