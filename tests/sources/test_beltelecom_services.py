"""Services and sites of the operator: whole lists, no person, and never more in use than there is."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from pipelines.declarations.measures import load_measures
from pipelines.errors import OriginError
from pipelines.loading.load import LoadOutcome
from sandbox.beltelecom_services import Operator, records_of, sample_lists
from sandbox.server import PERSON, Fault, Record, Sandbox, always, running
from tests.sources.asked import PASSING, Home, asking, named

SERVICES = records_of("brest", "service")
NOVEMBER = ("services", "brest", "2026-11")


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    # two pages
    with running(Operator(sample_lists(), largest_limit=100)) as sandbox:
        yield sandbox


@pytest.fixture
def home(server: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    with asking("tmf638", server, tmp_path, monkeypatch, "2026-11-20") as found:
        yield found


def traits(service: Record) -> dict[str, Any]:
    return {one["name"]: one["value"] for one in service["serviceCharacteristic"]}


def broadband(services: Sequence[Record]) -> list[Record]:
    return [one for one in services if (one["category"], one["state"]) == ("broadband", "active")]


def added_up(home: Home, code: str, split: bool = False) -> Any:
    measure = load_measures()[0][code]
    by = measure.breakdown if split else "'_T'"
    rows = home.rows(
        measure.feed, f"{by} as member, sum({measure.expr}) as amount", f"{measure.filter} group by 1"
    )
    found = {row["member"]: row["amount"] for row in rows}
    return found if split else found["_T"]


def test_subscribers_are_counted_by_technology_and_band(home: Home) -> None:
    assert home.load_all(feed="services", instance="brest") == {NOVEMBER: len(SERVICES)}
    assert not any(
        one.new
        for one in home.load(feed="services", instance="brest").values()
        if isinstance(one, LoadOutcome)
    )
    active = broadband(SERVICES)
    speeds = [Decimal(traits(one)["downloadMbps"]) for one in active]
    assert added_up(home, "fixed_subscribers") == len(active) > 50
    assert added_up(home, "fixed_subscribers_100_mbps") == sum(one >= 100 for one in speeds)
    by_technology = added_up(home, "fixed_subscribers", split=True)
    assert sum(by_technology.values()) == len(active)
    assert by_technology["XDSL"] == sum(traits(one)["technology"] == "xDSL" for one in active)
    bands = added_up(home, "fixed_subscribers_by_speed", split=True)
    assert bands["30T100"] == sum(30 <= one < 100 for one in speeds)
    assert bands["GE1000"] == sum(one >= 1000 for one in speeds)
    assert sum(bands.values()) == len(active)


def test_persons_are_not_even_asked_for(home: Home, server: Sandbox) -> None:
    home.load_all(instance="brest")
    assert all("fields=" in path for path, _ in server.requests)
    landed = "".join(path.read_text("utf-8") for path in home.settings.home.rglob("page-*.json"))
    for word in ("relatedParty", "Тестович", "ул. ", "place"):
        assert word not in landed


def test_a_server_that_sends_persons_all_the_same_leaves_none(home: Home, server: Sandbox) -> None:
    server.plan(always(Fault("person")))
    home.load_all(instance="brest")
    landed = "".join(path.read_text("utf-8") for path in home.settings.home.rglob("page-*.json"))
    assert PERSON in landed, "the fault was met"
    stored = home.stored()
    for word in (PERSON, "000-00-00", "Тестович", "Примерная", "Вымышленная"):
        assert word not in stored, word


def test_a_number_for_an_identifier_goes_no_further_than_the_door(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = "375290000000"
    given = [{**SERVICES[0], "id": phone}, *SERVICES[1:]]
    with running(Operator(lambda _branch, kind: given if kind == "service" else [])) as sandbox:
        monkeypatch.setenv("GOROD_BELTELECOM_SERVICES_URL", f"{sandbox.url}/{{instance}}/tmf-api")
        (outcome,) = home.load(feed="services", instance="brest").values()
    assert isinstance(outcome, LoadOutcome)
    assert (outcome.rows_quarantined, outcome.rows_accepted) == (1, len(given) - 1)
    assert phone not in home.stored()


@pytest.mark.parametrize(
    ("used", "of"), [("homesConnected", "homesPassed"), ("portsActive", "portsEquipped")]
)
def test_utilisation_is_never_above_all(
    used: str, of: str, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites = records_of("brest", "geographicSite")
    full = next(one for one in sites if one.get(used) is not None and one["status"] == "active")
    given = [{**one, used: one[of] + 1} if one is full else one for one in sites]
    with running(Operator(lambda _branch, kind: given if kind == "geographicSite" else [])) as sandbox:
        monkeypatch.setenv("GOROD_BELTELECOM_SERVICES_URL", f"{sandbox.url}/{{instance}}/tmf-api")
        (outcome,) = home.load(feed="sites", instance="brest").values()
    assert isinstance(outcome, LoadOutcome)
    assert (outcome.rows_quarantined, outcome.rows_accepted) == (1, len(sites) - 1)
    assert added_up(home, "homes_connected") <= added_up(home, "homes_passed")
    assert added_up(home, "access_ports_active") <= added_up(home, "access_ports_equipped")


# the way of asking is that of the other lists, where each fault is tried
@pytest.mark.parametrize("fault", PASSING[::4], ids=named)
def test_what_passes_leaves_no_trace(fault: Fault, home: Home, server: Sandbox) -> None:
    server.plan({2: fault}.get)
    assert home.load_all(feed="services", instance="brest") == {NOVEMBER: len(SERVICES)}


@pytest.mark.parametrize("fault", [Fault("status", status=503), Fault("missing")], ids=named)
def test_what_a_fault_cost_is_caught_up(fault: Fault, home: Home, server: Sandbox) -> None:
    server.plan(always(fault))
    (failed,) = home.load(feed="services", instance="brest").values()
    assert isinstance(failed, OriginError) and home.states() == []
    server.plan()
    assert home.load_all(feed="services", instance="brest") == {NOVEMBER: len(SERVICES)}


def test_another_form_is_refused(home: Home, server: Sandbox) -> None:
    server.plan(always(Fault("schema")))
    (refused,) = home.load(feed="services", instance="brest").values()
    assert isinstance(refused, LoadOutcome) and refused.state == "rejected"


@pytest.mark.mirror
@pytest.mark.parametrize(
    ("place", "model", "given"),
    [
        ("TMF638_ServiceInventory/TMF638-ServiceInventory-v4.0.0.swagger.json", "Service", SERVICES[0]),
        (
            "TMF674_GeographicSite/TMF674-GeographicSite-v4.0.0.swagger.json",
            "GeographicSite",
            records_of("brest", "geographicSite")[0],
        ),
    ],
)
def test_the_simulated_records_have_the_attributes_of_the_specification(
    place: str, model: str, given: Record
) -> None:
    path = Path(os.environ["GOROD_MIRROR"]) / "tmforum" / place
    known = set(json.loads(path.read_text(encoding="utf-8"))["definitions"][model]["properties"])
    extensions = {"@type", "soato", "homesPassed", "homesConnected", "portsEquipped", "portsActive"}
    assert set(given) <= known | (extensions if model == "GeographicSite" else {"@type"})


@pytest.mark.mirror
def test_the_published_example_of_a_service_passes_the_reader_without_its_subscriber(tmp_path: Path) -> None:
    from pipelines import formats
    from pipelines.declarations.sources import load_sources
    from pipelines.deliveries import Delivery, parse_slice

    path = (
        Path(os.environ["GOROD_MIRROR"])
        / "tmforum/TMF638_ServiceInventory/TMF638-Service_Inventory_Management-v5.0.0.oas.yaml"
    )
    examples = yaml.safe_load(path.read_text(encoding="utf-8"))["components"]["examples"]
    found = [one["value"] for one in examples.values() if isinstance(one.get("value"), dict)]
    services = [one for one in found if one.get("@type", "").endswith("Service") and "id" in one]
    assert services
    (tmp_path / "given.json").write_text(json.dumps(services), encoding="utf-8")
    delivery = Delivery(
        "d", "beltelecom_services", "services", "brest", parse_slice("2026-11", None), tmp_path, ("given.json",),
        "", 0, "", "", True,
    )  # fmt: skip
    feed = load_sources()["beltelecom_services"].feeds["services"]
    batch = formats.read(delivery, feed, tmp_path / "batch.parquet")
    rows = duckdb.sql(f"from '{batch.path}'").to_arrow_table().to_pylist()
    assert {row["parse_errors"] for row in rows} == {None}
    assert [row["service_state"] for row in rows] == [one["state"] for one in services]
    parties = {
        text
        for one in services
        for party in one.get("relatedParty", [])
        if (text := party.get("partyOrPartyRole", {}).get("name"))
    }
    assert not any(text in str(rows) for text in parties)
