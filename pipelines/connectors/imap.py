"""Attachments of mails in a mailbox, by IMAP with TLS. Looking changes nothing: a mail is not even marked as seen.

What is taken is held against the name and the sender that were declared. The ledger knows an attachment by mailbox, mail
and name; a mail whose attachments are all in the ledger is moved, or marked as seen, and no longer looked at.
"""

from __future__ import annotations

import base64
import email
import email.policy
import imaplib
import logging
import re
import socket
import ssl
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import getaddresses
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pipelines.connectors.environment import secrets, without
from pipelines.connectors.files import is_named_for, odd_name, slice_of
from pipelines.connectors.http_access import context_of
from pipelines.declarations.feeds import Feed
from pipelines.declarations.messages import ImapOrigin
from pipelines.declarations.sources import Source
from pipelines.deliveries import Candidate, LastSeen
from pipelines.errors import OriginError
from pipelines.settings import Settings
from pipelines.signs import printable

_log = logging.getLogger(__name__)
HEADERS = "(UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (FROM MESSAGE-ID AUTHENTICATION-RESULTS)])"
# what a mail is larger than its attachments: they are written as text
OVERHEAD = 1.5


def candidates(
    source: Source,
    feed_name: str,
    feed: Feed,
    origin: ImapOrigin,
    settings: Settings,  # noqa: ARG001 - all connectors are called alike
    instances: Collection[str] | None,
    known: LastSeen,  # noqa: ARG001 - fingerprints are compared by the caller
) -> Iterator[Candidate]:
    """The attachments of mails from the senders of each instance. What is amiss with one mail stops no other.

    Raises:
        OriginError: a secret is missing, the server cannot be reached or refuses, or a mail cannot be taken.
    """
    faults: list[str] = []
    for instance in source.instances:
        if (instances is not None and instance not in instances) or instance not in origin.senders:
            continue
        box = _box(origin, instance)
        found: list[Candidate] = []
        with box.opened(write=False) as session:
            mails = list(box.mails(session, origin.senders[instance], feed.max_delivery_bytes, faults))
            for mail in mails:
                attached = []
                for name, content in box.attachments(session, mail, feed, faults):
                    try:
                        covered = slice_of(name, feed)
                    except OriginError as error:
                        faults.append(f"{box.address}, mail {mail.uid}, {printable(name)}: {error.message}")
                        continue
                    attached.append((name, covered, len(content)))
                taken = _Taken(box, mail, {name for name, _, _ in attached})
                for name, covered, size in attached:
                    candidate = Candidate(
                        source=source.source,
                        feed=feed_name,
                        instance=instance,
                        slice=covered,
                        origin=f"{box.address}/{quote(mail.key, safe='')}/{quote(name)}",
                        fingerprint=f"{mail.validity}-{mail.uid}-{size}",
                        synthetic=origin.synthetic,
                        fetch=_Fetch(box, mail, feed, name),
                        remove=taken.of(name),
                    )
                    found.append(candidate)
        yield from found
    if faults:
        raise OriginError(
            "\n".join(faults), "Ask the sender to correct it, or bring the file by the drop folder."
        )


@dataclass(frozen=True)
class _Mail:
    """A mail by its number; ``key`` outlives a mailbox that is numbered anew."""

    validity: str
    uid: str
    key: str


