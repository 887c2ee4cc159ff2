"""Plausibility: every kind of rule and every shipped rule sees its defect, and nothing where all is well."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from pipelines.catalogue.plausibility import PLAUSIBILITY_TABLES, plausibility_rows
from pipelines.declarations.indicator_catalogue import load_catalogue
from pipelines.declarations.plausibility import Rule, load_plausibility
from pipelines.errors import DeclarationError
from pipelines.operations.plausibility import impossible
from pipelines.operations.trace import trace
from pipelines.operations.trace_text import show
from pipelines.publishing.names import Names
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.declarations.test_texts import flaws, texts_of
from tests.support.small_warehouse import SmallWarehouse

CATALOGUE = load_catalogue()
SHIPPED = load_plausibility(CATALOGUE)

WORDS = {"ru": "странно", "be": "дзіўна", "en": "odd"}
DISTRICTS = [f"r-{number:02}" for number in range(1, 13)]
TYPES = {"text": "varchar", "integer": "integer", "decimal": "decimal(24, 6)"}


def rules(folder: Path, **declared: dict[str, Any]) -> dict[str, Rule]:
    filled = {
        code: {"severity": "warning", "says": WORDS, "indicators": ["population"], **rule}
        for code, rule in declared.items()
    }
    (folder / "plausibility.yml").write_text(yaml.safe_dump({"rules": filled}), encoding="utf-8")
    return load_plausibility(CATALOGUE, folder / "plausibility.yml")


@pytest.fixture(scope="module")
def query(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The model's SQL, as dbt writes it for a file named warehouse."""
    small = SmallWarehouse(tmp_path_factory.mktemp("compiled"))
    done = small.dbt("compile", "-s", "int_plausibility")
    assert done.returncode == 0, done.stdout[-2000:]
    compiled = small.folder / "target/compiled/gorod/models/intermediate/indicators/int_plausibility.sql"
    return compiled.read_text(encoding="utf-8")


