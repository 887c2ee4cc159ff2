"""A home whose alerts go to a real mail server and a real webhook."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.settings import get_settings
from tests.operations.receivers import PASSWORD, USER, Hook, Mails, mail_server, webhook
from tests.support.portal import Portal


@pytest.fixture
def mails(tmp_path: Path) -> Iterator[Mails]:
    with mail_server(tmp_path) as found:
        yield found


@pytest.fixture
def hook() -> Iterator[Hook]:
    with webhook() as found:
        yield found


@pytest.fixture
def told(portal: Portal, mails: Mails, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> Portal:
    """A home that tells its alerts to both."""
    for name, value in {
        "ALERT_MAIL_TO": "night@example.by day@example.by", "SMTP_HOST": "localhost", "SMTP_PORT": str(mails.port),
        "SMTP_USER": USER, "SMTP_PASSWORD": PASSWORD, "ALERT_WEBHOOK": hook.address,
    }.items():  # fmt: skip
        monkeypatch.setenv(f"GOROD_{name}", value)
    monkeypatch.setenv("SSL_CERT_FILE", str(mails.authority))
    monkeypatch.setenv("DAGSTER_HOME", "")
    get_settings.cache_clear()
    portal.settings = get_settings()
    return portal
