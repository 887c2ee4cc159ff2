"""Who may read what on a server: the model of ``assets/access.yml``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from pipelines.declarations.common import Declaration, Names, PlacedError, Problem, nearest
from pipelines.declarations.read_yaml import read_yaml
from pipelines.declarations.yaml_document import at
from pipelines.errors import DeclarationError
from pipelines.settings import PROJECT

ACCESS = PROJECT / "assets" / "access.yml"

NAME = r"[a-z][a-z0-9_]*"
# PostgreSQL cuts longer names, and two of them could become one.
LONGEST_NAME = 63
PLACES = ("{region}", "{source}")


class Role(Declaration):
    """A group of logins. It cannot log in itself; a name with {region} or {source} stands for one group each."""

    title: Names = Field(description="whom it is for")
    reads: tuple[str, ...] = Field(
        default=(),
        description="what it may read: schema.table, or schema.* for all of a schema; * at the end of a schema's name "
        "stands for any ending, {region} for the region's code in lower case with _ for -",
    )
    rows: Literal["all", "region", "source"] = Field(
        default="all",
        description="which rows of it: all; those of its region, with the country's totals; those of its source",
    )
    writes: bool = Field(default=False, description="true: may load, build and publish")

    @field_validator("reads")
    @classmethod
    def _names_relations(cls, reads: tuple[str, ...]) -> tuple[str, ...]:
        problems: list[Problem] = [
            ((number,), f"{name!r}: write schema.table or schema.*")
            for number, name in enumerate(reads)
            if not re.fullmatch(rf"{NAME}(?:\{{region\}}|\*)?\.(?:\*|{NAME})", name)
        ]
        if problems:
            raise PlacedError(*problems)
        return reads


class Login(Declaration):
    """A person or a tool that connects. Its password is set on the server and is in no file."""

    groups: tuple[str, ...] = Field(
        min_length=1, description="groups that it belongs to, by their full names"
    )
    connection_limit: int = Field(default=10, ge=1, description="largest number of sessions at once")
    statement_timeout: str = Field(
        default="5min",
        pattern=r"^\d+(ms|s|min|h)$",
        description="longest time of one query; a session can change it, but gorod-sessions.timer ends longer ones",
    )
    note: str | None = Field(default=None, description="who is responsible for it")


class Rows(Declaration):
    """How the rows of a published table are assigned to regions. A table that is not listed here cannot be read by anyone."""

    whole: bool = Field(
        default=False, description="true: it has no territory and no load; its readers see all of it"
    )
    territory: tuple[str, ...] = Field(
        default=(),
        description="columns with codes of territories; a region sees a row if all of them are its own",
    )
    load: str | None = Field(
        default=None,
        description="column with a load; a region sees a row if the load feeds it, or there is none",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Rows:
        if self.whole == bool(self.territory or self.load):
            raise ValueError("whole: declare either this, or columns of territory and load")
        return self


class Access(Declaration):
    """``assets/access.yml``: groups, logins, and how published rows are assigned to regions."""

    country: str = Field(description="ref_area of the country, whose totals every region sees")
    closed: tuple[str, ...] = Field(
        description="schemas that only Gorod, and groups with them in reads, may read"
    )
    roles: dict[str, Role] = Field(description="groups by name")
    logins: dict[str, Login] = Field(default={}, description="logins by name")
    published: dict[str, Rows] = Field(description="tables of schema published")

    @field_validator("roles", "logins")
    @classmethod
    def _names_of_roles(cls, given: dict[str, Role] | dict[str, Login]) -> dict[str, Role] | dict[str, Login]:
        problems: list[Problem] = [
            (
                (name,),
                "a name has lower-case Latin letters, digits and _, and does not begin with pg_",
            )
            for name in given
            if not re.fullmatch(r"[a-z][a-z0-9_{}]*", name) or name.startswith("pg_")
        ]
        if problems:
            raise PlacedError(*problems)
        return given

    @model_validator(mode="after")
    def _places(self) -> Access:
        problems = [
            *(problem for name, role in self.roles.items() for problem in _role_problems(name, role)),
            *((("logins", name), "is the name of a group") for name in self.logins if name in self.roles),
        ]
        if problems:
            raise PlacedError(*problems)
        return self


def _role_problems(name: str, role: Role) -> Iterator[Problem]:
    of_region, of_source = (place in name for place in PLACES)
    if of_region != (role.rows == "region") or of_source != (role.rows == "source"):
        message = f"{role.rows}, but region belongs to a name with {{region}}, source to one with {{source}}"
        yield ("roles", name, "rows"), message
    for number, what in enumerate(role.reads):
        for place in PLACES:
            if place in what and place not in name:
                yield (
                    ("roles", name, "reads", number),
                    f"{what!r} names {place}, which is not in the name of the group",
                )


@dataclass(frozen=True)
class Group:
    """One group as on the server. ``region`` is a ref_area; ``reads`` has no placeholders left."""

    name: str
    reads: tuple[str, ...]
    rows: Literal["all", "region", "source"]
    writes: bool
    region: str | None = None

    def may_read(self, schema: str, relation: str) -> bool:
        """Whether it reads this table or view."""
        return any(_matches(pattern, schema, relation) for pattern in self.reads)

    def may_enter(self, schema: str) -> bool:
        """Whether it reads anything of this schema."""
        return any(_matches(pattern.split(".")[0] + ".*", schema, "") for pattern in self.reads)


def groups(
    access: Access, regions: Iterable[str], sources: Iterable[str], path: Path = ACCESS
) -> dict[str, Group]:
    """The groups by name; a role with a placeholder becomes one for each region or source.

    ``path`` is where the declaration was read.

    Raises:
        DeclarationError: a name is too long for PostgreSQL, or a login names an undeclared group.
    """
    of_roles = {
        name: list(_groups(name, role, list(regions), list(sources))) for name, role in access.roles.items()
    }
    found = {group.name: group for declared in of_roles.values() for group in declared}
    problems = [
        f"{at(path, 'roles', role)}: group {group.name} has {len(group.name)} letters; at most {LONGEST_NAME}"
        for role, declared in of_roles.items()
        for group in declared
        if len(group.name) > LONGEST_NAME
    ]
    problems += [
        f"{at(path, 'logins', login, 'groups', number)}: group {group!r} is not declared; {nearest(group, found)}"
        for login, declared in access.logins.items()
        for number, group in enumerate(declared.groups)
        if group not in found
    ]
    if problems:
        raise DeclarationError(
            "\n".join(problems), "Groups are declared under roles, with {region} and {source}."
        )
    return found


def load_access(path: Path = ACCESS) -> Access:
    """The declaration.

    Raises:
        DeclarationError: it is wrong.
    """
    return read_yaml(path, Access)


def in_names(code: str) -> str:
    """A code as it is written in names of roles and schemas: ``BY-BR`` is ``by_br``."""
    return code.lower().replace("-", "_")


def _groups(name: str, role: Role, regions: list[str], sources: list[str]) -> Iterator[Group]:
    if role.rows == "region":
        for region in regions:
            code = in_names(region)
            reads = tuple(what.replace("{region}", code) for what in role.reads)
            yield Group(name.replace("{region}", code), reads, role.rows, role.writes, region)
    elif role.rows == "source":
        for source in sources:
            yield Group(name.replace("{source}", source), role.reads, role.rows, role.writes)
    else:
        yield Group(name, role.reads, role.rows, role.writes)


def _matches(pattern: str, schema: str, relation: str) -> bool:
    wanted, table = pattern.split(".")
    fits = schema.startswith(wanted[:-1]) if wanted.endswith("*") else schema == wanted
    return fits and table in ("*", relation)
