"""Attachments by mail: a real Dovecot on loopback, with a certificate; who may send is declared, and looking changes nothing."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import trustme

from pipelines import connectors
from pipelines.declarations.sources import Source
from pipelines.errors import OriginError
from pipelines.settings import Settings
from tests.formats.reading import NAMES

DOVECOT = shutil.which("dovecot") or "/usr/sbin/dovecot"
pytestmark = pytest.mark.skipif(not Path(DOVECOT).exists(), reason="needs Debian's dovecot-imapd")
USER, PASSWORD = "gorod@city.invalid", "s3cret of the mailbox"


class Mailbox:
    """A mailbox of a running server: mails are delivered as files of its Maildir."""

    def __init__(self, root: Path, port: int) -> None:
        self.root, self.port, self.number = root, port, 0

    def deliver(
        self,
        *attachments: tuple[str, bytes],
        sender: str = "Отдел учёта <data@brest.invalid>",
        results: str = "",
    ) -> None:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = sender, USER, "Показания"
        mail["Message-ID"] = f"<{self.number}@brest.invalid>"
        if results:
            mail["Authentication-Results"] = results
        mail.set_content("Добрый день!")
        for name, content in attachments:
            mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
        self.number += 1
        (self.root / "new" / f"{1_700_000_000 + self.number}.{self.number}.host").write_bytes(mail.as_bytes())

    def files(self, folder: str = "") -> list[str]:
        """Where mails lie, with their flags: ``new`` before anybody looked, ``cur/….:2,S`` seen."""
        root = self.root / f".{folder}" if folder else self.root
        return sorted(path.name.partition(":")[2] for path in root.glob("cur/*")) + [
            "new" for _ in root.glob("new/*")
        ]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def dovecot(authority: trustme.CA) -> Iterator[tuple[Path, int]]:
    # the path of a socket has at most 108 bytes
    with TemporaryDirectory(prefix="dovecot-", dir="/tmp") as folder:
        yield from _serve(Path(folder), authority)


def _serve(folder: Path, authority: trustme.CA) -> Iterator[tuple[Path, int]]:
    folder.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mine = authority.issue_cert("127.0.0.1")
    mine.private_key_pem.write_to_path(str(folder / "key.pem"))
    mine.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    mail = folder / "mail"
    (folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
    uid, gid = os.getuid() or 65534, os.getgid() or 65534
    (folder / "dovecot.conf").write_text(
        f"""
