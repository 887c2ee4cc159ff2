"""A pulled inventory is whole or nothing, whatever the server does."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import itertools
import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.connectors import candidates
from pipelines.connectors.page_client import Pull, RetryPolicy
from pipelines.connectors.paged_snapshot import take_snapshot
from pipelines.declarations.origins import Tmf639Origin
from pipelines.declarations.sources import Source, load_sources
from pipelines.errors import OriginError
from pipelines.settings import Settings
from sandbox.inventory import API
from sandbox.server import Fault, Sandbox
from sandbox.tmf639 import serve
from tests.support.decompression_bombs import MEGABYTE, bomb, memory
from tests.support.examples import examples

QUICK = RetryPolicy(tries=3, snapshots=3, first_wait_s=0.001, longest_wait_s=0.05, connect_s=2, read_s=0.4)
TOTAL, PAGE_SIZE, PAGES = 25, 10, 3


def numbered(instance: str) -> list[dict[str, Any]]:
    """An inventory of as many resources as its name says."""
    return [{"id": f"r-{number}", "href": f"/r-{number}", "name": "ё"} for number in range(int(instance))]


def at(sandbox: Sandbox, instance: str = str(TOTAL), page_size: int = PAGE_SIZE, **more: Any) -> Pull:
    return Pull(
        paging=Tmf639Origin(base_url="https://inventory.invalid/v4", page_size=page_size).paged("v4"),
        base_url=f"{sandbox.url}/{instance}/{API}",
        origin="https://inventory.invalid/v4",
        source="some_inventory",
        loopback=True,
        **more,
    )


def identifiers(folder: Path) -> list[str]:
    pages = sorted(folder.glob("page-*.json"))
    return [one["id"] for page in pages for one in json.loads(page.read_bytes())]


def sha256(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def frugal_server() -> Iterator[Sandbox]:
    """A server that gives at most seven resources a page, whatever is asked for."""
    with serve(numbered, largest_limit=7) as sandbox:
        yield sandbox


@pytest.fixture
def inventory_source() -> Source:
    return load_sources()["beltelecom_inventory"]


@settings(max_examples=examples(40), deadline=None)
@given(total=st.integers(0, 40), page_size=st.integers(1, 25))
def test_every_resource_comes_once_and_in_order(frugal_server: Sandbox, total: int, page_size: int) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        snapshot = take_snapshot(at(frugal_server, str(total), page_size), folder, QUICK)
        assert identifiers(folder) == [f"r-{number}" for number in range(total)]
        per_page = min(7, page_size)
        assert snapshot.pages == max(1, -(-total // per_page))
        assert snapshot.total == total
        assert json.loads((folder / "snapshot.json").read_text()) == {
            "base_url": "https://inventory.invalid/v4",
            "pages": snapshot.pages,
            "total": total,
        }


def test_pages_hold_the_bytes_of_the_answers(tmp_path: Path) -> None:
    with serve(numbered) as sandbox:
        take_snapshot(at(sandbox), tmp_path, QUICK)
    expected = json.dumps(numbered(str(TOTAL))[:PAGE_SIZE], ensure_ascii=False).encode()
    assert (tmp_path / "page-00001.json").read_bytes() == expected


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", status=500),
        Fault("status", status=503),
        Fault("status", status=429),
        Fault("close"),
        Fault("cut"),
        Fault("hang", seconds=0.6),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
def test_what_may_pass_is_asked_for_again(fault: Fault, tmp_path: Path) -> None:
    with serve(numbered, {2: fault}.get) as sandbox:
        take_snapshot(at(sandbox), tmp_path, QUICK)
        assert len(sandbox.requests) == PAGES + 1
    assert len(identifiers(tmp_path)) == TOTAL


@pytest.mark.parametrize("kind", ["total", "duplicate", "empty", "truncate", "html"])
def test_a_torn_snapshot_is_taken_again_from_the_start(kind: Any, tmp_path: Path) -> None:
    with serve(numbered, {2: Fault(kind)}.get) as sandbox:
        take_snapshot(at(sandbox), tmp_path, QUICK)
        offsets = [path.split("offset=")[1].split("&")[0] for path, _ in sandbox.requests]
    assert offsets == ["0", "10", "0", "10", "20"]
    assert identifiers(tmp_path) == [f"r-{number}" for number in range(TOTAL)]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("total", "total changed"),
        ("duplicate", "earlier page"),
        ("empty", "X-Total-Count says 25"),
        ("truncate", "not complete JSON"),
        ("html", "HTML instead of JSON"),
    ],
)
def test_a_snapshot_that_stays_torn_is_given_up_and_leaves_nothing(
    kind: Any, said: str, tmp_path: Path
) -> None:
    def second_page(request: int) -> Fault | None:
        return Fault(kind) if request % 2 == 0 else None

    with serve(numbered, second_page) as sandbox, pytest.raises(OriginError, match=said) as caught:
        take_snapshot(at(sandbox), tmp_path, QUICK)
    assert len(sandbox.requests) == 2 * QUICK.snapshots
    assert "3 tries" in caught.value.message and caught.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_stays_broken_is_given_up_and_leaves_nothing(tmp_path: Path) -> None:
    with serve(numbered, lambda n: Fault("status") if n > 1 else None) as sandbox:
        with pytest.raises(OriginError, match="answers 500, 3 times"):
            take_snapshot(at(sandbox), tmp_path, QUICK)
        assert len(sandbox.requests) == 1 + QUICK.tries
    assert list(tmp_path.iterdir()) == []


def test_nobody_listens(tmp_path: Path) -> None:
    with serve(numbered) as sandbox:
        gone = at(sandbox)
    with pytest.raises(OriginError, match="does not answer"):
        take_snapshot(gone, tmp_path, QUICK)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409])
def test_a_refusal_is_not_repeated_and_tells_no_secret(status: int, tmp_path: Path) -> None:
    with serve(numbered, lambda _: Fault("status", status=status)) as sandbox:
        with pytest.raises(OriginError, match=str(status)) as caught:
            take_snapshot(at(sandbox, token="very-secret"), tmp_path, QUICK)
        assert len(sandbox.requests) == 1
        assert sandbox.requests[0][1]["Authorization"] == "Bearer very-secret"
    assert "very-secret" not in str(caught.value)
    # nor anything that the server says in its own words
    assert "requested by the caller" not in str(caught.value)
    if status in (401, 403):
        assert "GOROD_SOME_INVENTORY_TOKEN" in caught.value.remedy


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_server_that_asks_for_time_gets_it(form: str, tmp_path: Path) -> None:
    # A date has whole seconds, so two of them are at least one from now.
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    fault = Fault("status", status=429, retry_after="1" if form == "seconds" else moment)
    patient = RetryPolicy(tries=2, first_wait_s=0.001, longest_wait_s=5)
    with serve(numbered, {1: fault}.get) as sandbox:
        before = time.monotonic()
        take_snapshot(at(sandbox), tmp_path, patient)
        assert time.monotonic() - before >= 0.9


def test_a_server_that_asks_for_too_much_time_does_not_get_it(tmp_path: Path) -> None:
    with serve(numbered, {1: Fault("status", status=503, retry_after="86400")}.get) as sandbox:
        before = time.monotonic()
        take_snapshot(at(sandbox), tmp_path, QUICK)
        assert time.monotonic() - before < 5


def test_without_a_total_nothing_is_trusted(tmp_path: Path) -> None:
    with serve(numbered, lambda _: Fault("no_total")) as sandbox:
        with pytest.raises(OriginError, match="X-Total-Count"):
            take_snapshot(at(sandbox), tmp_path, QUICK)
        assert len(sandbox.requests) == 1


def test_a_snapshot_that_is_too_large_is_refused(tmp_path: Path) -> None:
    with serve(numbered) as sandbox, pytest.raises(OriginError, match="larger than 600 bytes"):
        take_snapshot(at(sandbox, largest_bytes=600), tmp_path, QUICK)
    assert list(tmp_path.iterdir()) == []


@contextmanager
def answering(body: bytes, encoding: str, total: int = 1) -> Iterator[Sandbox]:
    """A server that has one answer for everything."""
    sandbox = Sandbox("")

    class Answering(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            sandbox.requests.append((self.path, dict(self.headers.items())))
            self.send_response(200)
            self.send_header("Content-Encoding", encoding)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Total-Count", str(total))
            self.end_headers()
            with suppress(ConnectionError):  # the client hangs up
                self.wfile.write(body)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        sandbox.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield sandbox
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("body", "encoding", "limits", "said"),
    [
        (bomb(), "gzip", {"largest_bytes": 2 * MEGABYTE}, "the snapshot is larger than 2000000 bytes"),
        (bomb(), "gzip", {"largest_page": 2 * MEGABYTE}, "a page is larger than 2000000 bytes"),
        (gzip.compress(bomb()), "gzip, gzip", {}, "compressed by 'gzip, gzip', which was not asked for"),
        (b"[]", "gzip", {}, "compressed and broken"),
    ],
    ids=["snapshot", "page", "bomb in a bomb", "not compressed"],
)
def test_an_answer_that_expands_to_gigabytes_is_given_up_at_the_limit(
    body: bytes, encoding: str, limits: dict[str, int], said: str, tmp_path: Path
) -> None:
    with answering(body, encoding) as server, memory() as taken:
        with pytest.raises(OriginError, match=said) as caught:
            take_snapshot(at(server, **limits), tmp_path, QUICK)
        assert len(server.requests) == 1
    assert caught.value.remedy
    assert list(tmp_path.iterdir()) == []
    assert taken.peak < 10 * MEGABYTE


def test_a_compressed_answer_is_taken(tmp_path: Path) -> None:
    page = json.dumps(numbered("20000"), ensure_ascii=False).encode()
    with answering(gzip.compress(page), "gzip", total=20_000) as server:
        take_snapshot(at(server), tmp_path, QUICK)
        assert server.requests[0][1]["Accept-Encoding"] == "gzip"
    assert (tmp_path / "page-00001.json").read_bytes() == page


def test_the_declared_sandbox_gives_the_same_bytes_twice(
    inventory_source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Loopback is reached directly, even where the environment names a proxy.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    chosen = Settings(home=tmp_path, origin="sample")
    first, second = (
        list(candidates(inventory_source, "resources", chosen, ["grodno", "minsk_city"])) for _ in "12"
    )
    assert [candidate.instance for candidate in first] == ["grodno", "minsk_city"]
    for index, candidate in enumerate(itertools.chain(first, second)):
        assert candidate.synthetic and candidate.fingerprint is None
        folder = tmp_path / str(index)
        folder.mkdir()
        candidate.fetch(folder)
    digests = [sha256(tmp_path / str(index)) for index in range(4)]
    assert digests[:2] == digests[2:] and digests[0] != digests[1]


def test_a_simulator_that_is_not_there_is_named_with_what_to_do(
    inventory_source: Source, tmp_path: Path
) -> None:
    feed = inventory_source.feeds["resources"]
    origin = feed.origins["sample"].model_copy(update={"simulator": "sandbox.no_such_module:serve"})
    feed = feed.model_copy(update={"origins": {"sample": origin}})
    source = inventory_source.model_copy(update={"feeds": {"resources": feed}})
    (candidate,) = candidates(source, "resources", Settings(home=tmp_path, origin="sample"), ["brest"])
    with pytest.raises(OriginError, match="no_such_module") as caught:
        candidate.fetch(tmp_path)
    assert "checkout" in caught.value.remedy


def test_the_slice_is_the_month_in_belarus(
    inventory_source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            # Half past ten in the evening of 31 March in UTC is half past one of 1 April in Minsk.
            return datetime(2025, 3, 31, 22, 30, tzinfo=UTC).astimezone(tz)

    monkeypatch.setattr("pipelines.moments.datetime", Clock)
    chosen = Settings(home=tmp_path, origin="sample")
    assert {candidate.slice.key for candidate in candidates(inventory_source, "resources", chosen)} == {
        "2025-04"
    }


def test_a_real_inventory_by_environment(
    inventory_source: Source,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    chosen = Settings(home=tmp_path, origin="sample")
    with serve(lambda instance: numbered("30") if instance == "brest" else None) as sandbox:
        address = sandbox.url.replace("http://", "http://reader:pass%2Fword@")
        monkeypatch.setenv("GOROD_BELTELECOM_INVENTORY_URL", f"{address}/{{instance}}/{API}/")
        monkeypatch.setenv("GOROD_BELTELECOM_INVENTORY_TOKEN", "very-secret")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        (candidate,) = candidates(inventory_source, "resources", chosen, ["brest"])
        assert not candidate.synthetic
        folder = tmp_path / "real"
        folder.mkdir()
        candidate.fetch(folder)
        assert sandbox.requests[0][1]["Authorization"] == "Bearer very-secret"
    assert len(identifiers(folder)) == 30
    written = candidate.origin + "".join(path.read_text() for path in folder.iterdir())
    assert candidate.origin == f"{sandbox.url}/brest/{API}"
    assert "connect_tcp" in caplog.text
    for secret in ("very-secret", "reader", "pass/word", "pass%2Fword"):
        assert secret not in written and secret not in caplog.text


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("https://inventory.invalid/v4", "{instance}"),
        ("inventory.invalid/{instance}", "not an address"),
        ("ftp://inventory.invalid/{instance}", "not an address"),
        ("https://inventory.invalid/{instance}?token=1", "not an address"),
        # the password has a sign that ends it: it would be taken for a part of the address, and written down
        ("https://reader:very/secret@inventory.invalid/{instance}", "not an address"),
        ("https://reader/very:secret@inventory.invalid/{instance}", "not an address"),
    ],
)
def test_an_unusable_address_is_told(
    address: str, said: str, inventory_source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOROD_BELTELECOM_INVENTORY_URL", address)
    with pytest.raises(OriginError, match="GOROD_BELTELECOM_INVENTORY_URL") as caught:
        list(candidates(inventory_source, "resources", Settings(home=tmp_path, origin="sample")))
    assert said in caught.value.message


@pytest.mark.parametrize("odd", ['"\\ud83d"', '{"a": 1, "a": 2}', "1e999"])
def test_a_page_that_is_not_strict_lands_as_it_came(odd: str, tmp_path: Path) -> None:
    """Asking again would bring the same: the gate refuses it, or not, and tells why."""
    page = f'[{{"id": "a", "note": {odd}}}]'.encode()
    with answering(page, "identity") as server:
        snapshot = take_snapshot(at(server), tmp_path, QUICK)
    assert snapshot.total == 1
    assert (tmp_path / "page-00001.json").read_bytes() == page
