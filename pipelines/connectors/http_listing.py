"""The files that a web server lists in the page of a folder."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

import httpx

from pipelines.connectors.drop_entries import UNFINISHED
from pipelines.connectors.files import is_named_for, odd_name
from pipelines.connectors.http_client import Server, open_response, with_retries
from pipelines.connectors.http_retry import decoded
from pipelines.declarations.feeds import Feed
from pipelines.errors import OriginError

LARGEST_LISTING = 10_000_000


def listed_names(client: httpx.Client, base_url: str, feed: Feed, server: Server) -> list[str]:
    """The listed names that are those of deliveries, in order.

    Raises:
        OriginError: there is no such page, or it is too large.
    """
    url = base_url + "/"

    def once() -> list[str]:
        with open_response(client, url, {}, server) as response:
            if "html" not in response.headers.get("content-type", ""):
                raise OriginError(
                    f"{url}: is not a page that lists files",
                    "Turn on the listing of the folder at the server, or declare the names in files.",
                )
            page = b""
            for piece in decoded(response):
                page += piece
                if len(page) > LARGEST_LISTING:
                    raise OriginError(
                        f"{url}: the list of files is larger than {LARGEST_LISTING} bytes",
                        "Keep the files of each year in a separate folder.",
                    )
            links = _Links(str(response.url))
            links.feed(page.decode("utf-8", "replace"))
            return sorted(links.names)

    return [
        name
        for name in with_retries(url, once, server)
        if is_named_for(name, feed) and not odd_name(name) and not name.lower().endswith(UNFINISHED)
    ]


class _Links(HTMLParser):
    """The names of the files right below a page, from its links."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Collect the address of a link."""
        for name, value in attributes if tag == "a" else ():
            if name != "href" or not value:
                continue
            try:
                link, page = urlsplit(urljoin(self.url, value)), urlsplit(self.url)
            except ValueError:
                continue
            folder = page.path.rpartition("/")[0] + "/"
            is_here = (link.scheme, link.netloc) == (page.scheme, page.netloc)
            below = link.path.removeprefix(folder) if link.path.startswith(folder) else ""
            if is_here and below and "/" not in below and not link.query:
                self.names.add(unquote(below))
