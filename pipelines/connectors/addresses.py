"""The address of a real system: taken from the environment or the declaration, checked, its login kept apart."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit, urlunsplit

from pipelines.declarations.origins import PagedOrigin
from pipelines.declarations.sources import Source
from pipelines.errors import OriginError


def check_address(template: str, source: Source, origin: PagedOrigin, real: bool) -> None:
    """Refuse what cannot be the address of every instance of the source.

    Raises:
        OriginError: it is not an address, or the same one for several instances.
    """
    named = f"GOROD_{source.source.upper()}_URL" if real else f"base_url of {source.source}"
    if not _is_address(template):
        raise OriginError(
            f"{named} is not an address",
            "Write https://host/path, without parameters; in a user name and password, write / ? # @ as %2F %3F %23 %40.",
        )
    asked = [template, *origin.parameters.values(), *origin.headers.values()]
    if len(source.instances) > 1 and not any("{instance}" in text for text in asked):
        raise OriginError(
            f"{named} has no {{instance}}, and source {source.source} has {len(source.instances)} instances",
            f"Put {{instance}} where the name of the instance belongs: {', '.join(source.instances)}.",
        )


def _is_address(template: str) -> bool:
    """Whether it is an HTTP address whose login, if any, can be separated: the address is recorded, the login is not."""
    try:
        address = urlsplit(template)
        address.port  # noqa: B018 - reading it raises ValueError
    except ValueError:
        return False
    return (
        address.scheme in ("http", "https")
        and bool(address.hostname)
        and "@" not in address.path
        and not (address.query or address.fragment)
    )


def split_login(url: str) -> tuple[str, tuple[str, str] | None]:
    """The address without its login, and the login as user and password."""
    address = urlsplit(url.rstrip("/"))
    host = address.netloc.rpartition("@")[2]
    login = (unquote(address.username), unquote(address.password or "")) if address.username else None
    return urlunsplit(address._replace(netloc=host)), login
