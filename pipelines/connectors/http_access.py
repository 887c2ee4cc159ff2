"""Who asks a server, whom it trusts and how often it is asked: what the connectors that speak HTTP share."""

from __future__ import annotations

import json
import logging
import ssl
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from urllib.parse import quote, urljoin

import httpx

from pipelines.connectors.environment import secrets
from pipelines.connectors.http_retry import RETRIED_STATUS, RetryPolicy, TransientError, decoded, retry_after
from pipelines.declarations.http_access import (
    ApiKeyAuth,
    BasicAuth,
    BearerAuth,
    HttpAccess,
    OAuth2Auth,
    Tls,
)
from pipelines.errors import OriginError

# httpx logs each address with its parameters, and one of them may be a key
logging.getLogger("httpx").setLevel(logging.WARNING)

# a token is renewed so many seconds before it expires, or a tenth of its life where that is less
EARLY_S = 30.0
# how long a token lives whose answer does not say
UNSAID_S = 300.0
LARGEST_TOKEN = 100_000

Policy = TypeVar("Policy", bound=RetryPolicy)


class Auth(httpx.Auth, ABC):
    """Credentials for one host: a request to another one, where a redirect leads, goes without them."""

    def __init__(self, base_url: str) -> None:
        self.host = _host(httpx.URL(base_url))

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Put the credentials on a request."""
        if _host(request.url) == self.host:
            self.sign(request)
        else:
            self.strip(request)
        yield request

    @abstractmethod
    def sign(self, request: httpx.Request) -> None:
        """Put the credentials on a request to the host."""

    def strip(self, request: httpx.Request) -> None:
        """Take them off a request that a redirect leads elsewhere: httpx carries over all headers but its own."""

    def renewed(self) -> bool:
        """After a 401: whether other credentials are at hand, so that one should ask again."""
        return False


def _host(url: httpx.URL) -> tuple[str, str, int | None]:
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
    """What a token is asked for with."""

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

    def ask(self) -> _Token:
        """A new token.

        Raises:
            TransientError: the server may give one later.
            OriginError: it refuses, or what it gives is none.
        """
        form = {"grant_type": "client_credentials", **({"scope": self.scope} if self.scope else {})}
        login = None
        if self.in_body:
            form |= {"client_id": self.client, "client_secret": self.secret}
        else:
            # RFC 6749, 2.3.1: both are encoded as a form is, before they become a login
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
            raise TransientError(f"{self.url} gives no token ({type(error).__name__})") from None
        except (httpx.InvalidURL, httpx.DecodingError):
            raise OriginError(f"{self.url}: the answer cannot be read", "Check token_url.") from None
        if response.status_code in RETRIED_STATUS:
            raise TransientError(f"{self.url} answers {response.status_code}", retry_after(response))
        said = _object(body)
        if response.status_code != httpx.codes.OK:
            code = said.get("error")
            told = f" ({code})" if isinstance(code, str) and code in OAUTH_ERRORS else ""
            raise OriginError(
                f"{self.url}: no token is given: {response.status_code}{told}",
                f"Set {self.variables} to what is valid now; check scope and send of the origin.",
            )
        text, kind, life = said.get("access_token"), said.get("token_type", "Bearer"), said.get("expires_in")
        if not (isinstance(text, str) and text and str(kind).lower() == "bearer"):
            raise OriginError(f"{self.url}: the answer holds no bearer token", "Check token_url.")
        try:
            seconds = float(life) if life is not None else UNSAID_S
        except (TypeError, ValueError):
            seconds = UNSAID_S
        return _Token(text, asked_at + seconds - min(EARLY_S, seconds / 10))


# RFC 6749, 5.2: what of a refusal may be told
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
        self.is_asking_again = False

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if _host(request.url) == self.host:
            self.sign(request)
        response = yield request
        if response.status_code != httpx.codes.UNAUTHORIZED:
            self.is_asking_again = False

    def sign(self, request: httpx.Request) -> None:
        with _tokens_lock:
            token = _tokens.get(self.credentials.key)
            if token is None or token.until <= time.monotonic():
                token = _tokens[self.credentials.key] = self.credentials.ask()
        self.sent = token.text
        request.headers["Authorization"] = f"Bearer {token.text}"

    def renewed(self) -> bool:
        if self.is_asking_again:
            return False
        self.is_asking_again = True
        with _tokens_lock:
            token = _tokens.get(self.credentials.key)
            # another thread may have a new one already
            if token is not None and token.text == self.sent:
                del _tokens[self.credentials.key]
        return True


class _Pace:
    """Lets so many requests a second through, evenly."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.next_at = 0.0

    def wait(self, per_second: float) -> None:
        with self.lock:
            now = time.monotonic()
            at = max(now, self.next_at)
            self.next_at = at + 1 / per_second
        time.sleep(at - now)


