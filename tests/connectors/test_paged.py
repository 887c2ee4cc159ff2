"""Every kind of paging against a real server on loopback: the whole snapshot or nothing, and no secret anywhere."""

from __future__ import annotations

import http.server
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError

from pipelines import connectors
from pipelines.connectors import paged
from pipelines.connectors.page_client import Pull, RetryPolicy
from pipelines.connectors.paged_snapshot import MOST_EMPTY, take_snapshot
from pipelines.declarations.origins import PagedOrigin
from pipelines.declarations.sources import Source
from pipelines.errors import OriginError
from pipelines.settings import Settings

QUICK = RetryPolicy(tries=3, first_wait_s=0.001, longest_wait_s=0.05, connect_s=2, read_s=0.5)
RECORDS = [{"id": f"p-{number}", "name": "парковка"} for number in range(25)]


@dataclass
class Answer:
    """What a server says to one request."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Api:
    """A running server: each request's path, parameters and headers, and what answers it."""

    url: str = ""
    respond: Callable[[int, dict[str, str]], Answer] = lambda _number, _query: Answer()
    requests: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)

    def asked(self, parameter: str) -> list[str | None]:
        return [query.get(parameter) for _, query, _ in self.requests]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    given = Api()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(address.query).items()}
            given.requests.append((address.path, query, dict(self.headers.items())))
            answer = given.respond(len(given.requests), query)
            body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        given.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield given
        server.shutdown()
        thread.join()


def pull(api: Api, records: str = "items", **paging: Any) -> Pull:
    origin = PagedOrigin.model_validate({"base_url": api.url, "path": "/spots", "page_size": 10, **paging})
    return Pull(
        paging=origin, base_url=api.url, origin="https://city.invalid", source="parking", records=records
    )


def taken(folder: Path) -> list[str]:
    return [
        record["id"]
        for path in sorted(folder.glob("page-*.json"))
        for record in json.loads(path.read_bytes())["items"]
    ]


ALL = [record["id"] for record in RECORDS]


def by_offset(_number: int, query: dict[str, str]) -> Answer:
    start = int(query["skip"])
    return Answer({"items": RECORDS[start : start + int(query["take"])], "meta": {"total": len(RECORDS)}})


def by_page(_number: int, query: dict[str, str]) -> Answer:
    start = (int(query["page"]) - 1) * int(query["limit"])
    return Answer({"items": RECORDS[start : start + int(query["limit"])], "total": len(RECORDS)})


def by_cursor(_number: int, query: dict[str, str]) -> Answer:
    start = int(query.get("after", "c0")[1:])
    following = f"c{start + 10}" if start + 10 < len(RECORDS) else None
    return Answer({"items": RECORDS[start : start + 10], "paging": {"next": following}})


def by_link(form: Callable[[str], str]) -> Callable[[int, dict[str, str]], Answer]:
    def respond(_number: int, query: dict[str, str]) -> Answer:
        start = int(query.get("from", 0))
        link = {}
        if start + 10 < len(RECORDS):
            link = {"Link": f'<{form(f"/spots?from={start + 10}")}>; rel="next", </spots>; rel="first"'}
        return Answer({"items": RECORDS[start : start + 10]}, headers=link)

    return respond


OFFSET = {"paging": "offset", "position_parameter": "skip", "size_parameter": "take", "total": "meta.total"}
PAGE = {"paging": "page", "total": "total"}
CURSOR = {"paging": "cursor", "position_parameter": "after", "next": "paging.next"}
LINK = {"paging": "link"}


def test_by_offset(api: Api, tmp_path: Path) -> None:
    api.respond = by_offset
    snapshot = take_snapshot(pull(api, **OFFSET), tmp_path, QUICK)
    assert taken(tmp_path) == ALL and (snapshot.pages, snapshot.total) == (3, 25)
    assert api.asked("skip") == ["0", "10", "20"] and set(api.asked("take")) == {"10"}


@pytest.mark.parametrize("first", [0, 1])
def test_by_page(first: int, api: Api, tmp_path: Path) -> None:
    api.respond = lambda number, query: by_page(
        number, {**query, "page": str(int(query["page"]) + 1 - first)}
    )
    take_snapshot(pull(api, **PAGE, first_page=first), tmp_path, QUICK)
    assert taken(tmp_path) == ALL
    assert api.asked("page") == [str(first + number) for number in range(3)]