@dataclass(frozen=True)
class _Box:
    """A mailbox as it is declared."""

    host: str
    port: int
    folder: str
    done: str | None
    trusted_by: str | None
    timeout_s: float
    variables: str
    login: tuple[str, str] = field(repr=False)
    context: ssl.SSLContext = field(repr=False)

    @property
    def address(self) -> str:
        """``imap://host/folder``, without who asks."""
        return f"imap://{self.host}{f':{self.port}' if self.port != 993 else ''}/{quote(self.folder)}"

    @contextmanager
    def opened(self, write: bool) -> Iterator[imaplib.IMAP4_SSL]:
        """A session in the folder; it can change something only where ``write`` says so.

        Raises:
            OriginError: the server cannot be reached, or refuses.
        """
        try:
            session = imaplib.IMAP4_SSL(
                self.host, self.port, ssl_context=self.context, timeout=self.timeout_s
            )
        except (OSError, imaplib.IMAP4.error) as error:
            if isinstance(error, ssl.SSLError):
                raise OriginError(
                    f"{self.address}: no secure connection ({type(error).__name__})",
                    "Check host, port and clock; name your own certificate authority in `tls` of the origin.",
                ) from None
            raise self._unreachable(error) from None
        try:
            try:
                session.login(*self.login)
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:
                if "[UNAVAILABLE]" in str(error):  # RFC 5530: the server cannot say now
                    raise imaplib.IMAP4.abort from None
                raise OriginError(
                    f"{self.address}: the login is refused", f"Set {self.variables} to what is valid now."
                ) from None
            self.ask(session.select(_quoted(self.folder), readonly=not write), f"has no folder {self.folder}")
            yield session
        except (imaplib.IMAP4.abort, OSError, EOFError) as error:
            raise self._unreachable(error) from None
        except imaplib.IMAP4.error as error:
            told = printable(without(str(error), self.login))[:200]
            raise OriginError(f"{self.address}: the server refuses ({told})", "Ask who runs it.") from None
        finally:
            with suppress(Exception):
                session.logout()

    def _unreachable(self, error: BaseException) -> OriginError:
        words: dict[type[BaseException], str] = {
            socket.gaierror: "its name is not known",
            TimeoutError: "it takes too long",
        }
        what = words.get(type(error), type(error).__name__)
        return OriginError(
            f"{self.address}: the mail server does not answer ({what})",
            "Check that it can be reached from here; the next run tries again.",
        )

    def ask(self, answer: tuple[str, list[Any]], otherwise: str) -> list[Any]:
        """The data of an answer.

        Raises:
            OriginError: the server says no.
        """
        status, data = answer
        if status != "OK":
            raise OriginError(
                f"{self.address}: the mailbox {otherwise}", "Correct folder and done of the origin."
            )
        return data

    def mails(
        self, session: imaplib.IMAP4_SSL, senders: tuple[str, ...], largest: int, faults: list[str]
    ) -> Iterator[_Mail]:
        """The mails of these senders that have not been dealt with, oldest first."""
        validity = _validity(session)
        wanted = "ALL" if self.done else "UNSEEN"
        numbers = self.ask(session.uid("SEARCH", wanted), "cannot be searched")[0].split()
        for number in numbers:
            uid = number.decode("ascii")
            data = self.ask(session.uid("FETCH", uid, HEADERS), "cannot be read")
            parts = [part for part in data if isinstance(part, tuple)]
            if not parts:
                continue
            about, header = parts[0]
            mail = email.message_from_bytes(header, policy=email.policy.default)
            if not _is_from(mail, senders) or not self._is_trusted(mail):
                continue
            size = re.search(rb"RFC822\.SIZE (\d+)", about)
            if size and int(size[1]) > largest * OVERHEAD:
                faults.append(f"{self.address}, mail {uid}: is larger than {largest} bytes")
                continue
            key = str(mail.get("Message-ID") or "").strip() or f"{validity}-{uid}"
            yield _Mail(validity, uid, key)

    def _is_trusted(self, mail: EmailMessage) -> bool:
        """Whether the server that is trusted says that the sender is no other. Only its topmost word counts (RFC 8601, 5)."""
        if self.trusted_by is None:
            return True
        for said in map(str, mail.get_all("Authentication-Results") or ()):
            server, _, results = said.partition(";")
            if server.strip().split(" ")[0].lower() == self.trusted_by.lower():
                return re.search(r"\bdmarc\s*=\s*pass\b", results) is not None
        return False

    def attachments(
        self, session: imaplib.IMAP4_SSL, mail: _Mail, feed: Feed, faults: list[str]
    ) -> Iterator[tuple[str, bytes]]:
        """Name and content of the attachments that are deliveries by their name."""
        seen: set[str] = set()
        for part in self.whole(session, mail).walk():
            name = part.get_filename()
            if part.is_multipart() or not name or not is_named_for(name, feed):
                continue
            if "/" in name or "\\" in name or name in seen:
                problem = "the name cannot be that of a file, or stands twice"
            else:
                problem = odd_name(name)
            if problem:
                faults.append(f"{self.address}, mail {mail.uid}, {printable(name)}: {problem}")
                continue
            seen.add(name)
            content = part.get_payload(decode=True)
            yield name, content if isinstance(content, bytes) else b""

    def whole(self, session: imaplib.IMAP4_SSL, mail: _Mail) -> EmailMessage:
        """A mail; looking at it does not mark it as seen."""
        data = self.ask(session.uid("FETCH", mail.uid, "(BODY.PEEK[])"), "cannot be read")
        content = next((part[1] for part in data if isinstance(part, tuple)), b"")
        return email.message_from_bytes(content, policy=email.policy.default)


