"""Files in a folder of another machine, by SFTP: looked at by size and time, fetched when they are new and quiet.

The rules are those of the drop folder, as far as another machine can keep them: names that say "unfinished" wait, and so does
what has changed within ``GOROD_INBOX_QUIET_S``; a file that changes while it is fetched is left for the next run; links, folders
and devices are told, not followed. Nothing is removed or renamed there. Who can, writes under another name and renames: only
that is safe whatever the clocks say.
"""

from __future__ import annotations

import logging
import posixpath
import socket
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG
from typing import Any
from urllib.parse import quote

import paramiko
from paramiko.ssh_exception import AuthenticationException, BadHostKeyException, SSHException

from pipelines.connectors.drop_entries import UNFINISHED
from pipelines.connectors.environment import secrets, without
from pipelines.connectors.files import ChangingError, is_named_for, odd_name, slice_of
from pipelines.connectors.http_retry import RetryPolicy, TransientError
from pipelines.declarations.feeds import Feed
from pipelines.declarations.sftp import SftpOrigin
from pipelines.declarations.sources import Source
from pipelines.deliveries import CONFIRMATION, Candidate, LastSeen
from pipelines.errors import OriginError
from pipelines.settings import Settings
from pipelines.signs import printable

# What is asked for at once: it is in memory until it is written.
PIECE, WINDOW = 32_768, 4 << 20
GO_ON = "Put it right there, or bring the file by the drop folder; everything else goes on meanwhile."

_log = logging.getLogger(__name__)
# By address: the state in which a file was seen first, and when, by this process's own clock.
_first_seen: dict[str, tuple[str, float]] = {}


def candidates(
    source: Source,
    feed_name: str,
    feed: Feed,
    origin: SftpOrigin,
    settings: Settings,
    instances: Collection[str] | None,
    known: LastSeen,  # noqa: ARG001 - fingerprints are compared by the caller
) -> Iterator[Candidate]:
    """The files of each instance's folder that are deliveries by their name. What is amiss with one stops no other.

    Raises:
        OriginError: a secret is missing, the machine cannot be reached or trusted, or a folder or file cannot be read.
    """
    faults: list[str] = []
    for instance in source.instances:
        if (instances is not None and instance not in instances) or origin.instance not in (None, instance):
            continue
        folder = origin.path.replace("{instance}", instance)
        session = _session(origin, instance)
        try:
            with session.opened():
                found = _Folder(session, folder, session.listing(folder))
                for name in found.entries:
                    if not is_named_for(name, feed) or name.endswith(CONFIRMATION):
                        continue
                    if name.lower().endswith(UNFINISHED) or name.startswith("."):
                        continue
                    address = found.address(name)
                    try:
                        amiss = found.amiss(name) or odd_name(name)
                        covered = None if amiss else slice_of(name, feed)
                    except OriginError as error:
                        amiss, covered = error.message, None
                    if covered is None:
                        faults.append(f"{address}: {amiss}")
                        continue
                    if (left_s := found.restless(name, settings.inbox_quiet_s)) > 0:
                        _log.warning(
                            "%s: has changed just now, and is taken when it has not for %g s more",
                            address,
                            left_s,
                        )
                        continue
                    yield Candidate(
                        source=source.source,
                        feed=feed_name,
                        instance=instance,
                        slice=covered,
                        origin=address,
                        fingerprint=found.fingerprint(name),
                        synthetic=origin.synthetic,
                        fetch=_Fetch(session, folder, found.states(name), feed.max_delivery_bytes),
                    )
        except OriginError as error:
            if "{instance}" not in origin.host + origin.path:
                raise
            faults.append(str(error).replace("\n", " "))
    if faults:
        raise OriginError("\n".join(faults), GO_ON)


def _state(entry: paramiko.SFTPAttributes) -> str:
    return f"{entry.st_size}-{entry.st_mtime}"


