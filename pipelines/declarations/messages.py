"""What comes as messages: attachments in a mailbox, and messages of a broker. The models of ``kind: imap`` and ``kind: mqtt``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipelines.declarations.common import Declaration
from pipelines.declarations.http_access import Tls, Variable


class ImapOrigin(Declaration):
    """Attachments of mails in a mailbox, by IMAP with TLS: for a supplier who can only send mail.

    Only attachments whose name fits `file_pattern`, from senders that are named, are taken. A mail is moved when all that was
    taken of it is in the ledger; until then nothing about it is changed.
    """

    kind: Literal["imap"] = Field(default="imap", description="attachments of mails in a mailbox")
    host: str = Field(pattern=r"^[^\s/@?#]+$", description="name of the mail server")
    port: int = Field(default=993, ge=1, le=65535, description="port of IMAP with TLS from the first byte")
    user: Variable = Field(description="variable that the login is in")
    password: Variable = Field(description="variable that the password is in")
    tls: Tls = Field(
        default=Tls(), description="certificates; the authorities that the machine trusts when absent"
    )
    folder: str = Field(default="INBOX", description="folder of the mailbox; may hold `{instance}`")
    senders: dict[str, tuple[str, ...]] = Field(
        min_length=1,
        description="instance → addresses that its mails come from, or domains (`@city.example`); mails of others are left. An "
        "address can be forged: let the mail server refuse what fails SPF, DKIM and DMARC, or name it in `trusted_by`",
    )
    trusted_by: str | None = Field(
        default=None,
        description="name of the mail server that writes `Authentication-Results` (RFC 8601): only mails of which it "
        "says that DMARC passed are taken",
    )
    done: str | None = Field(
        default=None,
        description="folder that mails are moved to when they are in the ledger; absent: they stay, seen",
    )
    timeout_s: float = Field(
        default=60, gt=0, le=600, description="seconds without an answer, until it is given up"
    )
    synthetic: bool = Field(
        default=False, description="the data are invented; every page that shows them says so"
    )


class MqttOrigin(Declaration):
    """Messages of a broker: each run takes what has been kept for it since the last, as one delivery of its own.

    The broker keeps messages for the session `client_id` (quality of service 1) while Gorod is away. A message is acknowledged
    when it is on disk; it may come twice, and is never lost. The delivery is a JSON list of records: `topic`, `received_at`,
    `payload` (JSON where it is some, else text).
    """

    kind: Literal["mqtt"] = Field(default="mqtt", description="messages of a broker")
    host: str = Field(pattern=r"^[^\s/@?#]+$", description="name of the broker; may hold `{instance}`")
    port: int = Field(default=8883, ge=1, le=65535, description="its port")
    topics: tuple[str, ...] = Field(
        min_length=1, description="topics, with `+` and `#`; may hold `{instance}`"
    )
    client_id: str = Field(
        default="gorod-{instance}",
        description="name of the session that messages are kept for; may hold `{instance}`",
    )
    user: Variable | None = Field(default=None, description="variable that the login is in")
    password: Variable | None = Field(default=None, description="variable that the password is in")
    tls: Tls | None = Field(
        default=None,
        description="certificates; without it nothing is encrypted: for a broker on this machine alone",
    )
    listen_s: float = Field(
        default=30,
        gt=0,
        le=3600,
        description="longest time that a run listens; it ends before when nothing comes",
    )
    quiet_s: float = Field(
        default=2, gt=0, le=600, description="seconds without a message, after which a run has all"
    )
    most_messages: int = Field(
        default=1_000_000, gt=0, description="messages of one run; what is left waits for the next"
    )
    synthetic: bool = Field(
        default=False, description="the data are invented; every page that shows them says so"
    )