class World:
    """An invented country, where everything is as it should be: two regions of six districts each, a city in one.

    Every indicator has the same numerators: 10 in each district and 5 in the city, so 65 + 60 = 125 in the country; of the
    employed 3 more of the first region are in no district. Its values are those of ``SOUND``.
    """

    SOUND: Mapping[str, int] = {
        "population": 1000, "employed_persons": 400, "employed_per_100": 40, "appeals_rating_mean": 4,
        "appeals_planned_days_mean": 20, "wage_to_country_pct": 100, "wage_growth_pct": 110,
    }  # fmt: skip

    def __init__(self, query: str) -> None:
        self.query = query
        self.connection = duckdb.connect()
        self.connection.execute("attach ':memory:' as warehouse; use warehouse")
        for schema in ("intermediate", "marts", "staging"):
            self.connection.execute(f"create schema {schema}")
        self.connection.execute(
            "create table intermediate.int_indicator_decided (indicator varchar, method_version varchar, "
            "ref_area varchar, level varchar, freq varchar, time_period varchar, breakdown varchar, "
            "obs_value decimal(24, 6), obs_status varchar, numerator decimal(24, 6), synthetic boolean)"
        )
        self.connection.execute(
            "create view intermediate.int_indicator_input as select distinct indicator, time_period, 'sound' as state"
            " from intermediate.int_indicator_decided"
        )
        places = {"BY": None, "BY-AA": "BY", "BY-BB": "BY", "c-city": "BY-AA"}
        places |= {code: "BY-AA" if number < 6 else "BY-BB" for number, code in enumerate(DISTRICTS)}
        self.connection.execute(
            "create table marts.dim_territory (ref_area varchar, parent varchar, level varchar, "
            "listed_from date, listed_to date)"
        )
        # nothing has ever changed
        self.connection.execute(
            "create view intermediate.int_territory_parent as select ref_area, parent, date '0001-01-01' as valid_from, "
            "date '9999-12-31' as valid_to from marts.dim_territory where parent is not null"
        )
        self.connection.execute(
            "create table marts.dim_period as select 'A' as freq, year::varchar as time_period, "
            "make_date(year, 1, 1) as first_day, make_date(year, 12, 31) as last_day from range(2000, 2030) as t(year)"
        )
        levels = {"BY": "country", "BY-AA": "region", "BY-BB": "region", "c-city": "city"}
        for code, parent in places.items():
            self._insert("marts.dim_territory", code, parent, levels.get(code, "district"), None, None)
        self.connection.execute(
            "create table staging.stg_catalogue__subordination as select 'c-city' as ref_area, 'r-01' as district"
        )
        self.connection.execute(
            "create table intermediate.int_indicator_unallocated as select 'employed_persons' as indicator, '1.0' as "
            "method_version, unnest(['BY', 'BY-AA']) as ref_area, 'A' as freq, unnest(['2020', '2020']) as time_period, "
            "3::decimal(38, 6) as numerator union all select 'employed_persons', '1.0', unnest(['BY', 'BY-AA']), 'A', '2021', 3"
        )

    def _insert(self, table: str, *values: Any) -> None:
        self.connection.execute(
            f"insert into {table} values ({', '.join('?' for _ in values)})", list(values)
        )

    def fill(self, declared: Mapping[str, Rule]) -> World:
        """Sound figures of 2020 and 2021 for all that the rules are about."""
        for table, rows in plausibility_rows(declared, CATALOGUE).items():
            columns = PLAUSIBILITY_TABLES[table]
            described = ", ".join(f"{name} {TYPES[kind]}" for name, kind in columns.items())
            self.connection.execute(f"create table staging.stg_catalogue__{table} ({described})")
            for row in rows:
                self._insert(f"staging.stg_catalogue__{table}", *(row[name] for name in columns))
        about = {
            name for rule in declared.values() for name in (*rule.indicators, getattr(rule, "than", None))
        }
        places = self.connection.execute("select ref_area, level from marts.dim_territory").fetchall()
        totals = {"BY": 125, "BY-AA": 65, "BY-BB": 60, "c-city": 5}
        for indicator in sorted(about - {None}):
            for year in ("2020", "2021"):
                for number, (place, level) in enumerate(places):
                    numerator = totals.get(place, 10)
                    if indicator == "employed_persons" and place in ("BY", "BY-AA"):
                        numerator += 3
                    value = self.SOUND.get(indicator, 50) + (number if indicator in SPREAD else 0)
                    where = (indicator, "1.0", place, level, "A", year)
                    self._insert(DECIDED, *where, "_T", value, "A", numerator, False)
                    if indicator == "appeals_per_1000":
                        self._insert(DECIDED, *where, "G1", 1, "A", numerator - 2, False)
                        self._insert(DECIDED, *where, "G2", 1, "A", 2, False)
        return self

    def put(self, where: str, **changes: Any) -> World:
        """Change the figures of 2021 that fit, which there must be."""
        done = self.connection.execute(
            f"update {DECIDED} set {', '.join(f'{name} = ?' for name in changes)} "
            f"where time_period = '2021' and {where}",
            list(changes.values()),
        ).fetchone()
        assert done is not None
        assert done[0] > 0
        return self

    def found(self) -> set[tuple[str, str, str]]:
        rows = self.connection.execute(
            f"select rule, ref_area, time_period from ({self.query}) where rule is not null"
        ).fetchall()
        return set(rows)

    def details(self) -> list[tuple[Any, ...]]:
        return self.connection.execute(
            "select ref_area, obs_value, compared_value, limit_value, distance, synthetic"
            f" from ({self.query}) where rule is not null"
        ).fetchall()


DECIDED = "intermediate.int_indicator_decided"
# indicators whose districts differ, so that one of them can lie far from the others
SPREAD = {"wage_growth_pct", "net_migration_per_1000"}


@pytest.fixture
def world(query: str) -> World:
    return World(query)


def one(indicator: str, ref_area: str = "r-01", breakdown: str = "_T") -> str:
    return f"indicator = '{indicator}' and ref_area = '{ref_area}' and breakdown = '{breakdown}'"