def _validity(session: imaplib.IMAP4_SSL) -> str:
    """The number of the folder's numbering: mails keep theirs as long as it stays."""
    given = (session.untagged_responses.get("UIDVALIDITY") or [b"0"])[-1]
    return given.decode("ascii", "replace") if isinstance(given, bytes) else "0"


def _is_from(mail: EmailMessage, senders: tuple[str, ...]) -> bool:
    """Whether the one address that a mail is from is one of these, or of one of these domains."""
    given = [address.lower() for _, address in getaddresses([str(one) for one in mail.get_all("From") or ()])]
    if len(given) != 1:
        return False
    return any(
        given[0] == one.lower() or (one.startswith("@") and given[0].endswith(one.lower())) for one in senders
    )


@dataclass(frozen=True)
class _Fetch:
    """Write one attachment into a folder."""

    box: _Box
    mail: _Mail
    feed: Feed
    name: str

    def __call__(self, folder: Path) -> None:
        with self.box.opened(write=False) as session:
            for name, content in self.box.attachments(session, self.mail, self.feed, []):
                if name == self.name:
                    (folder / name).write_bytes(content)
                    return
        raise OriginError(
            f"{self.box.address}, mail {self.mail.uid}: is gone, or has no attachment {printable(self.name)} any more",
            "Nothing was taken of it; the next run looks again.",
        )


@dataclass
class _Taken:
    """Which attachments of a mail are not in the ledger yet; behind the last of them the mail is put aside."""

    box: _Box
    mail: _Mail
    left: set[str]

    def of(self, name: str) -> Any:
        """What is to be done when an attachment is in the ledger."""

        def remove(sha256: str) -> None:  # noqa: ARG001 - a mail does not change
            self.left.discard(name)
            if not self.left:
                self._put_aside()

        return remove

    def _put_aside(self) -> None:
        try:
            with self.box.opened(write=True) as session:
                validity = _validity(session)
                if validity != self.mail.validity:
                    return  # numbered anew: the next run finds it, and the ledger knows it
                uid = self.mail.uid
                self.box.ask(session.uid("STORE", uid, "+FLAGS.SILENT", r"(\Seen)"), "cannot be changed")
                if self.box.done is None:
                    return
                if "MOVE" in session.capabilities:
                    self.box.ask(
                        session.uid("MOVE", uid, _quoted(self.box.done)), f"has no folder {self.box.done}"
                    )
                else:
                    self.box.ask(
                        session.uid("COPY", uid, _quoted(self.box.done)), f"has no folder {self.box.done}"
                    )
                    self.box.ask(
                        session.uid("STORE", uid, "+FLAGS.SILENT", r"(\Deleted)"), "cannot be changed"
                    )
                    session.expunge()
        except OriginError as error:
            _log.warning("mail %s landed, and cannot be put aside: %s", self.mail.uid, error.message)


def _quoted(name: str) -> str:
    """A folder's name as IMAP writes it: modified UTF-7 (RFC 3501, 5.1.3), in quotes."""
    encoded = re.sub(
        r"[^\x20-\x7e]+",
        lambda match: "&" + _base64(match[0]) + "-",
        name.replace("&", "&-"),
    )
    return '"' + encoded.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-16-be")).decode("ascii").rstrip("=").replace("/", ",")


def _box(origin: ImapOrigin, instance: str) -> _Box:
    names = [origin.user, origin.password]
    user, password = secrets(names, instance, "user and password")
    return _Box(
        host=origin.host,
        port=origin.port,
        folder=origin.folder.replace("{instance}", instance),
        done=origin.done,
        trusted_by=origin.trusted_by,
        timeout_s=origin.timeout_s,
        variables=", ".join(names),
        login=(user, password),
        context=context_of(origin.tls, instance),
    )
