"""The code location loads, and its asset graph is the one that was last agreed on."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import duckdb
import pytest

from assets.keys import raw_key
from assets.partitions import contiguous
from assets.resources import RESOURCES, SettingsResource, WarehouseResource
from pipelines.declarations.indicator_catalogue import load_catalogue
from pipelines.declarations.sources import load_sources
from pipelines.loading.context import read_beside
from pipelines.moments import MINSK
from pipelines.settings import PROJECT, get_settings

pytestmark = pytest.mark.slow

SNAPSHOT = Path(__file__).with_name("asset_graph.json")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home folder of this module's own, with the samples as origin."""
    folder = tmp_path_factory.mktemp("home")
    names = ("GOROD_HOME", "GOROD_ORIGIN", "GOROD_MIRROR", "GOROD_INBOX_QUIET_S")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(GOROD_HOME=str(folder), GOROD_ORIGIN="sample", GOROD_INBOX_QUIET_S="0")
    os.environ.pop("GOROD_MIRROR", None)
    get_settings.cache_clear()
    yield folder
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    get_settings.cache_clear()


@pytest.fixture(scope="module")
def defs(home: Path) -> dg.Definitions:  # noqa: ARG001 - the definitions are made in that home
    from assets.marts import marts
    from pipelines.definitions import defs as make

    marts.cache_clear()
    return make()


# read by the reader of another feed, and by no model
BESIDE = {("nca_register", "units"), ("mobile_coverage", "settlements")}


def graph(defs: dg.Definitions) -> dict[str, dict[str, Any]]:
    """Group, upstream keys and partitions of each asset."""
    assets = defs.resolve_asset_graph()
    return {
        key.to_user_string(): {
            "group": assets.get(key).group_name,
            "upstream": sorted(parent.to_user_string() for parent in assets.get(key).parent_keys),
            "partitions": type(assets.get(key).partitions_def).__name__
            if assets.get(key).partitions_def
            else None,
        }
        for key in sorted(assets.get_all_asset_keys(), key=lambda key: key.to_user_string())
    }


def feed_of(key: str) -> tuple[str, str] | None:
    """The declared feed that an asset belongs to, by its name."""
    name = key.rpartition("/")[2].removeprefix("stg_").removeprefix("int_").removesuffix("__contributions")
    source, _, feed = name.partition("__")
    # the history of a feed's rows, too
    return (source, feed) if source in load_sources() and feed else None


def test_the_asset_graph_is_the_agreed_one(defs: dg.Definitions) -> None:
    """To agree on a new one: GOROD_UPDATE_SNAPSHOTS=1, and read the difference before committing it.

    What belongs to one feed is left out: it follows from the declarations, by the rules of the next test.
    """
    found = {
        key: {**about, "upstream": [parent for parent in about["upstream"] if feed_of(parent) is None]}
        for key, about in graph(defs).items()
        if feed_of(key) is None
    }
    if os.environ.get("GOROD_UPDATE_SNAPSHOTS"):
        SNAPSHOT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert found == json.loads(SNAPSHOT.read_text(encoding="utf-8"))


def test_the_assets_of_a_feed_follow_from_its_declaration(defs: dg.Definitions) -> None:
    assets = graph(defs)
    feeds = [(source, feed) for source, declared in load_sources().items() for feed in declared.feeds]
    counting = {key for measure in load_catalogue().measures.values() for key in measure.feeds}
    for source, feed in feeds:
        name = f"{source}__{feed}"
        assert assets[f"origin/{name}"]["group"] == f"origin_{source}"
        assert assets[f"raw/{name}"]["group"] == f"raw_{source}"
        assert set(assets[f"raw/{name}"]["upstream"]) == {
            f"origin/{name}", *(f"raw/{other}__{its}" for other, its in read_beside(source, feed))
        }  # fmt: skip
        # what nothing but another feed's reader looks at has no model
        if (source, feed) in BESIDE:
            continue
        staging = assets[f"staging/stg_{name}"]
        assert staging["group"] == f"staging_{source}"
        assert {f"raw/{name}", "ops/effective_load"} <= set(staging["upstream"])
        if (source, feed) in counting:
            added = f"intermediate/int_{name}__contributions"
            assert f"staging/stg_{name}" in assets[added]["upstream"]
            assert added in assets["intermediate/int_contributions_given"]["upstream"]
    assert {feed_of(key) for key in assets["intermediate/int_contributions_given"]["upstream"]} == counting


