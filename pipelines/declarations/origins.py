"""Where deliveries are taken from: folders, files over HTTP, records page by page."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipelines.declarations.common import Declaration, PlacedError, Problem
from pipelines.declarations.databases import SqlOrigin
from pipelines.declarations.http_access import HttpAccess
from pipelines.declarations.messages import ImapOrigin, MqttOrigin
from pipelines.declarations.sftp import SftpOrigin
from pipelines.json_path import PathError, parse_path


class FileOrigin(Declaration):
    """Files in a folder. ``{instance}`` in the path is replaced by the instance's code."""

    kind: Literal["files"] = Field(default="files", description="files in a folder")
    path: str = Field(
        description="folder: of a sample below the source's own, of a mirror below `GOROD_MIRROR`"
    )
    instance: str | None = Field(default=None, description="the only instance; all files belong to it")
    synthetic: bool = Field(
        default=False, description="the data are invented; every page that shows them says so"
    )


HEADER = "header:"
SECRETS = ("authorization", "cookie", "proxy-authorization", "x-api-key", "x-auth-token")
OF_MONTH = ("{month}", "{first_day}", "{last_day}")
PLACE = "a path in the answer (`meta.total`), or `header:` and the name of a header"


class PagedOrigin(HttpAccess):
    """Records in JSON that are pulled page by page, over HTTP: a whole snapshot or nothing.

    The feed's format (`json_records`) says where the list of records is. `base_url`,
    `parameters` and `headers` may contain `{instance}`.
    If a parameter contains `{month}`, `{first_day}` or `{last_day}`, each month from the feed's `first_month` to the last
    finished one is a slice; otherwise the slice is the current period of the feed's cadence. `GOROD_<SOURCE>_TOKEN` in
    the environment is sent as a bearer token, user and password in `GOROD_<SOURCE>_URL` as a login.
    """

    kind: Literal["paged"] = Field(
        default="paged", description="records that are pulled page by page, over HTTP"
    )
    base_url: str = Field(
        pattern=r"^https?://[^/?#@]+(/[^?#@]*)?$",
        description="address, without user and parameters; `GOROD_<SOURCE>_URL` in the environment takes precedence",
    )
    path: str = Field(default="", pattern=r"^(/[^?#@]*)?$", description="path below the address")
    paging: Literal["offset", "page", "cursor", "link"] = Field(
        description="how the next page is requested: by the number of received records, by its number, by the cursor or by the "
        "address in the page before"
    )
    position_parameter: str | None = Field(
        default=None,
        description="parameter for the offset, the number or the cursor; absent: `offset`, `page`, `cursor`",
    )
    first_page: Literal[0, 1] = Field(default=1, description="number of the first page")
    size_parameter: str | None = Field(
        default="limit", description="parameter for the page size; null: none is sent"
    )
    page_size: int = Field(default=500, gt=0, le=50_000, description="records requested in one page")
    fields: tuple[str, ...] = Field(default=(), description="fields to request; absent: all")
    fields_parameter: str = Field(
        default="fields", description="parameter for the fields, which are separated by commas"
    )
    parameters: dict[str, str] = Field(default={}, description="further parameters of each request")
    headers: dict[str, str] = Field(
        default={}, description="headers of each request; no secrets; may hold `{instance}`"
    )
    secret_headers: dict[str, str] = Field(
        default={},
        description="header → environment variable with its value, e.g. `X-Api-Key: GOROD_PARKING_KEY`",
    )
    total: str | None = Field(
        default=None,
        description=f"where each page says how many records there are in all: {PLACE}; absent: nowhere",
    )
    count: str | None = Field(
        default=None, description=f"where a page says how many records it holds: {PLACE}"
    )
    next: str | None = Field(
        default=None,
        description=f"where a page names the next one, by cursor or address: {PLACE}; for `link`, the header Link when absent",
    )
    identifier: str | None = Field(
        default="id",
        description="path of a record's identifier, which may not be repeated on another page; null: not checked",
    )
    snapshots: int = Field(
        default=3,
        ge=1,
        le=20,
        description="how often the pull starts again before an inconsistent snapshot is refused",
    )
    synthetic: bool = Field(
        default=False, description="the data are invented; every page that shows them says so"
    )

    @property
    def by_month(self) -> bool:
        """Whether each month is requested separately."""
        return any(word in text for text in self.parameters.values() for word in OF_MONTH)

    @model_validator(mode="after")
    def _can_be_paged(self) -> PagedOrigin:
        problems: list[Problem] = [
            (("headers", name), "is a secret: name its environment variable in secret_headers")
            for name in self.headers
            if name.lower() in SECRETS
        ]
        if self.paging == "cursor" and self.next is None:
            problems.append((("next",), "is needed: where the cursor is in a page"))
        if self.paging in ("offset", "page") and self.next is not None:
            problems.append((("next",), f"paging by {self.paging} has no next; remove it"))
        for key in ("total", "count", "next", "identifier"):
            text = getattr(self, key)
            if text is not None and not text.startswith(HEADER):
                try:
                    if not parse_path(text).words:
                        raise PathError(f"{text!r} names no key")
                except PathError as error:
                    problems.append(((key,), str(error)))
        if problems:
            raise PlacedError(*problems)
        return self