@dataclass
class _Folder:
    """What a folder holds, by name, as it was looked at."""

    session: _Session
    folder: str
    entries: dict[str, paramiko.SFTPAttributes]

    def address(self, name: str) -> str:
        """Where a file is, without who asks."""
        return self.session.address + quote(posixpath.join("/", self.folder, name))

    def parts(self, name: str) -> list[str]:
        """A file, and its confirmation if there is one."""
        return [part for part in (name, name + CONFIRMATION) if part in self.entries]

    def amiss(self, name: str) -> str:
        """Why something is no file that can be taken, in words."""
        odd = [part for part in self.parts(name) if not S_ISREG(self.entries[part].st_mode or 0)]
        return "a link, a folder or a device, not a file: put the file itself there" if odd else ""

    def states(self, name: str) -> dict[str, str]:
        """Size and time of a file and its confirmation."""
        return {part: _state(self.entries[part]) for part in self.parts(name)}

    def fingerprint(self, name: str) -> str:
        """What changes when the file does."""
        return "+".join(self.states(name).values())

    def restless(self, name: str, quiet_s: float) -> float:
        """How many seconds more it has to stay as it is. A clock that is ahead tells nothing: then it is watched."""
        now, address, state = time.monotonic(), self.address(name), self.fingerprint(name)
        if _first_seen.get(address, ("", 0.0))[0] != state:
            _first_seen[address] = state, now
        watched_s = now - _first_seen[address][1]
        unchanged_s = min(time.time() - (self.entries[part].st_mtime or 0) for part in self.parts(name))
        return quiet_s - max(unchanged_s, watched_s)


@dataclass(frozen=True)
class _Fetch:
    """Stream a file, and its confirmation, into a folder; nothing is left there if they cannot be had as they were seen."""

    session: _Session
    folder: str
    states: dict[str, str]
    largest_bytes: int

    def __call__(self, target: Path) -> None:
        try:
            self.session.policy.retrying()(self._once, target)
        except TransientError as error:
            self._clear(target)
            raise self.session.given_up(error) from None
        except BaseException:
            self._clear(target)
            raise

    def _once(self, target: Path) -> None:
        for name, state in self.states.items():
            path = posixpath.join(self.folder, name)
            with self.session.opened() as sftp, self.session.told(path):
                with sftp.open(path, "rb") as remote, (target / name).open("wb") as out:
                    self._refuse_changed(remote.stat(), state, path)
                    size = int(state.partition("-")[0])
                    if size > self.largest_bytes:
                        raise OriginError(
                            f"{path}: the file is larger than {self.largest_bytes} bytes",
                            "If that is right, raise max_delivery_bytes of the feed.",
                        )
                    for start in range(0, size, WINDOW):
                        end = min(size, start + WINDOW)
                        pieces = [(at, min(PIECE, end - at)) for at in range(start, end, PIECE)]
                        for piece in remote.readv(pieces):
                            out.write(piece)
                    written = out.tell()
                after = sftp.lstat(path)
            self._refuse_changed(after, state, path)
            if written != size:
                raise ChangingError(
                    f"{path} is being written", "Nothing was taken of it; the next run looks again."
                )

    def _refuse_changed(self, now: paramiko.SFTPAttributes, state: str, path: str) -> None:
        if _state(now) != state:
            raise ChangingError(
                f"{path} is being written", "Nothing was taken of it; the next run looks again."
            )

    def _clear(self, target: Path) -> None:
        for name in self.states:
            (target / name).unlink(missing_ok=True)


class _UnknownHostError(SSHException):
    """The host's key stands nowhere."""


class _Refuse(paramiko.MissingHostKeyPolicy):
    def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:  # noqa: ARG002 - as paramiko calls it
        """Trust nobody who is not known."""
        raise _UnknownHostError