def test_two_steps_down_from_a_feed_is_what_hangs_on_it(defs: dg.Definitions) -> None:
    """Its staging model, what its rows add up to, and models that read these by name: no other feed, no whole graph."""
    assets = defs.resolve_asset_graph()
    counting = {key for measure in load_catalogue().measures.values() for key in measure.feeds}
    for source, declared in load_sources().items():
        for feed in declared.feeds:
            key = raw_key(source, feed)
            near = set(dg.AssetSelection.assets(key).downstream(depth=2).resolve(assets)) - {key}
            names = {one.to_user_string() for one in near}
            assert f"staging/stg_{source}__{feed}" in names or (source, feed) in BESIDE
            if (source, feed) in counting:
                assert any(feed_of(name) == (source, feed) and "contributions" in name for name in names)
            others = {name for name in names if feed_of(name) not in (None, (source, feed))}
            assert {feed_of(name) for name in others} <= validated_by_the_model(defs, source, feed), others
            assert len(near) <= 12, names


def validated_by_the_model(defs: dg.Definitions, source: str, feed: str) -> set[tuple[str, str] | None]:
    """The feeds with a model that reads the staging model of this one by name, as the register's is read."""
    assets = graph(defs)
    read_by = {
        key
        for key, about in assets.items()
        if any(feed_of(parent) == (source, feed) for parent in about["upstream"])
    }
    return {feed_of(key) for key in read_by} - {None, (source, feed)}


def test_every_asset_says_who_keeps_it_and_what_it_is(defs: dg.Definitions) -> None:
    """Owner, layer, kind; of what the repository declares also where, and the columns with their descriptions."""
    owners = {f"team:{source.owner}" for source in load_sources().values()} | {"team:gorod"}
    for spec in defs.resolve_all_asset_specs():
        name = spec.key.to_user_string()
        assert spec.owners, name
        assert set(spec.owners) <= owners or "@" in spec.owners[0], name
        assert spec.kinds, name
        assert spec.tags["gorod/layer"], name
        layer = spec.key.path[0]
        if layer in ("raw", "staging", "intermediate", "marts", "published", "report", "origin") and name != (
            "published/pub_index_value_v1"
        ):
            references = spec.metadata["dagster/code_references"].code_references
            assert references, name
            for one in references:
                assert Path(one.file_path).is_file() or "/dbt/generated/" in one.file_path, name
        if layer in ("raw", "marts", "published") and name != "published/pub_index_value_v1":
            schema = spec.metadata["dagster/column_schema"]
            assert schema.columns, name
            assert all(column.description for column in schema.columns), name
        if layer == "raw":
            source, feed = feed_of(name) or ("", "")
            kept = load_sources()[source].feeds[feed].kept_columns
            assert [column.name for column in schema.columns] == ["load_id", "row_no", *kept]
            assert "?" not in {column.type for column in schema.columns}
            place = references[0]
            text = Path(place.file_path).read_text(encoding="utf-8").splitlines()[place.line_number - 1]
            assert text.strip().startswith(f"{feed}:")


def test_dagsters_private_modules_are_used_only_where_a_decision_says_so() -> None:
    """House rule: what is not Dagster's public interface changes with any version."""
    used = {
        str(path.relative_to(PROJECT))
        for folder in ("pipelines", "assets", "expectations", "sandbox")
        for path in (PROJECT / folder).rglob("*.py")
        if "dagster._" in path.read_text(encoding="utf-8")
    }
    decision = PROJECT / "docs" / "decisions" / "0028-dagsters-private-modules.md"
    named = set(re.findall(r"`(pipelines/\S+?\.py)`", decision.read_text(encoding="utf-8")))
    assert used == named


