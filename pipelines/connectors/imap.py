"""Attachments of mails in a mailbox, by IMAP with TLS. Searching changes nothing: a mail is not even marked as seen.

Only attachments whose name and sender match the declaration are taken. The ledger identifies an attachment by mailbox, mail
and name; a mail whose attachments are all in the ledger is moved or marked as seen, and not read again.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pipelines.connectors.files import slice_of
from pipelines.connectors.imap_mailbox import Mail, Mailbox, mailbox_of, quoted_folder, uid_validity
from pipelines.declarations.feeds import Feed
from pipelines.declarations.messages import ImapOrigin
from pipelines.declarations.sources import Source
from pipelines.deliveries import Candidate, LastSeen
from pipelines.errors import OriginError
from pipelines.settings import Settings
from pipelines.signs import printable

_log = logging.getLogger(__name__)


def candidates(
    source: Source,
    feed_name: str,
    feed: Feed,
    origin: ImapOrigin,
    settings: Settings,  # noqa: ARG001 - all connectors are called alike
    instances: Collection[str] | None,
    known: LastSeen,  # noqa: ARG001 - fingerprints are compared by the caller
) -> Iterator[Candidate]:
    """The attachments of mails from the senders of each instance. A problem with one mail does not stop the others.

    Raises:
        OriginError: a secret is missing, the server cannot be reached or refuses, or a mail cannot be taken.
    """
    faults: list[str] = []
    for instance in source.instances:
        if (instances is not None and instance not in instances) or instance not in origin.senders:
            continue
        box = mailbox_of(origin, instance)
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
            "\n".join(faults), "Ask the sender to correct it, or put the file into the drop folder."
        )


@dataclass(frozen=True)
class _Fetch:
    """Write one attachment into a folder."""

    box: Mailbox
    mail: Mail
    feed: Feed
    name: str

    def __call__(self, folder: Path) -> None:
        with self.box.opened(write=False) as session:
            for name, content in self.box.attachments(session, self.mail, self.feed, []):
                if name == self.name:
                    (folder / name).write_bytes(content)
                    return
        raise OriginError(
            f"{self.box.address}, mail {self.mail.uid}: is gone, or no longer has an attachment {printable(self.name)}",
            "Nothing was taken; the next run tries again.",
        )


@dataclass
class _Taken:
    """The attachments of a mail that are not in the ledger yet; after the last one the mail is put aside."""

    box: Mailbox
    mail: Mail
    left: set[str]

    def of(self, name: str) -> Any:
        """What to do when an attachment is in the ledger."""

        def remove(sha256: str) -> None:  # noqa: ARG001 - a mail does not change
            self.left.discard(name)
            if not self.left:
                self._put_aside()

        return remove

    def _put_aside(self) -> None:
        try:
            with self.box.opened(write=True) as session:
                validity = uid_validity(session)
                if validity != self.mail.validity:
                    return  # renumbered: the next run finds the mail again, and the ledger knows it
                uid = self.mail.uid
                self.box.data(session.uid("STORE", uid, "+FLAGS.SILENT", r"(\Seen)"), "cannot be changed")
                if self.box.done is None:
                    return
                if "MOVE" in session.capabilities:
                    self.box.data(
                        session.uid("MOVE", uid, quoted_folder(self.box.done)),
                        f"has no folder {self.box.done}",
                    )
                else:
                    self.box.data(
                        session.uid("COPY", uid, quoted_folder(self.box.done)),
                        f"has no folder {self.box.done}",
                    )
                    self.box.data(
                        session.uid("STORE", uid, "+FLAGS.SILENT", r"(\Deleted)"), "cannot be changed"
                    )
                    session.expunge()
        except OriginError as error:
            _log.warning("mail %s landed, but cannot be put aside: %s", self.mail.uid, error.message)
