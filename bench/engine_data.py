"""The invented country of the engine's benchmark: measures, indicators, territories and monthly observations."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

INDICATORS = 171
DISTRICTS, TOWNS = 118, 224  # with seven regions and the country 350 territories
MONTHS = 60
FIRST_YEAR, FIRST_MONTH = 2021, 4
MEMBERS = 5  # parts of each measure beside its total
FOLLOWING = 10  # one in this many indicators follows the parts of its measure
SOURCE, FEED = "appeals_115", "requests"  # whose catalogue entries are replaced by the invented measures


def declare(connection: duckdb.DuckDBPyConnection, rich: bool) -> None:
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


def populate(connection: duckdb.DuckDBPyConnection) -> None:
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


def deliver(connection: duckdb.DuckDBPyConnection, number: int) -> None:
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
