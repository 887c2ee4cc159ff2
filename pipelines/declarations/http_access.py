"""Access to a server over HTTP: credentials, certificates and limits.

Secrets are only in the environment. A declaration names their variables; ``{INSTANCE}`` in a name is replaced by the
instance's code in capitals, so each city has its own credentials without a line of YAML for each.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipelines.declarations.common import Declaration, PlacedError

Variable = Annotated[
    str,
    Field(
        pattern=r"^GOROD_[A-Z0-9_]*(\{INSTANCE\}[A-Z0-9_]*)?$",
        description="name of an environment variable; `{INSTANCE}` in it is replaced by the instance's code in capitals",
    ),
]


class BearerAuth(Declaration):
    """A fixed bearer token."""

    kind: Literal["bearer"] = Field(default="bearer", description="a bearer token")
    token: Variable = Field(description="environment variable with the token")


class BasicAuth(Declaration):
    """User and password."""

    kind: Literal["basic"] = Field(default="basic", description="user and password")
    user: Variable = Field(description="environment variable with the user name")
    password: Variable = Field(description="environment variable with the password")


class ApiKeyAuth(Declaration):
    """A key in a header or in a parameter of each request."""

    kind: Literal["api_key"] = Field(default="api_key", description="a key in a header or a parameter")
    value: Variable = Field(description="environment variable with the key")
    header: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]+$", description="header for it")
    query: str | None = Field(
        default=None,
        pattern=r"^[^=&#?\s]+$",
        description="query parameter for it, if the system does not accept a header: proxies may log it",
    )

    @model_validator(mode="after")
    def _is_carried_once(self) -> ApiKeyAuth:
        if (self.header is None) == (self.query is None):
            raise ValueError("declare either header or query")
        return self


class OAuth2Auth(Declaration):
    """OAuth 2.0 client credentials (RFC 6749, 4.4): a token is requested, kept until it expires, and renewed on 401."""

    kind: Literal["oauth2"] = Field(default="oauth2", description="OAuth 2.0 client credentials")
    token_url: str = Field(
        pattern=r"^(https?://[^/?#@]+)?/[^?#@]*$",
        description="address that issues tokens; a path alone is on the host of base_url",
    )
    client_id: Variable = Field(description="environment variable with the client's identifier")
    client_secret: Variable = Field(description="environment variable with the client's secret")
    scope: str = Field(default="", description="requested scopes, separated by spaces")
    send: Literal["basic", "body"] = Field(
        default="basic", description="how the client authenticates: by a login, or in the posted form"
    )


Auth = Annotated[BearerAuth | BasicAuth | ApiKeyAuth | OAuth2Auth, Field(discriminator="kind")]


def variables(auth: BearerAuth | BasicAuth | ApiKeyAuth | OAuth2Auth) -> list[str]:
    """The environment variables with the credentials."""
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
    """Certificates: your own certificate authority, and a client certificate (mutual TLS)."""

    ca: Variable | None = Field(
        default=None,
        description="environment variable with the path of a PEM file: the only trusted authorities",
    )
    certificate: Variable | None = Field(
        default=None, description="environment variable with the path of a PEM file: the client certificate"
    )
    key: Variable | None = Field(
        default=None,
        description="environment variable with the path of its private key; absent: it is in the file of the certificate",
    )
    key_password: Variable | None = Field(
        default=None, description="environment variable with the password of the key"
    )

    @model_validator(mode="after")
    def _has_a_certificate(self) -> Tls:
        if self.certificate is None and (self.key or self.key_password):
            raise PlacedError((("certificate",), "is needed for key and key_password"))
        return self


class Limits(Declaration):
    """How often a server is requested, and how long Gorod waits."""

    requests_per_second: float | None = Field(
        default=None,
        gt=0,
        le=1000,
        description="largest number of requests a second that one process sends to the host; absent: no limit",
    )
    tries: int | None = Field(
        default=None, ge=1, le=20, description="number of tries of a request, after failures that may pass"
    )
    connect_s: float | None = Field(
        default=None, gt=0, le=600, description="timeout of connecting, in seconds"
    )
    read_s: float | None = Field(
        default=None, gt=0, le=3600, description="timeout between two parts of an answer, in seconds"
    )
    answer_s: float | None = Field(
        default=None, gt=0, le=86_400, description="timeout of a whole answer, in seconds"
    )
    longest_wait_s: float | None = Field(
        default=None,
        gt=0,
        le=3600,
        description="longest pause between tries, in seconds, whatever Retry-After says",
    )


class HttpAccess(Declaration):
    """What every origin over HTTP may declare."""

    auth: Auth | None = Field(default=None, description="credentials; absent: none")
    tls: Tls | None = Field(
        default=None, description="certificates; absent: the authorities that the system trusts"
    )
    limits: Limits = Field(default=Limits(), description="rates, tries and timeouts; absent: defaults")
