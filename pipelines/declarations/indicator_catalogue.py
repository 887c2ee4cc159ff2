"""All measures and indicators, read and checked against each other and against the sources."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from pipelines.declarations.common import nearest
from pipelines.declarations.indicator_checks import indicator_problems, units_with_two_names
from pipelines.declarations.indicators import INDICATORS, Indicator, IndicatorCatalogue, Themes
from pipelines.declarations.measures import load_measures
from pipelines.declarations.read_yaml import read_yaml
from pipelines.declarations.sources import SOURCES, Source
from pipelines.declarations.yaml_document import at
from pipelines.errors import DeclarationError


@lru_cache(maxsize=4)
def load_catalogue(measures: Path = SOURCES, indicators: Path = INDICATORS) -> IndicatorCatalogue:
    """All declared measures and indicators, ordered by code.

    Raises:
        DeclarationError: a file is wrong, a code is declared twice, or a term refers to something that does not exist or does not
            fit; with file, line, key, and what is allowed.
    """
    declared, files = load_measures(measures)
    themes = read_yaml(indicators / "themes.yml", Themes).themes
    computed = {
        path.stem: read_yaml(path, Indicator)
        for path in sorted(indicators.glob("*.yml"))
        if path.name != "themes.yml"
    }
    catalogue = IndicatorCatalogue(measures=declared, indicators=computed, themes=themes, files=files)
    problems = [
        f"{at(indicators / f'{code}.yml', *location)}: {message}"
        for code, indicator in computed.items()
        for location, message in indicator_problems(code, indicator, catalogue)
    ]
    problems += units_with_two_names(catalogue, indicators)
    if problems:
        raise DeclarationError(
            "\n".join(problems),
            "What fits together: docs/indicators.md; measures are those of assets/sources/*/measures.yml.",
        )
    return catalogue


def check_sources(
    catalogue: IndicatorCatalogue, sources: Mapping[str, Source], folder: Path = SOURCES
) -> None:
    """Check the measures against the declared sources.

    Raises:
        DeclarationError: a measure refers to an undeclared source or feed, or no measure uses a feed.
    """
    problems = []
    counting: set[tuple[str, str]] = set()
    for code, measure in catalogue.measures.items():
        source = sources.get(measure.source)
        counting |= measure.feeds
        if source is not None and measure.feed in source.feeds:
            continue
        key, name, known = (
            ("source", measure.source, sources) if source is None else ("feed", measure.feed, source.feeds)
        )
        place = at(catalogue.files[code], "measures", code, key)
        problems.append(
            f"{place}: feed {measure.source}.{measure.feed} is not declared; {nearest(name, known)}"
        )
    if problems:
        raise DeclarationError("\n".join(problems), "Declare the feed in assets/sources/<source>/source.yml.")
    problems = [
        f"{at(folder / name / 'source.yml', 'feeds', feed)}: is loaded, but no measure uses its rows"
        for name, source in sources.items()
        for feed, declared in source.feeds.items()
        if declared.provides is None and ((name, feed) not in counting or declared.counted == "false")
    ]
    if problems:
        raise DeclarationError(
            "\n".join(problems),
            "Declare a measure of the feed in measures.yml beside it, or declare what else the feed provides.",
        )