def test_by_cursor(api: Api, tmp_path: Path) -> None:
    api.respond = by_cursor
    take_snapshot(pull(api, **CURSOR), tmp_path, QUICK)
    assert taken(tmp_path) == ALL
    assert api.asked("after") == [None, "c10", "c20"]


def test_by_a_cursor_in_a_header(api: Api, tmp_path: Path) -> None:
    def respond(number: int, query: dict[str, str]) -> Answer:
        answer = by_cursor(number, query)
        return Answer(answer.body, headers={"X-Next": answer.body["paging"]["next"] or ""})

    api.respond = respond
    take_snapshot(pull(api, **{**CURSOR, "next": "header:X-Next"}), tmp_path, QUICK)
    assert taken(tmp_path) == ALL


@pytest.mark.parametrize("form", ["relative", "query", "absolute"])
def test_by_link(form: str, api: Api, tmp_path: Path) -> None:
    forms: dict[str, Callable[[str], str]] = {
        "relative": lambda target: target,
        "query": lambda target: target.removeprefix("/spots"),
        "absolute": lambda target: api.url + target,
    }
    api.respond = by_link(forms[form])
    take_snapshot(pull(api, **LINK), tmp_path, QUICK)
    assert taken(tmp_path) == ALL and api.asked("from") == [None, "10", "20"]


def test_by_a_link_in_the_answer(api: Api, tmp_path: Path) -> None:
    def respond(_number: int, query: dict[str, str]) -> Answer:
        start = int(query.get("from", 0))
        following = {"next": f"/spots?from={start + 10}"} if start + 10 < len(RECORDS) else {}
        return Answer({"items": RECORDS[start : start + 10], "links": following})

    api.respond = respond
    take_snapshot(pull(api, **LINK, next="links.next"), tmp_path, QUICK)
    assert taken(tmp_path) == ALL


@pytest.mark.parametrize(
    "elsewhere", ["http://other.invalid", "//other.invalid", "https://127.0.0.1", "http://127.0.0.1:9"]
)
def test_a_link_to_another_host_is_refused_at_once(elsewhere: str, api: Api, tmp_path: Path) -> None:
    api.respond = by_link(lambda target: elsewhere + target)
    with pytest.raises(OriginError, match="leads to another server") as caught:
        take_snapshot(pull(api, **LINK), tmp_path, QUICK)
    assert len(api.requests) == 1 and "from=" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["cursor", "link"])
def test_a_next_page_that_was_there_before_is_a_loop(kind: str, api: Api, tmp_path: Path) -> None:
    def respond(number: int, _query: dict[str, str]) -> Answer:
        body = {"items": [{"id": f"n-{number}"}], "paging": {"next": f"c{number % 3}"}}
        return Answer(body, headers={"Link": f'</spots?from={number % 3}>; rel="next"'})

    api.respond = respond
    with pytest.raises(OriginError, match="leads back to an earlier page") as caught:
        take_snapshot(pull(api, **(CURSOR if kind == "cursor" else LINK)), tmp_path, QUICK)
    assert "3 tries" in caught.value.message and len(api.requests) == 3 * 4
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_always_has_one_more_empty_page_is_given_up(api: Api, tmp_path: Path) -> None:
    api.respond = lambda number, _query: Answer({"items": [], "paging": {"next": f"c{number}"}})
    with pytest.raises(OriginError, match="empty"):
        take_snapshot(pull(api, **CURSOR, snapshots=1), tmp_path, QUICK)
    assert len(api.requests) == MOST_EMPTY + 1


TORN: dict[str, tuple[Callable[[Answer], Answer], str]] = {
    "total": (lambda answer: Answer({**answer.body, "meta": {"total": 26}}), "total changed from 25 to 26"),
    "repeated": (
        lambda answer: Answer({**answer.body, "items": [RECORDS[9], *answer.body["items"][1:]]}),
        "1 identifiers of page 2",
    ),
    "missing": (
        lambda answer: Answer({**answer.body, "items": []}),
        "10 records were received, meta.total says 25",
    ),
    "count": (lambda answer: Answer({**answer.body, "n": 11}), "page 2 holds 10 records, n says 11"),
    "no list": (lambda _: Answer({"items": None}), "no JSON array at items"),
    "not JSON": (lambda _: Answer(b'{"items": ['), "not complete JSON"),
    "page for people": (lambda _: Answer(b"<html>"), "HTML instead of JSON"),
}


