"""Messages of a real broker (mosquitto) on loopback: what it kept while nobody listened comes, and is never lost."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import paho.mqtt.publish as publish
import pytest

from pipelines import connectors
from pipelines.declarations.sources import Source
from pipelines.errors import OriginError
from pipelines.settings import Settings
from sandbox import broker as mosquitto
from tests.formats.reading import NAMES, rows

pytestmark = pytest.mark.skipif(not mosquitto.is_installed(), reason="needs Debian's mosquitto")
USER, PASSWORD = "sensors-gorod", "s3cret of the broker"
LOGIN = {"username": USER, "password": PASSWORD}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    folder = tmp_path_factory.mktemp("mosquitto")
    with mosquitto.running(folder, USER, PASSWORD) as found:
        yield found.port, folder


@pytest.fixture
def city(broker: tuple[int, Path], monkeypatch: pytest.MonkeyPatch) -> tuple[int, Path]:
    monkeypatch.setenv("GOROD_CITY_USER", USER)
    monkeypatch.setenv("GOROD_CITY_PASSWORD", PASSWORD)
    monkeypatch.setenv("GOROD_CITY_CA", str(broker[1] / "ca.pem"))
    return broker


def source(at: int, **origin: Any) -> Source:
    declared = {
        "kind": "mqtt", "host": "127.0.0.1", "port": at, "topics": ["city/{instance}/+/air"], "client_id": "gorod-test",
        "user": "GOROD_CITY_USER", "password": "GOROD_CITY_PASSWORD", "tls": {"ca": "GOROD_CITY_CA"},
        "quiet_s": 1.5, "listen_s": 120, **origin,
    }  # fmt: skip
    columns = {
        "topic": {"type": "text"}, "pm10": {"type": "decimal", "from_path": "payload.pm10", "unbounded": "a"},
        "received_at": {"type": "timestamp", "time_zone": "UTC"},
    }  # fmt: skip
    feed = {
        "title": NAMES, "description": "a", "cadence": "monthly", "origins": {"mirror": declared},
        "format": {"kind": "json_records"}, "columns": {name: {"description": "a", **about} for name, about in columns.items()},
    }  # fmt: skip
    return Source.model_validate(
        {
            "source": "air", "title": NAMES, "owner": "a", "feeds": {"readings": feed},
            "public_origin": {"address": "a", "licence": "a", "attribution": "a"},
            "instances": {"brest": {"title": NAMES, "ref_area": "BY"}},
        }
    )  # fmt: skip


def offers(declared: Source, home: Path) -> list[Any]:
    return list(connectors.candidates(declared, "readings", Settings(home=home, origin="mirror")))


def send(port: int, folder: Path, *messages: tuple[str, Any]) -> None:
    publish.multiple(
        [{"topic": topic, "payload": payload, "qos": 1} for topic, payload in messages],
        hostname="127.0.0.1", port=port, auth=LOGIN, tls={"ca_certs": str(folder / "ca.pem")}, protocol=mqtt.MQTTv5,
    )  # fmt: skip


def values(candidate: Any, declared: Source, folder: Path) -> list[tuple[str, float]]:
    target = folder / candidate.slice.part
    target.mkdir(exist_ok=True)
    candidate.fetch(target)
    found = rows(target / "messages.json", declared.feeds["readings"])
    return [(row["topic"], float(row["pm10"]) if row["pm10"] is not None else None) for row in found]


def test_what_came_while_nobody_listened_comes_once(
    city: tuple[int, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    port, folder = city
    declared = source(port)
    assert offers(declared, tmp_path) == []  # from now on the broker keeps
    many = [("city/brest/s1/air", json.dumps({"pm10": number})) for number in range(300)]
    send(port, folder, *many, ("city/gomel/s1/air", '{"pm10": 1}'), ("city/brest/s1/noise", '{"pm10": 2}'))
    (candidate,) = offers(declared, tmp_path)
    assert values(candidate, declared, tmp_path) == [
        ("city/brest/s1/air", float(number)) for number in range(300)
    ]
    # a run that was killed before the ledger had it: offered again, and with it what came since
    send(port, folder, ("city/brest/s2/air", '{"pm10": 7.25}'))
    again, new = offers(declared, tmp_path)
    assert again.slice == candidate.slice and values(new, declared, tmp_path) == [("city/brest/s2/air", 7.25)]
    assert again.slice.part != new.slice.part  # no delivery takes the place of another
    for one in (again, new):
        one.remove("sha")
    assert offers(declared, tmp_path) == []
    assert not any(secret in caplog.text + repr([candidate, candidate.fetch]) for secret in (PASSWORD, USER))


def test_what_is_no_json_is_kept_back_by_its_reader(city: tuple[int, Path], tmp_path: Path) -> None:
    port, folder = city
    declared = source(port, client_id="gorod-test-2")
    offers(declared, tmp_path)
    send(
        port,
        folder,
        ("city/brest/s1/air", "не JSON"),
        ("city/brest/s1/air", b"\xff\x00"),
        ("city/brest/s1/air", '{"pm10":\n1}'),
    )
    (candidate,) = offers(declared, tmp_path)
    assert [amount for _, amount in values(candidate, declared, tmp_path)] == [None, None, 1.0]


def test_a_run_takes_no_more_than_declared_and_the_rest_waits(city: tuple[int, Path], tmp_path: Path) -> None:
    port, folder = city
    declared = source(port, client_id="gorod-test-3", most_messages=10)
    offers(declared, tmp_path)
    send(port, folder, *[("city/brest/s1/air", json.dumps({"pm10": number})) for number in range(25)])
    taken: list[float] = []
    for _ in range(5):
        for candidate in offers(declared, tmp_path):
            taken += [amount for _, amount in values(candidate, declared, tmp_path)]
            candidate.remove("sha")
    # a message may come twice, and none is lost
    assert sorted(set(taken)) == [float(number) for number in range(25)]


@pytest.mark.parametrize(
    ("variable", "value", "changes", "said"),
    [
        ("GOROD_CITY_PASSWORD", "wrong password", {}, "refuses the login"),
        ("GOROD_CITY_USER", "", {}, "has no GOROD_CITY_USER"),
        ("GOROD_X", "", {"tls": {}}, "no secure connection"),
        ("GOROD_X", "", {"port": 1}, "the subscription failed"),
    ],
)
def test_what_the_broker_refuses_is_told_without_secrets(
    variable: str, value: str, changes: dict[str, Any], said: str, city: tuple[int, Path], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv(variable, value)
    with pytest.raises(OriginError, match=said) as caught:
        offers(source(city[0], **{"listen_s": 5, **changes}), tmp_path)
    assert not any(secret in str(caught.value) + caplog.text for secret in (PASSWORD, USER, "wrong password"))