# rule -> the figure of 2021 that is spoilt, the last value that is still let pass, one that is not, who is found
DEFECTS: dict[str, tuple[str, str, float, float, str]] = {
    "never_below_zero": (one("wage_nominal_byn"), "obs_value", 0, -0.01, "r-01"),
    "rating_within_its_scale": (one("appeals_rating_mean"), "obs_value", 5, 5.01, "r-01"),
    "employed_within_population": (one("employed_persons"), "obs_value", 1000, 1001, "r-01"),
    "territories_add_up": (one("population"), "numerator", 10, 11, "BY-AA"),
    "groups_of_requests_add_up": (one("appeals_per_1000", "BY", "G2"), "numerator", 2, 1, "BY"),
    "planned_for_more_than_a_year": (one("appeals_planned_days_mean"), "obs_value", 365, 365.01, "r-01"),
    "population_jumps": (one("population"), "obs_value", 850, 849, "r-01"),
    "employment_jumps": (one("employed_per_100"), "obs_value", 44, 44.01, "r-01"),
    "wages_shift_against_the_country": (one("wage_to_country_pct"), "obs_value", 90, 89.99, "r-01"),
    "wage_growth_apart": (one("wage_growth_pct"), "obs_value", 130, 200, "r-01"),
    "migration_apart": (one("net_migration_per_1000"), "obs_value", 60, -40, "r-01"),
}


def test_every_shipped_rule_has_its_defect() -> None:
    assert set(DEFECTS) == set(SHIPPED)


def test_nothing_is_found_where_all_is_well(world: World) -> None:
    assert world.fill(SHIPPED).found() == set()


@pytest.mark.parametrize("rule", DEFECTS)
def test_a_shipped_rule_sees_its_defect_and_only_that(world: World, rule: str) -> None:
    where, column, sound, wrong, found = DEFECTS[rule]
    world.fill(SHIPPED)
    assert world.put(where, **{column: sound}).found() == set()
    assert world.put(where, **{column: wrong}).found() == {(rule, found, "2021")}


def test_bounds_hold_on_both_sides(world: World, tmp_path: Path) -> None:
    world.fill(rules(tmp_path, b={"kind": "between", "lower": 900, "upper": 1100}))
    world.put(one("population"), obs_value=899).put(one("population", "r-02"), obs_value=Decimal("1100.5"))
    assert set(world.details()) == {
        ("r-01", 899, None, 900, 1, False),
        ("r-02", Decimal("1100.5"), None, 1100, Decimal("0.5"), False),
    }


def test_a_rule_holds_only_where_it_is_declared_for(world: World, tmp_path: Path) -> None:
    world.fill(rules(tmp_path, b={"kind": "between", "upper": 1100, "levels": ["region"]}))
    world.put(one("population"), obs_value=5000).put(one("population", "BY-BB"), obs_value=5000)
    assert world.found() == {("b", "BY-BB", "2021")}


def test_another_indicator_is_the_limit(world: World, tmp_path: Path) -> None:
    world.fill(
        rules(tmp_path, m={"kind": "at_most", "indicators": ["employed_persons"], "than": "population"})
    )
    world.put(one("population"), obs_value=399, synthetic=True).put(one("population", "r-02"), obs_value=None)
    # what is missing is no limit; what invented data are in is marked
    assert world.details() == [("r-01", 400, 399, None, 1, True)]


@pytest.mark.parametrize(
    ("limit", "value", "distance"),
    [
        ({"limit_pct": 20}, 1200, None),
        ({"limit_pct": 20}, Decimal("1200.01"), Decimal("20.001")),
        ({"limit_pct": 20}, 799, Decimal("-20.1")),
        ({"limit_points": 250}, 1250, None),
        ({"limit_points": 250}, 749, -251),
        ({"limit_points": 250}, None, None),
    ],
)
def test_a_jump_is_against_the_year_before(
    world: World, tmp_path: Path, limit: dict[str, int], value: Any, distance: Any
) -> None:
    world.fill(rules(tmp_path, j={"kind": "jump", **limit})).put(one("population"), obs_value=value)
    expected = (
        [] if distance is None else [("r-01", value, 1000, next(iter(limit.values())), distance, False)]
    )
    assert world.details() == expected


def test_a_jump_over_a_new_method_or_from_zero_says_nothing(world: World, tmp_path: Path) -> None:
    world.fill(rules(tmp_path, j={"kind": "jump", "limit_pct": 20}))
    world.put(one("population"), obs_value=5000, method_version="2.0")
    world.connection.execute(
        f"update {DECIDED} set obs_value = 0 where time_period = '2020' and ref_area = 'r-02'"
    )
    assert world.found() == set()


