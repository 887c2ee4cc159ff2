"""Files in a folder of another host, by SFTP: compared by size and time, fetched when they are new and quiet.

The rules of the drop folder apply as far as they can on another host: files with names of unfinished files wait, and so do
files that changed within ``GOROD_INBOX_QUIET_S``; a file that changes while it is fetched is left for the next run; links,
folders and devices are reported, not followed. Nothing is removed or renamed there. It is safest to write under another name
and then rename the file: that does not depend on clocks.
"""

from __future__ import annotations

import logging
import os
import posixpath
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from urllib.parse import quote

import paramiko

from pipelines.connectors.drop_entries import UNFINISHED
from pipelines.connectors.files import ChangingError, is_named_for, odd_name, slice_of
from pipelines.connectors.http_retry import TransientError
from pipelines.connectors.sftp_session import HOW_TO_REPAIR, Session, session_of
from pipelines.declarations.feeds import Feed
from pipelines.declarations.sftp import SftpOrigin
from pipelines.declarations.sources import Source
from pipelines.deliveries import CONFIRMATION, Candidate, LastSeen
from pipelines.errors import OriginError
from pipelines.settings import Settings

# Bytes requested at once; they are in memory until they are written.
PIECE, WINDOW = 32_768, 4 << 20

_log = logging.getLogger(__name__)
# By address: the state of a file when it was first seen, and when that was by this process's own clock.
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
    """The files of each instance's folder whose names are names of deliveries. A problem with one does not stop the others.

    Raises:
        OriginError: a secret is missing, the host cannot be reached or trusted, or a folder or file cannot be read.
    """
    faults: list[str] = []
    origin = _elsewhere(origin, source.source)
    for instance in source.instances:
        if (instances is not None and instance not in instances) or origin.instance not in (None, instance):
            continue
        folder = origin.path.replace("{instance}", instance)
        session = session_of(origin, instance)
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
                        problem = found.problem(name) or odd_name(name)
                        covered = None if problem else slice_of(name, feed)
                    except OriginError as error:
                        problem, covered = error.message, None
                    if covered is None:
                        faults.append(f"{address}: {problem}")
                        continue
                    if (left_s := found.unquiet_s(name, settings.inbox_quiet_s)) > 0:
                        _log.warning(
                            "%s: has just changed, and is taken when it has stayed unchanged for another %g s",
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
        raise OriginError("\n".join(faults), HOW_TO_REPAIR)


def _elsewhere(origin: SftpOrigin, source: str) -> SftpOrigin:
    """The origin at the host that the environment names instead: ``GOROD_<SOURCE>_SFTP=host:port``.

    Raises:
        OriginError: it names none.
    """
    name = f"GOROD_{source.upper()}_SFTP"
    if not (given := os.environ.get(name, "").strip()):
        return origin
    host, _, port = given.rpartition(":")
    if not host or not port.isdigit():
        raise OriginError(f"{name} is not a host and its port", "Write host:port.")
    return origin.model_copy(update={"host": host, "port": int(port)})


def _state(entry: paramiko.SFTPAttributes) -> str:
    return f"{entry.st_size}-{entry.st_mtime}"


@dataclass
class _Folder:
    """The entries of a folder, by name, as they were listed."""

    session: Session
    folder: str
    entries: dict[str, paramiko.SFTPAttributes]

    def address(self, name: str) -> str:
        """The address of a file, without the login."""
        return self.session.address + quote(posixpath.join("/", self.folder, name))

    def parts(self, name: str) -> list[str]:
        """A file, and its confirmation if there is one."""
        return [part for part in (name, name + CONFIRMATION) if part in self.entries]

    def problem(self, name: str) -> str:
        """Why an entry cannot be taken, in words; empty if it can."""
        odd = [part for part in self.parts(name) if not S_ISREG(self.entries[part].st_mode or 0)]
        return "a link, a folder or a device, not a file: put the file itself there" if odd else ""

    def states(self, name: str) -> dict[str, str]:
        """Size and time of a file and its confirmation."""
        return {part: _state(self.entries[part]) for part in self.parts(name)}

    def fingerprint(self, name: str) -> str:
        """Changes whenever the file does."""
        return "+".join(self.states(name).values())

    def unquiet_s(self, name: str, quiet_s: float) -> float:
        """How many seconds longer a file must stay unchanged. If the host's clock is ahead, only what was seen here counts."""
        now, address, state = time.monotonic(), self.address(name), self.fingerprint(name)
        if _first_seen.get(address, ("", 0.0))[0] != state:
            _first_seen[address] = state, now
        watched_s = now - _first_seen[address][1]
        unchanged_s = min(time.time() - (self.entries[part].st_mtime or 0) for part in self.parts(name))
        return quiet_s - max(unchanged_s, watched_s)


@dataclass(frozen=True)
class _Fetch:
    """Stream a file, and its confirmation, into a folder; nothing is left there if they are no longer as they were seen."""

    session: Session
    folder: str
    states: dict[str, str]
    largest_bytes: int

    def __call__(self, target: Path) -> None:
        try:
            self.session.policy.retrying()(self._once, target)
        except TransientError as error:
            self._clear(target)
            raise self.session.unreachable(error) from None
        except BaseException:
            self._clear(target)
            raise

    def _once(self, target: Path) -> None:
        for name, state in self.states.items():
            path = posixpath.join(self.folder, name)
            with self.session.opened() as sftp, self.session.handle_errors(path):
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
                    f"{path} is being written", "Nothing of it was taken; the next run looks again."
                )

    def _refuse_changed(self, now: paramiko.SFTPAttributes, state: str, path: str) -> None:
        if _state(now) != state:
            raise ChangingError(
                f"{path} is being written", "Nothing of it was taken; the next run looks again."
            )

    def _clear(self, target: Path) -> None:
        for name in self.states:
            (target / name).unlink(missing_ok=True)
