"""Who asks, whom it trusts, how often: against real servers on loopback, and no secret in anything that is written."""

from __future__ import annotations

import base64
import json
import logging
import re
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import pytest
import trustme
from pydantic import ValidationError

from pipelines import connectors
from pipelines.connectors import http_access, http_auth, http_client
from pipelines.connectors.http_retry import RetryPolicy
from pipelines.connectors.page_client import Pull
from pipelines.connectors.paged_snapshot import take_snapshot
from pipelines.declarations.origins import HttpOrigin, PagedOrigin
from pipelines.declarations.sources import Source
from pipelines.errors import OriginError
from pipelines.settings import Settings
from tests.support.web import Reply, Request, Web, web_server

QUICK = {"tries": 2, "longest_wait_s": 0.01, "connect_s": 2, "read_s": 2}
SECRET = "s3cret/of:the+city%"
USER = "user of the city"
TOKEN = "/oauth/token"
CSV = b"id,name\n1,a\n"


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("GOROD_CITY_SECRET", SECRET)
    monkeypatch.setenv("GOROD_CITY_USER", USER)
    monkeypatch.setenv("GOROD_BREST_2_KEY", SECRET)
    http_auth._tokens.clear()
    with web_server() as given:
        given.respond = answer
        yield given


def answer(request: Request) -> Reply:
    if request.path.endswith(".csv"):
        return Reply(CSV, headers={"ETag": '"1"'})
    return Reply(json.dumps([{"id": "1"}]).encode())


def source(kind: str, url: str, **origin: Any) -> Source:
    """A source of one instance whose mirror is asked over HTTP."""
    own = {"path": "/spots", "paging": "link"} if kind == "paged" else {"files": ["spots.csv"]}
    declared: dict[str, Any] = {"kind": kind, "base_url": url, "limits": QUICK, **own, **origin}
    names = {"ru": "а", "be": "а", "en": "a"}
    return Source.model_validate(
        {
            "source": "parking",
            "title": names,
            "owner": "a",
            "public_origin": {"address": "a", "licence": "a", "attribution": "a"},
            "instances": {"brest-2": {"title": names, "ref_area": "BY"}},
            "feeds": {
                "spots": {
                    "title": names,
                    "description": "a",
                    "cadence": "monthly",
                    "origins": {"mirror": declared},
                    "format": {"kind": "json_records" if kind == "paged" else "csv"},
                    "columns": {"id": {"type": "text", "description": "a"}},
                }
            },
        }
    )


def fetched(declared: Source, folder: Path) -> Any:
    """What a run does: look at the origin, and fetch what it offers."""
    settings = Settings(home=folder / "home", origin="mirror")
    (candidate,) = connectors.candidates(declared, "spots", settings)
    target = folder / "landing"
    target.mkdir(exist_ok=True)
    candidate.fetch(target)
    return candidate


def oauth(web: Web, **token: Any) -> list[str]:
    """Let the server give tokens, each another one, and take only the last; they are listed."""
    given: list[str] = []

    def respond(request: Request) -> Reply:
        if request.path == TOKEN:
            given.append(f"token-{len(given) + 1}")
            said = {"access_token": given[-1], "token_type": "bearer", "expires_in": 3600, **token}
            return Reply(json.dumps(said).encode())
        if not given or request.headers.get("authorization") != f"Bearer {given[-1]}":
            return Reply(b"{}", 401)
        return answer(request)

    web.respond = respond
    return given


AUTH: dict[str, dict[str, Any]] = {
    "bearer": {"kind": "bearer", "token": "GOROD_CITY_SECRET"},
    "basic": {"kind": "basic", "user": "GOROD_CITY_USER", "password": "GOROD_CITY_SECRET"},
    "header": {"kind": "api_key", "header": "X-Api-Key", "value": "GOROD_{INSTANCE}_KEY"},
    "query": {"kind": "api_key", "query": "key", "value": "GOROD_CITY_SECRET"},
    "oauth2": {
        "kind": "oauth2", "token_url": TOKEN, "client_id": "GOROD_CITY_USER", "client_secret": "GOROD_CITY_SECRET",
    },
}  # fmt: skip


