"""``docs/frameworks.ru.md``: which of our indicators answers which indicator of a framework, from what, and why not."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.declarations.frameworks import Framework, FrameworkIndicator, load_frameworks
from pipelines.declarations.indicator_catalogue import load_catalogue
from pipelines.declarations.indicators import IndicatorCatalogue
from pipelines.declarations.sources import load_sources

INTRODUCTION = """\
# Показатели международных методик: чем мы отвечаем

Страница создана командой `python -m pipelines.declarations.reference` по описаниям в `assets/frameworks/`; вручную её не меняют.
Здесь сказано, чем показатель измеряется, а не есть ли уже значение: что поступило, показывает `pub_framework_indicator_v1`
([руководство аналитика](analysts.ru.md)).

«То же» – наш показатель считается по определению методики, и её формула прочитана в документе; «близко» – отличие названо или
формула ещё не сверена. В отчёте близкий показатель нельзя выдавать за показатель методики.
"""
CHECKED = {
    "verified": "сверена",
    "name_verified": "сверено только название",
    "to_be_checked": "не сверена",
}
MATCH = {"same": "то же", "close": "близко"}


def framework_page() -> str:
    """The page: for each framework how much is answered, a row for each indicator, and what is not answered."""
    return INTRODUCTION + "".join(_section(framework) for framework in load_frameworks().values())


def _section(framework: Framework) -> str:
    catalogue = load_catalogue()
    answered = [one for one in framework.indicators if one.answered_by]
    same = sum(any(answer.match == "same" for answer in one.answered_by) for one in answered)
    lines = [
        "",
        f"## {framework.title.ru}",
        "",
        f"Отвечаем на {len(answered)} из {len(framework.indicators)}, из них на {same} тем же показателем.",
        "",
        "| код | показатель | формула | чем отвечаем | источник |",
        "|---|---|---|---|---|",
        *(row for one in answered for row in _rows(one, catalogue)),
        "",
        "| без ответа | показатель | почему |",
        "|---|---|---|",
        *(
            f"| {one.code} | {_cell(one.name.ru)} | {_cell(one.unanswered_ru or '')} |"
            for one in framework.indicators
            if not one.answered_by
        ),
    ]
    return "\n".join(lines) + "\n"


def _rows(one: FrameworkIndicator, catalogue: IndicatorCatalogue) -> Iterator[str]:
    checked = CHECKED[one.formula_status] + (f": {one.reference}" if one.reference else "")
    for answer in one.answered_by:
        indicator = catalogue.indicators[answer.indicator]
        sources = {catalogue.measures[term.measure].source for _, term in indicator.terms}
        titles = sorted(load_sources()[source].title.ru for source in sources) or ["ещё не измеряется"]
        yield (
            f"| {one.code} | {_cell(one.name.ru)} | {_cell(checked)} | `{answer.indicator}`, {MATCH[answer.match]}: "
            f"{_cell(answer.note_ru)} | {_cell('; '.join(titles))} |"
        )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
