"""Nothing of an embargoed period leaves before its moment: not by any file, not by what is computed from it."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import Result
from pypdf import PdfReader
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.errors import GorodError
from pipelines.exit_codes import ExitCode
from pipelines.publishing.exports.products import PRODUCTS, export
from pipelines.publishing.index_contract import newest_build, publish_index
from pipelines.publishing.publication import Publication
from pipelines.publishing.publish import publish
from pipelines.publishing.query import ask
from pipelines.publishing.staleness import stale_since
from pipelines.reporting.digest import make_digest
from pipelines.settings import Settings, get_settings
from pipelines.sql import quoted
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.support.small_warehouse import SmallWarehouse, cells, fill, requests

# Wages of 2018 in the regions of Brest and Minsk, and what is computed from the first: its ratio to the country's 500,
# and to the 300 of the year before. The wage of Brest in 2019 is known too: its growth would tell 2018.
BREST, MINSK = 73198.76, 84321.5
SECRETS = {"73198", "84321", "14639", "24399"}
REQUESTS = 61  # of Minsk in June 2019: as many rows as its delivery has
WAGES = {"wage_nominal_byn", "wage_growth_pct", "wage_to_country_pct"}


def secrets_in(text: str) -> set[str]:
    """Which of the figures a text tells, however it writes numbers."""
    plain = re.sub(r"\s", "", text).replace(",", ".")
    # within a hash they are no figures
    return {secret for secret in SECRETS if re.search(rf"(?<![0-9a-f]){secret}(?![0-9a-f])", plain)}


def secrets_of_tables(connection: duckdb.DuckDBPyConnection, tables: list[str]) -> set[str]:
    found: set[str] = set()
    for table in tables:
        rows = connection.execute(f"select to_json(told)::varchar from {table} as told").fetchall()
        found |= secrets_in("\n".join(row for (row,) in rows))
    return found


def secrets_of_file(path: Path) -> set[str]:
    if path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as connection:
            tables = connection.execute(
                "select schema_name || '.' || table_name from duckdb_tables() where not internal"
            ).fetchall()
            return secrets_of_tables(connection, [table for (table,) in tables])
    if path.suffix == ".parquet":
        with duckdb.connect() as connection:
            return secrets_of_tables(connection, [f"read_parquet('{path}')"])
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as book:
            return secrets_in(
                "\n".join(book.read(name).decode("utf-8", "ignore") for name in book.namelist())
            )
    if path.suffix == ".pdf":
        return secrets_in("\n".join(page.extract_text() for page in PdfReader(path).pages))
    return secrets_in(path.read_text(encoding="utf-8", errors="ignore"))


def secrets_below(*folders: Path) -> dict[str, set[str]]:
    """What the files of some folders tell, by their kind; every file is looked into."""
    found: dict[str, set[str]] = {}
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.is_file()):
        found.setdefault(path.suffix, set()).update(secrets_of_file(path))
    return found


def build(small: SmallWarehouse, *left_out: str) -> None:
    """A whole build, and the indices."""
    done = small.dbt("build", "--exclude", "resource_type:unit_test", *left_out)
    assert done.returncode == 0, done.stdout[-3000:]
    with small.connect() as connection:
        connection.execute("update ops.build set whole = true")
        publish_index(connection, newest_build(connection))


def hold_back(
    small: SmallWarehouse, period: str, first: str, last: str, indicators: str, until: datetime
) -> None:
    with small.connect() as connection:
        connection.execute(
            "insert into catalogue.release (release, time_period, freq, first_day, last_day, title_ru, title_be,"
            " title_en, embargo_until, embargo_until_minsk, example) select ?, ?, '', ?, ?, 't', 't', 't',"
            " ?::timestamptz, '', false",
            [f"{period} {indicators}", period, first, last, until.isoformat()],
        )
        connection.execute(
            "insert into catalogue.release_indicator select ?, indicator from catalogue.indicator"
            f" where {indicators}",
            [f"{period} {indicators}"],
        )


def no_calendar(small: SmallWarehouse) -> None:
    with small.connect() as connection:
        connection.execute("delete from catalogue.release_indicator; delete from catalogue.release")


class Channels:
    """Everything that leaves, made in a folder of its own."""

    def __init__(self, small: SmallWarehouse, folder: Path) -> None:
        self.settings = Settings(home=folder, warehouse=str(small.path), busy_timeout_s=0)
        self.publication: Publication = publish(self.settings)
        make_digest(self.settings, "2018-12")
        make_digest(self.settings)  # the newest month that may be told
        export(self.settings, folder / "exports")
        self.told = secrets_below(self.publication.folder, self.settings.reports, folder / "exports")

    def count(self, sql: str) -> int:
        return int(ask(self.settings, f"select count(*) from {sql}")[1][0][0])


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Built and published while the embargo lasts, and after it."""
    small: Any = SmallWarehouse(tmp_path_factory.mktemp("embargo"))
    fill(small)
    small.load(
        "belstat.wages", "2010-2019",
        cells([
            ("Республика Беларусь", "2018", 500), ("Республика Беларусь", "2019", 600), ("Брестская область", "2017", 300),
            ("Брестская область", "2018", BREST), ("Брестская область", "2019", 800), ("Минская область", "2018", MINSK),
        ]), instance="by",
    )  # fmt: skip
    small.load("appeals_115.requests", "2019-06", requests(["6"] * REQUESTS, "2019-06"), instance="minsk")
    no_calendar(small)
    until = datetime.now(UTC) + timedelta(hours=1)
    hold_back(small, "2018", "2018-01-01", "2018-12-31", "indicator = 'wage_nominal_byn'", until)
    hold_back(small, "2019-Q2", "2019-04-01", "2019-06-30", "indicator = 'appeals_per_1000'", until)
    build(small)
    small.warehouse = DuckDBWarehouse(small.path)
    small.during = Channels(small, small.folder / "during")
    small.stale_during = stale_since(small.warehouse)
    with duckdb.connect(str(small.path), read_only=True) as connection:
        tables = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables()"
            " where schema_name = 'published' or starts_with(schema_name, 'mart_by')"
        ).fetchall()
        small.tables_during = secrets_of_tables(connection, [quoted_table(table) for (table,) in tables])
    with small.connect() as connection:
        # an hour goes by: what was held back until then is held back until just now
        connection.execute("update catalogue.release set embargo_until = now() - interval 1 second")
        for table in ("indicator", "measure", "load"):
            connection.execute(
                f"update intermediate.int_embargo_{table} set held_until = now() - interval 1 second"
            )
    small.stale_at_the_moment = stale_since(small.warehouse)
    build(small, "resource_type:test")
    small.stale_after = stale_since(small.warehouse)
    small.after = Channels(small, small.folder / "after")
    return small


