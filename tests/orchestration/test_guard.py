"""The guard before Dagster's UI: who has the token and comes from the UI's own pages, and nobody else."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from pipelines.orchestration.guard import COOKIE, Guard

HERE = "127.0.0.1:3000"
TOKEN = "not-a-real-token"
HAS_IT = {"cookie": f"{COOKIE}={TOKEN}"}
JSON = {"content-type": "application/json"}


async def _socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("in")
    await websocket.close()


@pytest.fixture(scope="module")
def ui() -> TestClient:
    """An application behind the guard that answers everything with «in»."""
    routes = [
        WebSocketRoute("/graphql", _socket),
        Route("/{path:path}", lambda _: PlainTextResponse("in"), methods=["GET", "POST", "PUT", "HEAD"]),
    ]
    guarded = Guard(Starlette(routes=routes), TOKEN, frozenset({HERE, "gorod.example"}))
    return TestClient(guarded, base_url=f"http://{HERE}", follow_redirects=False)


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/", {}),
        ("GET", "/runs", {"sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}),
        ("GET", "/runs", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}),
        ("POST", "/graphql", {**JSON, "origin": f"http://{HERE}", "sec-fetch-site": "same-origin"}),
        ("POST", "/graphql", {"content-type": "application/json; charset=utf-8"}),
        ("GET", "/", {"host": "GOROD.example"}),
    ],
)  # fmt: skip
def test_who_belongs_here_is_let_in(
    ui: TestClient, method: str, path: str, headers: Mapping[str, str]
) -> None:
    assert ui.request(method, path, headers={**HAS_IT, **headers}).text == "in"
    without = ui.request(method, path, headers=headers)
    assert (without.status_code, without.text != "in") == (401, True)
    bearer = ui.request(method, path, headers={"authorization": f"Bearer {TOKEN}", **headers})
    assert bearer.text == "in"


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        # a page of another site: a form, an image, fetch, with GraphQL in the address or in the body
        ("GET", "/graphql?query={version}", {}, 405),
        ("GET", "/graphql/?query={version}", {}, 405),
        ("HEAD", "/graphql?query={version}", {}, 405),
        ("POST", "/graphql", {"content-type": "application/x-www-form-urlencoded"}, 415),
        ("POST", "/graphql", {"content-type": "text/plain"}, 415),
        ("POST", "/graphql", {"content-type": "multipart/form-data; boundary=x"}, 415),
        ("POST", "/graphql", {}, 415),
        ("PUT", "/report_asset_materialization/x", {"content-type": "text/plain"}, 415),
        ("POST", "/graphql", {**JSON, "origin": "https://evil.example"}, 403),
        ("POST", "/graphql", {**JSON, "origin": "null"}, 403),
        ("POST", "/graphql", {**JSON, "origin": f"http://{HERE}.evil.example"}, 403),
        ("POST", "/graphql", {**JSON, "origin": "http://127.0.0.1:3001"}, 403),
        ("POST", "/graphql", {**JSON, "sec-fetch-site": "cross-site"}, 403),
        ("GET", "/runs", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}, 403),
        ("GET", "/runs", {"sec-fetch-site": "same-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}, 403),
        # a name that an attacker lets point to the loopback interface
        ("POST", "/graphql", {**JSON, "host": "evil.example:3000", "origin": "http://evil.example:3000"}, 421),
        ("GET", "/", {"host": "127.0.0.1:3001"}, 421),
        ("GET", "/", {"host": ""}, 421),
        # no token, half a token, another
        ("GET", "/", {"cookie": f"{COOKIE}={TOKEN[:-1]}"}, 401),
        ("GET", "/", {"cookie": f"{COOKIE}="}, 401),
        ("GET", "/", {"cookie": "a=\"; " + COOKIE}, 401),
        ("GET", "/", {"cookie": "", "authorization": f"Basic {TOKEN}"}, 401),
        ("POST", f"/graphql?token={TOKEN}", {**JSON, "cookie": ""}, 401),
        ("GET", "/?token=%D1%8F", {"cookie": ""}, 401),
    ],
)  # fmt: skip
def test_a_forged_request_is_refused_even_with_the_cookie(
    ui: TestClient, method: str, path: str, headers: Mapping[str, str], status: int
) -> None:
    refused = ui.request(method, path, headers={**HAS_IT, **headers})
    assert refused.status_code == status
    assert refused.text != "in"
    assert TOKEN not in refused.text


def test_the_address_that_is_shown_lets_in_and_leaves_no_token_in_the_history(ui: TestClient) -> None:
    entered = ui.get(f"/runs?token={TOKEN}&tab=all")
    assert (entered.status_code, entered.headers["location"]) == (303, "/runs?tab=all")
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert ui.get("/runs", headers={"cookie": cookie.split(";")[0]}).text == "in"
    elsewhere = ui.get(f"http://{HERE}//evil.example/?token={TOKEN}").headers["location"]
    assert elsewhere == "/evil.example/"


@pytest.mark.parametrize(
    ("headers", "is_in"),
    [
        ({**HAS_IT, "origin": f"http://{HERE}"}, True),
        ({**HAS_IT, "origin": "https://evil.example"}, False),
        ({"origin": f"http://{HERE}"}, False),
        ({**HAS_IT, "host": "evil.example:3000"}, False),
    ],
)
def test_a_socket_is_held_to_the_same(ui: TestClient, headers: Mapping[str, str], is_in: bool) -> None:
    asked = {"host": HERE, **headers}
    if is_in:
        with ui.websocket_connect("/graphql", headers=asked) as socket:
            assert socket.receive_text() == "in"
        return
    with pytest.raises(WebSocketDisconnect), ui.websocket_connect("/graphql", headers=asked):
        pass