# by host: several pulls of a process share what the host allows
_paces: dict[tuple[str, str, int | None], _Pace] = {}


@dataclass(frozen=True)
class Access:
    """An origin's access for one instance, its secrets read."""

    auth: Auth | None = None
    verify: ssl.SSLContext | bool = True
    host: tuple[str, str, int | None] = ("", "", None)
    per_second: float | None = None

    def options(self) -> dict[str, Any]:
        """What ``httpx.Client`` is to be opened with."""
        hooks = [self._keep_pace] if self.per_second else []
        return {"auth": self.auth, "verify": self.verify, "event_hooks": {"request": hooks}}

    def _keep_pace(self, request: httpx.Request) -> None:
        if self.per_second and _host(request.url) == self.host:
            _paces.setdefault(self.host, _Pace()).wait(self.per_second)

    def raise_if_renewed(self, status: int) -> None:
        """After an answer: ask again if its token was refused and another can be had.

        Raises:
            TransientError: so it is.
        """
        if status == httpx.codes.UNAUTHORIZED and self.auth is not None and self.auth.renewed():
            raise TransientError("the server takes the token no more")


def is_tls(error: BaseException) -> bool:
    """Whether a connection failed because of a certificate, or another matter of TLS."""
    while not isinstance(error, ssl.SSLError):
        following = error.__cause__ or error.__context__
        if following is None:
            return False
        error = following
    return True


def limited(policy: Policy, declared: HttpAccess) -> Policy:
    """A policy with what an origin declares of it."""
    given = declared.limits.model_dump(exclude={"requests_per_second"}, exclude_none=True)
    return replace(policy, **given)


def access(
    declared: HttpAccess, base_url: str, instance: str, policy: RetryPolicy, trust_env: bool = True
) -> Access:
    """Read what an origin needs from the environment.

    Raises:
        OriginError: a variable is missing, or a certificate cannot be read.
    """
    verify = context_of(declared.tls, instance) if declared.tls is not None else True
    return Access(
        auth=_auth(declared, base_url, instance, policy, verify, trust_env),
        verify=verify,
        host=_host(httpx.URL(base_url)),
        per_second=declared.limits.requests_per_second,
    )


def _auth(
    declared: HttpAccess,
    base_url: str,
    instance: str,
    policy: RetryPolicy,
    verify: ssl.SSLContext | bool,
    trust_env: bool,
) -> Auth | None:
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


def context_of(tls: Tls, instance: str) -> ssl.SSLContext:
    """Whom a connection trusts, and what it shows, as an origin declares it.

    Raises:
        OriginError: a variable is missing, or a certificate cannot be read.
    """
    names = [name for name in (tls.ca, tls.certificate, tls.key, tls.key_password) if name is not None]
    given = dict(zip(names, secrets(names, instance, "tls"), strict=True))
    try:
        context = ssl.create_default_context(cafile=given[tls.ca] if tls.ca else None)
        if tls.certificate:
            password = given[tls.key_password] if tls.key_password else ""
            context.load_cert_chain(
                given[tls.certificate], given[tls.key] if tls.key else None, password=lambda: password
            )
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise OriginError(
            f"the certificates that {', '.join(names)} name cannot be used ({type(error).__name__})",
            "Each names a PEM file that this process can read; key and certificate belong together.",
        ) from None
    return context
