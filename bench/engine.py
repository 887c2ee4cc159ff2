"""A country of invented observations, and the indicator engine's models built on it by dbt.

``python -m bench.engine prepare HOME [rich]`` makes a warehouse of 171 monthly indicators, 350 territories and 60
months; rich: also by quarter, half-year and year, and one in ten by the parts of its measure. ``month HOME`` adds the
next month; ``build HOME [MODEL…]`` runs the models; ``trace HOME`` traces values back to their observations and loads.

Everything is invented: measures, indicators, territories, figures. Only the models are Gorod's own.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.children import Measured, measure

if TYPE_CHECKING:
    import duckdb

    from bench.findings import Findings

INDICATORS = 171
DISTRICTS, TOWNS = 118, 224  # with seven regions and the country 350 territories
MONTHS = 60
NEW_MONTHS = 3  # delivered and built one by one
FIRST_YEAR, FIRST_MONTH = 2021, 4
MEMBERS = 5  # parts of each measure beside its total
FOLLOWING = 10  # one in so many indicators follows the parts of its measure
SOURCE, FEED = "appeals_115", "requests"  # whose catalogue entries the invented measures take the place of

# From observations summed by load to indicator values: what a build makes after the sources' own models.
MODELS = ("+mart_indicator_value",)
BEFORE = ("staging", "+int_observations_by_load")
TRACE = ("mart_trace_donor", "mart_trace_term", "mart_trace_observation", "mart_trace_row")
IMPORTED = ("dbt.cli.main", "dbt.adapters.duckdb", "dbt_common.clients.agate_helper", "pipelines.settings")
TRACED = 12  # traced values, including the country's, which has the longest path


def measure_engine(home: Path, findings: Findings) -> None:
    """All values from all observations, then those of one more month a few times, then nothing new."""
    variables = environment(home)
    findings.say("making a country of invented (synthetic) observations")
    made = measure("bench.engine", "prepare", home, environment=variables).output
    rows = int(made["observations"])
    step = partial(measure, "bench.engine", "build", home, environment=variables)
    (whole,) = findings.measure(rows, {"engine: all values from scratch": step})

    def next_month() -> Measured:
        measure("bench.engine", "month", home, environment=variables)
        return step()

    (new,) = findings.measure(rows // MONTHS, {"engine: one new month": next_month}, times=NEW_MONTHS)
    (idle,) = findings.measure(0, {"engine: nothing new": step})
    findings.compare("engine: seconds from scratch, after imports", whole.inside_s, "≤ 60")
    findings.compare("engine: one new month / from scratch", new.inside_s / whole.inside_s, "≤ 0.1")
    findings.compare("engine: nothing new / from scratch", idle.inside_s / whole.inside_s, "–")
    findings.compare("engine: peak memory, GiB", whole.peak_mib / 1024, "≤ 4")
    measure("bench.engine", "build", home, *TRACE, environment=variables)
    traced = measure("bench.engine", "trace", home, environment=variables).output
    findings.compare(
        f"engine: slowest of {traced['traced']} traces, seconds", float(traced["slowest"]), "≤ 1"
    )


def environment(home: Path) -> dict[str, str]:
    """The home of the benchmark, of dbt too."""
    return {
        "GOROD_HOME": str(home),
        "GOROD_WAREHOUSE_PATH": str(home / "warehouse.duckdb"),
        "DBT_TARGET_PATH": str(home / "dbt"),
        "DBT_LOG_PATH": str(home / "dbt"),
        "DBT_LOG_LEVEL_FILE": os.environ.get("DBT_LOG_LEVEL_FILE", "info"),  # as Gorod runs it
    }


def prepare(home: Path, rich: bool = False) -> dict[str, object]:
    """Ledger, catalogue, territories and months."""
    import duckdb

    from pipelines.catalogue.write import write_catalogue
    from pipelines.warehouse.duckdb import DuckDBWarehouse

    home.mkdir(parents=True, exist_ok=True)
    path = home / "warehouse.duckdb"
    DuckDBWarehouse(path).prepare()
    with duckdb.connect(str(path)) as connection:
        write_catalogue(connection)
        _declare(connection, rich)
        _populate(connection)
    _dbt("run", "--select", *BEFORE)
    with duckdb.connect(str(path)) as connection:
        for number in range(MONTHS):
            _deliver(connection, number)
        rows = connection.execute("select count(*) from intermediate.int_observations_by_load").fetchone()
    return {"observations": rows[0] if rows else 0}


def month(home: Path) -> dict[str, object]:
    """The next month of all regions."""
    import duckdb

    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        (known,) = connection.execute(
            "select count(distinct slice) from ops.load where source = ?", [SOURCE]
        ).fetchall()[0]
        _deliver(connection, known)
    return {}


def build(*models: str) -> dict[str, object]:
    """Run the models; ``seconds`` begin when everything is imported, what dbt imports when it needs it too."""
    import duckdb

    for module in IMPORTED:
        importlib.import_module(module)

    with duckdb.connect(os.environ["GOROD_WAREHOUSE_PATH"]) as connection:
        # a partial build: the next one would compute everything again
        connection.execute("delete from ops.build; delete from ops.build_begun")
    started = time.monotonic()
    _dbt("run", "--select", *(models or MODELS), "--exclude", *BEFORE)
    return {"seconds": time.monotonic() - started}


def trace() -> dict[str, object]:
    """Trace values of every level back to their observations and loads; there are no files here."""
    import duckdb

    from pipelines.operations.trace import trace as trace_value

    seconds = []
    with duckdb.connect(os.environ["GOROD_WAREHOUSE_PATH"], read_only=True) as connection:
        keys = connection.execute(
            "select indicator, ref_area, time_period from marts.mart_indicator_value where obs_value is not null"
            " qualify row_number() over (partition by level order by md5(indicator || ref_area || time_period)) <= ?",
            [TRACED // 4],
        ).fetchall()
        for key in keys:
            started = time.monotonic()
            found = trace_value(connection, *key)
            seconds.append(time.monotonic() - started)
            if not found.loads:
                sys.exit(f"{key} leads to no load")
    return {"traced": len(seconds), "slowest": max(seconds)}


def _dbt(*arguments: str) -> None:
    from dbt.cli.main import dbtRunner

    from pipelines.dbt_project import DBT_PROJECT, write_generated_files

    write_generated_files()
    project = str(DBT_PROJECT)
    done = dbtRunner().invoke(
        [*arguments, "--quiet", "--no-write-json", "--project-dir", project, "--profiles-dir", project]
    )
    if not done.success:
        sys.exit(f"dbt {' '.join(arguments)} failed: {done.exception}")


def _declare(connection: duckdb.DuckDBPyConnection, rich: bool) -> None:
    """Replace measures of the requests and all indicators by invented ones, each a copy of a declared one."""
    frequencies = ["M", "Q", "S", "A"] if rich else ["M"]
    connection.execute(
        "create temp table kind as select i as no, 'm' || i as code from range(1, ?) as r (i)",
        [INDICATORS + 1],
    )
    for table, key, pattern in (
        ("measure", "measure", "appeals_registered"),
        ("indicator", "indicator", "appeals_per_1000"),
        ("indicator_method", "indicator", "appeals_per_1000"),
        ("indicator_term", "indicator", "appeals_per_1000"),
    ):
        connection.execute(
            f"create temp table p_{table} as select * from catalogue.{table} where {key} = ?", [pattern]
        )
    connection.execute("delete from catalogue.measure where source = ?", [SOURCE])
    for table in ("indicator", *(f"indicator_{what}" for what in ("method", "term", "frequency", "level"))):
        connection.execute(f"delete from catalogue.{table}")
    connection.execute("delete from catalogue.plausibility_scope")
    connection.execute(
        "insert into catalogue.measure select p.* replace (kind.code as measure, 'place' as reporting, 'zero' as absence,"
        " 'sum' as time_rule, 'M' as freq) from p_measure as p cross join kind"
    )
    connection.execute(
        "insert into catalogue.indicator select p.* replace (kind.code as indicator) from p_indicator as p cross join kind"
    )
    connection.execute(
        "insert into catalogue.indicator_method"
        " select p.* replace (kind.code as indicator) from p_indicator_method as p cross join kind"
    )
    # three in five per head; one in five of another measure; one in five a growth over a year
    connection.execute(
        f"""
        insert into catalogue.indicator_term
        select p.* replace (
            kind.code as indicator,
            case
                when p.side = 'numerator' then kind.code
                when kind.no % 5 = 0 then 'm' || (kind.no % {INDICATORS} + 1)
                when kind.no % 5 = 1 then kind.code
                else p.measure
            end as measure,
            case
                when {rich} and kind.no % {FOLLOWING} = 3 and p.side = 'numerator' then '*' else '_T'
            end as breakdown,
            case when p.side = 'denominator' and kind.no % 5 = 1 then 'previous_year' else 'same' end as reference
        )
        from p_indicator_term as p cross join kind
        """
    )
    connection.execute(
        "insert into catalogue.indicator_frequency select code, unnest(?) from kind", [frequencies]
    )
    connection.execute(
        "insert into catalogue.indicator_level select code, level, level in ('country', 'region') from kind"
        " cross join (select unnest(['country', 'region', 'district', 'city']) as level)"
    )
    connection.execute(
        "insert into catalogue.plausibility_scope select rules.rule, kind.code, null, freq, level"
        " from (select min(rule) as rule from catalogue.plausibility_rule where kind in ('jump', 'outlier', 'between')"
        " group by kind) as rules cross join kind cross join (values ('M', 'district'), ('M', 'region')) as s (freq, level)"
    )


def _populate(connection: duckdb.DuckDBPyConnection) -> None:
    """Territories, and their inhabitants in each year."""
    connection.execute(
        "create table if not exists main.place (ref_area VARCHAR, level VARCHAR, parent VARCHAR)"
    )
    connection.execute(
        f"""
        insert into main.place
        with regions as (
            select unnest(['BY-BR', 'BY-VI', 'BY-HO', 'BY-HR', 'BY-MI', 'BY-MA', 'BY-HM']) as code,
            unnest(range(7)) as no
        )
        select 'BY', 'country', null
        union all select code, 'oblast', 'BY' from regions
        union all select 'r-' || i, 'raion', code from range({DISTRICTS}) as d (i) join regions on no = i % 6
        union all select 'c-' || i, 'city', code from range({TOWNS}) as t (i) join regions on no = i % 7
        """
    )
    _load(connection, "territory_register", "territories", "by", "BY", None)
    _load(connection, "territory_register", "population", "by", "BY", None)
    connection.execute(
        "insert into raw.territory_register__territories by name select 'territory_register.territories.by' as load_id,"
        " row_number() over () as row_no, ref_area as territory_id, level, ref_area as name_ru, ref_area as name_be,"
        " parent as parent_id from main.place"
    )
    connection.execute(
        f"""
        insert into raw.territory_register__population by name
        select 'territory_register.population.by' as load_id, row_number() over () as row_no,
            ref_area as territory_id, year, 'e' as status,
            case level when 'country' then 9000000 when 'oblast' then 1000000 else 30000 + hash(ref_area) % 9000 end
            as population
        from main.place cross join range({FIRST_YEAR - 1}, {FIRST_YEAR + MONTHS // 12 + 1}) as y (year)
        """
    )


def _deliver(connection: duckdb.DuckDBPyConnection, number: int) -> None:
    """One month: a load of each region with all measures, in parts, of its districts and towns."""
    years, month = divmod(FIRST_MONTH - 1 + number, 12)
    period = f"{FIRST_YEAR + years}-{month + 1:02}"
    regions = [
        row[0]
        for row in connection.execute("select ref_area from main.place where level = 'oblast'").fetchall()
    ]
    for region in regions:
        _load(connection, SOURCE, FEED, region.lower(), region, period)
    connection.execute(
        f"""
        insert into intermediate.int_observations_by_load by name
        select
            '{SOURCE}.{FEED}.' || lower(place.parent) || '.{period}' as load_id,
            measures.measure,
            place.ref_area,
            'M' as freq,
            '{period}' as time_period,
            parts.breakdown,
            cast(case when parts.breakdown = '_T' then 500 else 100 end + hash(place.ref_area || measures.measure) % 50
            as numeric(24, 6)) as obs_value,
            'A' as obs_status,
            1 as source_rows,
            '' as definitions_hash
        from main.place as place
        cross join (select measure from catalogue.measure where source = '{SOURCE}') as measures
        cross join (select unnest(['_T', {", ".join(f"'p{i}'" for i in range(MEMBERS))}]) as breakdown) as parts
        where place.level in ('raion', 'city')
        """
    )


def _load(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    feed: str,
    instance: str,
    area: str,
    period: str | None,
) -> None:
    load_id = ".".join(filter(None, (source, feed, instance, period)))
    span = "null, null" if period is None else f"date '{period}-01', last_day(date '{period}-01')"
    connection.execute(
        f"""
        insert into ops.load values (
            '{load_id}', (select coalesce(max(load_no), 0) + 1 from ops.load), '{source}', '{feed}', '{instance}', '{area}',
            '', '{period or "_Z"}', {span}, '{load_id}', md5('{load_id}'), '[]', '', '', true, timestamp '2026-01-01',
            timestamp '2026-01-01', 'accepted', true, false, 1, 1, 0, 0, '', 0)
        """
    )


def main(command: str, home: str, *options: str) -> None:
    """See the module."""
    os.environ.update(environment(Path(home)))
    match command:
        case "prepare":
            output = prepare(Path(home), rich="rich" in options)
        case "month":
            output = month(Path(home))
        case "trace":
            output = trace()
        case _:
            output = build(*options)
    print(json.dumps(output))


if __name__ == "__main__":
    main(*sys.argv[1:])
