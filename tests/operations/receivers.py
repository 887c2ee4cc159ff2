"""A mail server and a webhook on the loopback interface: they keep what they are given."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope

USER, PASSWORD = "gorod", "a password that nobody may see"


@dataclass
class Mails:
    """What a mail server took. ``authority`` is the file of the authority that its certificate is from."""

    port: int
    authority: Path
    taken: list[EmailMessage] = field(default_factory=list)
    over_tls: list[bool] = field(default_factory=list)
    refuses: bool = False


@contextmanager
def mail_server(folder: Path) -> Iterator[Mails]:
    """A server that takes mail after STARTTLS and a login alone."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    file = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    mails = Mails(0, file)

    class Handler:
        async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:  # noqa: ARG002, N802
            if mails.refuses:
                return "451 later"
            mails.over_tls.append(session.ssl is not None)
            message = message_from_bytes(envelope.content, policy=policy.default)  # type: ignore[arg-type]
            mails.taken.append(message)  # type: ignore[arg-type]
            return "250 taken"

    def knows(*given: Any) -> AuthResult:
        login = given[-1]
        is_known = (login.login, login.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=is_known, handled=False)

    controller = Controller(
        Handler(),
        hostname="localhost",
        port=0,
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=knows,
    )
    controller.port = _free_port()
    mails.port = controller.port
    controller.start()
    try:
        yield mails
    finally:
        controller.stop()


def _free_port() -> int:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@dataclass
class Hook:
    """What was posted, and what is answered."""

    address: str = ""
    taken: list[dict[str, Any]] = field(default_factory=list)
    answers: int = 200


@contextmanager
def webhook() -> Iterator[Hook]:
    """A server that takes JSON."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if hook.answers == 200:
                hook.taken.append(json.loads(body))
            self.send_response(hook.answers)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        hook.address = f"http://127.0.0.1:{server.server_port}/hook?token=a-token-that-nobody-may-see"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield hook
        finally:
            server.shutdown()
            thread.join()