def test_parts_make_the_total_where_all_are_known(world: World, tmp_path: Path) -> None:
    rule = {"kind": "parts_to_total", "indicators": ["appeals_per_1000"], "tolerance": 1}
    world.fill(rules(tmp_path, p=rule))
    for place, figure in (("BY-AA", 3), ("BY-BB", 4), ("BY", 40)):
        world.put(one("appeals_per_1000", place, "G2"), numerator=figure)
    world.put(one("appeals_per_1000", "BY", "G1"), obs_value=None)  # suppressed, say
    # 65 against 63 + 3: within the tolerance; 60 against 58 + 4: not
    assert world.details() == [("BY-BB", 60, 62, 1, -2, False)]


def test_territories_make_the_one_above_where_all_are_known(world: World, tmp_path: Path) -> None:
    world.fill(rules(tmp_path, h={"kind": "hierarchy", "indicators": ["population", "employed_persons"]}))
    world.put(one("population", "c-city"), numerator=7)
    world.put(one("employed_persons", "BY-BB"), numerator=59)
    assert set(world.details()) == {
        ("BY-AA", 65, 67, 0, -2, False),
        ("BY-BB", 59, 60, 0, -1, False),
        ("BY", 128, 127, 0, 1, False),
    }
    # what is not published, or known to be doubtful, is held against nothing
    world.put(one("population", "r-03"), obs_value=None).put(one("employed_persons", "BY-BB"), obs_status="U")
    assert world.found() == set()


def test_years_of_an_older_division_are_not_added_up(world: World, tmp_path: Path) -> None:
    world.fill(rules(tmp_path, h={"kind": "hierarchy"}))
    world.put(one("population"), numerator=99)
    world.connection.execute(f"update {DECIDED} set time_period = '2010' where time_period = '2021'")
    assert world.found() == set()


def put_districts(world: World, values: list[int]) -> None:
    """The districts' values of 2021; who is left has none."""
    for number, district in enumerate(DISTRICTS):
        value = values[number] if number < len(values) else None
        world.put(one("population", district), obs_value=value)


OUTLIER = {"kind": "outlier", "levels": ["district"], "minimum_count": 11}


def test_an_outlier_is_far_by_the_robust_z_score(world: World, tmp_path: Path) -> None:
    world.fill(rules(tmp_path, o=OUTLIER))
    # median 6; deviations 0 1 1 2 2 3 3 4 4 5 24, so MAD 3; 24 / (1.4826 x 3) = 5.395926
    put_districts(world, [*range(1, 11), 30])
    assert world.details() == [("r-11", 30, 6, Decimal("3.5"), Decimal("5.395926"), False)]
    # 15 / 4.4478 = 3.37
    put_districts(world, [*range(1, 11), 21])
    assert world.found() == set()


