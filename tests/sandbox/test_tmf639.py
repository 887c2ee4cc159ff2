"""The simulated inventory speaks TMF639 v4, and says that it is invented."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.inventory import API, inventory, read_cities
from sandbox.server import Sandbox
from sandbox.tmf639 import SAMPLE, sample_inventories, serve

PROJECT = Path(__file__).resolve().parents[2]
INSTANCES = ("brest", "vitebsk", "gomel", "grodno", "minsk_city", "minsk_oblast", "mogilev")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with serve(sample_inventories(SAMPLE, scale=0.1)) as running:  # one page holds a branch
        yield running


@pytest.fixture(scope="module")
def client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{sandbox.url}/brest/{API}", trust_env=False) as client:
        yield client


def test_a_part_of_a_list_is_206_and_the_whole_is_200(client: httpx.Client) -> None:
    part = client.get("/resource", params={"offset": 3, "limit": 5})
    assert part.status_code == 206
    assert part.headers["X-Result-Count"] == "5" == str(len(part.json()))
    total = int(part.headers["X-Total-Count"])
    whole = client.get("/resource", params={"limit": 1000})
    assert whole.status_code == 200
    assert len(whole.json()) == total == int(whole.headers["X-Total-Count"])
    assert whole.json()[3:8] == part.json()
    beyond = client.get("/resource", params={"offset": total})
    assert beyond.json() == [] and beyond.headers["X-Total-Count"] == str(total)


def test_every_answer_says_that_it_is_synthetic(client: httpx.Client) -> None:
    for path in ("/resource", "/resource/olt-1401-001", "/resource/nothing", "/service"):
        assert client.get(path).headers["X-Synthetic-Data"] == "true"
    assert all("synthetic" in one["description"] for one in client.get("/resource").json())


def test_filters_and_fields(client: httpx.Client) -> None:
    ports = client.get("/resource", params={"category": "xPON.Port", "limit": 1000}).json()
    assert ports and {one["category"] for one in ports} == {"xPON.Port"}
    two = client.get("/resource", params={"category": "OLT,FibreLine", "limit": 1000}).json()
    assert {one["category"] for one in two} == {"OLT", "FibreLine"}
    site = ports[0]["place"]["id"]
    there = client.get("/resource", params={"place.id": site, "fields": "place", "limit": 1000}).json()
    assert there and all(
        one.keys() == {"id", "href", "place"} and one["place"]["id"] == site for one in there
    )
    assert client.get("/resource", params={"category": "Moon"}).json() == []


def test_one_resource(client: httpx.Client) -> None:
    one = client.get("/resource/olt-1410-001")
    assert one.status_code == 200 and one.json()["id"] == "olt-1410-001"
    assert client.get("/resource/olt-1410-001", params={"fields": "name"}).json().keys() == {
        "id",
        "href",
        "name",
    }


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/resource?offset=-1", 400),
        ("/resource?limit=0", 400),
        ("/resource?limit=many", 400),
        ("/resource?offset=²", 400),
        ("/resource/nothing", 404),
        ("/nothing", 404),
    ],
)
def test_errors_have_the_form_of_the_specification(client: httpx.Client, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert {"code", "reason", "message", "@type"} <= answer.json().keys()


def test_it_is_read_only_and_knows_its_branches(client: httpx.Client, sandbox: Sandbox) -> None:
    assert client.post("/resource", json={"id": "x"}).status_code == 405
    assert httpx.get(f"{sandbox.url}/moscow/{API}/resource", trust_env=False).status_code == 404


def test_seventeen_cities_in_seven_branches() -> None:
    cities = read_cities(SAMPLE / "cities.csv")
    assert len(cities) == len({city.soato for city in cities}) == 17
    assert {city.instance for city in cities} == set(INSTANCES)
    for instance in INSTANCES:
        made = inventory(cities, instance)
        own = [city for city in cities if city.instance == instance]
        assert Counter(one["category"] for one in made) == {
            "OLT": sum(city.olts for city in own),
            "xPON.Port": sum(city.pon_ports for city in own),
            "FibreLine": sum(city.fibre_sections for city in own),
            "WiFi.AccessPoint": sum(city.wifi_points for city in own),
            "Splitter": sum(2 * city.olts for city in own),
            "ONT": sum(2 * city.olts for city in own),
            "Cabinet": sum(city.olts for city in own),
            "Rack": sum(city.olts // 3 + 1 for city in own),
        }
        assert len({one["id"] for one in made}) == len(made)


def test_a_seed_decides_and_a_scale_multiplies() -> None:
    cities = read_cities(SAMPLE / "cities.csv")
    assert inventory(cities, "lida") == []
    assert inventory(cities, "grodno") == inventory(cities, "grodno")
    assert inventory(cities, "grodno", seed=1) != inventory(cities, "grodno", seed=2)
    larger = inventory(read_cities(SAMPLE / "cities.csv", scale=3), "grodno")
    # a rack holds three OLT, and each city has one that is not full
    grown, before = (
        sum(one["category"] != "Rack" for one in made) for made in (larger, inventory(cities, "grodno"))
    )
    assert grown == 3 * before
    assert len({one["id"] for one in larger}) == len(larger)


def test_persons_are_there_so_that_dropping_them_is_proved() -> None:
    made = inventory(read_cities(SAMPLE / "cities.csv"), "mogilev")
    kinds = [{party["@referredType"] for party in one["relatedParty"]} for one in made]
    assert all(kind == {"Individual", "Organization"} for kind in kinds)


def test_it_can_be_started_by_hand() -> None:
    command = [sys.executable, "-m", "sandbox.tmf639", "--port", "0"]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    with subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            assert "Synthetic" in process.stdout.readline()
            address = process.stdout.readline().strip()
            assert re.match(r"http://127\.0\.0\.1:\d+/<instance>/tmf-api/", address)
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(address.replace("<instance>", "gomel"), timeout=10) as answer:
                assert len(json.load(answer)) == 100
        finally:
            process.terminate()


@pytest.mark.mirror
@pytest.mark.parametrize(
    "name",
    [
        "TMF639-ResourceInventory-v4.0.0.swagger.json",
        "TMF639_Resource_Inventory_Management_API_v4.0.0_swagger.json",
    ],
)
def test_resources_and_errors_match_the_published_schema(
    name: str, client: httpx.Client, sandbox: Sandbox
) -> None:
    path = Path(os.environ["GOROD_MIRROR"]) / "tmforum" / "TMF639_ResourceInventory" / name
    jsonschema = pytest.importorskip("jsonschema")
    swagger = json.loads(path.read_text(encoding="utf-8"))
    known: set[str] = set(swagger["definitions"]["Resource"]["properties"])

    def validator(definition: str) -> Any:
        return jsonschema.Draft4Validator({**swagger, "$ref": f"#/definitions/{definition}"})

    resource, error = validator("Resource"), validator("Error")
    assert list(resource.iter_errors({"id": "x", "usageState": "asleep"})), "the schema judges nothing"
    answer = httpx.get(f"{sandbox.url}/mogilev/{API}/resource?limit=1000", trust_env=False).json()
    assert {one["category"] for one in answer} >= {"OLT", "xPON.Port", "FibreLine", "WiFi.AccessPoint"}
    for one in answer:
        assert list(resource.iter_errors(one)) == []
        assert one.keys() <= known
    assert list(error.iter_errors(client.get("/resource/nothing").json())) == []