def quoted_table(name: str) -> str:
    return ".".join(quoted(part) for part in name.split("."))


@pytest.mark.slow
def test_no_file_tells_it_before_and_all_kinds_do_after(story: Any) -> None:
    kinds = {".duckdb", ".parquet", ".xlsx", ".pdf", ".csv", ".json", ".html", ".xml"}
    assert kinds <= set(story.during.told)
    assert {kind: told for kind, told in story.during.told.items() if told} == {}
    # the same search finds it once it may be told: in what publications, reports and data products consist of
    after = {kind: told for kind, told in story.after.told.items() if told}
    assert {kind: after[kind] for kind in (".duckdb", ".parquet", ".xlsx", ".csv")} == dict.fromkeys(
        (".duckdb", ".parquet", ".xlsx", ".csv"), SECRETS
    )
    assert {"73198", "84321"} <= after[".pdf"]
    assert "84321" in after[".json"]  # the newest values, as FIWARE entities: Brest has one of 2019
    assert set(story.during.told) == set(story.after.told)
    assert sorted(path.name for path in (story.folder / "during" / "exports").iterdir()) == sorted(PRODUCTS)


@pytest.mark.slow
def test_no_table_of_readers_tells_it(story: Any) -> None:
    assert story.tables_during == set()
    with duckdb.connect(str(story.path), read_only=True) as connection:
        assert secrets_of_tables(
            connection, ["published.pub_indicator_value_v1", "mart_by_br.indicator_value"]
        )


