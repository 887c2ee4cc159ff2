"""A connection to an SFTP host: only known hosts, shared by its users, retried, with its errors translated."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paramiko
from paramiko.ssh_exception import AuthenticationException, BadHostKeyException, SSHException

from pipelines.connectors.environment import secrets, without
from pipelines.connectors.http_retry import RetryPolicy, TransientError
from pipelines.declarations.sftp import SftpOrigin
from pipelines.errors import OriginError
from pipelines.signs import printable

HOW_TO_REPAIR = "Correct it there, or put the file into the drop folder; everything else continues meanwhile."


class _UnknownHostError(SSHException):
    """The host's key is not known."""


class _Refuse(paramiko.MissingHostKeyPolicy):
    def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:  # noqa: ARG002 - as paramiko calls it
        """Refuse hosts that are not known."""
        raise _UnknownHostError


@dataclass
class Session:
    """A connection with several users: open as long as one of them needs it."""

    host: str
    port: int
    known_hosts: Path
    login: dict[str, str] = field(repr=False)
    variables: str
    policy: RetryPolicy
    users: int = 0
    client: paramiko.SSHClient | None = None
    sftp: paramiko.SFTPClient | None = None
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @property
    def address(self) -> str:
        """``sftp://host``, with the port if it is not 22."""
        return f"sftp://{self.host}" + (f":{self.port}" if self.port != 22 else "")

    @contextmanager
    def opened(self) -> Iterator[paramiko.SFTPClient]:
        """The connection, reopened if it is lost.

        Raises:
            OriginError: the host cannot be reached, has another key than expected, or refuses the login.
        """
        with self.lock:
            self.users += 1
            try:
                yield self._connected()
            finally:
                self.users -= 1
                if self.users == 0:
                    self._close()

    def _connected(self) -> paramiko.SFTPClient:
        transport = self.client.get_transport() if self.client else None
        if self.sftp is None or transport is None or not transport.is_active():
            self._close()
            try:
                self.policy.retrying()(self._connect)
            except TransientError as error:
                self._close()
                raise self.unreachable(error) from None
            except BaseException:
                self._close()
                raise
        assert self.sftp is not None
        return self.sftp

    def _connect(self) -> None:
        self._close()
        self.client = client = paramiko.SSHClient()
        client.set_missing_host_key_policy(_Refuse())
        seconds = self.policy.connect_s
        try:
            client.load_host_keys(str(self.known_hosts))
        except (OSError, SSHException, ValueError) as error:
            raise OriginError(
                f"{self.address}: the file of known hosts cannot be read ({type(error).__name__})",
                "Set the variable that known_hosts of the origin names to the path of a readable file.",
            ) from None
        try:
            client.connect(
                self.host, self.port, username=self.login["user"], password=self.login.get("password"),
                key_filename=self.login.get("key"), passphrase=self.login.get("key_password"),
                timeout=seconds, banner_timeout=seconds, auth_timeout=seconds, channel_timeout=seconds,
                allow_agent=False, look_for_keys=False,
            )  # fmt: skip
            self.sftp = client.open_sftp()
            self.sftp.get_channel().settimeout(self.policy.read_s)  # type: ignore[union-attr]
        except _UnknownHostError:
            raise OriginError(
                f"{self.address}: the host is not among the known hosts",
                f"Get its key from its owner by another channel, and add it to the file of known hosts ({self._known_as}).",
            ) from None
        except BadHostKeyException:
            raise OriginError(
                f"{self.address}: the host's key is not the known one; nothing was sent to it",
                f"Ask its owner whether the key was changed; then correct it in the file of known hosts ({self._known_as}).",
            ) from None
        except (AuthenticationException, paramiko.PasswordRequiredException):
            raise OriginError(
                f"{self.address}: the login is refused", f"Set {self.variables} to a valid login."
            ) from None
        except (SSHException, OSError, EOFError) as error:
            if self.login.get("key") and not Path(self.login["key"]).is_file():
                raise OriginError(
                    f"{self.address}: the private key cannot be read",
                    f"Set {self.variables} to the path of a readable file.",
                ) from None
            raise TransientError(self._words(error)) from None
        except ValueError:
            raise OriginError(
                f"{self.address}: the private key cannot be used",
                f"Set {self.variables} to a valid key and its passphrase.",
            ) from None

    @property
    def _known_as(self) -> str:
        return self.host if self.port == 22 else f"as [{self.host}]:{self.port}"

    def _words(self, error: BaseException) -> str:
        if isinstance(error, socket.gaierror):
            return "the host name cannot be resolved"
        if isinstance(error, TimeoutError):
            return "timed out"
        text = printable(without(str(error), self.login.values()))[:200]
        return f"the connection fails ({type(error).__name__}{': ' if text else ''}{text})"

    @contextmanager
    def handle_errors(self, path: str) -> Iterator[None]:
        """Translate errors of a path.

        Raises:
            OriginError: a person has to act.
            TransientError: the connection broke off.
        """
        try:
            yield
        except (FileNotFoundError, PermissionError) as error:
            what = "is not there" if isinstance(error, FileNotFoundError) else "cannot be read: no permission"
            raise OriginError(f"{self.address}: {printable(path)} {what}", HOW_TO_REPAIR) from None
        except (SSHException, OSError, EOFError) as error:
            with suppress(Exception):
                self._close()
            raise TransientError(self._words(error)) from None

    def listing(self, folder: str) -> dict[str, paramiko.SFTPAttributes]:
        """The entries of a folder, by name, in order.

        Raises:
            OriginError: it cannot be listed.
        """

        def once() -> list[paramiko.SFTPAttributes]:
            with self.opened() as sftp, self.handle_errors(folder):
                return sftp.listdir_attr(folder)

        try:
            entries = self.policy.retrying()(once)
        except TransientError as error:
            raise self.unreachable(error) from None
        return {entry.filename: entry for entry in sorted(entries, key=lambda entry: entry.filename)}

    def unreachable(self, error: TransientError) -> OriginError:
        """The error to raise when all tries have failed."""
        return OriginError(
            f"{self.address}: {error}, {self.policy.tries} times in a row",
            "Check that the host can be reached from here; the next run tries again.",
        )

    def _close(self) -> None:
        client, self.client, self.sftp = self.client, None, None
        if client is not None:
            client.close()


def session_of(origin: SftpOrigin, instance: str) -> Session:
    """The connection to the host of one instance, not yet opened.

    Raises:
        OriginError: a secret is missing.
    """
    named = {
        "user": origin.user,
        "password": origin.password,
        "key": origin.key,
        "key_password": origin.key_password,
        "known_hosts": origin.known_hosts,
    }
    given = {role: name for role, name in named.items() if name is not None}
    login = dict(
        zip(given, secrets(given.values(), instance, "user, password, key, known_hosts"), strict=True)
    )
    known_hosts = Path(login.pop("known_hosts"))
    return Session(
        host=origin.host.replace("{instance}", instance),
        port=origin.port,
        known_hosts=known_hosts,
        login=login,
        variables=", ".join(name for role, name in given.items() if role != "known_hosts"),
        policy=RetryPolicy(tries=origin.tries, connect_s=origin.connect_s, read_s=origin.read_s),
    )
