"""Files by SFTP, from a real server of another make on loopback, that fails in every way."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
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
from sandbox import sftp
from sandbox.sftp import LONG_AGO, Host

USER, PASSWORD = "meters-brest", "s3cret of the meters"
OTHER_KEY = asyncssh.generate_private_key("ssh-ed25519")
CLIENT_KEY = asyncssh.generate_private_key("ssh-ed25519")
# few rounds: a test's key needs no protection
LOCKED_KEY = CLIENT_KEY.export_private_key("openssh", passphrase=PASSWORD, rounds=1)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    (tmp_path / "id").write_bytes(LOCKED_KEY)
    with sftp.running(tmp_path / "machine", {USER: PASSWORD}, CLIENT_KEY) as given:
        (given.root / "out" / "brest").mkdir(parents=True)
        monkeypatch.setenv("GOROD_METERS_BREST_USER", USER)
        monkeypatch.setenv("GOROD_METERS_PASSWORD", PASSWORD)
        monkeypatch.setenv("GOROD_METERS_KEY", str(tmp_path / "id"))
        monkeypatch.setenv("GOROD_METERS_HOSTS", str(given.known_hosts(tmp_path / "known_hosts")))
        connector._first_seen.clear()
        yield given


def source(machine: Host, **origin: Any) -> Source:
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
    login: dict[str, Any], machine: Host, tmp_path: Path, caplog: pytest.LogCaptureFixture
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
    machine: Host, tmp_path: Path, caplog: pytest.LogCaptureFixture
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


def test_a_clock_that_is_ahead_does_not_hold_a_file_for_ever(machine: Host, tmp_path: Path) -> None:
    machine.put("out/brest/meters-2026-11-01.csv", changed=time.time() + 86_400)
    assert offers(source(machine), tmp_path, quiet_s=0.2) == []
    time.sleep(0.25)
    assert len(offers(source(machine), tmp_path, quiet_s=0.2)) == 1


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_file_that_changes_is_left_for_the_next_run(when: str, machine: Host, tmp_path: Path) -> None:
    path = machine.put("out/brest/meters-2026-11-01.csv", b"1" * 100_000)
    (candidate,) = offers(source(machine), tmp_path)
    if when == "before":
        path.write_bytes(b"2")
    else:
        machine.on_read.append(lambda: path.open("ab").write(b"3"))
    with pytest.raises(ChangingError, match="is being written"):
        candidate.fetch(tmp_path)
    assert not (tmp_path / "meters-2026-11-01.csv").exists()


def test_a_connection_that_breaks_off_is_made_anew(machine: Host, tmp_path: Path) -> None:
    machine.put("out/brest/meters-2026-11-01.csv", b"12345")
    (candidate,) = offers(source(machine), tmp_path)

    machine.on_read.append(machine.drop)
    candidate.fetch(tmp_path)
    assert (tmp_path / "meters-2026-11-01.csv").read_bytes() == b"12345" and machine.reads == 2


def test_a_connection_that_breaks_off_while_the_folder_is_listed(machine: Host, tmp_path: Path) -> None:
    machine.put("out/brest/meters-2026-11-01.csv")
    machine.on_list.append(machine.drop)
    (candidate,) = offers(source(machine), tmp_path)
    candidate.fetch(tmp_path)

    machine.on_list += [machine.drop] * 2
    with pytest.raises(OriginError, match=r"2 times in a row"):
        offers(source(machine), tmp_path)


def test_a_larger_file_than_declared_is_refused_unread(machine: Host, tmp_path: Path) -> None:
    path = machine.put("out/brest/meters-2026-11-01.csv")
    os.truncate(path, 20_000_001)
    os.utime(path, (LONG_AGO, LONG_AGO))
    (candidate,) = offers(source(machine), tmp_path)
    with pytest.raises(OriginError, match="larger than 20000000 bytes"):
        candidate.fetch(tmp_path)
    assert machine.reads == 0


@pytest.mark.parametrize("amiss", ["unknown", "another", "no file"])
def test_only_a_known_host_is_told_a_password(
    amiss: str, machine: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.put("out/brest/meters-2026-11-01.csv")
    known = tmp_path / "known_hosts"
    match amiss:
        case "unknown":
            known.write_text("")
        case "another":
            machine.known_hosts(known, OTHER_KEY)
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
    machine: Host,
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


def test_a_machine_that_is_not_there_is_told(machine: Host, tmp_path: Path) -> None:
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
