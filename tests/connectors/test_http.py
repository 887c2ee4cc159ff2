"""Public files by HTTP, from a real server on loopback that serves invented ones, and fails in every way."""

from __future__ import annotations

import gzip
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from pipelines import connectors, moments
from pipelines.connectors import http as connector
from pipelines.connectors import http_client
from pipelines.connectors.http_retry import RetryPolicy
from pipelines.declarations.feeds import Refresh
from pipelines.declarations.origins import HttpOrigin
from pipelines.declarations.sources import Source, load_sources
from pipelines.errors import GorodError, OriginError
from pipelines.loading import plan
from pipelines.loading.candidates import last_seen, load_candidate
from pipelines.orchestration import run as run_module
from pipelines.settings import Settings, get_settings
from tests.support.decompression_bombs import MEGABYTE, bomb, memory
from tests.support.portal import HEADER, Portal

QUICK = RetryPolicy(tries=3, first_wait_s=0.001, longest_wait_s=0.05, connect_s=2, read_s=0.5, answer_s=2)
Handler = http.server.BaseHTTPRequestHandler
Misdeed = Callable[[Handler, bytes], None]


@dataclass
class Served:
    """Files by name, what goes wrong at which request of a name (from 1), and every request that came."""

    files: dict[str, bytes] = field(default_factory=dict)
    misdeeds: dict[tuple[str, int], Misdeed] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    validator: str = "ETag"
    url: str = ""

    def always(self, name: str, misdeed: Misdeed) -> None:
        self.misdeeds.update({(name, number): misdeed for number in range(1, 20)})

    def asked(self, name: str) -> list[dict[str, str]]:
        return [headers for path, headers in self.requests if path.endswith("/" + name)]


