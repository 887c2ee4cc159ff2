"""An MQTT broker (Debian's mosquitto) on loopback, with a certificate of its own and one user."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"


@dataclass(frozen=True)
class Broker:
    """A running broker; who logs in may read and write below ``city/``."""

    port: int
    authority: Path
    user: str
    password: str


def is_installed() -> bool:
    """Whether this machine has it."""
    return Path(MOSQUITTO).exists()


@contextmanager
def running(folder: Path, user: str, password: str, port: int = 0) -> Iterator[Broker]:
    """Run a broker that keeps nothing when it ends."""
    if not port:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    mine = authority.issue_cert("127.0.0.1")
    mine.private_key_pem.write_to_path(str(folder / "key.pem"))
    mine.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    subprocess.run(["mosquitto_passwd", "-c", "-b", str(folder / "users"), user, password], check=True)
    (folder / "acl").write_text(f"user {user}\ntopic readwrite city/#\n")
    (folder / "mosquitto.conf").write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {folder}/users\nacl_file {folder}/acl\n"
        f"certfile {folder}/cert.pem\nkeyfile {folder}/key.pem\npersistence false\nmax_queued_messages 0\nuser root\n"
    )
    process = subprocess.Popen([MOSQUITTO, "-c", str(folder / "mosquitto.conf")], stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield Broker(port, folder / "ca.pem", user, password)
    finally:
        process.terminate()
        process.wait(20)
