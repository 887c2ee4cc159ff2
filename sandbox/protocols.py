"""The other ways in which systems deliver, as real servers on loopback: SFTP, a PostgreSQL replica, MQTT, a mailbox, a folder.

Each is filled with invented data of the source that reads it, and says by which variables Gorod finds it. What needs a
program that this machine lacks (Debian's mosquitto, dovecot-imapd) is left out, and said so.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import psycopg
import trustme

from sandbox import broker, mailbox, metering, postgres, sftp
from sandbox.cities import CITIES
from sandbox.samples.metering import as_parquet, meters

DAYS = 7
LATE_S = 30.0
SLOW_S = 3.0
USER, PASSWORD = "gorod@sandbox.invalid", "password of the sandbox"


@dataclass(frozen=True)
class Served:
    """A running server: its address for people, and the variables that lead Gorod to it."""

    address: str
    variables: Mapping[str, str]


@dataclass(frozen=True)
class Protocol:
    """A server that ``gorod sandbox up`` starts; ``faults`` are those that mean something for it."""

    title: str
    serve: Callable[[Path, float, str | None], AbstractContextManager[Served]]
    faults: tuple[str, ...] = ()
    is_installed: Callable[[], bool] = lambda: True


def _days() -> tuple[date, date]:
    """The week before today."""
    return date.today() - timedelta(days=DAYS), date.today() - timedelta(days=1)


@contextmanager
def _sftp(folder: Path, scale: float, fault: str | None) -> Iterator[Served]:
    first, last = _days()
    with sftp.running(folder / "files") as host:
        out = host.root / "out" / "barysau"
        metering.put_files(out, CITIES["barysau"], first, last, scale)
        for path in out.iterdir():
            host.put(str(path.relative_to(host.root)), path.read_bytes())
        newest = out / f"readings-{last}.parquet"
        whole = newest.read_bytes()
        match fault:
            case "slow":
                host.always_on_read = lambda: time.sleep(SLOW_S)
            case "drop":
                host.on_read.append(host.drop)
            case "corrupt":
                host.put(str(newest.relative_to(host.root)), whole[: len(whole) // 2])
            case "late":
                newest.unlink()
                _later(lambda: host.put(str(newest.relative_to(host.root)), whole))
        known = host.known_hosts(folder / "known_hosts")
        yield Served(
            f"sftp://127.0.0.1:{host.port}",
            {
                "GOROD_METERING_SFTP": f"127.0.0.1:{host.port}", "GOROD_METERING_KNOWN_HOSTS": str(known),
                "GOROD_METERING_BARYSAU_USER": sftp.USER, "GOROD_METERING_BARYSAU_PASSWORD": sftp.PASSWORD,
                "GOROD_METERING_SYNTHETIC": "1",
            },
        )  # fmt: skip


@contextmanager
def _replica(folder: Path, scale: float, fault: str | None) -> Iterator[Served]:
    first, last = _days()
    # its own user has to reach the folder
    folder.chmod(0o755)
    with postgres.running(folder / "replica", durable=False) as server:
        dsn = server.dsn("postgres")
        with psycopg.connect(dsn, autocommit=True) as session:
            metering.fill(session, CITIES["brest"], first, last, scale)
            if fault == "late":
                session.execute(
                    "create table metering.held as select * from metering.hourly_readings where false"
                )
                session.execute(
                    "with gone as (delete from metering.hourly_readings where hour_started_at >= %s returning *) "
                    "insert into metering.held select * from gone", [last],
                )  # fmt: skip

        def release() -> None:
            with psycopg.connect(dsn, autocommit=True) as session:
                session.execute("insert into metering.hourly_readings select * from metering.held")

        def restart() -> None:
            server.stop("immediate")
            server.start()

        if fault == "late":
            _later(release)
        if fault == "drop":
            _later(restart)
        yield Served(dsn, {"GOROD_METERING_BREST_DSN": dsn, "GOROD_METERING_SYNTHETIC": "1"})


@contextmanager
def _mqtt(folder: Path, scale: float, fault: str | None) -> Iterator[Served]:  # noqa: ARG001 - all are called alike
    with broker.running(folder, "gorod-sandbox", PASSWORD) as found:
        yield Served(
            f"mqtts://127.0.0.1:{found.port}",
            {
                "GOROD_SANDBOX_MQTT": f"127.0.0.1:{found.port}", "GOROD_SANDBOX_MQTT_USER": found.user,
                "GOROD_SANDBOX_MQTT_PASSWORD": found.password, "GOROD_SANDBOX_MQTT_CA": str(found.authority),
            },
        )  # fmt: skip


@contextmanager
def _imap(folder: Path, scale: float, fault: str | None) -> Iterator[Served]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    with mailbox.running(folder, authority, USER, PASSWORD) as (mail, port):
        box = mailbox.emptied(mail, port, USER)
        content = as_parquet(meters(CITIES["barysau"], scale))
        _, last = _days()
        box.deliver((f"meters-{last:%Y-%m}.parquet", content[:-100] if fault == "corrupt" else content))
        yield Served(
            f"imaps://127.0.0.1:{port}",
            {
                "GOROD_SANDBOX_IMAP": f"127.0.0.1:{port}", "GOROD_SANDBOX_IMAP_USER": USER,
                "GOROD_SANDBOX_IMAP_PASSWORD": PASSWORD, "GOROD_SANDBOX_IMAP_CA": str(folder / "ca.pem"),
            },
        )  # fmt: skip


@contextmanager
def _folder(folder: Path, scale: float, fault: str | None) -> Iterator[Served]:
    root = folder / "drop"
    root.mkdir()
    _, last = _days()
    content = as_parquet(meters(CITIES["brest"], scale))
    path = root / f"meters-{last:%Y-%m}.parquet"

    def put() -> None:
        path.write_bytes(content[:-100] if fault == "corrupt" else content)

    if fault == "late":
        _later(put)
    else:
        put()
    yield Served(str(root), {"GOROD_SANDBOX_DROP": str(root)})


def _later(do: Callable[[], object]) -> None:
    timer = threading.Timer(LATE_S, do)
    timer.daemon = True
    timer.start()


PROTOCOLS: Mapping[str, Protocol] = {
    "sftp": Protocol(
        "Files of a supplier, SFTP (metering, Borisov)", _sftp, ("slow", "drop", "corrupt", "late")
    ),
    "replica": Protocol(
        "Replica of a metering system, PostgreSQL (metering, Brest)", _replica, ("drop", "late")
    ),
    "mqtt": Protocol("Broker of sensors, MQTT", _mqtt, (), broker.is_installed),
    "imap": Protocol("Mailbox of deliveries, IMAP", _imap, ("corrupt",), mailbox.is_installed),
    "drop": Protocol("Folder with a delivery", _folder, ("corrupt", "late")),
}


def serve(stack: ExitStack, name: str, scale: float, fault: str | None) -> Served:
    """Start one of them until the stack ends; its files are in a folder that is removed then."""
    # the path of a socket has at most 108 bytes
    folder = Path(
        stack.enter_context(tempfile.TemporaryDirectory(prefix="gorod-sandbox-", ignore_cleanup_errors=True))
    )
    folder.chmod(0o755)
    return stack.enter_context(PROTOCOLS[name].serve(folder, scale, fault))