class Tmf639Origin(Declaration):
    """A TM Forum resource inventory (TMF639), pulled as `kind: paged` is, with the counts in headers.

    Pages of v4 are asked for by offset and limit, those of v5 by the link to the next page, which holds its cursor.
    ``base_url`` may contain ``{instance}`` and ``{version}``, which the format declares. A sample names a ``simulator``
    that answers instead of the inventory.
    """

    kind: Literal["tmf639"] = Field(default="tmf639", description="a TMF639 inventory over HTTP")
    base_url: str = Field(
        description="address up to and with the version; `GOROD_<SOURCE>_URL` in the environment takes precedence"
    )
    simulator: str | None = Field(
        default=None,
        pattern=r"^[a-z_]\w*(\.\w+)*:\w+$",
        description="for a sample: `module:function` that serves the source's sample on loopback during the pull",
    )
    page_size: int = Field(default=500, gt=0, le=5000, description="resources requested in one page")
    synthetic: bool = Field(
        default=False, description="the data are invented; every page that shows them says so"
    )

    def paged(self, version: str) -> PagedOrigin:
        """The paging of an inventory that speaks the version."""
        return PagedOrigin(
            base_url=self.base_url,
            path="/resource",
            paging="link" if version == "v5" else "offset",
            page_size=self.page_size,
            total="header:X-Total-Count",
            count="header:X-Result-Count",
            synthetic=self.synthetic,
        )


MONTH = "{month}"


class HttpOrigin(HttpAccess):
    """Files at a public address. ``{instance}`` in the address is replaced by the instance's code.

    ``{month}`` in a name is replaced by each month (YYYY-MM) from the feed's ``first_month`` to ``last_month``. Without
    ``last_month`` the series continues to the last finished month, and the newest files may not be published yet.
    """

    kind: Literal["http"] = Field(default="http", description="files at a public address, by HTTP")
    base_url: str = Field(
        pattern=r"^https?://[^/?#@]+(/[^?#@]*)?$",
        description="address above the names; it is recorded, so it may not contain a user or parameters",
    )
    files: tuple[str, ...] = Field(
        default=(), description="names of the files; each must match `file_pattern`; may contain `{month}`"
    )
    listing: bool = Field(
        default=False,
        description="take the files in the web server's index page at `base_url` that match `file_pattern`",
    )
    last_month: date | None = Field(
        default=None, description="first day of the last month, if the series has ended"
    )
    instance: str | None = Field(default=None, description="the only instance; all files belong to it")
    synthetic: bool = Field(
        default=False, description="the data are invented; every page that shows them says so"
    )

    @model_validator(mode="after")
    def _names_files(self) -> HttpOrigin:
        if bool(self.files) == self.listing:
            raise PlacedError((("files",), "declare either files or `listing: true`"))
        return self


Origin = Annotated[
    FileOrigin | PagedOrigin | Tmf639Origin | HttpOrigin | SftpOrigin | SqlOrigin | ImapOrigin | MqttOrigin,
    Field(discriminator="kind"),
]


class PublicOrigin(Declaration):
    """Where the data are published, and on what terms."""

    address: str = Field(description="where the data are published")
    licence: str = Field(description="name of the licence")
    attribution: str = Field(description="the attribution that the licence requires, as shown in reports")
