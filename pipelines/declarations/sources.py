"""A source: the model of ``assets/sources/<source>/source.yml``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from pydantic import Field, model_validator

from pipelines.declarations.columns import NUMBERS
from pipelines.declarations.common import Declaration, Names, PlacedError, Problem, nearest
from pipelines.declarations.feeds import Feed, Provides
from pipelines.declarations.formats import PivotJsonFormat, Tmf639Format
from pipelines.declarations.origins import FileOrigin, HttpOrigin, Origin, PublicOrigin
from pipelines.declarations.read_yaml import read_yaml
from pipelines.declarations.sftp import SftpOrigin
from pipelines.declarations.yaml_document import at
from pipelines.errors import DeclarationError
from pipelines.settings import PROJECT

SOURCES = PROJECT / "assets" / "sources"


class Instance(Declaration):
    """An installation of the source, and the territory that it covers."""

    title: Names = Field(description="name of the installation")
    ref_area: str = Field(description="code of the territory that it covers")
    origin: Origin | None = Field(
        default=None,
        description="how this installation delivers all its feeds, if not by the `mirror` of each feed; the format is the feed's",
    )


class Source(Declaration):
    """An external system of record."""

    source: str = Field(
        pattern=r"^[a-z][a-z0-9_]*$", description="code of the source; its folder has the same name"
    )
    title: Names = Field(description="name of the source")
    owner: str = Field(description="who is responsible for it")
    public_origin: PublicOrigin = Field(description="where the data are published, and on what terms")
    instances: dict[str, Instance] = Field(description="its installations by code; one is enough")
    territories: dict[str, str] = Field(
        default={},
        description="name of a territory in its rows → its code in the register",
    )
    feeds: dict[str, Feed] = Field(description="its feeds by code")

    @model_validator(mode="after")
    def _is_whole(self) -> Source:
        problems: list[Problem] = [
            (
                ("feeds", name, "origins", which, "instance"),
                f"instance {origin.instance!r} is not declared; {nearest(origin.instance, self.instances)}",
            )
            for name, feed in self.feeds.items()
            for which, origin in feed.origins.items()
            if isinstance(origin, FileOrigin | HttpOrigin | SftpOrigin)
            and origin.instance
            and origin.instance not in self.instances
        ]
        for name, feed in self.feeds.items():
            problems += _misplaced_columns(name, feed)
            problems += [
                (
                    ("feeds", name, "columns", column),
                    "a number needs bounds, or unbounded with the reason",
                )
                for column, about in feed.kept_columns.items()
                if about.type in NUMBERS and not about.bounds and not about.unbounded
            ]
            if isinstance(feed.format, Tmf639Format):
                problems += [
                    (
                        ("feeds", name, "format", "versions", instance),
                        f"instance {instance!r} is not declared; {nearest(instance, self.instances)}",
                    )
                    for instance in feed.format.versions
                    if instance not in self.instances
                ]
            if isinstance(feed.format, PivotJsonFormat) and not feed.format.tables:
                problems.append(
                    (
                        ("feeds", name, "format"),
                        "tables: declare the titles by which its answers are recognised",
                    )
                )
        if problems:
            raise PlacedError(*problems)
        return self


def _misplaced_columns(name: str, feed: Feed) -> Iterator[Problem]:
    """Check that ``territory`` and ``time_period`` name kept columns of the right type."""
    wanted = {
        "territory": (feed.territory, ("text",)),
        "time_period": (feed.time_period, ("date", "timestamp")),
    }
    for key, (column, types) in wanted.items():
        known = [one for one, about in feed.kept_columns.items() if about.type in types]
        if column is not None and column not in known:
            message = (
                f"{column!r} is not a kept column of type {' or '.join(types)}; {nearest(column, known)}"
            )
            yield ("feeds", name, key), message


@lru_cache(maxsize=1)
def load_sources(folder: Path = SOURCES) -> dict[str, Source]:
    """All declared sources by name, in alphabetical order.

    Raises:
        DeclarationError: a file is wrong, or a folder's name is not its source's.
    """
    sources: dict[str, Source] = {}
    for path in sorted(folder.glob("*/source.yml")):
        source = read_yaml(path, Source)
        if source.source != path.parent.name:
            raise DeclarationError(
                f"{at(path, 'source')}: is {source.source!r}, its folder is {path.parent.name!r}",
                "Give both the same name.",
            )
        sources[source.source] = source
    return sources


def provider_of(what: Provides) -> tuple[str, str]:
    """The one source and feed that provide something, e.g. the register of territories.

    Raises:
        DeclarationError: none does, or several do.
    """
    found = [
        (name, feed)
        for name, source in load_sources().items()
        for feed, declared in source.feeds.items()
        if declared.provides == what
    ]
    if len(found) != 1:
        message = ", ".join(f"{source}.{feed}" for source, feed in found) or "none"
        raise DeclarationError(
            f"{SOURCES}: exactly one feed must provide the {what}; declared: {message}",
            f"Declare `provides: {what}` for one feed in its source.yml.",
        )
    return found[0]
