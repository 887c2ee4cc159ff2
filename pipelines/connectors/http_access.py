"""Access to an HTTP server: credentials, certificates and rate limits, shared by the connectors that use HTTP."""

from __future__ import annotations

import logging
import ssl
import threading
import time
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import httpx

from pipelines.connectors.http_auth import Auth, auth_of, host_of
from pipelines.connectors.http_retry import RetryPolicy, TransientError
from pipelines.connectors.tls import context_of
from pipelines.declarations.http_access import HttpAccess

# httpx logs each address with its parameters, one of which may be a key
logging.getLogger("httpx").setLevel(logging.WARNING)

Policy = TypeVar("Policy", bound=RetryPolicy)


class _Pace:
    """Spaces requests evenly, at a given rate."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.next_at = 0.0

    def wait(self, per_second: float) -> None:
        with self.lock:
            now = time.monotonic()
            at = max(now, self.next_at)
            self.next_at = at + 1 / per_second
        time.sleep(at - now)


# by host: the pulls of a process share one limit
_paces: dict[tuple[str, str, int | None], _Pace] = {}


@dataclass(frozen=True)
class Access:
    """How an origin's requests for one instance are made; secrets are already read."""

    auth: Auth | None = None
    verify: ssl.SSLContext | bool = True
    host: tuple[str, str, int | None] = ("", "", None)
    per_second: float | None = None

    def options(self) -> dict[str, Any]:
        """Arguments for ``httpx.Client``."""
        hooks = [self._keep_pace] if self.per_second else []
        return {"auth": self.auth, "verify": self.verify, "event_hooks": {"request": hooks}}

    def _keep_pace(self, request: httpx.Request) -> None:
        if self.per_second and host_of(request.url) == self.host:
            _paces.setdefault(self.host, _Pace()).wait(self.per_second)

    def raise_if_renewed(self, status: int) -> None:
        """After an answer: retry if the token was refused and a new one can be obtained.

        Raises:
            TransientError: a retry makes sense.
        """
        if status == httpx.codes.UNAUTHORIZED and self.auth is not None and self.auth.renewed():
            raise TransientError("the server no longer accepts the token")


def limited(policy: Policy, declared: HttpAccess) -> Policy:
    """A policy with the limits that an origin declares."""
    given = declared.limits.model_dump(exclude={"requests_per_second"}, exclude_none=True)
    return replace(policy, **given)


def access(
    declared: HttpAccess, base_url: str, instance: str, policy: RetryPolicy, trust_env: bool = True
) -> Access:
    """Read an origin's secrets from the environment.

    Raises:
        OriginError: a variable is missing, or a certificate cannot be read.
    """
    verify = context_of(declared.tls, instance) if declared.tls is not None else True
    return Access(
        auth=auth_of(declared, base_url, instance, policy, verify, trust_env),
        verify=verify,
        host=host_of(httpx.URL(base_url)),
        per_second=declared.limits.requests_per_second,
    )