@dataclass
class _Session:
    """A connection that is there as long as somebody uses it; several use one."""

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
        """``sftp://host``, with the port if it is another one than usual."""
        return f"sftp://{self.host}" + (f":{self.port}" if self.port != 22 else "")

    @contextmanager
    def opened(self) -> Iterator[paramiko.SFTPClient]:
        """The connection; one that has broken off is made anew.

        Raises:
            OriginError: the machine cannot be reached, is another one than it should be, or lets nobody in.
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
                raise self.given_up(error) from None
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
                "known_hosts of the origin names a variable with its path.",
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
                f"{self.address}: the machine is not among the known hosts",
                f"Let its owner give you its key by another way, and put it there ({self._known_as}).",
            ) from None
        except BadHostKeyException:
            raise OriginError(
                f"{self.address}: the machine has another key than is known of it; nothing was sent to it",
                f"Ask its owner whether the key was changed; then mend it there ({self._known_as}).",
            ) from None
        except (AuthenticationException, paramiko.PasswordRequiredException):
            raise OriginError(
                f"{self.address}: the login is refused", f"Set {self.variables} to what is valid now."
            ) from None
        except (SSHException, OSError, EOFError) as error:
            if self.login.get("key") and not Path(self.login["key"]).is_file():
                raise OriginError(
                    f"{self.address}: the private key cannot be read",
                    f"Set {self.variables} to what is there.",
                ) from None
            raise TransientError(self._words(error)) from None
        except ValueError:
            raise OriginError(
                f"{self.address}: the private key cannot be used",
                f"Set {self.variables} to what is valid now.",
            ) from None

    @property
    def _known_as(self) -> str:
        return self.host if self.port == 22 else f"as [{self.host}]:{self.port}"

    def _words(self, error: BaseException) -> str:
        if isinstance(error, socket.gaierror):
            return "the name of the machine is not known"
        if isinstance(error, TimeoutError):
            return "the machine takes too long"
        text = printable(without(str(error), self.login.values()))[:200]
        return f"the connection fails ({type(error).__name__}{': ' if text else ''}{text})"

    @contextmanager
    def told(self, path: str) -> Iterator[None]:
        """What goes wrong with a path, in words.

        Raises:
            OriginError: somebody has to mend it.
            TransientError: the connection broke off.
        """
        try:
            yield
        except (FileNotFoundError, PermissionError) as error:
            what = "is not there" if isinstance(error, FileNotFoundError) else "cannot be read: no permission"
            raise OriginError(f"{self.address}: {printable(path)} {what}", GO_ON) from None
        except (SSHException, OSError, EOFError) as error:
            with suppress(Exception):
                self._close()
            raise TransientError(self._words(error)) from None

    def listing(self, folder: str) -> dict[str, paramiko.SFTPAttributes]:
        """What a folder holds, by name, in order.

        Raises:
            OriginError: it cannot be listed.
        """

        def once() -> list[paramiko.SFTPAttributes]:
            with self.opened() as sftp, self.told(folder):
                return sftp.listdir_attr(folder)

        try:
            entries = self.policy.retrying()(once)
        except TransientError as error:
            raise self.given_up(error) from None
        return {entry.filename: entry for entry in sorted(entries, key=lambda entry: entry.filename)}

    def given_up(self, error: TransientError) -> OriginError:
        """What is told when all tries have failed."""
        return OriginError(
            f"{self.address}: {error}, {self.policy.tries} times in a row",
            "Check that the machine can be reached from here; the next run tries again.",
        )

    def _close(self) -> None:
        client, self.client, self.sftp = self.client, None, None
        if client is not None:
            client.close()


def _session(origin: SftpOrigin, instance: str) -> _Session:
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
    return _Session(
        host=origin.host.replace("{instance}", instance),
        port=origin.port,
        known_hosts=known_hosts,
        login=login,
        variables=", ".join(name for role, name in given.items() if role != "known_hosts"),
        policy=RetryPolicy(tries=origin.tries, connect_s=origin.connect_s, read_s=origin.read_s),
    )