def credentials(request: Request) -> str:
    """What a request proves itself with, as the standards say that it is carried."""
    if key := request.query.get("key"):
        return f"key {key}"
    if key := request.headers.get("x-api-key"):
        return f"header {key}"
    kind, _, text = request.headers["authorization"].partition(" ")
    return f"{kind} {base64.b64decode(text).decode() if kind == 'Basic' else text}"


EXPECTED = {
    "bearer": f"Bearer {SECRET}",
    "basic": f"Basic {USER}:{SECRET}",
    "header": f"header {SECRET}",
    "query": f"key {SECRET}",
    "oauth2": "Bearer token-1",
}


@pytest.mark.parametrize("kind", ["paged", "http"])
@pytest.mark.parametrize("auth", AUTH)
def test_every_request_carries_the_credentials_and_nothing_else_does(
    auth: str, kind: str, web: Web, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    if auth == "oauth2":
        oauth(web)
    candidate = fetched(source(kind, web.url, auth=AUTH[auth]), tmp_path)
    asked = [request for request in web.requests if request.path != TOKEN]
    assert asked and {credentials(request) for request in asked} == {EXPECTED[auth]}
    landed = "".join(path.read_text() for path in (tmp_path / "landing").iterdir())
    written = "\n".join([caplog.text, repr(candidate), candidate.origin, str(candidate.fingerprint), landed])
    assert not any(told in written for told in (SECRET, USER, "token-1", "s3cret"))


@pytest.mark.parametrize("kind", ["paged", "http"])
@pytest.mark.parametrize("auth", AUTH)
def test_a_refusal_names_the_variables_and_no_secret(
    auth: str, kind: str, web: Web, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    web.respond = lambda request: Reply(f"{request.headers} {request.query} {SECRET}".encode(), 401)
    with pytest.raises(OriginError) as caught:
        fetched(source(kind, web.url, auth=AUTH[auth]), tmp_path)
    said = str(caught.value) + caplog.text + repr(caught.value.__cause__) + repr(caught.value.__context__)
    assert "401" in said and not any(told in said for told in (SECRET, USER, "s3cret"))
    if kind == "paged" or auth == "oauth2":
        named = AUTH[auth].get("client_secret") or AUTH[auth].get("password") or "GOROD_"
        assert named in caught.value.remedy


@pytest.mark.parametrize("auth", AUTH)
def test_a_missing_variable_is_named_before_anything_is_asked(
    auth: str, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOROD_CITY_SECRET")
    monkeypatch.setenv("GOROD_BREST_2_KEY", " ")
    wanted = "GOROD_BREST_2_KEY" if auth == "header" else "GOROD_CITY_SECRET"
    with pytest.raises(OriginError, match=f"has no {wanted}"):
        fetched(source("paged", web.url, auth=AUTH[auth]), tmp_path)
    assert web.requests == []


def test_one_token_serves_until_it_expires(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = oauth(web)
    declared = source("paged", web.url, auth=AUTH["oauth2"])
    fetched(declared, tmp_path)
    fetched(declared, tmp_path)
    assert given == ["token-1"]
    # an hour later by the clock that tokens are held against
    now = time.monotonic()
    monkeypatch.setattr(http_auth.time, "monotonic", lambda: now + 3600)
    fetched(declared, tmp_path)
    assert given == ["token-1", "token-2"]


def test_a_token_that_is_taken_no_more_is_renewed_once(web: Web, tmp_path: Path) -> None:
    given = oauth(web)
    declared = source("http", web.url, auth=AUTH["oauth2"])
    fetched(declared, tmp_path)
    given.append("of another client")  # the server takes only the newest
    fetched(declared, tmp_path)
    assert given[-1] == "token-3" and len(web.asked(TOKEN)) == 2


def test_a_server_that_takes_no_token_is_not_asked_for_ever(web: Web, tmp_path: Path) -> None:
    oauth(web)
    tokens = web.respond
    web.respond = lambda request: tokens(request) if request.path == TOKEN else Reply(b"", 401)
    with pytest.raises(OriginError, match="answers 401"):
        fetched(source("paged", web.url, auth=AUTH["oauth2"]), tmp_path)
    assert len(web.asked(TOKEN)) == 2 and len(web.asked("/spots")) == 2


@pytest.mark.parametrize("send", ["basic", "body"])
def test_a_client_proves_itself_as_the_standard_says(send: str, web: Web, tmp_path: Path) -> None:
    oauth(web)
    fetched(source("paged", web.url, auth={**AUTH["oauth2"], "send": send, "scope": "read"}), tmp_path)
    (request,) = web.asked(TOKEN)
    form = dict(parse_qsl(request.body.decode()))
    assert (request.method, form["grant_type"], form["scope"]) == ("POST", "client_credentials", "read")
    if send == "body":
        proof = form["client_id"], form["client_secret"]
        assert "authorization" not in request.headers
    else:
        user, _, password = base64.b64decode(request.headers["authorization"][6:]).decode().partition(":")
        proof = unquote_plus(user), unquote_plus(password)
        assert "client_secret" not in form
    assert proof == (USER, SECRET)


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(b'{"error": "invalid_client"}', 400), r"400 \(invalid_client\)"),
        (Reply(b'{"error": "s3cret"}', 400), "400$"),
        (Reply(b"<html>", 200), "no bearer token"),
        (Reply(b'{"access_token": "x", "token_type": "mac"}', 200), "no bearer token"),
        (Reply(b"[" + b" " * 200_000, 200), "too large"),
        (Reply(b"", 503), "503, 2 times"),
    ],
)
def test_what_is_no_token_is_told(reply: Reply, told: str, web: Web, tmp_path: Path) -> None:
    web.respond = lambda _request: reply
    with pytest.raises(OriginError) as caught:
        fetched(source("paged", web.url, auth=AUTH["oauth2"]), tmp_path)
    assert re.search(told, caught.value.message)
    assert web.asked("/spots") == []


@pytest.mark.parametrize("auth", ["bearer", "basic", "header", "query"])
def test_credentials_do_not_follow_a_redirect_to_another_host(auth: str, web: Web, tmp_path: Path) -> None:
    with web_server() as other:
        other.respond = answer
        web.respond = lambda _request: Reply(status=302, headers={"Location": f"{other.url}/spots.csv"})
        fetched(source("http", web.url, auth=AUTH[auth]), tmp_path)
        assert other.requests and all(credentials(request) for request in web.requests)
        for request in other.requests:
            assert SECRET not in str(request) and not {"authorization", "x-api-key"} & request.headers.keys()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A server with a certificate of an authority of its own, which asks for the client's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    mine = authority.issue_cert("gorod@city.invalid")
    for name, pem in (
        ("CA", authority.cert_pem),
        ("CERT", mine.cert_chain_pems[0]),
        ("KEY", mine.private_key_pem),
    ):
        pem.write_to_path(str(tmp_path / f"{name}.pem"))
        monkeypatch.setenv(f"GOROD_CITY_{name}", str(tmp_path / f"{name}.pem"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with web_server(context) as given:
        given.respond = answer
        yield given


TLS = {"ca": "GOROD_CITY_CA", "certificate": "GOROD_CITY_CERT", "key": "GOROD_CITY_KEY"}


@pytest.mark.parametrize("kind", ["paged", "http"])
def test_a_client_certificate_is_shown(kind: str, secure: Web, tmp_path: Path) -> None:
    fetched(source(kind, secure.url, tls=TLS), tmp_path)
    shown = secure.requests[-1].peer
    assert shown and ("email", "gorod@city.invalid") in shown["subjectAltName"]


@pytest.mark.parametrize("kind", ["paged", "http"])
def test_an_authority_that_nobody_declared_is_not_trusted(kind: str, secure: Web, tmp_path: Path) -> None:
    with pytest.raises(OriginError, match="no secure connection") as caught:
        fetched(source(kind, secure.url, tls={}), tmp_path)
    assert "tls" in caught.value.remedy and secure.requests == []


@pytest.mark.parametrize("lacking", ["no file", "no certificate", "another key"])
def test_certificates_that_cannot_be_used_are_told(
    lacking: str, secure: Web, authority: trustme.CA, tmp_path: Path
) -> None:
    path = tmp_path / "KEY.pem"
    match lacking:
        case "no file":
            path.unlink()
        case "no certificate":
            path.write_text("a secret")
        case _:
            authority.issue_cert("other@city.invalid").private_key_pem.write_to_path(str(path))
    with pytest.raises(OriginError, match="cannot be used") as caught:
        fetched(source("paged", secure.url, tls=TLS), tmp_path)
    assert "GOROD_CITY_KEY" in caught.value.message and str(tmp_path) not in str(caught.value)


def test_a_declared_pace_is_kept(web: Web, tmp_path: Path) -> None:
    pages = 6

    def respond(request: Request) -> Reply:
        number = int(request.query.get("from", 0))
        link = {"Link": f'</spots?from={number + 1}>; rel="next"'} if number + 1 < pages else {}
        return Reply(json.dumps([{"id": f"{number}"}]).encode(), headers=link)

    web.respond = respond
    declared = source("paged", web.url)
    origin = declared.feeds["spots"].origins["mirror"]
    assert isinstance(origin, PagedOrigin)
    slow = origin.model_copy(update={"limits": origin.limits.model_copy(update={"requests_per_second": 20})})
    pull = Pull(
        paging=slow, base_url=web.url, origin=web.url, source="parking",
        access=http_access.access(slow, web.url, "brest-2", RetryPolicy()),
    )  # fmt: skip
    began = time.monotonic()
    take_snapshot(pull, tmp_path)
    assert len(web.requests) == pages and time.monotonic() - began >= (pages - 1) / 20


def test_declared_limits_take_the_place_of_the_defaults() -> None:
    origin = HttpOrigin.model_validate(
        {"base_url": "https://a.invalid", "files": ["a"], "limits": {"tries": 7}}
    )
    assert http_access.limited(http_client.RETRY_POLICY, origin) == RetryPolicy(tries=7, answer_s=3600.0)


@pytest.mark.parametrize(
    ("auth", "told"),
    [
        ({"kind": "bearer", "token": "s3cret"}, "pattern"),
        ({"kind": "api_key", "value": "GOROD_K"}, "either header or query"),
        ({"kind": "api_key", "value": "GOROD_K", "header": "A", "query": "b"}, "either header or query"),
        ({"kind": "oauth2", "token_url": "https://u:p@h/t", "client_id": "GOROD_A", "client_secret": "GOROD_B"}, "pattern"),
    ],
)  # fmt: skip
def test_a_declaration_holds_no_secret(auth: dict[str, str], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        HttpOrigin.model_validate({"base_url": "https://a.invalid", "files": ["a"], "auth": auth})


LISTING = b"""<html><body><a href="../">..</a><a href="a-2026-01.csv">a</a> <A HREF='/data/a-2026-02.csv'>b</A>
<a href="sub/a-2026-03.csv">c</a><a href="https://other.invalid/data/a-2026-04.csv">d</a><a href="?C=M">sort</a>
<a href="a-2026-05.csv.part">e</a><a href="%D0%B0-2026-06.csv">f</a><a href="other.txt">g</a><a name="x"></a></body></html>"""


def test_what_a_page_lists_is_taken_when_it_is_quiet(web: Web, tmp_path: Path) -> None:
    now = "Mon, 30 Nov 2026 12:00:30 GMT"
    changed = {
        "/data/a-2026-01.csv": "Mon, 30 Nov 2026 12:00:00 GMT",
        "/data/a-2026-02.csv": "Mon, 30 Nov 2026 12:00:25 GMT",
    }

    def respond(request: Request) -> Reply:
        if request.path == "/data/":
            return Reply(LISTING, headers={"Content-Type": "text/html; charset=utf-8"})
        return Reply(CSV, headers={"Last-Modified": changed.get(request.path, now), "Date": now})

    web.respond = respond
    declared = source("http", f"{web.url}/data", files=[], listing=True)
    feed = declared.feeds["spots"].model_copy(
        update={"file_pattern": r"[aа]-(?P<period>\d{4}-\d{2})\.csv(\.part)?"}
    )
    declared = declared.model_copy(update={"feeds": {"spots": feed}})
    origin = feed.origins["mirror"]
    assert isinstance(origin, HttpOrigin)
    settings = Settings(home=tmp_path, origin="mirror", inbox_quiet_s=10)
    offers = list(connectors.candidates(declared, "spots", settings))
    # of 2026-02 and 2026-06 the server says that they are five seconds old, or less
    assert [candidate.origin for candidate in offers] == [f"{web.url}/data/a-2026-01.csv"]
    assert {request.path for request in web.requests} == {
        "/data/", "/data/a-2026-01.csv", "/data/a-2026-02.csv", "/data/%D0%B0-2026-06.csv",
    }  # fmt: skip
