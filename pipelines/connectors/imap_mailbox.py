"""A mailbox, by IMAP with TLS: sessions, mails and their attachments."""

from __future__ import annotations

import base64
import email
import email.policy
import imaplib
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import getaddresses
from typing import Any
from urllib.parse import quote

from pipelines.connectors.environment import secrets, without
from pipelines.connectors.files import is_named_for, odd_name
from pipelines.connectors.tls import context_of
from pipelines.declarations.feeds import Feed
from pipelines.declarations.messages import ImapOrigin
from pipelines.errors import OriginError
from pipelines.signs import printable

HEADERS = "(UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (FROM MESSAGE-ID AUTHENTICATION-RESULTS)])"
# how much larger a mail is than its attachments, which are encoded as text
OVERHEAD = 1.5


@dataclass(frozen=True)
class Mail:
    """A mail by its number; ``key`` stays valid when the server renumbers the mailbox."""

    validity: str
    uid: str
    key: str


@dataclass(frozen=True)
class Mailbox:
    """A declared mailbox."""

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
        """``imap://host/folder``, without the login."""
        return f"imap://{self.host}{f':{self.port}' if self.port != 993 else ''}/{quote(self.folder)}"

    @contextmanager
    def opened(self, write: bool) -> Iterator[imaplib.IMAP4_SSL]:
        """A session in the folder, read-only unless ``write``.

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
                    "Check host, port and clock; declare your own certificate authority in `tls` of the origin.",
                ) from None
            raise self._unreachable(error) from None
        try:
            try:
                session.login(*self.login)
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:
                if "[UNAVAILABLE]" in str(error):  # RFC 5530: a temporary failure
                    raise imaplib.IMAP4.abort from None
                raise OriginError(
                    f"{self.address}: the login is refused", f"Set {self.variables} to a valid login."
                ) from None
            self.data(
                session.select(quoted_folder(self.folder), readonly=not write), f"has no folder {self.folder}"
            )
            yield session
        except (imaplib.IMAP4.abort, OSError, EOFError) as error:
            raise self._unreachable(error) from None
        except imaplib.IMAP4.error as error:
            message = printable(without(str(error), self.login))[:200]
            raise OriginError(
                f"{self.address}: the server refuses ({message})", "Ask its administrator."
            ) from None
        finally:
            with suppress(Exception):
                session.logout()

    def _unreachable(self, error: BaseException) -> OriginError:
        words: dict[type[BaseException], str] = {
            socket.gaierror: "the host name cannot be resolved",
            TimeoutError: "timed out",
        }
        what = words.get(type(error), type(error).__name__)
        return OriginError(
            f"{self.address}: the mail server does not answer ({what})",
            "Check that it can be reached from here; the next run tries again.",
        )

    def data(self, answer: tuple[str, list[Any]], otherwise: str) -> list[Any]:
        """The data of an answer.

        Raises:
            OriginError: the server's answer is not OK.
        """
        status, data = answer
        if status != "OK":
            raise OriginError(
                f"{self.address}: the mailbox {otherwise}", "Correct folder and done of the origin."
            )
        return data

    def mails(
        self, session: imaplib.IMAP4_SSL, senders: tuple[str, ...], largest: int, faults: list[str]
    ) -> Iterator[Mail]:
        """The unprocessed mails of these senders, oldest first."""
        validity = uid_validity(session)
        wanted = "ALL" if self.done else "UNSEEN"
        numbers = self.data(session.uid("SEARCH", wanted), "cannot be searched")[0].split()
        for number in numbers:
            uid = number.decode("ascii")
            data = self.data(session.uid("FETCH", uid, HEADERS), "cannot be read")
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
            yield Mail(validity, uid, key)

    def _is_trusted(self, mail: EmailMessage) -> bool:
        """Whether the trusted server has verified the sender. Only the topmost header that it added counts (RFC 8601, 5)."""
        if self.trusted_by is None:
            return True
        for said in map(str, mail.get_all("Authentication-Results") or ()):
            server, _, results = said.partition(";")
            if server.strip().split(" ")[0].lower() == self.trusted_by.lower():
                return re.search(r"\bdmarc\s*=\s*pass\b", results) is not None
        return False

    def attachments(
        self, session: imaplib.IMAP4_SSL, mail: Mail, feed: Feed, faults: list[str]
    ) -> Iterator[tuple[str, bytes]]:
        """Name and content of the attachments whose names are names of deliveries."""
        seen: set[str] = set()
        for part in self.whole(session, mail).walk():
            name = part.get_filename()
            if part.is_multipart() or not name or not is_named_for(name, feed):
                continue
            if "/" in name or "\\" in name or name in seen:
                problem = "the name is not a file name, or is used twice"
            else:
                problem = odd_name(name)
            if problem:
                faults.append(f"{self.address}, mail {mail.uid}, {printable(name)}: {problem}")
                continue
            seen.add(name)
            content = part.get_payload(decode=True)
            yield name, content if isinstance(content, bytes) else b""

    def whole(self, session: imaplib.IMAP4_SSL, mail: Mail) -> EmailMessage:
        """The whole mail; fetching it does not mark it as seen."""
        data = self.data(session.uid("FETCH", mail.uid, "(BODY.PEEK[])"), "cannot be read")
        content = next((part[1] for part in data if isinstance(part, tuple)), b"")
        return email.message_from_bytes(content, policy=email.policy.default)


def uid_validity(session: imaplib.IMAP4_SSL) -> str:
    """UIDVALIDITY of the folder: as long as it stays the same, mails keep their numbers."""
    given = (session.untagged_responses.get("UIDVALIDITY") or [b"0"])[-1]
    return given.decode("ascii", "replace") if isinstance(given, bytes) else "0"


def _is_from(mail: EmailMessage, senders: tuple[str, ...]) -> bool:
    """Whether a mail is from exactly one address, and that is one of these, or in one of these domains."""
    given = [address.lower() for _, address in getaddresses([str(one) for one in mail.get_all("From") or ()])]
    if len(given) != 1:
        return False
    return any(
        given[0] == one.lower() or (one.startswith("@") and given[0].endswith(one.lower())) for one in senders
    )


def quoted_folder(name: str) -> str:
    """A quoted folder name in the encoding of IMAP, modified UTF-7 (RFC 3501, 5.1.3)."""
    encoded = re.sub(
        r"[^\x20-\x7e]+",
        lambda match: "&" + _base64(match[0]) + "-",
        name.replace("&", "&-"),
    )
    return '"' + encoded.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-16-be")).decode("ascii").rstrip("=").replace("/", ",")


def mailbox_of(origin: ImapOrigin, instance: str) -> Mailbox:
    """The mailbox of one instance, not yet opened.

    Raises:
        OriginError: a secret is missing.
    """
    names = [origin.user, origin.password]
    user, password = secrets(names, instance, "user and password")
    return Mailbox(
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
