"""Sending alerts: mail by SMTP with TLS, and a webhook. Error messages contain no address or password."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any, Protocol

import httpx

from pipelines import moments
from pipelines.errors import DeclarationError
from pipelines.operations.alerts.journal import Alert
from pipelines.settings import Settings

TIMEOUT_S = 20.0


class ChannelError(Exception):
    """A channel did not accept an alert; the text contains no secret."""


class Channel(Protocol):
    """A notification channel. ``name`` is its name in the journal."""

    name: str

    def send(self, alerts: Sequence[Alert]) -> None:
        """Send several alerts as one message.

        Raises:
            ChannelError: the message was not accepted.
        """


def channels(settings: Settings) -> list[Channel]:
    """The configured channels.

    Raises:
        DeclarationError: mail has recipients but no server.
    """
    found: list[Channel] = []
    if settings.alert_mail_to:
        if not settings.smtp_host:
            raise DeclarationError(
                "GOROD_ALERT_MAIL_TO is set, but there is no mail server", "Set GOROD_SMTP_HOST."
            )
        found.append(Mail(settings))
    if settings.alert_webhook.get_secret_value():
        found.append(Webhook(settings.alert_webhook.get_secret_value()))
    return found


@dataclass
class Mail:
    """A message to all recipients in ``alert_mail_to``."""

    settings: Settings
    name: str = "mail"

    def send(self, alerts: Sequence[Alert]) -> None:
        """One message with all alerts."""
        given, host = self.settings, socket.getfqdn()
        message = EmailMessage()
        message["Subject"] = f"Gorod, {host}: новых оповещений: {len(alerts)}"
        message["From"] = given.alert_mail_from or f"gorod@{host}"
        message["To"] = ", ".join(given.alert_mail_to.split())
        message["Date"], message["Message-ID"] = formatdate(), make_msgid()
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text_of(alerts))
        context = ssl.create_default_context()
        try:
            with (
                smtplib.SMTP_SSL(given.smtp_host, given.smtp_port, timeout=TIMEOUT_S, context=context)
                if given.smtp_tls == "tls"
                else smtplib.SMTP(given.smtp_host, given.smtp_port, timeout=TIMEOUT_S)
            ) as server:
                if given.smtp_tls == "starttls":
                    server.starttls(context=context)
                if given.smtp_user:
                    server.login(given.smtp_user, given.smtp_password.get_secret_value())
                refused = server.send_message(message)
        except smtplib.SMTPResponseException as error:
            raise ChannelError(
                f"the mail server answers {error.smtp_code} ({type(error).__name__})"
            ) from None
        except ssl.SSLError as error:
            raise ChannelError(f"no trusted TLS with the mail server: {error.reason}") from None
        except (OSError, smtplib.SMTPException) as error:
            raise ChannelError(f"the mail server does not accept it ({type(error).__name__})") from None
        if refused:
            raise ChannelError(f"the mail server refuses {len(refused)} of the recipients")


@dataclass
class Webhook:
    """A POST of JSON. Its address may contain a token, so it is never shown."""

    address: str
    name: str = "webhook"

    def send(self, alerts: Sequence[Alert]) -> None:
        """One request with all alerts."""
        body = {"host": socket.getfqdn(), "text": text_of(alerts), "alerts": [entry_of(a) for a in alerts]}
        try:
            answer = httpx.post(self.address, json=body, timeout=TIMEOUT_S)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ChannelError(f"the webhook does not answer ({type(error).__name__})") from None
        if not answer.is_success:
            raise ChannelError(f"the webhook answers {answer.status_code}")


def entry_of(alert: Alert) -> dict[str, Any]:
    """An alert as JSON."""
    return {
        "alert": alert.key,
        "kind": alert.key.split("/")[0],
        "says": alert.says,
        "remedy": alert.remedy,
        "raised_at": alert.raised_at and alert.raised_at.isoformat(),
    }


def text_of(alerts: Sequence[Alert]) -> str:
    """Alerts as text, with instructions for acknowledging them."""
    lines = []
    for alert in alerts:
        lines += [alert.says, f"  с {moments.format_minsk(alert.seen_at)}", f"  что делать: {alert.remedy}"]
        lines += [f"  принять к сведению: gorod alerts acknowledge '{alert.key}' --by ИМЯ", ""]
    return "\n".join(lines)
