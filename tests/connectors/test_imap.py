"""Attachments by mail: a real Dovecot on loopback, with a certificate; who may send is declared, and looking changes nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import trustme

from pipelines import connectors
from pipelines.declarations.sources import Source
from pipelines.errors import OriginError
from pipelines.settings import Settings
from sandbox.mailbox import Mailbox, emptied, is_installed, running
from tests.formats.reading import NAMES

pytestmark = pytest.mark.skipif(not is_installed(), reason="needs Debian's dovecot-imapd")
USER, PASSWORD = "gorod@city.invalid", "s3cret of the mailbox"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def dovecot(authority: trustme.CA) -> Iterator[tuple[Path, int]]:
    # the path of a socket has at most 108 bytes
    with (
        TemporaryDirectory(prefix="dovecot-", dir="/tmp") as folder,
        running(Path(folder), authority, USER, PASSWORD) as found,
    ):
        yield found


@pytest.fixture
def mailbox(
    dovecot: tuple[Path, int], authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Mailbox:
    mail, port = dovecot
    box = emptied(mail, port, USER)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("GOROD_MAIL_CA", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("GOROD_MAIL_USER", USER)
    monkeypatch.setenv("GOROD_MAIL_PASSWORD", PASSWORD)
    return box


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
