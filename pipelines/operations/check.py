"""``gorod check``: whether all declarations are valid and consistent, without running anything."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from pipelines.catalogue.write import catalogue_rows
from pipelines.dbt_project import DBT_PROJECT, prefetched_manifest
from pipelines.declarations.access import groups, load_access
from pipelines.declarations.common import nearest
from pipelines.declarations.indicator_catalogue import load_catalogue
from pipelines.declarations.read_yaml import read_yaml
from pipelines.declarations.reference import KINDS, files_of
from pipelines.declarations.reports import (
    REPORTS,
    digest_names,
    load_profile_report,
    load_report,
    profile_names,
)
from pipelines.declarations.sources import load_sources
from pipelines.declarations.surveys import load_surveys
from pipelines.declarations.territories import TERRITORIES, territory_rows
from pipelines.declarations.yaml_document import at
from pipelines.errors import DeclarationError, GorodError
from pipelines.loading.profile import load_history
from pipelines.loading.suites import load_context, load_suite
from pipelines.settings import PROJECT, Settings

# how dbt refers to a file: "... (models/marts/mart_x.sql) ... line 3"
DBT_FILE = re.compile(r"\((?P<file>(?:models|macros|tests|snapshots|generated)/[^)]+)\)")
DBT_LINE = re.compile(r"\bline (?P<line>\d+)")


def find_problems(settings: Settings) -> list[str]:
    """The problems, each once, as ``file:line: key: problem; remedy``.

    First each file by itself; if all can be read, the files against each other, the suites, and dbt's project, which
    is parsed meanwhile.
    """
    problems = [
        problem
        for kind in KINDS
        for path in files_of(kind)
        for problem in _problems(partial(read_yaml, path, kind.model))
    ]
    if not problems:
        problems = _of_all_together(settings)
    return [problem.replace(f"{PROJECT}/", "") for problem in dict.fromkeys(problems)]


def _of_all_together(settings: Settings) -> list[str]:
    try:
        with prefetched_manifest(settings) as manifest:
            problems = [problem for check in _checks() for problem in _problems(check)]
            return problems or list(_problems(manifest))
    # the files for dbt could not be generated
    except DeclarationError as error:
        found = list(_lines(error))
        return [*found, *(problem for check in _checks() for problem in _problems(check))]


def _checks() -> Iterator[Callable[[], Any]]:
    """The checks across files; each raises the first error that it finds."""
    yield catalogue_rows
    yield load_surveys
    yield _access
    for name in digest_names():
        yield partial(_report, name)
    for name in profile_names():
        yield partial(_profile, name)
    try:
        sources = load_sources()
    except DeclarationError:
        return
    for source, declared in sources.items():
        for feed in declared.feeds:
            for load in (load_suite, load_context, load_history):
                yield partial(load, source, feed)


def _access() -> None:
    levels = territory_rows(TERRITORIES)["territory_code"]
    regions = sorted(str(row["ref_area"]) for row in levels if row["level"] == "region")
    groups(load_access(), regions, load_sources())


def _report(name: str) -> None:
    shown = [line.indicator for line in load_report(name).indicators]
    _require_indicators(name, shown, ("indicator",))


def _profile(name: str) -> None:
    _require_indicators(name, load_profile_report(name).indicators)


def _require_indicators(name: str, shown: Sequence[str], key: tuple[str, ...] = ()) -> None:
    known = load_catalogue().indicators
    wrong = [
        f"{at(REPORTS / f'{name}.yml', 'indicators', number, *key)}: {indicator!r} is not declared; "
        + nearest(indicator, known)
        for number, indicator in enumerate(shown)
        if indicator not in known
    ]
    if wrong:
        raise DeclarationError("\n".join(wrong), "Name an indicator of assets/indicators.")


def _problems(check: Callable[[], Any]) -> Iterator[str]:
    try:
        check()
    except GorodError as error:
        yield from _lines(error)


def _lines(error: GorodError) -> Iterator[str]:
    """The problems of an error, a line each, with the remedy."""
    if isinstance(error, DeclarationError):
        # for a suite, Python gives the line in words
        for line in re.sub(r"(?m)^(\S+\.py), line (\d+):", r"\1:\2:", error.message).splitlines():
            yield f"{line}; {error.remedy}" if error.remedy else line
        return
    message = " ".join(error.message.split())
    file, number = DBT_FILE.search(message), DBT_LINE.search(message)
    place = (
        f"{DBT_PROJECT.name}/{file['file'] if file else 'dbt_project.yml'}:{number['line'] if number else 1}"
    )
    yield f"{place}: dbt: {message}; {error.remedy}"