@pytest.mark.parametrize("how", TORN)
def test_a_snapshot_that_is_torn_once_is_taken_again(how: str, api: Api, tmp_path: Path) -> None:
    tear, _ = TORN[how]
    api.respond = lambda number, query: (
        tear(by_offset(number, query)) if number == 2 else by_offset(number, query)
    )
    take_snapshot(pull(api, **OFFSET, count="n"), tmp_path, QUICK)
    assert taken(tmp_path) == ALL
    assert api.asked("skip") == ["0", "10", "0", "10", "20"]


@pytest.mark.parametrize("how", TORN)
def test_a_snapshot_that_stays_torn_is_refused_after_the_declared_tries(
    how: str, api: Api, tmp_path: Path
) -> None:
    tear, said = TORN[how]
    api.respond = lambda number, query: (
        tear(by_offset(number, query)) if query["skip"] == "10" else by_offset(number, query)
    )
    with pytest.raises(OriginError, match=said) as caught:
        take_snapshot(pull(api, **OFFSET, count="n", snapshots=2), tmp_path, QUICK)
    assert "2 tries" in caught.value.message and caught.value.remedy
    assert api.asked("skip") == ["0", "10"] * 2
    assert list(tmp_path.iterdir()) == []


def test_a_declared_total_that_is_not_named_is_refused_at_once(api: Api, tmp_path: Path) -> None:
    api.respond = lambda number, query: Answer({"items": by_offset(number, query).body["items"]})
    with pytest.raises(OriginError, match=r"no meta\.total"):
        take_snapshot(pull(api, **OFFSET), tmp_path, QUICK)
    assert len(api.requests) == 1


def test_without_a_total_the_end_is_an_empty_page(api: Api, tmp_path: Path) -> None:
    api.respond = by_offset
    snapshot = take_snapshot(pull(api, **{**OFFSET, "total": None}), tmp_path, QUICK)
    assert taken(tmp_path) == ALL and snapshot.total == 25
    assert api.asked("skip") == ["0", "10", "20", "25"]


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_asks_for_time_gets_it(status: int, api: Api, tmp_path: Path) -> None:
    def respond(number: int, query: dict[str, str]) -> Answer:
        wait = Answer("later", status, {"Retry-After": "1"})
        return wait if number == 2 else by_cursor(number, query)

    api.respond = respond
    before = time.monotonic()
    take_snapshot(pull(api, **CURSOR), tmp_path, RetryPolicy(tries=2, first_wait_s=0.001, longest_wait_s=5))
    assert time.monotonic() - before >= 0.9
    assert taken(tmp_path) == ALL and api.asked("after") == [None, "c10", "c10", "c20"]


def test_pages_land_as_they_were_answered(api: Api, tmp_path: Path) -> None:
    body = b'{ "items" : [ {"id":1.50, "odd": "\\u0451"} ] }\r\n'
    api.respond = lambda _number, _query: Answer(body)
    take_snapshot(pull(api, **LINK), tmp_path, QUICK)
    assert (tmp_path / "page-00001.json").read_bytes() == body


# --- offers: what is asked for, and with which secrets


def source(api: Api, feed: dict[str, Any] | None = None, **origin: Any) -> Source:
    names = {"ru": "Проба", "be": "Проба", "en": "Trial"}
    return Source.model_validate(
        {
            "source": "parking",
            "title": names,
            "owner": "Invented",
            "public_origin": {"address": "https://city.invalid", "licence": "x", "attribution": "x"},
            "instances": {
                "brest": {"title": names, "ref_area": "c-brest"},
                "grodno": {"title": names, "ref_area": "c-grodno"},
            },
            "feeds": {
                "spots": {
                    "title": names,
                    "description": "Invented.",
                    "cadence": "monthly",
                    "origins": {
                        "mirror": {
                            "kind": "paged",
                            "base_url": f"{api.url}/{{instance}}",
                            "path": "/spots",
                            **CURSOR,
                            **origin,
                        }
                    },
                    "format": {"kind": "json_records", "records": "items"},
                    "columns": {"spot_id": {"type": "text", "from_path": "id", "description": "Invented."}},
                    **(feed or {}),
                }
            },
        }
    )


def offered(given: Source, tmp_path: Path, *instances: str) -> list[Any]:
    return list(
        connectors.candidates(given, "spots", Settings(home=tmp_path, origin="mirror"), instances or None)
    )