def test_every_figure_has_a_road_back_to_every_origin(defs: dg.Definitions) -> None:
    assets = graph(defs)
    seen: set[str] = set()
    waiting = ["publication/current"]
    while waiting:
        key = waiting.pop()
        if key not in seen:
            seen.add(key)
            waiting.extend(assets[key]["upstream"])
    declared = {
        f"origin/{source.source}__{feed}" for source in load_sources().values() for feed in source.feeds
    }
    assert declared <= seen


def test_every_asset_is_in_a_group_that_names_its_layer(defs: dg.Definitions) -> None:
    layers = (
        "origin",
        "raw",
        "ops",
        "catalogue",
        "staging",
        "intermediate",
        "marts",
        "history",
        "published",
        "publication",
        "reports",
    )
    strays = {
        key: about["group"] for key, about in graph(defs).items() if not about["group"].startswith(layers)
    }
    assert strays == {}


def test_each_feed_has_a_check_for_each_expectation(defs: dg.Definitions) -> None:
    from pipelines.loading.suites import load_suite

    checks = {(check.asset_key.path[-1], check.name) for check in defs.resolve_asset_graph().asset_check_keys}
    for source in load_sources().values():
        for feed in source.feeds:
            suite = load_suite(source.source, feed)
            for expectation in suite:
                name = expectation.meta["name"].replace(".", "_")
                assert (f"{source.source}__{feed}", name) in checks


def test_everything_that_writes_the_warehouse_is_in_the_one_writer_pool(defs: dg.Definitions) -> None:
    for asset in defs.resolve_all_asset_specs():
        if asset.key.path[0] in (
            "raw",
            "catalogue",
            "staging",
            "intermediate",
            "marts",
            "history",
            "published",
            "publication",
        ):
            definition = defs.get_assets_def(asset.key)
            assert definition.op.pool == "warehouse", asset.key


def test_a_feed_of_months_can_be_run_again_by_city_and_month(defs: dg.Definitions) -> None:
    partitions = defs.get_assets_def(dg.AssetKey(["raw", "appeals_115__requests"])).partitions_def
    assert partitions is not None
    assert (
        dg.MultiPartitionKey({"instance": "minsk", "month": "2018-04-01"}) in partitions.get_partition_keys()
    )


def tick(defs: dg.Definitions) -> tuple[list[dg.RunRequest], str]:
    """What the sensor of the drop folder asks for, and what it says where it asks for nothing."""
    sensor = defs.resolve_sensor_def("inbox")
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance, repository_def=defs.get_repository_def())
        found = sensor.evaluate_tick(context)
    return list(found.run_requests or []), found.skip_message or ""


@pytest.fixture
def dropped(home: Path) -> Iterator[Path]:
    """The drop folder of the requests of Minsk."""
    folder = home / "inbox" / "appeals_115" / "requests" / "minsk"
    folder.mkdir(parents=True)
    yield folder
    shutil.rmtree(home / "inbox")


def test_the_drop_folder_asks_for_a_run_of_the_slice_that_arrived(
    defs: dg.Definitions, dropped: Path
) -> None:
    (dropped / "opendata-115-2026-03-01.csv").write_text("id\n", encoding="utf-8")
    (dropped / "notes.txt").write_text("not a delivery", encoding="utf-8")
    requests, _ = tick(defs)
    assert [request.partition_key for request in requests] == ["minsk|2026-03-01"]
    assert requests[0].job_name == "load_appeals_115"
    assert requests[0].asset_selection == [dg.AssetKey(["raw", "appeals_115__requests"])]


