"""A host with files, by SFTP: a real server (asyncssh, another make than the client) on loopback, with faults on demand."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

LONG_AGO = time.time() - 3600
USER, PASSWORD = "gorod-sandbox", "password of the sandbox"


@dataclass
class Host:
    """A running server: its files, and what goes wrong when a folder is listed or a file is read.

    ``on_list`` and ``on_read`` are called one after the other, each once; ``always_on_read`` each time.
    """

    root: Path
    key: asyncssh.SSHKey
    port: int = 0
    reads: int = 0
    on_read: list[Callable[[], Any]] = field(default_factory=list)
    on_list: list[Callable[[], Any]] = field(default_factory=list)
    always_on_read: Callable[[], Any] | None = None
    connection: Any = None

    def put(self, name: str, content: bytes = b"a;b\n1;2\n", changed: float = LONG_AGO) -> Path:
        """A file, last changed an hour ago."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (changed, changed))
        return path

    def known_hosts(self, path: Path, key: asyncssh.SSHKey | None = None) -> Path:
        """Write the file by which a client knows it; with another ``key``, by which it does not."""
        path.write_text(f"[127.0.0.1]:{self.port} {(key or self.key).export_public_key().decode()}", "utf-8")
        return path

    def drop(self) -> None:
        """Lose the connection."""
        self.connection.abort()


@contextmanager
def running(
    root: Path,
    users: Mapping[str, str] | None = None,
    client_key: asyncssh.SSHKey | None = None,
    port: int = 0,
) -> Iterator[Host]:
    """Serve the files below ``root`` to the ``users`` (with their passwords), who may also prove themselves by a key."""
    known = {USER: PASSWORD} if users is None else users
    root.mkdir(parents=True, exist_ok=True)
    host = Host(root, asyncssh.generate_private_key("ssh-ed25519"))

    class Files(asyncssh.SFTPServer):
        def __init__(self, channel: Any) -> None:
            super().__init__(channel, chroot=str(root).encode())

        def read(self, file_obj: Any, offset: int, size: int) -> Any:
            host.reads += 1
            host.connection = self.channel.get_connection()
            if host.always_on_read is not None:
                host.always_on_read()
            if host.on_read:
                host.on_read.pop(0)()
            return super().read(file_obj, offset, size)

        def scandir(self, path: bytes) -> Any:
            host.connection = self.channel.get_connection()
            if host.on_list:
                host.on_list.pop(0)()
            return super().scandir(path)

    class Login(asyncssh.SSHServer):
        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return known.get(username) == password

        def public_key_auth_supported(self) -> bool:
            return client_key is not None

        def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
            return client_key is not None and username in known and key == client_key.convert_to_public()

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1", port, server_factory=Login, server_host_keys=[host.key], sftp_factory=Files
        )

    server = asyncio.run_coroutine_threadsafe(listen(), loop).result(20)
    host.port = server.get_port()
    try:
        yield host
    finally:
        loop.call_soon_threadsafe(server.close)
        asyncio.run_coroutine_threadsafe(server.wait_closed(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