def test_what_is_asked_for_is_declared(api: Api, tmp_path: Path) -> None:
    api.respond = by_cursor
    given = source(
        api,
        fields=["id", "name"],
        parameters={"city": "{instance}", "lang": "ru"},
        headers={"Accept-Language": "be", "NGSILD-Tenant": "{instance}"},
        page_size=50,
    )
    (candidate,) = offered(given, tmp_path, "grodno")
    folder = tmp_path / "fetched"
    folder.mkdir()
    candidate.fetch(folder)
    path, query, headers = api.requests[0]
    assert path == "/grodno/spots"
    assert query == {"fields": "id,name", "city": "grodno", "lang": "ru", "limit": "50"}
    assert headers["Accept-Language"] == "be" and "Authorization" not in headers
    assert headers["NGSILD-Tenant"] == "grodno"
    assert taken(folder) == ALL


@pytest.mark.parametrize(
    ("declared", "real", "said", "synthetic"),
    [
        (True, False, "", True),
        (False, False, "1", False),  # of the declared address only the declaration speaks
        (True, True, "", False),
        (True, True, "1", True),
        (False, True, "1", True),
    ],
)
def test_what_an_address_answers_is_synthetic_where_that_is_said(
    declared: bool, real: bool, said: str, synthetic: bool,
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("GOROD_PARKING_SYNTHETIC", said)
    if real:
        monkeypatch.setenv("GOROD_PARKING_URL", f"{api.url}/{{instance}}")
    (candidate,) = offered(source(api, synthetic=declared), tmp_path, "grodno")
    assert candidate.synthetic is synthetic


def test_secrets_come_from_the_environment_and_are_never_told(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    given = source(api, secret_headers={"X-Api-Key": "GOROD_PARKING_KEY"})
    with pytest.raises(OriginError, match="GOROD_PARKING_KEY"):
        offered(given, tmp_path)
    monkeypatch.setenv("GOROD_PARKING_KEY", "very-secret-key")
    monkeypatch.setenv("GOROD_PARKING_TOKEN", "very-secret-token")
    api.respond = lambda number, query: (
        by_cursor(number, query) if number < 3 else Answer("very-secret-answer", 401)
    )
    (candidate,) = offered(given, tmp_path, "brest")
    folder = tmp_path / "fetched"
    folder.mkdir()
    with pytest.raises(OriginError, match="answers 401") as caught:
        candidate.fetch(folder)
    assert len(api.requests) == 3 and list(folder.iterdir()) == []
    assert {headers["X-Api-Key"] for *_, headers in api.requests} == {"very-secret-key"}
    assert {headers["Authorization"] for *_, headers in api.requests} == {"Bearer very-secret-token"}
    assert "GOROD_PARKING_KEY" in caught.value.remedy and "GOROD_PARKING_TOKEN" in caught.value.remedy
    assert "very-secret" not in f"{caught.value} {candidate} {caplog.text}"


def test_months_are_slices_of_their_own(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paged, "today", lambda: date(2025, 3, 7))
    api.respond = by_cursor
    given = source(
        api,
        {"first_month": "2024-12-01"},
        parameters={"from": "{first_day}", "to": "{last_day}", "month": "{month}"},
    )
    found = offered(given, tmp_path, "brest")
    assert [candidate.slice.key for candidate in found] == ["2024-12", "2025-01", "2025-02"]
    folder = tmp_path / "fetched"
    folder.mkdir()
    found[-1].fetch(folder)
    query = api.requests[0][1]
    assert (query["from"], query["to"], query["month"]) == ("2025-02-01", "2025-02-28", "2025-02")


@pytest.mark.parametrize(
    ("cadence", "key"),
    [
        ("daily", "2025-05-07..2025-05-07"),
        ("monthly", "2025-05"),
        ("quarterly", "2025-Q2"),
        ("half-yearly", "2025-S1"),
        ("yearly", "2025"),
        ("once", "snapshot"),
    ],
)
def test_a_snapshot_is_of_the_running_period(
    cadence: str, key: str, api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paged, "today", lambda: date(2025, 5, 7))
    found = offered(source(api, {"cadence": cadence}), tmp_path)
    assert [(candidate.instance, candidate.slice.key) for candidate in found] == [
        ("brest", key),
        ("grodno", key),
    ]


@pytest.mark.parametrize(
    ("feed", "origin", "said"),
    [
        ({}, {"next": None}, "where the cursor is in a page"),
        ({}, {"paging": "page"}, "has no next"),
        ({}, {"next": "a[b"}, "cannot be read"),
        ({"format": {"kind": "csv"}}, {}, "pages are read by json_records"),
        ({}, {"parameters": {"month": "{month}"}}, "no first_month"),
        ({}, {"path": "spots"}, "pattern"),
        ({}, {"base_url": "https://reader:secret@city.invalid/api"}, "pattern"),
        ({}, {"headers": {"Authorization": "Bearer x"}}, "secret_headers"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused(
    feed: dict[str, Any], origin: dict[str, Any], said: str, api: Api
) -> None:
    with pytest.raises(ValidationError, match=said):
        source(api, feed, **origin)


def features(numbers: range) -> list[dict[str, Any]]:
    return [
        {
            "type": "Feature",
            "id": f"unit.{number}",
            "geometry": {"type": "Point", "coordinates": [53.9, 27.5 + number / 1000]},
            "properties": {"name": f"город {number}"},
        }
        for number in numbers
    ]


def spatial_source(api: Api, origin: dict[str, Any], **fmt: Any) -> Source:
    names = {"ru": "а", "be": "а", "en": "a"}
    feed = {
        "title": names, "description": "a", "cadence": "monthly", "format": {"kind": "geojson", **fmt},
        "origins": {"mirror": {"kind": "paged", "base_url": api.url, "page_size": 10, **origin}},
        "columns": {
            "name": {"type": "text", "description": "a", "from_path": "properties.name"},
            "geometry": {"type": "text", "description": "a"},
        },
    }  # fmt: skip
    return Source.model_validate(
        {
            "source": "units", "title": names, "owner": "a", "feeds": {"units": feed},
            "public_origin": {"address": "a", "licence": "a", "attribution": "a"},
            "instances": {"by": {"title": names, "ref_area": "BY"}},
        }
    )  # fmt: skip


OGC_FEATURES = {
    "path": "/collections/units/items", "paging": "link", "next": "links[rel=next].href", "total": "numberMatched",
    "count": "numberReturned", "parameters": {"f": "json"},
}  # fmt: skip
WFS = {
    "path": "/wfs", "paging": "offset", "position_parameter": "startIndex", "size_parameter": "count", "total": "numberMatched",
    "count": "numberReturned",
    "parameters": {
        "service": "WFS", "version": "2.0.0", "request": "GetFeature", "typeNames": "nca:units",
        "outputFormat": "application/json", "srsName": "urn:ogc:def:crs:EPSG::4326", "sortBy": "id",
    },
}  # fmt: skip


def of_features(_number: int, query: dict[str, str]) -> Answer:
    """OGC API Features: a link to the next page in the body."""
    start = int(query.get("offset", 0))
    links = [{"rel": "self", "href": "?"}]
    if start + 10 < 25:
        links.append({"rel": "next", "href": f"items?f=json&offset={start + 10}&limit=10"})
    found = features(range(start, min(start + 10, 25)))
    return Answer(
        {
            "type": "FeatureCollection",
            "features": found,
            "links": links,
            "numberMatched": 25,
            "numberReturned": len(found),
        }
    )


def of_wfs(_number: int, query: dict[str, str]) -> Answer:
    """WFS 2: startIndex and count; north before east, as urn:ogc:def:crs:EPSG::4326 says."""
    start = int(query["startIndex"])
    found = features(range(start, min(start + int(query["count"]), 25)))
    return Answer(
        {"type": "FeatureCollection", "features": found, "numberMatched": 25, "numberReturned": len(found)}
    )


@pytest.mark.parametrize(
    ("origin", "respond"), [(OGC_FEATURES, of_features), (WFS, of_wfs)], ids=["features", "wfs"]
)
def test_features_of_the_ogc_come_page_by_page_in_their_axis_order(
    origin: dict[str, Any], respond: Callable[[int, dict[str, str]], Answer], api: Api, tmp_path: Path
) -> None:
    from pipelines.errors import DeliveryError
    from tests.formats.reading import rows

    api.respond = respond
    box = [23.0, 51.0, 33.0, 56.5]
    declared = spatial_source(api, origin, axis_order="yx", within=box)
    (candidate,) = connectors.candidates(declared, "units", Settings(home=tmp_path, origin="mirror"))
    folder = tmp_path / "landed"
    folder.mkdir()
    candidate.fetch(folder)
    found = rows(folder, declared.feeds["units"])
    assert [row["name"] for row in found] == [f"город {number}" for number in range(25)]
    assert json.loads(found[7]["geometry"])["coordinates"] == [27.507, 53.9]
    assert len(api.requests) == 3
    with pytest.raises(DeliveryError, match="Оси координат"):
        rows(folder, spatial_source(api, origin, within=box).feeds["units"])
