"""Credentials of HTTP requests: a header, a login, a parameter, a token by OAuth 2."""

from __future__ import annotations

import json
import ssl
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urljoin

import httpx

from pipelines.connectors.environment import secrets
from pipelines.connectors.http_retry import RETRIED_STATUS, RetryPolicy, TransientError, decoded, retry_after
from pipelines.declarations.http_access import ApiKeyAuth, BasicAuth, BearerAuth, HttpAccess, OAuth2Auth
from pipelines.errors import OriginError

# a token is renewed this long before it expires, or a tenth of its lifetime if that is less
EARLY_S = 30.0
# lifetime of a token whose answer does not give one
DEFAULT_LIFETIME_S = 300.0
LARGEST_TOKEN = 100_000


class Auth(httpx.Auth, ABC):
    """Credentials for one host. A redirect to another host is followed without them."""

    def __init__(self, base_url: str) -> None:
        self.host = host_of(httpx.URL(base_url))

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the credentials to a request."""
        if host_of(request.url) == self.host:
            self.sign(request)
        else:
            self.strip(request)
        yield request

    @abstractmethod
    def sign(self, request: httpx.Request) -> None:
        """Add the credentials to a request to the host."""

    def strip(self, request: httpx.Request) -> None:
        """Remove them from a redirected request: httpx keeps all headers but its own ``Authorization``."""

    def renewed(self) -> bool:
        """After a 401: whether a new credential can be obtained, so that a retry makes sense."""
        return False


def host_of(url: httpx.URL) -> tuple[str, str, int | None]:
    """Scheme, host and port of an address."""
    return url.scheme, url.host, url.port


class _Header(Auth):
    def __init__(self, base_url: str, name: str, value: str) -> None:
        super().__init__(base_url)
        self.name, self.value = name, value

    def sign(self, request: httpx.Request) -> None:
        request.headers[self.name] = self.value

    def strip(self, request: httpx.Request) -> None:
        request.headers.pop(self.name, None)


class _Login(Auth):
    def __init__(self, base_url: str, user: str, password: str) -> None:
        super().__init__(base_url)
        self.basic = httpx.BasicAuth(user, password)

    def sign(self, request: httpx.Request) -> None:
        next(self.basic.auth_flow(request))


class _Parameter(Auth):
    def __init__(self, base_url: str, name: str, value: str) -> None:
        super().__init__(base_url)
        self.name, self.value = name, value

    def sign(self, request: httpx.Request) -> None:
        request.url = request.url.copy_set_param(self.name, self.value)


@dataclass
class _Token:
    text: str
    until: float


# by address, client and scope: one token serves all pulls of a process
_tokens: dict[tuple[str, str, str], _Token] = {}
_tokens_lock = threading.Lock()


@dataclass
class _ClientCredentials:
    """The credentials with which a token is requested."""

    url: str
    client: str
    secret: str = field(repr=False)
    scope: str
    in_body: bool
    variables: str
    verify: ssl.SSLContext | bool
    policy: RetryPolicy
    trust_env: bool

    @property
    def key(self) -> tuple[str, str, str]:
        return self.url, self.client, self.scope

    def request_token(self) -> _Token:
        """A new token.

        Raises:
            TransientError: the server may issue one later.
            OriginError: it refuses, or its answer has no token.
        """
        form = {"grant_type": "client_credentials", **({"scope": self.scope} if self.scope else {})}
        login = None
        if self.in_body:
            form |= {"client_id": self.client, "client_secret": self.secret}
        else:
            # RFC 6749, 2.3.1: both are form-encoded before they are used as a login
            login = httpx.BasicAuth(quote(self.client, safe=""), quote(self.secret, safe=""))
        asked_at = time.monotonic()
        try:
            with (
                httpx.Client(
                    verify=self.verify, timeout=self.policy.timeout, trust_env=self.trust_env
                ) as client,
                client.stream(
                    "POST",
                    self.url,
                    data=form,
                    auth=login,
                    headers={"Accept": "application/json", "Accept-Encoding": "identity"},
                ) as response,
            ):
                body = b""
                for piece in decoded(response):
                    body += piece
                    if len(body) > LARGEST_TOKEN:
                        raise OriginError(
                            f"{self.url}: the answer is too large for a token", "Check token_url."
                        )
        except httpx.TransportError as error:
            raise TransientError(f"{self.url} issued no token ({type(error).__name__})") from None
        except (httpx.InvalidURL, httpx.DecodingError):
            raise OriginError(f"{self.url}: the answer cannot be read", "Check token_url.") from None
        if response.status_code in RETRIED_STATUS:
            raise TransientError(f"{self.url} answers {response.status_code}", retry_after(response))
        said = _object(body)
        if response.status_code != httpx.codes.OK:
            code = said.get("error")
            reason = f" ({code})" if isinstance(code, str) and code in OAUTH_ERRORS else ""
            raise OriginError(
                f"{self.url}: no token was issued: {response.status_code}{reason}",
                f"Set {self.variables} to valid values; check scope and send of the origin.",
            )
        text, kind, life = said.get("access_token"), said.get("token_type", "Bearer"), said.get("expires_in")
        if not (isinstance(text, str) and text and str(kind).lower() == "bearer"):
            raise OriginError(f"{self.url}: the answer contains no bearer token", "Check token_url.")
        try:
            seconds = float(life) if life is not None else DEFAULT_LIFETIME_S
        except (TypeError, ValueError):
            seconds = DEFAULT_LIFETIME_S
        return _Token(text, asked_at + seconds - min(EARLY_S, seconds / 10))


# RFC 6749, 5.2: the codes of a refusal that may be shown
OAUTH_ERRORS = {
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
}


def _object(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


class _OAuth2(Auth):
    def __init__(self, base_url: str, credentials: _ClientCredentials) -> None:
        super().__init__(base_url)
        self.credentials = credentials
        self.sent = ""
        self.is_retrying = False

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if host_of(request.url) == self.host:
            self.sign(request)
        response = yield request
        if response.status_code != httpx.codes.UNAUTHORIZED:
            self.is_retrying = False

    def sign(self, request: httpx.Request) -> None:
        with _tokens_lock:
            token = _tokens.get(self.credentials.key)
            if token is None or token.until <= time.monotonic():
                token = _tokens[self.credentials.key] = self.credentials.request_token()
        self.sent = token.text
        request.headers["Authorization"] = f"Bearer {token.text}"

    def renewed(self) -> bool:
        if self.is_retrying:
            return False
        self.is_retrying = True
        with _tokens_lock:
            token = _tokens.get(self.credentials.key)
            # another thread may have a new one already
            if token is not None and token.text == self.sent:
                del _tokens[self.credentials.key]
        return True


def auth_of(
    declared: HttpAccess,
    base_url: str,
    instance: str,
    policy: RetryPolicy,
    verify: ssl.SSLContext | bool,
    trust_env: bool,
) -> Auth | None:
    """The credentials that an origin declares, read from the environment.

    Raises:
        OriginError: a variable is missing.
    """
    match declared.auth:
        case None:
            return None
        case BearerAuth(token=name):
            (token,) = secrets([name], instance, "auth")
            return _Header(base_url, "Authorization", f"Bearer {token}")
        case BasicAuth() as basic:
            return _Login(base_url, *secrets([basic.user, basic.password], instance, "auth"))
        case ApiKeyAuth() as key:
            (value,) = secrets([key.value], instance, "auth")
            if key.header is not None:
                return _Header(base_url, key.header, value)
            return _Parameter(base_url, str(key.query), value)
        case OAuth2Auth() as oauth:
            names = [oauth.client_id, oauth.client_secret]
            client, secret = secrets(names, instance, "auth")
            credentials = _ClientCredentials(
                url=urljoin(base_url, oauth.token_url),
                client=client,
                secret=secret,
                scope=oauth.scope,
                in_body=oauth.send == "body",
                variables=", ".join(names),
                verify=verify,
                policy=policy,
                trust_env=trust_env,
            )
            return _OAuth2(base_url, credentials)
