"""TLS: the declared certificates of a connection."""

from __future__ import annotations

import ssl

from pipelines.connectors.environment import secrets
from pipelines.declarations.http_access import Tls
from pipelines.errors import OriginError


def is_tls(error: BaseException) -> bool:
    """Whether a connection failed because of a certificate or something else in TLS."""
    while not isinstance(error, ssl.SSLError):
        following = error.__cause__ or error.__context__
        if following is None:
            return False
        error = following
    return True


def context_of(tls: Tls, instance: str) -> ssl.SSLContext:
    """The declared certificates: the authority to trust, and our own certificate.

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
            "Each must name a PEM file that this process can read; the key must belong to the certificate.",
        ) from None
    return context