@pytest.mark.slow
def test_what_would_give_it_away_is_held_back_too(story: Any) -> None:
    values = "pub_indicator_value_v1 where indicator = '{}' and time_period = '{}'"
    held = [(indicator, "2018") for indicator in sorted(WAGES)]
    held += [("wage_growth_pct", "2019")]  # its denominator is the wage of 2018
    held += [("appeals_per_1000", period) for period in ("2019-05", "2019-06", "2019-Q2", "2019-S1", "2019")]
    held += [("appeals_rated_pct", "2019-06")]  # divides by the same requests
    free = [("wage_nominal_byn", "2017"), ("wage_nominal_byn", "2019"), ("wage_to_country_pct", "2019")]
    free += [("appeals_per_1000", "2019-03"), ("appeals_per_1000", "2019-Q1"), ("population", "2019")]
    free += [("employed_per_100", "2018"), ("pon_ports_per_100", "2019-06")]
    assert {pair: story.during.count(values.format(*pair)) for pair in held} == dict.fromkeys(held, 0)
    assert all(story.during.count(values.format(*pair)) > 0 for pair in free)
    assert all(story.after.count(values.format(*pair)) > 0 for pair in held + free)


@pytest.mark.slow
def test_observations_the_way_back_and_counts_of_rows(story: Any) -> None:
    observed = "pub_observation_v1 where measure = '{}' and time_period = '{}'"
    for measure, held, free in (
        ("wage_nominal_monthly_byn", "2018", "2019"),
        ("appeals_registered", "2019-06", "2019-03"),
    ):
        assert story.during.count(observed.format(measure, held)) == 0
        assert story.during.count(observed.format(measure, free)) > 0
        assert story.after.count(observed.format(measure, held)) > 0
    traced = "pub_trace_v1 where measure = 'wage_nominal_monthly_byn' and observed_period = '2018'"
    assert (story.during.count(traced), story.after.count(traced) > 0) == (0, True)
    for table in ("pub_load_v1", "pub_data_quality_v1"):
        counts = f"{table} where rows_accepted = {REQUESTS}"
        assert (story.during.count(counts), story.after.count(counts)) == (0, 1)
        # that there is a delivery is no figure; of other months its rows are counted
        delivered = f"{table} where slice = '2019-06' and instance = 'minsk'"
        assert story.during.count(delivered) > 0
        assert story.during.count(f"{table} where slice = '2019-03' and rows_accepted > 0") == 1


@pytest.mark.slow
def test_the_end_of_an_embargo_makes_the_marts_stale(story: Any) -> None:
    assert story.stale_during is None
    assert story.stale_at_the_moment is not None
    assert story.stale_after is None
    assert story.after.publication.content_hash != story.during.publication.content_hash


@pytest.mark.slow
def test_history_tells_when_it_became_known_not_when_it_was_told(story: Any) -> None:
    wages = "pub_indicator_value_history_v1 where indicator = 'wage_nominal_byn' and time_period = '2018'"
    assert story.during.count(wages) == 0
    built = story.query("select min(built_at at time zone 'UTC') from ops.build")[0][0]
    with duckdb.connect(str(story.after.publication.database), read_only=True) as connection:
        since = connection.execute(f"select max(known_from) from published.{wages}").fetchone()
    assert since is not None
    assert since[0] < built


