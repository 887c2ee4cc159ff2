"""An operator's NetBox: its lists asked whole; what nobody has entered stays unknown."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

from pipelines import formats
from pipelines.declarations.sources import SOURCES, load_sources
from pipelines.deliveries import Delivery, parse_slice
from pipelines.errors import OriginError
from pipelines.loading.load import LoadOutcome
from sandbox.cities import CITIES
from sandbox.netbox import NetBox, objects_of, sample_lists
from sandbox.server import PERSON, Fault, Record, Sandbox, always, running
from tests.sources.asked import PASSING, Home, asking, named
from tests.support.examples import shortened

pytestmark = pytest.mark.slow

SCALE = 2
FEEDS = ("interfaces", "cables", "devices")
PORTS = len(objects_of("dcim/interfaces", SCALE))  # two pages
NOVEMBER = ("interfaces", "operator", "2026-11")


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with running(NetBox(sample_lists(SCALE))) as sandbox:
        yield sandbox


@pytest.fixture
def home(server: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    with asking("netbox", server, tmp_path, monkeypatch, "2026-11-20") as found:
        yield found


def pon(objects: list[Record]) -> list[Record]:
    return [one for one in objects if one["type"]["value"] == "gpon"]


def test_all_lists_are_taken_whole(home: Home, server: Sandbox) -> None:
    assert 500 < PORTS < 1000
    assert home.load_all() == {
        (feed, "operator", "2026-11"): len(objects_of(f"dcim/{feed}", SCALE)) for feed in FEEDS
    }
    assert home.load() == {}
    assert {headers["Authorization"] for _, headers in server.requests} == {"Token of-the-sandbox"}
    assert "of-the-sandbox" not in home.stored()
    assert home.warehouse.query("select distinct synthetic from ops.load") == [{"synthetic": True}]


def test_without_a_token_it_is_told_and_nothing_enters(
    home: Home, server: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert httpx.get(f"{server.url}/api/dcim/cables/", trust_env=False).status_code == 403
    monkeypatch.setenv("GOROD_NETBOX_AUTHORIZATION", "nonsense")
    (failed,) = home.load(feed="cables").values()
    assert isinstance(failed, OriginError) and "nonsense" not in str(failed)
    assert home.states() == []


def test_unknown_capacity_stays_unknown(home: Home) -> None:
    home.load_all(feed="interfaces")
    given = [one["custom_fields"] for one in pon(objects_of("dcim/interfaces", SCALE))]
    for name in ("onu_capacity", "onu_connected"):
        unknown = sum(one[name] is None for one in given)
        assert unknown > 0
        (kept,) = home.rows("interfaces", "count(*) as n", f"interface_type = 'gpon' and {name} is null")
        assert kept["n"] == unknown


def test_more_terminals_than_a_port_can_serve_are_kept_back(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [json.loads(json.dumps(one)) for one in objects_of("dcim/interfaces", SCALE)]
    full = next(one for one in pon(found) if one["custom_fields"]["onu_capacity"])
    full["custom_fields"]["onu_connected"] = full["custom_fields"]["onu_capacity"] + 1
    with running(NetBox(lambda path: found if path == "dcim/interfaces" else None)) as sandbox:
        monkeypatch.setenv("GOROD_NETBOX_URL", f"{sandbox.url}/api")
        (outcome,) = home.load(feed="interfaces").values()
    assert isinstance(outcome, LoadOutcome)
    assert (outcome.rows_quarantined, outcome.rows_accepted) == (1, PORTS - 1)
    over = home.rows("interfaces", "netbox_id", "onu_connected > onu_capacity")
    assert over == []


@pytest.mark.parametrize("fault", shortened(3, PASSING), ids=named)
def test_what_passes_leaves_no_trace(fault: Fault, home: Home, server: Sandbox) -> None:
    server.plan({2: fault}.get)
    assert home.load_all(feed="interfaces") == {NOVEMBER: PORTS}
    ids = [row["netbox_id"] for row in home.rows("interfaces", "netbox_id")]
    assert len(ids) == len(set(ids)) == PORTS


@pytest.mark.parametrize(
    "fault",
    [Fault("status", status=503), Fault("close"), Fault("missing"), Fault("drift"), Fault("no_total")],
    ids=named,
)
def test_what_a_fault_cost_is_caught_up(fault: Fault, home: Home, server: Sandbox) -> None:
    server.plan(always(fault))
    (failed,) = home.load(feed="interfaces").values()
    assert isinstance(failed, OriginError)
    assert home.states() == []
    server.plan()
    assert home.load_all(feed="interfaces") == {NOVEMBER: PORTS}
    assert len(home.rows("interfaces", "netbox_id")) == PORTS


def test_a_later_snapshot_of_the_month_takes_the_place_of_the_earlier(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = objects_of("dcim/cables", SCALE)[:-5]
    with (
        running(NetBox(lambda path: few if path == "dcim/cables" else None)) as sandbox,
        monkeypatch.context() as context,
    ):
        context.setenv("GOROD_NETBOX_URL", f"{sandbox.url}/api")
        home.load_all(feed="cables")
    home.load_all(feed="cables", again=True)
    assert len(home.rows("cables", "netbox_id")) == len(few) + 5
    home.on("2026-12-02")
    assert list(home.load_all(feed="cables")) == [("cables", "operator", "2026-12")]


def test_another_form_is_refused_and_the_right_one_taken(home: Home, server: Sandbox) -> None:
    server.plan(always(Fault("schema")))
    (refused,) = home.load(feed="devices").values()
    assert isinstance(refused, LoadOutcome) and refused.state == "rejected"
    server.plan()
    home.load_all(feed="devices", again=True)
    assert home.states() == ["rejected", "accepted"]


def test_no_person_is_kept(home: Home, server: Sandbox) -> None:
    server.plan(always(Fault("person")))
    home.load_all()
    stored = home.stored()
    assert PERSON not in stored and "000-00-00" not in stored


def test_another_city_is_a_line() -> None:
    declared = load_sources()["netbox"]
    assert declared.territories == {city.soato: f"c-{city.code}" for city in CITIES.values()}
    text = (SOURCES / "netbox" / "source.yml").read_text(encoding="utf-8")
    assert all(f'\n  "{city.soato}": c-{city.code}\n' in text for city in CITIES.values())


def read_objects(feed: str, given: list[Any], folder: Path) -> list[dict[str, Any]]:
    (folder / "given.json").write_text(json.dumps({"count": len(given), "results": given}), encoding="utf-8")
    delivery = Delivery(
        "d", "netbox", feed, "operator", parse_slice("2026-10", None), folder, ("given.json",), "", 0, "", "", True
    )  # fmt: skip
    batch = formats.read(delivery, load_sources()["netbox"].feeds[feed], folder / "batch.parquet")
    return duckdb.sql(f"from '{batch.path}' order by row_no").to_arrow_table().to_pylist()


@pytest.mark.mirror
def test_the_published_demonstration_is_read(tmp_path: Path) -> None:
    """Its objects as the REST API writes them: choices with value and label, custom fields by name."""
    path = Path(os.environ["GOROD_MIRROR"]) / "netbox" / "netbox-demo-v3.6.inventory-only.json"
    objects = json.loads(path.read_text(encoding="utf-8"))
    roles = {one["pk"]: one["fields"]["slug"] for one in objects if one["model"] == "dcim.devicerole"}

    def of(model: str) -> list[Record]:
        def choice(value: str) -> Any:
            return {"value": value, "label": value} if value else None

        return [
            {
                **one["fields"], "id": one["pk"], "custom_fields": one["fields"]["custom_field_data"],
                **({"role": {"slug": roles[one["fields"]["role"]]}} if model == "dcim.device" else {}),
                **(
                    {"type": choice(one["fields"]["type"]), "device": {"id": one["fields"]["device"]}}
                    if model == "dcim.interface" else {}
                ),
                **({"status": choice(one["fields"]["status"])} if "status" in one["fields"] else {}),
                **({"length_unit": choice(one["fields"]["length_unit"])} if model == "dcim.cable" else {}),
            }
            for one in objects if one["model"] == model
        ]  # fmt: skip

    rows = {feed: read_objects(feed, of(f"dcim.{feed[:-1]}"), tmp_path) for feed in FEEDS}
    assert {feed: len(found) for feed, found in rows.items()} == {
        "interfaces": 1586, "cables": 108, "devices": 72,
    }  # fmt: skip
    assert {row["parse_errors"] for found in rows.values() for row in found} == {None}
    assert sum(row["cable_type"] == "smf" for row in rows["cables"]) == 13
    assert {row["length"] for row in rows["cables"]} == {None}, "nobody has entered a length"
    assert {row["onu_capacity"] for row in rows["interfaces"]} == {None}
