"""The operator's inventory by TMF639 v5 beside v4: whatever version a branch speaks, its figures are the same."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from pipelines import connectors, formats
from pipelines.declarations.feeds import Feed
from pipelines.declarations.measures import load_measures
from pipelines.declarations.sources import SOURCES, Source, load_sources
from pipelines.deliveries import Delivery, parse_slice
from pipelines.errors import DeclarationError, DeliveryError, OriginError
from pipelines.formats.snapshot import Snapshot
from pipelines.loading.load import LoadOutcome
from sandbox.inventory import Resource, inventory, read_cities
from sandbox.server import PERSON, Fault, Sandbox, always, running
from sandbox.tmf639 import SAMPLE, Inventory, of_v5
from tests.sources.asked import Home, asking, named

SCALE = 0.2
BRANCH = "mogilev"
KEY = ("resources", BRANCH, "2026-11")
FEED: Feed = load_sources()["beltelecom_inventory"].feeds["resources"]
OF_V4 = FEED.model_copy(update={"format": FEED.format.model_copy(update={"versions": {}})})


def resources(instance: str = BRANCH) -> Sequence[Resource]:
    return inventory(read_cities(SAMPLE / "cities.csv", SCALE), instance)


COUNT = len(resources())


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with running(Inventory(lambda name: resources(name) or None, largest_limit=200)) as sandbox:
        yield sandbox


@pytest.fixture
def home(server: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    with asking("tmf639", server, tmp_path, monkeypatch, "2026-11-20") as found:
        yield found


def rows_of(given: list[Any], folder: Path, feed: Feed) -> list[dict[str, Any]]:
    folder.mkdir()
    (folder / "page-00001.json").write_text(json.dumps(given, ensure_ascii=False), encoding="utf-8")
    snapshot = Snapshot(base_url="https://inventory.invalid", pages=1, total=len(given))
    (folder / "snapshot.json").write_text(json.dumps(snapshot.model_dump()), encoding="utf-8")
    delivery = Delivery(
        "d", "beltelecom_inventory", "resources", BRANCH, parse_slice("2026-11", None), folder,
        ("page-00001.json", "snapshot.json"), "", 0, "", "", True,
    )  # fmt: skip
    batch = formats.read(delivery, feed, folder / "batch.parquet")
    return duckdb.sql(f"from '{batch.path}' order by row_no").to_arrow_table().to_pylist()


def test_v4_and_v5_of_the_same_inventory_give_equal_figures(tmp_path: Path) -> None:
    found = list(resources())
    found[0] = {**found[0], "administrativeState": "shutdown"}
    old = rows_of(found, tmp_path / "v4", OF_V4)
    new = rows_of([of_v5(one) for one in found], tmp_path / "v5", FEED)
    # v5 has no resourceStatus, and nothing takes its place
    assert {row.pop("resource_status") for row in new} == {None}
    assert {row.pop("resource_status") for row in old} > {"available"}
    assert old == new and len(old) == COUNT
    measures = [
        one
        for one in load_measures()[0].values()
        if (one.source, one.feed) == ("beltelecom_inventory", "resources")
    ]
    for version in ("v4", "v5"):
        for measure in measures:
            ((amount,),) = duckdb.sql(
                f"select sum({measure.expr}) from '{tmp_path / version}/batch.parquet' where {measure.filter}"
            ).fetchall()
            assert amount is not None and amount > 0, measure.name.en


def test_v5_is_taken_whole_by_its_cursors(home: Home, server: Sandbox) -> None:
    assert home.load_all(instance=BRANCH) == {KEY: COUNT}
    asked = [path for path, _ in server.requests]
    assert len(asked) == -(-COUNT // 200) > 2
    assert all("/v5/resource" in path for path in asked)
    assert ["after=" in path for path in asked] == [False] + [True] * (len(asked) - 1)
    home.load_all(instance="brest")
    assert "/brest/tmf-api/resourceInventoryManagement/v4/resource?" in server.requests[-1][0]


@pytest.mark.parametrize(
    "fault", [Fault("close"), Fault("missing"), Fault("duplicate"), Fault("total"), Fault("html")], ids=named
)
def test_what_passes_leaves_no_trace_in_v5(fault: Fault, home: Home, server: Sandbox) -> None:
    server.plan({2: fault}.get)
    assert home.load_all(instance=BRANCH) == {KEY: COUNT}


def test_a_v5_that_stays_torn_is_caught_up(home: Home, server: Sandbox) -> None:
    server.plan(always(Fault("drift")))
    (failed,) = home.load(instance=BRANCH).values()
    assert isinstance(failed, OriginError) and home.states() == []
    server.plan()
    assert home.load_all(instance=BRANCH) == {KEY: COUNT}


def test_v4_where_v5_is_declared_is_refused(home: Home, server: Sandbox) -> None:
    server.plan(always(Fault("schema")))
    (refused,) = home.load(instance=BRANCH).values()
    assert isinstance(refused, LoadOutcome) and refused.state == "rejected"
    assert "protocol.version" in {one.expectation for one in refused.results}


def test_v5_where_v4_is_declared_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="v5"):
        rows_of([of_v5(one) for one in resources()], tmp_path / "v5", OF_V4)


def test_no_person_and_no_address_is_kept(home: Home, server: Sandbox) -> None:
    server.plan(always(Fault("person")))
    home.load_all(instance="minsk_oblast")
    server.plan()
    home.load_all(instance=BRANCH)
    stored = home.stored()
    for word in (PERSON, "000-00-00", "Примеров", "Образцова", "Вымышленная", "person-", "ул. "):
        assert word not in stored, word


def test_more_places_occupied_than_there_are_are_kept_back(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = json.loads(json.dumps(resources()))
    rack = next(one for one in found if one["category"] == "Rack")
    traits = {one["name"]: one for one in rack["resourceCharacteristic"]}
    traits["occupied"]["value"] = traits["capacity"]["value"] + 1
    with running(Inventory(lambda _: found)) as sandbox:
        address = f"{sandbox.url}/{{instance}}/tmf-api/resourceInventoryManagement/{{version}}"
        monkeypatch.setenv("GOROD_BELTELECOM_INVENTORY_URL", address)
        (outcome,) = home.load(instance=BRANCH).values()
    assert isinstance(outcome, LoadOutcome)
    assert (outcome.rows_quarantined, outcome.rows_accepted) == (1, COUNT - 1)
    assert home.rows("resources", "resource_id", "occupied > capacity or onu_connected > onu_capacity") == []


def test_a_branch_that_moves_to_v5_is_a_word(home: Home, server: Sandbox) -> None:
    text = (SOURCES / "beltelecom_inventory" / "source.yml").read_text(encoding="utf-8")
    assert "versions: {mogilev: v5}" in text
    moved = Source.model_validate(yaml.safe_load(text.replace("{mogilev: v5}", "{mogilev: v5, brest: v5}")))
    (offered,) = connectors.candidates(moved, "resources", home.settings, ["brest"])
    assert offered.origin == f"{server.url}/brest/tmf-api/resourceInventoryManagement/v5"


def test_a_version_of_an_unknown_branch_is_told() -> None:
    text = (SOURCES / "beltelecom_inventory" / "source.yml").read_text(encoding="utf-8")
    with pytest.raises((ValueError, DeclarationError), match="mogilyov"):
        Source.model_validate(yaml.safe_load(text.replace("{mogilev: v5}", "{mogilyov: v5}")))


@pytest.mark.mirror
def test_the_published_examples_of_v5_are_read(tmp_path: Path) -> None:
    path = (
        Path(os.environ["GOROD_MIRROR"])
        / "tmforum/TMF639_ResourceInventory/TMF639-Resource_Inventory_Management-v5.0.0.oas.yaml"
    )
    examples = yaml.safe_load(path.read_text(encoding="utf-8"))["components"]["examples"]
    given = [*examples["Resource_list_example_response"]["value"]]
    given.append(examples["Resource_retrieve_example_response"]["value"])
    router, number = rows_of(given, tmp_path / "v5", FEED)
    assert (router["operational_state"], router["usage_state"]) == ("enable", "idle")
    assert router["place_id"] == "859ad898-2308-4879-a09c-33a35cbd1c44"
    assert number["operational_state"] == "disable" and number["place_id"] is None
    assert {router["parse_errors"], number["parse_errors"]} == {None}
    assert "John Doe" not in str([router, number])