@pytest.mark.slow
def test_publication_refuses_a_contract_that_forgot(story: Any, tmp_path: Path) -> None:
    """A model that leaves nothing out gets no further than the warehouse."""
    path = tmp_path / "warehouse.duckdb"
    path.write_bytes(story.path.read_bytes())
    settings = Settings(home=tmp_path / "home", warehouse=str(path), busy_timeout_s=0)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "insert into intermediate.int_embargo_indicator"
            " values ('wage_nominal_byn', '2018', now() + interval 1 hour)"
        )
    with pytest.raises(GorodError, match=r"pub_\w+ shows wage_nominal_byn of 2018, .* under embargo until"):
        publish(settings)
    assert not list((settings.home / "published").glob("2*"))
    with duckdb.connect(str(path)) as connection:
        connection.execute("update intermediate.int_embargo_indicator set held_until = now()")
    assert publish(settings).is_new


@pytest.mark.slow
def test_every_contract_that_tells_figures_knows_the_embargo(story: Any) -> None:
    """By the graph of the models: who names an indicator or a measure and a period stands on what is held back."""
    manifest = json.loads((story.folder / "target" / "manifest.json").read_text(encoding="utf-8"))
    nodes = manifest["nodes"]

    def stands_on(name: str, wanted: str) -> bool:
        needs = nodes.get(name, {}).get("depends_on", {}).get("nodes", [])
        return any(need.endswith(f".{wanted}") or stands_on(need, wanted) for need in needs)

    plans = {"pub_target"}  # what is planned is no figure of the period
    silent = [
        (node["name"], what)
        for name, node in nodes.items()
        if node["resource_type"] == "model" and node["schema"] == "published" and node["name"] not in plans
        for what in ("indicator", "measure")
        if {what, "time_period"} <= set(node["columns"])
        and not stands_on(name, f"int_embargo_{what}")
        and not (what == "measure" and stands_on(name, "int_embargo_indicator"))
    ]
    assert silent == []


@pytest.mark.slow
def test_the_rules_of_the_calendar(tmp_path: Path) -> None:
    """Which periods the calendar itself holds back, worked out by hand for one month of a quarter that has come out."""
    small = SmallWarehouse(tmp_path)
    fill(small)
    no_calendar(small)
    now = datetime.now(UTC)
    past, soon, later = now - timedelta(days=1), now + timedelta(hours=1), now + timedelta(hours=2)
    appeals = "indicator = 'appeals_per_1000'"
    # January came out alone; the first quarter and the year are to come
    hold_back(small, "2019-01", "2019-01-01", "2019-01-31", appeals, past)
    hold_back(small, "2019-Q1", "2019-01-01", "2019-03-31", appeals, soon)
    hold_back(small, "2019", "2019-01-01", "2019-12-31", appeals, later)
    done = small.dbt("run", "--select", "+int_embargo")
    assert done.returncode == 0, done.stdout[-3000:]
    until = {
        period: "soon" if abs(moment - soon) < timedelta(minutes=1) else "later"
        for period, moment in small.query("select time_period, held_until from intermediate.int_embargo")
    }
    months = {f"2019-{month:02}": "soon" if month <= 3 else "later" for month in range(2, 13)}
    quarters = {"2019-Q1": "soon", "2019-Q2": "later", "2019-Q3": "later", "2019-Q4": "later"}
    assert until == {**months, **quarters, "2019-S1": "later", "2019-S2": "later", "2019": "later"}