base_dir = {folder}/run
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
mail_location = maildir:{mail}/%n
first_valid_uid = 1
default_internal_user = {"dovecot" if os.getuid() == 0 else os.getlogin()}
service imap-login {{
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
  }}
  chroot =
}}
service anvil {{
  chroot =
  # else logins are held back for a while after one that was refused
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={mail}/%n
}}
"""
    )
    process = subprocess.Popen([DOVECOT, "-F", "-c", str(folder / "dovecot.conf")])
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        else:
            pytest.fail((folder / "log").read_text())
        yield mail, port
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def mailbox(
    dovecot: tuple[Path, int], authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Mailbox:
    mail, port = dovecot
    shutil.rmtree(mail, ignore_errors=True)
    root = mail / "gorod"
    for folder in (root, root / ".Done"):
        for part in ("cur", "new", "tmp"):
            (folder / part).mkdir(parents=True)
    (root / "subscriptions").write_text("Done\n")
    if os.getuid() == 0:
        for path in (mail, *mail.rglob("*")):
            os.chown(path, 65534, 65534)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("GOROD_MAIL_CA", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("GOROD_MAIL_USER", USER)
    monkeypatch.setenv("GOROD_MAIL_PASSWORD", PASSWORD)
    return Mailbox(root, port)


def source(mailbox: Mailbox, **origin: Any) -> Source:
    declared = {
        "kind": "imap", "host": "127.0.0.1", "port": mailbox.port, "user": "GOROD_MAIL_USER", "password": "GOROD_MAIL_PASSWORD",
        "tls": {"ca": "GOROD_MAIL_CA"}, "senders": {"brest": ["@brest.invalid"]}, "timeout_s": 20, **origin,
    }  # fmt: skip
    feed = {
        "title": NAMES, "description": "a", "cadence": "monthly", "origins": {"mirror": declared}, "format": {"kind": "csv"},
        "file_pattern": r"показания-(?P<period>\d{4}-\d{2})\.csv", "columns": {"a": {"type": "text", "description": "a"}},
    }  # fmt: skip
    return Source.model_validate(
        {
            "source": "meters", "title": NAMES, "owner": "a", "feeds": {"readings": feed},
            "public_origin": {"address": "a", "licence": "a", "attribution": "a"},
            "instances": {"brest": {"title": NAMES, "ref_area": "BY"}},
        }
    )  # fmt: skip


def offers(declared: Source, tmp_path: Path) -> list[Any]:
    return list(connectors.candidates(declared, "readings", Settings(home=tmp_path, origin="mirror")))


def test_an_attachment_is_taken_and_its_mail_put_aside_when_all_is_in_the_ledger(
    mailbox: Mailbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    content = bytes(range(256)) * 300
    mailbox.deliver(
        ("показания-2026-10.csv", content), ("показания-2026-11.csv", b"2"), ("подпись.png", b"3")
    )
    declared = source(mailbox, done="Done")
    october, november = offers(declared, tmp_path)
    assert (october.slice.key, november.slice.key) == ("2026-10", "2026-11")
    october.fetch(tmp_path)
    assert (tmp_path / "показания-2026-10.csv").read_bytes() == content
    # looking has changed nothing: the mail is not even seen
    assert not any("S" in flags for flags in mailbox.files())
    october.remove("sha")
    assert mailbox.files("Done") == []
    november.remove("sha")
    assert mailbox.files() == [] and [flags for flags in mailbox.files("Done") if "S" in flags]
    assert offers(declared, tmp_path) == []
    assert not any(secret in caplog.text + repr([october, october.fetch]) for secret in (PASSWORD, USER))


def test_without_a_folder_a_mail_is_marked_as_seen(mailbox: Mailbox, tmp_path: Path) -> None:
    mailbox.deliver(("показания-2026-10.csv", b"1"))
    (candidate,) = offers(source(mailbox), tmp_path)
    candidate.remove("sha")
    assert mailbox.files() == ["2,S"] and offers(source(mailbox), tmp_path) == []


def test_mails_of_others_are_left(mailbox: Mailbox, tmp_path: Path) -> None:
    for sender in (
        "a@gomel.invalid",
        "data@brest.invalid.example",
        "x@notbrest.invalid",
        "data@brest.invalid, a@gomel.invalid",
    ):
        mailbox.deliver(("показания-2026-10.csv", b"1"), sender=sender)
    assert offers(source(mailbox), tmp_path) == []
    mailbox.deliver(("показания-2026-10.csv", b"1"), sender="DATA@BREST.invalid")
    assert len(offers(source(mailbox), tmp_path)) == 1
    assert len(offers(source(mailbox, senders={"brest": ["a@gomel.invalid"]}), tmp_path)) == 1


@pytest.mark.parametrize(
    ("results", "taken"),
    [
        ("mx.city.invalid; spf=pass; dmarc=pass header.from=brest.invalid", 1),
        ("mx.city.invalid; dmarc=fail", 0),
        ("mx.evil.invalid; dmarc=pass", 0),
        ("", 0),
    ],
)
def test_only_the_trusted_server_says_who_sent_it(
    results: str, taken: int, mailbox: Mailbox, tmp_path: Path
) -> None:
    mailbox.deliver(("показания-2026-10.csv", b"1"), results=results)
    assert len(offers(source(mailbox, trusted_by="mx.city.invalid"), tmp_path)) == taken


def test_one_mail_amiss_stops_no_other(mailbox: Mailbox, tmp_path: Path) -> None:
    mailbox.deliver(("показания-2026-99.csv", b"1"))
    mailbox.deliver(("показания-2026-10.csv", b"1"))
    taken: list[Any] = []
    with pytest.raises(OriginError, match="is not a period"):
        taken.extend(
            connectors.candidates(source(mailbox), "readings", Settings(home=tmp_path, origin="mirror"))
        )
    assert [candidate.slice.key for candidate in taken] == ["2026-10"]


@pytest.mark.parametrize(
    ("variable", "value", "changes", "said"),
    [
        ("GOROD_MAIL_PASSWORD", "wrong password", {}, "the login is refused"),
        ("GOROD_MAIL_USER", "", {}, "has no GOROD_MAIL_USER"),
        ("GOROD_X", "", {"folder": "Входящие"}, "has no folder"),
        ("GOROD_X", "", {"port": 1}, "does not answer"),
        ("GOROD_X", "", {"tls": {}}, "no secure connection"),
    ],
)
def test_what_the_server_refuses_is_told_without_secrets(
    variable: str, value: str, changes: dict[str, Any], said: str, mailbox: Mailbox, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv(variable, value)
    with pytest.raises(OriginError, match=said) as caught:
        offers(source(mailbox, **changes), tmp_path)
    assert not any(secret in str(caught.value) + caplog.text for secret in (PASSWORD, USER, "wrong password"))
