"""Messages: attachments in a mailbox, and messages of a broker. The models of ``kind: imap`` and ``kind: mqtt``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipelines.declarations.common import Declaration
from pipelines.declarations.http_access import Tls, Variable


class ImapOrigin(Declaration):
    """Attachments of mails in a mailbox, by IMAP with TLS: for a supplier who can only send mail.

    Only attachments whose name matches `file_pattern`, from declared senders, are taken. A mail is moved when everything that was
    taken from it is in the ledger; until then it is not changed.
    """

    kind: Literal["imap"] = Field(default="imap", description="attachments of mails in a mailbox")
    host: str = Field(pattern=r"^[^\s/@?#]+$", description="name of the mail server")
    port: int = Field(default=993, ge=1, le=65535, description="port of IMAP with TLS from the first byte")
    user: Variable = Field(description="environment variable with the user name")
    password: Variable = Field(description="environment variable with the password")
    tls: Tls = Field(
        default=Tls(), description="certificates; absent: the authorities that the system trusts"
    )
    folder: str = Field(default="INBOX", description="folder of the mailbox; may contain `{instance}`")
    senders: dict[str, tuple[str, ...]] = Field(
        min_length=1,
        description="instance → addresses or domains (`@city.example`) of its senders; others are ignored. An address can be "
        "forged: let the mail server refuse mails that fail SPF, DKIM and DMARC, or name it in `trusted_by`",
    )
    trusted_by: str | None = Field(
        default=None,
        description="name of the mail server that writes `Authentication-Results` (RFC 8601): only mails that it has "
        "marked as passing DMARC are taken",
    )
    done: str | None = Field(
        default=None,
        description="folder to which mails are moved when they are in the ledger; absent: they stay, marked as seen",
    )
    timeout_s: float = Field(default=60, gt=0, le=600, description="timeout without an answer, in seconds")
    synthetic: bool = Field(
        default=False, description="the data are invented; every page that shows them says so"
    )


class MqttOrigin(Declaration):
    """Messages of a broker: each run takes those kept since the last run as one delivery.

    The broker keeps messages for the session `client_id` (quality of service 1) while Gorod is away. A message is acknowledged
    when it is on disk; it may arrive twice, and is never lost. The delivery is a JSON list of records: `topic`, `received_at`,
    `payload` (JSON if it is JSON, else text).
    """

    kind: Literal["mqtt"] = Field(default="mqtt", description="messages of a broker")
    host: str = Field(
        pattern=r"^[^\s/@?#]+$", description="host name of the broker; may contain `{instance}`"
    )
    port: int = Field(default=8883, ge=1, le=65535, description="port of the broker")
    topics: tuple[str, ...] = Field(
        min_length=1, description="topics, with the wildcards `+` and `#`; may contain `{instance}`"
    )
    client_id: str = Field(
        default="gorod-{instance}",
        description="name of the session for which messages are kept; may contain `{instance}`",
    )
    user: Variable | None = Field(default=None, description="environment variable with the user name")
    password: Variable | None = Field(default=None, description="environment variable with the password")
    tls: Tls | None = Field(
        default=None,
        description="certificates; absent: no encryption, only for a broker on this host",
    )
    listen_s: float = Field(
        default=30,
        gt=0,
        le=3600,
        description="longest time for which a run listens; it ends earlier when no more messages arrive",
    )
    quiet_s: float = Field(
        default=2, gt=0, le=600, description="seconds without a message after which a run has them all"
    )
    most_messages: int = Field(
        default=1_000_000,
        gt=0,
        description="largest number of messages of one run; the rest waits for the next",
    )
    synthetic: bool = Field(
        default=False, description="the data are invented; every page that shows them says so"
    )