def test_what_is_not_quiet_is_asked_for_later(
    defs: dg.Definitions, dropped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (dropped / "opendata-115-2026-03-01.csv").write_text("id\n", encoding="utf-8")
    monkeypatch.setenv("GOROD_INBOX_QUIET_S", "3600")
    get_settings.cache_clear()
    requests, said = tick(defs)
    assert requests == []
    assert "1 that wait" in said
    monkeypatch.undo()
    get_settings.cache_clear()
    assert len(tick(defs)[0]) == 1


def test_a_tick_lives_through_whatever_lies_in_the_drop_folder(defs: dg.Definitions, dropped: Path) -> None:
    for month in ("9999-12", "2062-10", "2014-01", "0000-01", "2026-03"):
        (dropped / f"opendata-115-{month}-01.csv").write_text("id\n", encoding="utf-8")
    os.mkfifo(dropped / "opendata-115-2024-01-01.csv")
    (dropped / "opendata-115-2024-02-01.csv").symlink_to(dropped / "opendata-115-2024-02-01.csv")
    (dropped / "opendata-115-2024-03-01.csv").mkdir()
    (dropped / os.fsdecode(b"\xff.csv")).touch()
    (dropped.parent.parent / "Requests").touch()
    requests, _ = tick(defs)
    partitions = defs.get_assets_def(dg.AssetKey(["raw", "appeals_115__requests"])).partitions_def
    assert partitions is not None
    asked = [request.partition_key for request in requests]
    assert len(asked) == 4  # a run for each that can be taken; what has no partition, in the nearest one
    assert set(asked) <= set(partitions.get_partition_keys())
    this_month = f"minsk|{datetime.now(MINSK):%Y-%m}-01"
    assert sorted(asked) == sorted(["minsk|2015-11-01", "minsk|2026-03-01", this_month, this_month])
    assert len({request.run_key for request in requests}) == 4


def test_assets_work_on_the_settings_that_they_are_given(tmp_path: Path, home: Path) -> None:
    from assets.catalogue import catalogue

    before = set(home.glob("*.duckdb"))
    given = SettingsResource(home=str(tmp_path / "other"), origin="sample")
    done = dg.materialize([catalogue], resources={"warehouse": WarehouseResource(settings=given)})
    assert done.success
    with duckdb.connect(str(tmp_path / "other" / "warehouse.duckdb"), read_only=True) as connection:
        (feeds,) = connection.execute("select count(*) from catalogue.feed").fetchone() or (0,)
    assert feeds == sum(len(source.feeds) for source in load_sources().values())
    assert set(home.glob("*.duckdb")) == before
    assert SettingsResource().get() is get_settings()


def test_there_is_one_way_of_automation(defs: dg.Definitions) -> None:
    """Jobs by schedules and sensors; no asset has a condition of its own."""
    assert [spec.key for spec in defs.resolve_all_asset_specs() if spec.automation_condition] == []


def test_the_data_products_follow_the_publication(
    defs: dg.Definitions, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.orchestration import automation

    sensor = defs.resolve_sensor_def("published")
    with dg.DagsterInstance.ephemeral() as instance:

        def tick() -> list[dg.RunRequest]:
            context = dg.build_sensor_context(instance, repository_def=defs.get_repository_def())
            return list(sensor.evaluate_tick(context).run_requests or [])

        assert tick() == []
        monkeypatch.setattr(automation, "current_publication", lambda _: SimpleNamespace(id="second"))
        instance.report_runless_asset_event(
            dg.AssetMaterialization(["exports", "current"], metadata={"publication": "first"})
        )
        assert [request.run_key for request in tick()] == ["exports-second first"]
        instance.report_runless_asset_event(
            dg.AssetMaterialization(["exports", "current"], metadata={"publication": "second"})
        )
        assert tick() == []


def test_the_digest_is_scheduled_for_the_month_before(defs: dg.Definitions) -> None:
    schedule = defs.resolve_schedule_def("country_digest_monthly")
    day = datetime(2026, 3, 10, 7, tzinfo=ZoneInfo("Europe/Minsk"))
    with dg.DagsterInstance.ephemeral() as instance:
        tick = schedule.evaluate_tick(
            dg.build_schedule_context(
                instance, scheduled_execution_time=day, repository_def=defs.get_repository_def()
            )
        )
    assert [request.partition_key for request in tick.run_requests or []] == ["2026-02-01"]


def test_every_new_slice_of_the_origin_is_asked_for_once_a_day(defs: dg.Definitions) -> None:
    schedule = defs.resolve_schedule_def("load_appeals_115_daily")
    with dg.DagsterInstance.ephemeral() as instance:
        tick = schedule.evaluate_tick(
            dg.build_schedule_context(
                instance,
                scheduled_execution_time=datetime(2026, 11, 1, 5, tzinfo=ZoneInfo("Europe/Minsk")),
                repository_def=defs.get_repository_def(),
            )
        )
    asked = {request.partition_key for request in tick.run_requests or []}
    files = Path("assets/sources/appeals_115/sample/requests").glob("*/opendata-115-*.csv")
    assert asked == {f"{file.parent.name}|{file.stem.removeprefix('opendata-115-')}" for file in files}


def test_months_are_run_in_unbroken_ranges() -> None:
    pairs = [("b", "2020-01"), ("a", "2019-12"), ("a", "2020-01"), ("a", "2020-03"), ("a", "2020-01")]
    assert contiguous(pairs) == [("a", ["2019-12", "2020-01"]), ("a", ["2020-03"]), ("b", ["2020-01"])]


def contents(*folders: Path) -> dict[Path, str]:
    """What lies in folders, by path: a hash of the bytes."""
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_looking_at_the_code_location_writes_no_state(tmp_path: Path) -> None:
    """A reload in the UI, a listing, a check in CI leave everything as it is, dbt's manifest and generated files too."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GOROD_", "DAGSTER_", "DBT_"))
    }
    home, user, temporary = tmp_path / "home", tmp_path / "user", tmp_path / "temporary"
    user.mkdir()
    temporary.mkdir()
    before = contents(PROJECT / "dbt", PROJECT / "assets")
    done = subprocess.run(
        [sys.executable, "-c", "from pipelines.definitions import defs; print(len(list(defs().assets)))"],
        cwd=PROJECT,
        env={
            **kept,
            "GOROD_HOME": str(home),
            "GOROD_ORIGIN": "sample",
            "HOME": str(user),
            "TMPDIR": str(temporary),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout.split()[-1]) > 0
    assert not home.exists()
    assert list(user.iterdir()) == []
    assert list(temporary.iterdir()) == []
    assert contents(PROJECT / "dbt", PROJECT / "assets") == before


HOLDER = """#!{python}
import json, sys, time
import duckdb
if "--version" in sys.argv:
    sys.exit(print("Core:\\n  - installed: 1.11.16"))
held = duckdb.connect({path!r})
told = {{"unique_id": "test.gorod.that_is_new", "resource_type": "test", "node_status": "pass"}}
event = {{"info": {{"name": "LogTestResult", "level": "info", "msg": ""}}, "data": {{"node_info": told}}}}
print(json.dumps(event), flush=True)
time.sleep(600)
"""


def test_a_build_step_that_crashes_leaves_no_dbt_behind(
    defs: dg.Definitions,  # noqa: ARG001 - dbt has parsed its project
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """dbt tells of a test that was not there when the definitions were loaded, and would go on with the file in its hand."""
    from dagster_dbt import DbtCliResource

    from assets import marts

    path = tmp_path / "held.duckdb"
    executable = tmp_path / "dbt"
    executable.write_text(HOLDER.format(python=sys.executable, path=str(path)), encoding="utf-8")
    executable.chmod(0o755)
    monkeypatch.setattr(marts, "has_register", lambda _: True)
    project = str(PROJECT / "dbt")
    done = dg.materialize(
        [marts.marts()],
        resources={
            **RESOURCES,
            "dbt": DbtCliResource(project_dir=project, profiles_dir=project, dbt_executable=str(executable)),
        },
        raise_on_error=False,
    )
    (failed,) = [event for event in done.all_events if event.is_step_failure]
    assert "that_is_new" in str(failed.event_specific_data)
    duckdb.connect(str(path)).close()
