"""Files by SFTP, from a real server of another make on loopback, that fails in every way."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from pydantic import ValidationError

from pipelines import connectors
from pipelines.connectors import sftp as connector
from pipelines.connectors.files import ChangingError
from pipelines.declarations.sftp import SftpOrigin
from pipelines.declarations.sources import Source
from pipelines.errors import OriginError
from pipelines.settings import Settings

USER, PASSWORD = "meters-brest", "s3cret of the meters"
LONG_AGO = time.time() - 3600
KEY = asyncssh.generate_private_key("ssh-ed25519")
OTHER_KEY = asyncssh.generate_private_key("ssh-ed25519")
CLIENT_KEY = asyncssh.generate_private_key("ssh-ed25519")
# few rounds: a test's key needs no protection
LOCKED_KEY = CLIENT_KEY.export_private_key("openssh", passphrase=PASSWORD, rounds=1)


@dataclass
class Machine:
    """A running server: its files, and what goes wrong when a file is read."""

    root: Path
    port: int = 0
    reads: int = 0
    on_read: list[Any] = field(default_factory=list)
    on_list: list[Any] = field(default_factory=list)
    loop: asyncio.AbstractEventLoop | None = None
    connection: Any = None

    def put(self, name: str, content: bytes = b"a;b\n1;2\n", changed: float = LONG_AGO) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (changed, changed))
        return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    given = Machine(tmp_path / "machine")
    (given.root / "out" / "brest").mkdir(parents=True)

    class Files(asyncssh.SFTPServer):
        def __init__(self, channel: Any) -> None:
            super().__init__(channel, chroot=str(given.root).encode())

        def read(self, file_obj: Any, offset: int, size: int) -> Any:
            given.reads += 1
            given.connection = self.channel.get_connection()
            if given.on_read:
                given.on_read.pop(0)()
            return super().read(file_obj, offset, size)

        def scandir(self, path: bytes) -> Any:
            given.connection = self.channel.get_connection()
            if given.on_list:
                given.on_list.pop(0)()
            return super().scandir(path)

    class Login(asyncssh.SSHServer):
        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == (USER, PASSWORD)

        def public_key_auth_supported(self) -> bool:
            return True

        def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
            return username == USER and key == CLIENT_KEY.convert_to_public()

    (tmp_path / "id").write_bytes(LOCKED_KEY)
    loop = given.loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1", 0, server_factory=Login, server_host_keys=[KEY], sftp_factory=Files
        )

    server = asyncio.run_coroutine_threadsafe(listen(), loop).result(20)
    given.port = server.get_port()
    known = tmp_path / "known_hosts"
    know(known, given.port, KEY)
    monkeypatch.setenv("GOROD_METERS_BREST_USER", USER)
    monkeypatch.setenv("GOROD_METERS_PASSWORD", PASSWORD)
    monkeypatch.setenv("GOROD_METERS_KEY", str(tmp_path / "id"))
    monkeypatch.setenv("GOROD_METERS_HOSTS", str(known))
    connector._first_seen.clear()
    yield given
    loop.call_soon_threadsafe(server.close)
    asyncio.run_coroutine_threadsafe(server.wait_closed(), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def know(path: Path, port: int, key: asyncssh.SSHKey) -> None:
    path.write_text(f"[127.0.0.1]:{port} {key.export_public_key().decode()}")


def source(machine: Machine, **origin: Any) -> Source:
    names = {"ru": "а", "be": "а", "en": "a"}
    declared = {
        "kind": "sftp", "host": "127.0.0.1", "port": machine.port, "path": "/out/{instance}", "tries": 2,
        "user": "GOROD_METERS_{INSTANCE}_USER", "password": "GOROD_METERS_PASSWORD",
        "known_hosts": "GOROD_METERS_HOSTS", "connect_s": 5, "read_s": 5, **origin,
    }  # fmt: skip
    feed = {
        "title": names, "description": "a", "cadence": "daily", "origins": {"mirror": declared},
        "file_pattern": r"meters-(?P<period>[\d-]+)\.csv(\.part)?", "format": {"kind": "csv"}, "max_delivery_bytes": 20_000_000,
        "columns": {"a": {"type": "text", "description": "a"}},
    }  # fmt: skip
    return Source.model_validate(
        {
            "source": "meters", "title": names, "owner": "a", "feeds": {"readings": feed},
            "public_origin": {"address": "a", "licence": "a", "attribution": "a"},
            "instances": {"brest": {"title": names, "ref_area": "BY"}},
        }
    )  # fmt: skip


def offers(declared: Source, tmp_path: Path, quiet_s: float = 10) -> list[Any]:
    settings = Settings(home=tmp_path / "home", origin="mirror", inbox_quiet_s=quiet_s)
    return list(connectors.candidates(declared, "readings", settings))


WITH_KEY = {"password": None, "key": "GOROD_METERS_KEY", "key_password": "GOROD_METERS_PASSWORD"}


@pytest.mark.parametrize("login", [{}, WITH_KEY], ids=["password", "key"])
def test_files_come_byte_for_byte(
    login: dict[str, Any], machine: Machine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    large = os.urandom(connector.WINDOW + 100_001)  # more than is asked for at once
    machine.put("out/brest/meters-2026-11-02.csv", large)
    machine.put("out/brest/meters-2026-11-01.csv", b"")
    machine.put("out/brest/meters-2026-11-01.csv.confirm.yml", b"a: b")
    found = offers(source(machine, **login), tmp_path)
    assert [(candidate.slice.first_day.day, candidate.slice.last_day.day) for candidate in found] == [
        (1, 1),
        (2, 2),
    ]
    assert found[1].origin == f"sftp://127.0.0.1:{machine.port}/out/brest/meters-2026-11-02.csv"
    assert found[1].fingerprint == f"{len(large)}-{int(LONG_AGO)}"
    landed = tmp_path / "landed"
    landed.mkdir()
    for candidate in found:
        candidate.fetch(landed)
    assert (landed / "meters-2026-11-02.csv").read_bytes() == large
    assert (landed / "meters-2026-11-01.csv.confirm.yml").read_bytes() == b"a: b"
    assert sorted(path.name for path in (machine.root / "out/brest").iterdir()) == sorted(
        path.name for path in landed.iterdir()
    )
    assert not any(secret in caplog.text + repr(found) for secret in (PASSWORD, "s3cret"))


def test_what_is_unfinished_young_or_no_file_is_not_taken(
    machine: Machine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    machine.put("out/brest/meters-2026-11-01.csv")
    machine.put("out/brest/meters-2026-11-02.csv", changed=time.time() - 2)
    machine.put("out/brest/meters-2026-11-03.csv", changed=time.time() + 600)
    machine.put("out/brest/meters-2026-11-04.csv.part")
    machine.put("out/brest/readme.txt")
    (machine.root / "out/brest/meters-2026-11-05.csv").symlink_to("meters-2026-11-01.csv")
    (machine.root / "out/brest/meters-2026-11-06.csv").mkdir()
    machine.put("out/brest/meters-2026-99-99.csv")
    settings = Settings(home=tmp_path / "home", origin="mirror", inbox_quiet_s=10)
    taken: list[Any] = []
    with pytest.raises(OriginError) as caught:
        taken.extend(connectors.candidates(source(machine), "readings", settings))
    assert [candidate.origin[-14:] for candidate in taken] == ["2026-11-01.csv"]
    assert "11-02.csv: has just changed" in caplog.text and "11-03.csv: has just changed" in caplog.text
    told = caught.value.message.splitlines()
    assert ["11-05.csv: a link" in told[0], "11-06.csv: a link" in told[1], "not a period" in told[2]] == [
        True
    ] * 3


def test_a_clock_that_is_ahead_does_not_hold_a_file_for_ever(machine: Machine, tmp_path: Path) -> None:
    machine.put("out/brest/meters-2026-11-01.csv", changed=time.time() + 86_400)
    assert offers(source(machine), tmp_path, quiet_s=0.2) == []
    time.sleep(0.25)
    assert len(offers(source(machine), tmp_path, quiet_s=0.2)) == 1


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_file_that_changes_is_left_for_the_next_run(when: str, machine: Machine, tmp_path: Path) -> None:
    path = machine.put("out/brest/meters-2026-11-01.csv", b"1" * 100_000)
    (candidate,) = offers(source(machine), tmp_path)
    if when == "before":
        path.write_bytes(b"2")
    else:
        machine.on_read.append(lambda: path.open("ab").write(b"3"))
    with pytest.raises(ChangingError, match="is being written"):
        candidate.fetch(tmp_path)
    assert not (tmp_path / "meters-2026-11-01.csv").exists()


def test_a_connection_that_breaks_off_is_made_anew(machine: Machine, tmp_path: Path) -> None:
    machine.put("out/brest/meters-2026-11-01.csv", b"12345")
    (candidate,) = offers(source(machine), tmp_path)

    machine.on_read.append(lambda: machine.connection.abort())
    candidate.fetch(tmp_path)
    assert (tmp_path / "meters-2026-11-01.csv").read_bytes() == b"12345" and machine.reads == 2


def test_a_connection_that_breaks_off_while_the_folder_is_listed(machine: Machine, tmp_path: Path) -> None:
    machine.put("out/brest/meters-2026-11-01.csv")
    machine.on_list.append(lambda: machine.connection.abort())
    (candidate,) = offers(source(machine), tmp_path)
    candidate.fetch(tmp_path)

    machine.on_list += [lambda: machine.connection.abort()] * 2
    with pytest.raises(OriginError, match=r"2 times in a row"):
        offers(source(machine), tmp_path)


def test_a_larger_file_than_declared_is_refused_unread(machine: Machine, tmp_path: Path) -> None:
    path = machine.put("out/brest/meters-2026-11-01.csv")
    os.truncate(path, 20_000_001)
    os.utime(path, (LONG_AGO, LONG_AGO))
    (candidate,) = offers(source(machine), tmp_path)
    with pytest.raises(OriginError, match="larger than 20000000 bytes"):
        candidate.fetch(tmp_path)
    assert machine.reads == 0


@pytest.mark.parametrize("amiss", ["unknown", "another", "no file"])
def test_only_a_known_host_is_told_a_password(
    amiss: str, machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.put("out/brest/meters-2026-11-01.csv")
    known = tmp_path / "known_hosts"
    match amiss:
        case "unknown":
            known.write_text("")
        case "another":
            know(known, machine.port, OTHER_KEY)
        case _:
            monkeypatch.setenv("GOROD_METERS_HOSTS", str(tmp_path / "nowhere"))
    told = {
        "unknown": "not among the known hosts",
        "another": "is not the known one",
        "no file": "cannot be read",
    }
    with pytest.raises(OriginError, match=told[amiss]) as caught:
        offers(source(machine), tmp_path)
    assert PASSWORD not in str(caught.value) and "known" in str(caught.value)


@pytest.mark.parametrize("login", [{}, WITH_KEY], ids=["password", "key"])
def test_a_refused_login_names_the_variables_and_no_secret(
    login: dict[str, Any],
    machine: Machine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("GOROD_METERS_BREST_USER", "somebody-else")
    with pytest.raises(OriginError, match="the login is refused") as caught:
        offers(source(machine, **login), tmp_path)
    assert "GOROD_METERS_PASSWORD" in str(caught.value)
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("asyncssh")]
    assert not any(secret in f"{caught.value} {ours}" for secret in (PASSWORD, "somebody-else"))


def test_a_machine_that_is_not_there_is_told(machine: Machine, tmp_path: Path) -> None:
    with pytest.raises(OriginError, match="2 times in a row"):
        offers(source(machine, port=1), tmp_path)
    with pytest.raises(OriginError, match="/out/brest2 is not there"):
        offers(source(machine, path="/out/brest2"), tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"password": None},
        {"key": "GOROD_K"},
        {"key_password": "GOROD_K"},
        {"known_hosts": None},
        {"password": "s3cret"},
        {"host": "user@host"},
    ],
)
def test_a_declaration_says_how_it_proves_itself_and_whom_it_trusts(changes: dict[str, Any]) -> None:
    whole = {"host": "a", "path": "/", "user": "GOROD_U", "password": "GOROD_P", "known_hosts": "GOROD_H"}
    SftpOrigin.model_validate(whole)
    with pytest.raises(ValidationError):
        SftpOrigin.model_validate({**whole, **changes})
