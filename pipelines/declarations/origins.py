"""Where deliveries are taken from: folders, files over HTTP, records page by page."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipelines.declarations.common import Declaration, PlacedError, Problem
from pipelines.json_path import PathError, parse_path


class FileOrigin(Declaration):
    """Files in a folder. ``{instance}`` in the path stands for the instance's code."""

    kind: Literal["files"] = Field(default="files", description="files in a folder")
    path: str = Field(
        description="folder: of a sample below the source's own, of a mirror below `GOROD_MIRROR`"
    )
    instance: str | None = Field(default=None, description="the one instance that all files belong to")
    synthetic: bool = Field(
        default=False, description="the data are invented; every page that shows them says so"
    )


HEADER = "header:"
SECRETS = ("authorization", "cookie", "proxy-authorization", "x-api-key", "x-auth-token")
OF_MONTH = ("{month}", "{first_day}", "{last_day}")
PLACE = "a path in the answer (`meta.total`), or `header:` and the name of a header"


class PagedOrigin(Declaration):
    """Records in JSON that are pulled page by page, over HTTP: a whole snapshot or nothing.

    The list of the records is where the feed's format (`json_records`) says. `base_url` and `parameters` may hold `{instance}`.
    Where a parameter holds `{month}`, `{first_day}` or `{last_day}`, each month from the feed's `first_month` to the last one
    that has ended is a slice of its own; else the slice is the running period of the feed's cadence. `GOROD_<SOURCE>_TOKEN` in
    the environment is sent as a bearer token, user and password of `GOROD_<SOURCE>_URL` as a login.
    """

    kind: Literal["paged"] = Field(
        default="paged", description="records that are pulled page by page, over HTTP"
    )
    base_url: str = Field(
        pattern=r"^https?://[^/?#@]+(/[^?#@]*)?$",
        description="address that is asked, without user and parameters; `GOROD_<SOURCE>_URL` in the environment goes before it",
    )
    path: str = Field(default="", pattern=r"^(/[^?#@]*)?$", description="what stands behind the address")
    paging: Literal["offset", "page", "cursor", "link"] = Field(
        description="how the next page is asked for: by the number of records that came, by its own number, by the cursor that a "
        "page names, by the address that it names"
    )
    position_parameter: str | None = Field(
        default=None,
        description="parameter of the offset, the number or the cursor; `offset`, `page`, `cursor` when absent",
    )
    first_page: Literal[0, 1] = Field(default=1, description="number of the first page")
    size_parameter: str | None = Field(
        default="limit", description="parameter of the page's size; null: none is sent"
    )
    page_size: int = Field(default=500, gt=0, le=50_000, description="records asked for in one page")
    fields: tuple[str, ...] = Field(default=(), description="fields to ask for; all when absent")
    fields_parameter: str = Field(
        default="fields", description="parameter that the fields are named in, by commas"
    )
    parameters: dict[str, str] = Field(default={}, description="further parameters of each request")
    headers: dict[str, str] = Field(default={}, description="headers of each request; no secrets")
    secret_headers: dict[str, str] = Field(
        default={},
        description="header → variable of the environment that its value is in, e.g. `X-Api-Key: GOROD_PARKING_KEY`",
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
        default="id", description="path of what no two pages may both have in a record; null: nothing"
    )
    snapshots: int = Field(
        default=3,
        ge=1,
        le=20,
        description="how often it is taken from the start before it is refused as torn",
    )
    synthetic: bool = Field(
        default=False, description="the data are invented; every page that shows them says so"
    )

    @property
    def by_month(self) -> bool:
        """Whether the months are asked for one by one."""
        return any(word in text for text in self.parameters.values() for word in OF_MONTH)

    @model_validator(mode="after")
    def _can_be_paged(self) -> PagedOrigin:
        problems: list[Problem] = [
            (("headers", name), "is a secret: name its variable of the environment in secret_headers")
            for name in self.headers
            if name.lower() in SECRETS
        ]
        if self.paging == "cursor" and self.next is None:
            problems.append((("next",), "is needed: where a page names its cursor"))
        if self.paging in ("offset", "page") and self.next is not None:
            problems.append((("next",), f"paging by {self.paging} has no next; leave it out"))
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
    """A TM Forum resource inventory (TMF639), pulled as `kind: paged` is: by offset and limit, with the counts in headers.

    ``base_url`` may hold ``{instance}``. ``sandbox`` starts the simulated inventory of this repository on
    loopback for the length of the pull.
    """

    kind: Literal["tmf639"] = Field(default="tmf639", description="a TMF639 v4 inventory over HTTP")
    base_url: str = Field(
        description="address up to and with the version; `GOROD_<SOURCE>_URL` in the environment goes before it"
    )
    sandbox: bool = Field(
        default=False,
        description="start the simulated inventory of this repository for the length of the pull",
    )
    page_size: int = Field(default=500, gt=0, le=5000, description="resources asked for in one page")
    synthetic: bool = Field(
        default=False, description="the data are invented; every page that shows them says so"
    )

    @property
    def paged(self) -> PagedOrigin:
        """How an inventory is paged."""
        return PagedOrigin(
            base_url=self.base_url,
            path="/resource",
            paging="offset",
            page_size=self.page_size,
            total="header:X-Total-Count",
            count="header:X-Result-Count",
            synthetic=self.synthetic,
        )


MONTH = "{month}"


class HttpOrigin(Declaration):
    """Files at a public address. ``{instance}`` in the address stands for the instance's code.

    ``{month}`` in a name stands for each month (YYYY-MM) from the feed's ``first_month`` to ``last_month``. Without
    ``last_month`` the series goes on to the last month that has ended, and the newest ones may be not out yet.
    """

    kind: Literal["http"] = Field(default="http", description="files at a public address, by HTTP")
    base_url: str = Field(
        pattern=r"^https?://[^/?#@]+(/[^?#@]*)?$",
        description="address that the names are below; it is written down, so it holds no user and no parameters",
    )
    files: tuple[str, ...] = Field(
        min_length=1, description="names of the files; each must match `file_pattern`; may hold `{month}`"
    )
    last_month: date | None = Field(
        default=None, description="first day of the last month there, where no more will come"
    )
    instance: str | None = Field(default=None, description="the one instance that all files belong to")


Origin = Annotated[FileOrigin | PagedOrigin | Tmf639Origin | HttpOrigin, Field(discriminator="kind")]


class PublicOrigin(Declaration):
    """Where the data are published, and on what terms."""

    address: str = Field(description="where the data are published")
    licence: str = Field(description="the terms, by their name")
    attribution: str = Field(description="the words that the terms ask for, as they stand in reports")