@pytest.mark.slow
def test_a_trace_of_what_is_held_back_is_refused_or_noted(story: Any, tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    path.write_bytes(story.path.read_bytes())
    warehouse = DuckDBWarehouse(path)
    warehouse.prepare()
    with warehouse.connection() as connection:
        connection.execute(
            "insert into intermediate.int_embargo_indicator values ('wage_nominal_byn', '2018', now() + interval 1 hour)"
        )
    environment = {"GOROD_HOME": str(tmp_path / "home"), "GOROD_WAREHOUSE": str(path)}

    def traced(period: str, *more: str) -> Result:
        get_settings.cache_clear()
        try:
            return CliRunner().invoke(
                app, ["trace", "wage_nominal_byn", "BY-BR", period, *more], env=environment
            )
        finally:
            get_settings.cache_clear()

    named = ("--by", "А. Иванова", "--why", "проверка выпуска")
    at_that_time = ("--as-of", f"{datetime.now(UTC):%Y-%m-%d}T23:59Z")
    for more in ((), at_that_time, ("--json",), (*at_that_time, "--json"), named[:2], named[2:]):
        answer = traced("2018", *more)
        assert answer.exit_code == 1
        assert answer.stdout == ""
        assert "wage_nominal_byn of 2018 is under embargo until" in answer.stderr
        assert "--by NAME --why REASON" in answer.stderr
        assert traced("2019", *more).exit_code == 0
    assert warehouse.query("from ops.embargoed_read") == []
    for number, more in enumerate(((), at_that_time, ("--json",)), start=1):
        answer = traced("2018", *named, *more)
        assert answer.exit_code == 0, answer.output
        assert "do not pass on" in answer.stderr
        noted = warehouse.query(
            "select what, by_whom, why, held_until > read_at as held from ops.embargoed_read"
        )
        assert noted == number * [
            {
                "what": "wage_nominal_byn of 2018",
                "by_whom": "А. Иванова",
                "why": "проверка выпуска",
                "held": True,
            }
        ]
    assert json.loads(answer.stdout)["embargo_until"]
    assert not json.loads(traced("2019", *named, "--json").stdout)["embargo_until"]
    assert len(warehouse.query("from ops.embargoed_read")) == number


@pytest.mark.slow
def test_numbers_of_rows_under_embargo_are_left_out(
    story: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of requests the number of rows is the figure; who must see it says who he is and why."""
    path = tmp_path / "warehouse.duckdb"
    path.write_bytes(story.path.read_bytes())
    load = f"slice = '2019-06' and rows_delivered = {REQUESTS}"
    with duckdb.connect(str(path)) as connection:
        connection.execute("delete from ops.embargoed_read")
        connection.execute(
            f"insert into intermediate.int_embargo_load select load_id, now() + interval 1 hour from ops.load where {load}"
        )
        (load_id,) = connection.execute(f"select load_id from ops.load where {load}").fetchall()[0]
    settings = Settings(home=tmp_path / "home", warehouse=str(path), busy_timeout_s=0)
    for command in ("status", "loads"):
        monkeypatch.setattr(f"pipelines.commands.{command}.get_settings", lambda: settings)

    def told(*arguments: str) -> Result:
        return CliRunner().invoke(app, [*arguments])

    figure = re.compile(rf"(?<![\w.-]){REQUESTS}(?![\w.-])")
    named = ("--by", "А. Иванова", "--why", "проверка")
    for asked in (
        ("status", "--loads"),
        ("status", "--json"),
        ("explain", load_id),
        ("explain", load_id, "--json"),
    ):
        kept = told(*asked)
        # a load of the story was refused, and status leaves with that
        amiss = ExitCode.LOADS_REFUSED if asked[0] == "status" else ExitCode.DONE
        assert kept.exit_code == amiss, kept.output
        assert not figure.search(kept.output), kept.output
        shown = told(*asked, *named)
        assert figure.search(shown.stdout), shown.output
    answer = told("explain", load_id, "--xlsx", str(tmp_path / "answer.xlsx"))
    assert (answer.exit_code, (tmp_path / "answer.xlsx").exists()) == (1, False)
    noted = DuckDBWarehouse(path).query("select what, by_whom, why from ops.embargoed_read order by read_at")
    assert [(row["by_whom"], row["why"]) for row in noted] == [("А. Иванова", "проверка")] * 4
    assert {row["what"] for row in noted} == {"numbers of rows of loads", f"contents of load {load_id}"}