@pytest.mark.parametrize("values", [[*range(1, 10), 90], [5] * 10 + [90]])
def test_too_few_or_all_alike_are_not_compared(world: World, tmp_path: Path, values: list[int]) -> None:
    world.fill(rules(tmp_path, o=OUTLIER))
    put_districts(world, values)
    assert world.found() == set()


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"kind": "between"}, "lower: declare lower"),
        ({"kind": "between", "lower": 2, "upper": 2}, "must be below upper"),
        ({"kind": "between", "upper": 1, "indicators": ["nothing"]}, "indicator 'nothing' is not declared"),
        ({"kind": "between", "upper": 1, "frequencies": ["M"]}, "frequencies: population has none of them; it has A"),
        ({"kind": "between", "upper": 1, "levels": ["country"], "indicators": ["grp_per_capita_byn"]}, "levels"),
        ({"kind": "at_most", "than": "nothing"}, "'nothing' (than) is not declared"),
        ({"kind": "at_most", "than": "wage_nominal_byn"}, "population is in PERSONS, wage_nominal_byn in BYN"),
        ({"kind": "jump"}, "declare either limit_pct or limit_points"),
        ({"kind": "jump", "limit_pct": 1, "limit_points": 1}, "declare either limit_pct or limit_points"),
        ({"kind": "parts_to_total"}, "has no breakdown"),
        ({"kind": "hierarchy", "indicators": ["wage_nominal_byn"]}, "does not add up over territories"),
        ({"kind": "outlier", "limit": 0}, "limit"),
        ({"kind": "guess"}, "kind"),
        ({"kind": "between", "upper": 1, "severity": "fatal"}, "severity"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(tmp_path: Path, rule: dict[str, Any], told: str) -> None:
    with pytest.raises(DeclarationError) as raised:
        rules(tmp_path, r=rule)
    assert "plausibility.yml" in raised.value.message
    assert told in raised.value.message


def test_every_text_is_written_in_three_languages_and_follows_a_colon() -> None:
    texts = [text for code, rule in SHIPPED.items() for text in texts_of(code, rule)]
    assert {place: found for place, names in texts if (found := flaws(names))} == {}
    assert [names.ru for _, names in texts if names.ru[0].isupper() or names.ru.endswith(".")] == []


@pytest.mark.slow
def test_the_impossible_is_held_back_and_the_unusual_is_noted(doubtful: SmallWarehouse) -> None:
    small = doubtful
    told = impossible(DuckDBWarehouse(small.path))
    # the city, its region and the country
    assert [line.split(", ")[1:] for line in told] == [
        [place, "2019-07", "_T: 9", "limit 5"] for place in ("BY", "BY-BR", "c-brest")
    ]
    for place in ("BY", "BY-BR", "c-brest"):
        held = small.value("appeals_rating_mean", place, "2019-07")
        assert (held["obs_value"], held["numerator"], held["missing_reason"]) == (None, None, "held_back")
    assert small.value("appeals_rating_mean", "c-brest", "2019-06")["obs_value"] == 3
    assert small.query("select 1 from published.pub_plausibility_v1 where severity = 'error'") == []
    held_loads = small.query(
        "select distinct loads from published.pub_held_back_v1 where ref_area = 'c-brest'"
    )
    assert held_loads == [(small.ids["rated"],)]
    assert small.query("select ok from ops.build") == [(True,)]
    noted = small.value("appeals_planned_days_mean", "c-minsk", "2019-04")
    assert noted["obs_value"] == 10
    assert "Значение выделяется: средний плановый срок больше 365 дней." in noted["note_ru"]
    with small.connect(read_only=True) as connection:
        found = trace(connection, "appeals_planned_days_mean", "c-minsk", "2019-04")
    russian, english = (show(found, Names(language)) for language in ("ru", "en"))
    assert "  " + noted["note_ru"] in russian and "  " + noted["note_en"] in english
    assert "Stands out: " in noted["note_en"] and not re.search("[а-яё]", noted["note_en"])
    assert "выделяется" not in (
        small.value("appeals_planned_days_mean", "c-minsk", "2019-05")["note_ru"] or ""
    )


def test_many_impossible_values_are_told_in_part(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "w.duckdb")
    assert impossible(warehouse) == []
    with duckdb.connect(str(tmp_path / "w.duckdb")) as connection:
        connection.execute(
            "create schema marts; create table marts.mart_plausibility as select 'r' as rule, 'error' as severity, "
            "'x' as indicator, 'BY' as ref_area, (2000 + i)::varchar as time_period, '_T' as breakdown, "
            "1.50::decimal(24, 6) as obs_value, null::decimal(24, 6) as compared_value, null::decimal(24, 6) as limit_value "
            "from range(12) as t (i)"
        )
        connection.execute(
            "insert into marts.mart_plausibility "
            "select * replace ('warning' as severity) from marts.mart_plausibility"
        )
    told = impossible(warehouse)
    assert told[0] == "rule r: x, BY, 2000, _T: 1.5"
    assert told[-1] == "and 2 more in marts.mart_plausibility"
    assert len(told) == 11


def test_a_figure_under_embargo_is_not_told_to_him_whose_build_it_stops(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "w.duckdb")) as connection:
        connection.execute(
            "create schema marts; create schema intermediate; create table marts.mart_plausibility as select 'r' as rule,"
            " 'error' as severity, 'x' as indicator, 'BY' as ref_area, period as time_period, '_T' as breakdown,"
            " 7::decimal(24, 6) as obs_value, 8::decimal(24, 6) as compared_value, 9::decimal(24, 6) as limit_value"
            " from (values ('2024'), ('2025'), ('2026')) as t (period);"
            "create table intermediate.int_embargo_indicator as select 'x' as indicator, '2025' as time_period,"
            " now() + interval 1 day as held_until union all select 'x', '2024', now() - interval 1 day"
        )
    assert impossible(DuckDBWarehouse(tmp_path / "w.duckdb")) == [
        "rule r: x, BY, 2024, _T: 7 against 8, limit 9",
        "rule r: x, BY, 2025, _T: under embargo",
        "rule r: x, BY, 2026, _T: 7 against 8, limit 9",
    ]