def answer(handler: Handler, status: int, body: bytes = b"", **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    given = Served()

    class Answering(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            name = self.path.rsplit("/", 1)[-1]
            given.requests.append((self.path, dict(self.headers.items())))
            body = given.files.get(name)
            misdeed = given.misdeeds.get((name, len(given.asked(name))))
            if misdeed is not None:
                misdeed(self, body or b"")
            elif body is None:
                answer(self, 404, b"no such file")
            else:
                mark = f'"{hash(body)}"' if given.validator == "ETag" else formatdate(len(body), usegmt=True)
                asked = self.headers.get(
                    "If-None-Match" if given.validator == "ETag" else "If-Modified-Since"
                )
                if given.validator and asked == mark:
                    answer(self, 304, **{given.validator: mark})
                else:
                    answer(self, 200, body, **({given.validator: mark} if given.validator else {}))

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A client that hangs up is what some tests are about."""

    with Server(("127.0.0.1", 0), Answering) as server:
        given.url = f"http://127.0.0.1:{server.server_port}/data"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr(http_client, "RETRY_POLICY", QUICK)
        yield given
        server.shutdown()
        thread.join()


def source_at(url: str, **changes: Any) -> Source:
    """The source of requests, its public files at an address of the test."""
    source = load_sources()["appeals_115"]
    feed = source.feeds["requests"]
    assert feed.first_month is not None
    origin = HttpOrigin.model_validate(
        {
            "base_url": url,
            "files": ["opendata-115-{month}-01.csv"],
            "instance": "minsk",
            "last_month": "2016-01-01",
            **changes,
        }
    )
    return source.model_copy(
        update={"feeds": {"requests": feed.model_copy(update={"origins": {"public": origin}})}}
    )


def name(month: str) -> str:
    return f"opendata-115-{month}-01.csv"


def month_of(month: str, rows: int = 3) -> bytes:
    return ("\n".join([HEADER, *Portal.rows(month, rows)]) + "\n").encode()


MONTHS = ["2015-11", "2015-12", "2016-01"]


@pytest.fixture
def public(served: Served, portal: Portal, monkeypatch: pytest.MonkeyPatch) -> Portal:
    """A home that takes three months from the server."""
    served.files.update({name(month): month_of(month) for month in MONTHS})
    found = Portal(portal.settings.model_copy(update={"origin": "public"}), portal.folder)
    monkeypatch.setattr(plan, "load_sources", lambda: {"appeals_115": source_at(served.url)})
    return found


def look(served: Served, settings: Settings, **changes: Any) -> list[str]:
    return [
        candidate.slice.key
        for candidate in connectors.candidates(source_at(served.url, **changes), "requests", settings)
    ]


def fetch(served: Served, folder: Path, largest: int = 1_000_000) -> Path:
    """The first month, fetched as landing does."""
    target = folder / "incoming"
    target.mkdir()
    connector._Fetch(f"{served.url}/{name('2015-11')}", name("2015-11"), largest)(target)
    return target / name("2015-11")


def refusal(served: Served, folder: Path, largest: int = 1_000_000) -> OriginError:
    """Why the first month cannot be had; nothing of it stays."""
    with pytest.raises(OriginError) as caught:
        fetch(served, folder, largest)
    assert name("2015-11") in caught.value.message
    assert caught.value.remedy
    assert list((folder / "incoming").iterdir()) == []
    return caught.value


@pytest.mark.parametrize("validator", ["ETag", "Last-Modified"])
def test_what_has_not_changed_costs_one_short_answer_each(
    validator: str, served: Served, public: Portal
) -> None:
    served.validator = validator
    first = public.load()
    assert [outcome.rows_accepted for outcome in first.values()] == [3, 3, 3]  # type: ignore[union-attr]
    assert (
        public.scalar(
            "select count(*) from ops.load where not synthetic and origin like ?", f"{served.url}/%"
        )
        == 3
    )
    served.requests.clear()
    assert public.candidates() == []
    assert [path.rsplit("/", 1)[-1] for path, _ in served.requests] == [name(month) for month in MONTHS]
    conditional = "If-None-Match" if validator == "ETag" else "If-Modified-Since"
    assert all(conditional in headers for _, headers in served.requests)


def test_a_changed_file_alone_is_fetched_and_supersedes(served: Served, public: Portal) -> None:
    public.load()
    served.files[name("2015-12")] = month_of("2015-12", 5)
    served.requests.clear()
    (outcome,) = public.load().values()
    assert outcome.rows_accepted == 5  # type: ignore[union-attr]
    assert [len(served.asked(name(month))) for month in MONTHS] == [1, 2, 1]
    assert sorted(public.states().values()) == ["accepted", "accepted", "accepted", "superseded"]


def test_without_a_validator_a_slice_is_fetched_once_and_again_when_asked_for(
    served: Served, public: Portal
) -> None:
    served.validator = ""
    public.load()
    assert public.candidates() == []
    assert [candidate.slice.key for candidate in public.candidates(slice="2015-12")] == ["2015-12"]


def test_what_looks_unchanged_is_fetched_again_when_that_is_asked_for(
    served: Served, public: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server whose mark stays while the file is mended."""
    monkeypatch.setattr(connector, "_look", lambda *_: "etag:same")
    monkeypatch.setitem(load_sources(), "appeals_115", source_at(served.url))
    monkeypatch.setenv("GOROD_ORIGIN", "public")
    get_settings.cache_clear()
    public.load()
    served.files[name("2015-12")] = month_of("2015-12", 5)
    assert public.candidates() == []
    wanted = plan.Wanted(source="appeals_115", slice="2015-12", again=True)
    (found,) = run_module.run(wanted, public.settings).loads
    assert (found["slice"], found["rows_accepted"], found["state"]) == ("2015-12", 5, "accepted")
    again = run_module.run(wanted, public.settings)
    assert again.loads == []
    assert [load["load_id"] for load in again.again] == [found["load_id"]]


def test_not_everything_is_fetched_again(public: Portal) -> None:
    with pytest.raises(GorodError, match="every source") as caught:
        plan.make_plan(plan.Wanted(again=True), public.settings, public.warehouse)
    assert "--source" in caught.value.remedy


def test_what_lands_is_the_file_byte_for_byte(served: Served, public: Portal, tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + bytes(range(256)) * 3000
    served.files[name("2015-11")] = content
    assert fetch(served, tmp_path).read_bytes() == content
    assert public.states() == {}


@pytest.mark.parametrize("status", [500, 502, 503, 429, 408])
def test_what_may_pass_is_asked_again(status: int, served: Served, public: Portal) -> None:
    served.misdeeds[name("2015-11"), 1] = lambda handler, _: answer(handler, status)
    served.misdeeds[name("2015-11"), 3] = lambda handler, _: answer(handler, status)
    assert len(public.load()) == 3
    assert len(served.asked(name("2015-11"))) == 4  # looked at twice, fetched twice


def cut(handler: Handler, body: bytes) -> None:
    """Half of what was announced, then nothing."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    handler.close_connection = True


def test_a_truncated_body_is_fetched_again(served: Served, public: Portal, tmp_path: Path) -> None:
    served.files[name("2015-11")] = month_of("2015-11", 2000)
    served.misdeeds[name("2015-11"), 1] = cut
    assert fetch(served, tmp_path).read_bytes() == served.files[name("2015-11")]
    assert len(served.asked(name("2015-11"))) == 2
    assert public.states() == {}


def test_a_body_that_stays_truncated_is_given_up(served: Served, public: Portal, tmp_path: Path) -> None:
    served.always(name("2015-11"), cut)
    error = refusal(served, tmp_path)
    assert "broke off" in error.message and "3 times in a row" in error.message
    assert public.states() == {}


def endless(handler: Handler, _: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    while True:
        handler.wfile.write(b"400\r\n" + b"x" * 1024 + b"\r\n")


def dripping(handler: Handler, _: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "90000")
    handler.end_headers()
    while True:
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(0.05)


def dripping_packed(handler: Handler, _: bytes) -> None:
    """Blocks of gzip with nothing in them."""
    handler.send_response(200)
    handler.send_header("Content-Encoding", "gzip")
    handler.send_header("Content-Length", "90000")
    handler.end_headers()
    handler.wfile.write(gzip.compress(b"")[:10])
    while True:
        handler.wfile.write(b"\x00\x00\x00\xff\xff")
        handler.wfile.flush()
        time.sleep(0.05)


def to_itself(handler: Handler, _: bytes) -> None:
    answer(handler, 302, Location=handler.path)


def page(handler: Handler, _: bytes) -> None:
    answer(
        handler,
        200,
        b"\n<!DOCTYPE html><html><body>maintenance</body></html>",
        Content_Type="text/html; charset=utf-8",
    )


@pytest.mark.parametrize(
    ("misdeed", "said", "requests"),
    [
        (endless, "larger than 100000 bytes", 1),
        (dripping, "was not complete after 2 s", 1),
        (dripping_packed, "was not complete after 2 s", 1),
        (to_itself, "redirected more than 5 times", 6),
        (page, "the server sent a web page instead of the file", 1),
        (lambda handler, _: answer(handler, 404), "no such file (404)", 1),
        (lambda handler, _: answer(handler, 410), "no such file (410)", 1),
        (lambda handler, _: answer(handler, 403), "answers 403", 1),
        (lambda handler, _: answer(handler, 200, b"x" * 100_001), "larger than 100000 bytes", 1),
        (lambda *_: time.sleep(1), "takes too long, 3 times", 3),
        (lambda handler, _: answer(handler, 503), "answers 503, 3 times", 3),
        (lambda handler, _: answer(handler, 302, Location="ftp://127.0.0.1/x"), "ftp", 1),
    ],
    ids=["endless", "dripping", "dripping packed", "loop", "html", "404", "410", "403", "large", "hangs", "503", "ftp"],
)  # fmt: skip
def test_what_a_person_must_mend_is_told_and_leaves_nothing(
    misdeed: Misdeed, said: str, requests: int, served: Served, public: Portal, tmp_path: Path
) -> None:
    served.always(name("2015-11"), misdeed)
    assert said in refusal(served, tmp_path, 100_000).message
    assert len(served.requests) == requests
    assert public.states() == {}


@pytest.mark.parametrize(
    ("body", "encoding", "said"),
    [
        (bomb(), "gzip", "larger than 5000000 bytes"),
        (gzip.compress(bomb()), "gzip, gzip", "compressed by 'gzip, gzip', which was not asked for"),
        (b"x" * 1000, "br", "compressed by 'br', which was not asked for"),
        (b"x" * 1000, "gzip", "compressed and broken"),
        (gzip.compress(b"id;name\n" * 1000)[:-9], "gzip", "compressed and broken"),
    ],
    ids=["bomb", "bomb in a bomb", "another way", "not compressed", "cut"],
)
def test_what_is_compressed_unasked_stays_within_the_limit(
    body: bytes, encoding: str, said: str, served: Served, tmp_path: Path
) -> None:
    served.always(name("2015-11"), lambda handler, _: answer(handler, 200, body, Content_Encoding=encoding))
    with memory() as taken:
        assert said in refusal(served, tmp_path, 5 * MEGABYTE).message
    assert taken.peak < 10 * MEGABYTE


def test_what_is_compressed_unasked_lands_as_the_file_that_it_is(served: Served, tmp_path: Path) -> None:
    members = [month_of("2015-11", 50_000), month_of("2015-12", 50_000)]
    packed = b"".join(gzip.compress(member) for member in members)
    served.always(name("2015-11"), lambda handler, _: answer(handler, 200, packed, Content_Encoding="gzip"))
    assert fetch(served, tmp_path, 20 * MEGABYTE).read_bytes() == b"".join(members)


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_nothing_is_read_of_a_redirect_but_where_it_leads(
    encoding: str, served: Served, tmp_path: Path
) -> None:
    def with_a_body(handler: Handler, _: bytes) -> None:
        handler.send_response(302)
        handler.send_header("Location", "/data/moved.csv")
        handler.send_header("Content-Encoding", encoding)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        packed = bomb(100)
        handler.wfile.write(f"{len(packed):x}\r\n".encode() + packed + b"\r\n")
        while True:  # and goes on for ever
            handler.wfile.write(b"400\r\n" + b"x" * 1024 + b"\r\n")

    served.files["moved.csv"] = b"here\n"
    served.misdeeds[name("2015-11"), 1] = with_a_body
    with memory() as taken:
        assert fetch(served, tmp_path).read_bytes() == b"here\n"
    assert taken.peak < 10 * MEGABYTE


def test_a_page_is_seen_in_what_is_compressed_unasked(served: Served, public: Portal) -> None:
    body = gzip.compress(b"<!DOCTYPE html>" + b" " * (500 * MEGABYTE), 1)
    served.always(
        name("2015-12"),
        lambda handler, _: answer(
            handler, 200, body, Content_Encoding="gzip", Content_Type="text/html; charset=utf-8"
        ),
    )
    with memory() as taken:
        made = plan.make_plan(plan.Wanted(), public.settings, public.warehouse)
    assert "web page" in made.failures["appeals_115", "requests"].message
    assert taken.peak < 10 * MEGABYTE


def test_a_redirect_is_followed(served: Served, tmp_path: Path) -> None:
    served.files["moved.csv"] = b"here\n"
    served.misdeeds[name("2015-11"), 1] = lambda handler, _: answer(handler, 301, Location="/data/moved.csv")
    assert fetch(served, tmp_path).read_bytes() == b"here\n"


def test_a_server_without_a_sound_certificate_is_told_at_once(served: Served, tmp_path: Path) -> None:
    served.url = served.url.replace("http://", "https://")  # it speaks no TLS
    error = refusal(served, tmp_path)
    assert "no secure connection" in error.message
    assert "SSL_CERT_FILE" in error.remedy


def test_nobody_listens(served: Served, public: Portal) -> None:
    gone = source_at("http://127.0.0.1:9/data")
    with pytest.raises(OriginError, match="cannot be reached") as caught:
        list(connectors.candidates(gone, "requests", public.settings))
    assert "3 times" in caught.value.message
    assert served.requests == []


def test_a_file_that_is_not_there_does_not_hold_back_the_others(served: Served, public: Portal) -> None:
    del served.files[name("2015-12")]
    made = plan.make_plan(plan.Wanted(), public.settings, public.warehouse)
    assert [candidate.slice.key for candidate in made.candidates["appeals_115", "requests"]] == [
        "2015-11",
        "2016-01",
    ]
    failure = made.failures["appeals_115", "requests"]
    assert name("2015-12") in failure.message
    assert name("2015-11") not in failure.message


def test_a_page_in_place_of_a_file_is_seen_while_looking(served: Served, public: Portal) -> None:
    served.always(name("2015-12"), page)
    made = plan.make_plan(plan.Wanted(), public.settings, public.warehouse)
    assert "web page" in made.failures["appeals_115", "requests"].message
    assert len(made.candidates["appeals_115", "requests"]) == 2


def test_the_newest_months_of_an_open_series_may_be_not_out_yet(
    served: Served, public: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moments, "today", lambda: moments.date(2016, 5, 3))
    assert look(served, public.settings, last_month=None) == MONTHS
    assert [path.rsplit("/", 1)[-1] for path, _ in served.requests][-1] == name("2016-04")
    del served.files[name("2015-12")]
    with pytest.raises(OriginError, match="2015-12"):
        look(served, public.settings, last_month=None)
    with pytest.raises(OriginError, match="2016-02"):
        look(served, public.settings, last_month="2016-02-01")


def test_a_fault_on_the_way_leaves_the_load_for_the_next_run(served: Served, public: Portal) -> None:
    (first, *_) = public.candidates()
    served.always(name("2015-11"), cut)
    with pytest.raises(OriginError):
        load_candidate(first, public.settings, public.warehouse)
    assert public.states() == {}
    assert last_seen(public.warehouse) == frozenset()
    served.misdeeds.clear()
    assert len(public.load()) == 3


def test_feeds_of_which_nothing_is_public_are_named_and_stop_nobody(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = portal.settings.model_copy(update={"origin": "public"})
    sources = load_sources()
    monkeypatch.setattr(plan, "load_sources", lambda: {"territory_register": sources["territory_register"]})
    made = plan.make_plan(plan.Wanted(feed="population"), settings, portal.warehouse)
    assert made.without_origin == [("territory_register", "population")]
    assert made.candidates == made.failures == {}
    dropped = settings.inbox / "territory_register" / "population" / "by" / "population.csv"
    dropped.parent.mkdir(parents=True)
    dropped.write_text("territory_id,year,population,status\n", encoding="utf-8")
    made = plan.make_plan(plan.Wanted(feed="population"), settings, portal.warehouse)
    assert len(made.candidates["territory_register", "population"]) == 1


@pytest.mark.parametrize(
    ("public", "said"),
    [
        ({"kind": "files", "path": "x"}, "a folder is not public"),
        ({"kind": "http", "base_url": "ftp://x", "files": ["opendata-115-{month}-01.csv"]}, "base_url"),
        ({"kind": "http", "base_url": "https://x", "files": ["other.csv"]}, "does not match file_pattern"),
        ({"kind": "http", "base_url": "https://x", "files": []}, "files"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused(public: dict[str, Any], said: str) -> None:
    feed = load_sources()["appeals_115"].feeds["requests"].model_dump(mode="json")
    feed["origins"]["public"] = public
    with pytest.raises(ValueError, match=said):
        type(load_sources()["appeals_115"].feeds["requests"]).model_validate(feed)


def test_every_declared_public_file_has_the_name_of_a_slice(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is declared and shipped: addresses over HTTPS, each file a slice of its own."""
    monkeypatch.setattr(connector, "_look", lambda *_: "etag:1")
    settings = portal.settings.model_copy(update={"origin": "public"})
    found = [
        candidate
        for source in load_sources().values()
        for feed in source.feeds
        for candidate in connectors.candidates(source, feed, settings)
    ]
    assert sum(candidate.source == "appeals_115" for candidate in found) == 45
    assert all(candidate.origin.startswith("https://") for candidate in found)
    assert len(
        {(candidate.source, candidate.feed, candidate.instance, candidate.slice.key) for candidate in found}
    ) == len(found)


# --- which slices that were taken are asked for again


def refreshed(given: Source, months: int) -> Source:
    feed = given.feeds["requests"]
    return Source.model_validate(
        {
            **given.model_dump(),
            "feeds": {"requests": {**feed.model_dump(), "refresh": {"months": months}}},
        }
    )


@pytest.mark.parametrize(
    ("months", "asked_again"), [(1, ["2016-01"]), (2, ["2015-12", "2016-01"]), (9, MONTHS)]
)
def test_of_what_was_taken_the_newest_months_are_asked_again(
    months: int, asked_again: list[str], served: Served, public: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = refreshed(source_at(served.url), months)
    monkeypatch.setattr(plan, "load_sources", lambda: {"appeals_115": given})
    monkeypatch.setattr(moments, "today", lambda: date(2016, 2, 10))
    warehouse = public.warehouse
    for candidate in connectors.candidates(given, "requests", public.settings):
        load_candidate(candidate, public.settings, warehouse)
    served.requests.clear()
    served.files[name("2015-11")] = month_of("2015-11", 5)
    served.files[name("2016-01")] = month_of("2016-01", 5)
    found = plan.make_plan(plan.Wanted(source="appeals_115"), public.settings, warehouse)
    asked = [month for month in MONTHS if served.asked(name(month))]
    assert asked == asked_again
    # with what was known of it: a month that has not changed costs one short answer
    assert all("If-None-Match" in headers for _, headers in served.requests)
    changed = [month for month in ("2015-11", "2016-01") if month in asked_again]
    assert [candidate.slice.key for candidate in found.candidates["appeals_115", "requests"]] == changed
    again = plan.make_plan(plan.Wanted(source="appeals_115", again=True), public.settings, warehouse)
    assert [candidate.slice.key for candidate in again.candidates["appeals_115", "requests"]] == MONTHS


def test_a_new_month_is_taken_however_old_it_is(
    served: Served, public: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = refreshed(source_at(served.url), 1)
    monkeypatch.setattr(moments, "today", lambda: date(2024, 2, 10))
    found = connectors.candidates(given, "requests", public.settings, known=last_seen(public.warehouse))
    assert [candidate.slice.key for candidate in found] == MONTHS


@pytest.mark.parametrize(
    ("last_day", "is_refreshed"),
    [
        (date(2026, 11, 30), True),
        (date(2026, 8, 31), True),
        (date(2026, 7, 31), False),
        (date(2026, 12, 31), True),
        (date(2025, 11, 30), False),
        (None, True),
    ],
)
def test_how_far_back_a_feed_is_refreshed(last_day: date | None, is_refreshed: bool) -> None:
    """Three months before the running one, November."""
    feed = load_sources()["appeals_115"].feeds["requests"]
    assert not feed.is_refreshed(last_day, date(2026, 11, 30))
    refreshed_feed = feed.model_copy(update={"refresh": Refresh(months=3)})
    assert refreshed_feed.is_refreshed(last_day, date(2026, 11, 30)) is is_refreshed


@pytest.mark.parametrize("months", [None, 1])
def test_what_only_fetching_could_tell_is_fetched_again_while_it_is_refreshed(
    months: int | None, served: Served, public: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.validator = ""
    given = source_at(served.url) if months is None else refreshed(source_at(served.url), months)
    monkeypatch.setattr(plan, "load_sources", lambda: {"appeals_115": given})
    monkeypatch.setattr(moments, "today", lambda: date(2016, 2, 10))
    for candidate in connectors.candidates(given, "requests", public.settings):
        load_candidate(candidate, public.settings, public.warehouse)
    found = plan.make_plan(plan.Wanted(source="appeals_115"), public.settings, public.warehouse).candidates
    keys = [candidate.slice.key for candidates in found.values() for candidate in candidates]
    assert keys == ([] if months is None else ["2016-01"])
