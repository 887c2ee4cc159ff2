"""How a server is reached over HTTP: who asks, whom it trusts, and how much it is asked for.

Secrets stand in the environment alone. A declaration names their variables; ``{INSTANCE}`` in a name stands for the instance's
code in capitals, so that each city has credentials of its own without a line of YAML for each.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipelines.declarations.common import Declaration, PlacedError

Variable = Annotated[
    str,
    Field(
        pattern=r"^GOROD_[A-Z0-9_]*(\{INSTANCE\}[A-Z0-9_]*)?$",
        description="name of a variable of the environment; `{INSTANCE}` in it stands for the instance's code in capitals",
    ),
]


class BearerAuth(Declaration):
    """A bearer token that does not change by itself."""

    kind: Literal["bearer"] = Field(default="bearer", description="a bearer token")
    token: Variable = Field(description="variable that the token is in")


class BasicAuth(Declaration):
    """User and password."""

    kind: Literal["basic"] = Field(default="basic", description="user and password")
    user: Variable = Field(description="variable that the user is in")
    password: Variable = Field(description="variable that the password is in")


class ApiKeyAuth(Declaration):
    """A key in a header or in a parameter of each request."""

    kind: Literal["api_key"] = Field(default="api_key", description="a key in a header or a parameter")
    value: Variable = Field(description="variable that the key is in")
    header: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]+$", description="header that carries it")
    query: str | None = Field(
        default=None,
        pattern=r"^[^=&#?\s]+$",
        description="parameter that carries it, where the system knows no header: proxies may log it",
    )

    @model_validator(mode="after")
    def _is_carried_once(self) -> ApiKeyAuth:
        if (self.header is None) == (self.query is None):
            raise ValueError("name either header or query: where the key is carried")
        return self


class OAuth2Auth(Declaration):
    """OAuth 2.0 client credentials (RFC 6749, 4.4): a token is asked for, kept until it expires, and renewed on 401."""

    kind: Literal["oauth2"] = Field(default="oauth2", description="OAuth 2.0 client credentials")
    token_url: str = Field(
        pattern=r"^(https?://[^/?#@]+)?/[^?#@]*$",
        description="address that gives tokens; a path alone is of the host that is asked",
    )
    client_id: Variable = Field(description="variable that the client's name is in")
    client_secret: Variable = Field(description="variable that the client's secret is in")
    scope: str = Field(default="", description="scopes that are asked for, parted by blanks")
    send: Literal["basic", "body"] = Field(
        default="basic", description="how the client proves itself: as a login, or in the form that is posted"
    )


Auth = Annotated[BearerAuth | BasicAuth | ApiKeyAuth | OAuth2Auth, Field(discriminator="kind")]


def variables(auth: BearerAuth | BasicAuth | ApiKeyAuth | OAuth2Auth) -> list[str]:
    """The variables of the environment that credentials are in."""
    match auth:
        case BearerAuth():
            return [auth.token]
        case BasicAuth():
            return [auth.user, auth.password]
        case ApiKeyAuth():
            return [auth.value]
        case OAuth2Auth():
            return [auth.client_id, auth.client_secret]


class Tls(Declaration):
    """Certificates: your own certificate authority, and a certificate that the client shows (mutual TLS)."""

    ca: Variable | None = Field(
        default=None,
        description="variable with the path of a PEM file: the authorities that are trusted, and no others",
    )
    certificate: Variable | None = Field(
        default=None, description="variable with the path of a PEM file: the client's certificate"
    )
    key: Variable | None = Field(
        default=None,
        description="variable with the path of its private key; beside the certificate when absent",
    )
    key_password: Variable | None = Field(
        default=None, description="variable that the password of the key is in"
    )

    @model_validator(mode="after")
    def _has_a_certificate(self) -> Tls:
        if self.certificate is None and (self.key or self.key_password):
            raise PlacedError((("certificate",), "is needed: key and key_password belong to one"))
        return self


class Limits(Declaration):
    """How much a server is asked for, and how long Gorod waits for it."""

    requests_per_second: float | None = Field(
        default=None,
        gt=0,
        le=1000,
        description="requests that one process sends to the host in a second, at most; absent: as fast as answers come",
    )
    tries: int | None = Field(
        default=None, ge=1, le=20, description="tries of one request that fails in a way that may pass"
    )
    connect_s: float | None = Field(
        default=None, gt=0, le=600, description="seconds until there is a connection"
    )
    read_s: float | None = Field(
        default=None, gt=0, le=3600, description="seconds between two parts of an answer"
    )
    answer_s: float | None = Field(default=None, gt=0, le=86_400, description="seconds for one whole answer")
    longest_wait_s: float | None = Field(
        default=None, gt=0, le=3600, description="longest pause between tries, whatever Retry-After asks for"
    )


class HttpAccess(Declaration):
    """What every origin that speaks HTTP may declare."""

    auth: Auth | None = Field(default=None, description="how Gorod proves who it is; none when absent")
    tls: Tls | None = Field(
        default=None, description="certificates; the authorities that the machine trusts when absent"
    )
    limits: Limits = Field(
        default=Limits(), description="how often it is asked, how long it is waited for; defaults when absent"
    )
