"""No secret is left anywhere: every byte that failing runs write is searched for them, in each of their spellings."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.conftest import run_on_samples

pytestmark = pytest.mark.slow

TOKEN = "Token wörd-of-the-house/93+5"
PASSWORD = "päss word/of-the:replica@93"


class Echo(BaseHTTPRequestHandler):
    """Answers with an error that repeats what it was asked, as careless systems do."""

    protocol_version = "HTTP/1.1"
    status = 401
    seen: list[str] = []  # noqa: RUF012 - one for the server

    def do_GET(self) -> None:
        given = self.headers.get("Authorization", "")
        Echo.seen.append(given)
        body = f"refused: {given} {self.path}".encode()
        self.send_response(Echo.status, f"refused {given}".encode("ascii", "replace").decode())
        self.send_header("Content-Type", "text/plain")
        self.send_header("X-Echo", given)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@pytest.fixture
def echo() -> Iterator[str]:
    Echo.seen.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def spellings(secret: str) -> set[bytes]:
    """The secret as it may be written: as it is, quoted for an address, in base64, escaped."""
    plain = secret.encode()
    return {
        plain,
        quote(secret).encode(),
        quote(secret, safe="").encode(),
        base64.b64encode(plain),
        base64.urlsafe_b64encode(plain),
        secret.encode("unicode_escape"),
    }


def leaks(home: Path, said: str, *secrets: str) -> list[str]:
    """Where a secret is found: files below the home, and what the command printed."""
    wanted = set.union(*map(spellings, secrets)) | {secret.split()[-1].encode() for secret in secrets}
    texts = {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()}
    texts["what was printed"] = said.encode()
    return [name for name, content in texts.items() if any(spelling in content for spelling in wanted)]


@pytest.mark.parametrize("status", [401, pytest.param(500, marks=pytest.mark.long)])
def test_a_system_that_repeats_its_token_in_an_error_does_not_spread_it(
    status: int, echo: str, tmp_path: Path
) -> None:
    Echo.status = status
    token = TOKEN.encode("ascii", "ignore").decode()  # of a header
    done = run_on_samples(
        tmp_path, "run", "--source", "netbox", "--feed", "devices",
        GOROD_ORIGIN="mirror", GOROD_NETBOX_URL=echo, GOROD_NETBOX_AUTHORIZATION=token,
    )  # fmt: skip
    assert Echo.seen and set(Echo.seen) == {token}
    assert done.returncode != 0 and str(status) in done.stdout + done.stderr
    assert leaks(tmp_path, done.stdout + done.stderr, token) == []


def test_a_replica_that_refuses_its_password_does_not_spread_it(tmp_path: Path) -> None:
    dsn = f"postgresql://reader:{quote(PASSWORD, safe='')}@127.0.0.1:9/metering?connect_timeout=2"
    done = run_on_samples(
        tmp_path, "run", "--source", "metering", "--feed", "meters", "--instance", "brest",
        GOROD_ORIGIN="mirror", GOROD_METERING_BREST_DSN=dsn,
    )  # fmt: skip
    assert done.returncode != 0 and "127.0.0.1:9" in done.stdout + done.stderr
    assert leaks(tmp_path, done.stdout + done.stderr, PASSWORD, dsn) == []


def test_a_leak_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "one.log").write_bytes(b"... " + base64.b64encode(PASSWORD.encode()))
    assert leaks(tmp_path, f"user {TOKEN}", TOKEN, PASSWORD) == ["logs/one.log", "what was printed"]
