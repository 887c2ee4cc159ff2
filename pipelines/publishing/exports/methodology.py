"""Dictionary and methodology as static pages in Russian, Belarusian and English.

``<language>/index.html`` lists the indicators by theme; there is a page for each indicator, framework and index
method, one with the measures and one with every table and column. They need no server, no script and no other host.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from pipelines.errors import GorodError
from pipelines.publishing.exports import page_words as says
from pipelines.publishing.exports.formula import in_words, plain
from pipelines.publishing.exports.snapshot import LANGUAGES, Row, Snapshot
from pipelines.publishing.exports.words import (
    DIRECTIONS,
    FREQUENCIES,
    IMPUTATIONS,
    MISSING,
    ROLL_UPS,
    STATUSES,
    SYNTHETIC,
    TOTALS,
    Text,
)
from pipelines.wording import number as russian_number

LANGUAGE_NAMES = {"ru": "Русский", "be": "Беларуская", "en": "English"}
LISTS: dict[str, dict[str, Text]] = {
    "page": says.PAGE,
    "concept": says.CONCEPTS,
    "formula_status": says.FORMULA_STATUS,
    "reporting": says.REPORTING,
    "match": says.MATCHES,
    "index_status": says.INDEX_STATUS,
    "level": says.LEVELS,
    "normalisation": says.NORMALISATIONS,
    "aggregation": says.AGGREGATIONS,
    "kind": says.KINDS,
    "absence": says.ABSENCES,
    "download": says.DOWNLOADS,
    "direction": DIRECTIONS,
    "freq": FREQUENCIES,
    "imputation": IMPUTATIONS,
    "missing": MISSING,
    "roll_up": ROLL_UPS,
    "status": STATUSES,
    "total": TOTALS,
}

# for each indicator the newest of the periods that most regions have, for the country and the regions
SHOWN = """
with high as (
    select figures.*, territories.level, territories.name_ru, territories.name_be, territories.name_en
    from published.pub_indicator_value_v1 as figures
    inner join published.pub_territory_v1 as territories on figures.ref_area = territories.ref_area
    where figures.breakdown = '_T' and territories.level in ('country', 'region')
),
counted as (
    select indicator, freq, time_period, last_day, count(obs_value) as regions
    from high
    group by indicator, freq, time_period, last_day
    having count(obs_value) > 0
),
chosen as (
    select *, row_number() over (partition by indicator order by regions desc, last_day desc, freq) as place
    from counted
)
select high.*
from high
inner join chosen using (indicator, freq, time_period)
where chosen.place = 1
order by high.indicator, high.level, high.name_ru, high.ref_area
"""


@dataclass(frozen=True)
class Content:
    """Everything the pages are made from, read once."""

    snapshot: Snapshot
    indicators: list[Row]
    methods: dict[str, list[Row]]
    terms: dict[tuple[str, str], list[Row]]
    metadata: dict[str, list[Row]]
    measures: dict[str, Row]
    members: dict[tuple[str, str], Row]
    values: dict[str, list[Row]]
    synthetic: frozenset[str]
    periods: dict[str, Row]
    quality: dict[str, Row]
    loads: list[Row]
    frameworks: list[Row]
    framework_indicators: dict[str, list[Row]]
    index_methods: dict[str, list[Row]]
    index_nodes: dict[tuple[str, str], list[Row]]
    row_counts: dict[str, int]
    downloads: tuple[str, ...]

    def named(self, indicator: str | None) -> Row | None:
        """An indicator's row by its code."""
        return next((row for row in self.indicators if row["indicator"] == indicator), None)


def make(snapshot: Snapshot, folder: Path, out: Path) -> None:
    """Write all pages.

    Raises:
        GorodError: the publication lacks a table, or a code cannot name a file.
    """
    content = read(snapshot, out)
    style = files("pipelines.publishing.exports") / "templates" / "style.css"
    (folder / "style.css").write_text(style.read_text(encoding="utf-8"), encoding="utf-8")
    start = {"names": LANGUAGE_NAMES, "titles": says.PAGE["title"], "synthetic": snapshot.synthetic}
    _write(folder / "index.html", _template("start.html").render(start | {"mark": SYNTHETIC}))
    for language in LANGUAGES:
        for path, template, given in _pages(content):
            page = _Page(content, language, path)
            _write(folder / language / path, _template(template).render(page.helpers() | given))


def read(snapshot: Snapshot, out: Path) -> Content:
    """The pages' data. ``out`` is the folder in which other products may be."""
    rows, some = snapshot.rows, snapshot.rows_if_any
    return Content(
        snapshot=snapshot,
        indicators=sorted(rows("pub_indicator_v1"), key=lambda row: (row["theme_ru"], row["name_ru"])),
        methods=_by(rows("pub_method_v1"), "indicator"),
        terms={
            key: list(group)
            for key, group in groupby(
                sorted(
                    rows("pub_indicator_term_v1"),
                    key=lambda row: (row["indicator"], row["method_version"], row["term_no"]),
                ),
                key=lambda row: (row["indicator"], row["method_version"]),
            )
        },
        metadata=_by(some("pub_indicator_metadata_v1"), "indicator"),
        measures={row["measure"]: row for row in rows("pub_measure_v1")},
        members={(row["measure"], row["breakdown"]): row for row in some("pub_measure_member_v1")},
        values=_by(snapshot.ask(SHOWN), "indicator"),
        synthetic=frozenset(
            row["indicator"]
            for row in snapshot.ask(
                "select distinct indicator from published.pub_indicator_value_v1 where synthetic"
            )
        ),
        periods={row["time_period"]: row for row in rows("pub_period_v1")},
        quality={row["quality_class"]: row for row in some("pub_quality_class_v1")},
        loads=snapshot.ask(
            "select distinct source, licence, attribution from published.pub_load_v1 order by all"
        ),
        frameworks=some("pub_framework_v1"),
        framework_indicators=_by(
            sorted(some("pub_framework_indicator_v1"), key=lambda row: row["indicator_no"]), "framework"
        ),
        index_methods=_by(
            sorted(some("pub_index_method_v1"), key=lambda row: row["valid_from"], reverse=True),
            "index_method",
        ),
        index_nodes={
            (row["index_method"], row["method_version"]): [
                node
                for node in some("pub_index_node_v1")
                if (node["index_method"], node["method_version"])
                == (row["index_method"], row["method_version"])
            ]
            for row in some("pub_index_method_v1")
        },
        row_counts={
            name: snapshot.ask(f"select count(*) as rows from published.{name}")[0]["rows"]
            for name in snapshot.tables
        },
        downloads=tuple(file for file in says.DOWNLOADS if (out / file).is_file()),
    )


def _by(rows: list[Row], column: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row[column], []).append(row)
    return found


def _pages(content: Content) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path within the language's folder, template, and its data."""
    yield "index.html", "index.html", {"themes": groupby_theme(content.indicators)}
    yield "dictionary.html", "dictionary.html", {}
    yield "measures.html", "measures.html", {"used_by": _used_by(content)}
    for row in content.indicators:
        code = row["indicator"]
        yield (
            _file("indicators", code),
            "indicator.html",
            {
                "indicator": row,
                "methods": list(reversed(content.methods.get(code, []))),
                "metadata": content.metadata.get(code, []),
                "values": content.values.get(code, []),
                "origins": _origins(row, content.loads),
            },
        )
    for row in content.frameworks:
        found = content.framework_indicators.get(row["framework"], [])
        yield (
            _file("frameworks", row["framework"]),
            "framework.html",
            {"framework": row, "dimensions": _by(found, "dimension")},
        )
    for code, versions in content.index_methods.items():
        yield (
            _file("indices", code),
            "index_method.html",
            {
                "versions": [
                    (row, in_tree(content.index_nodes[code, row["method_version"]])) for row in versions
                ]
            },
        )


def groupby_theme(indicators: list[Row]) -> list[tuple[Row, list[Row]]]:
    """Indicators by theme; the first of each carries the theme's names."""
    return [(group[0], group) for group in _by(indicators, "theme").values()]


def in_tree(nodes: list[Row]) -> list[tuple[int, Row]]:
    """Nodes from the root down, each under its parent, with its depth; parts in declared order."""
    below: dict[str | None, list[Row]] = {}
    for node in sorted(nodes, key=lambda row: row["node_no"]):
        below.setdefault(node["parent"], []).append(node)

    def walk(parent: str | None, depth: int) -> Iterator[tuple[int, Row]]:
        for node in below.get(parent, []):
            yield depth, node
            yield from walk(node["node"], depth + 1)

    return list(walk(None, 0))


def _used_by(content: Content) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for (indicator, _), terms in content.terms.items():
        for term in terms:
            for measure in (term["measure"], term["times_measure"]):
                if measure is not None:
                    found.setdefault(measure, set()).add(indicator)
    return {measure: sorted(indicators) for measure, indicators in found.items()}


def _origins(indicator: Row, loads: list[Row]) -> list[Row]:
    """Attributions and licences of the sources that an indicator is computed from."""
    sources = (indicator["sources"] or "").split(", ")
    return [row for row in loads if row["source"] in sources]


def _file(folder: str, code: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_\-]+", code):
        raise GorodError(
            f"{folder}: {code!r} cannot name a page", "Codes are Latin letters, digits, _ and -."
        )
    return f"{folder}/{code}.html"


def _write(path: Path, page: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page.rstrip() + "\n", encoding="utf-8")


class _Page:
    """Functions for templates: words, links and numbers in the page's language."""

    def __init__(self, content: Content, language: str, path: str) -> None:
        self.content, self.language, self.path = content, language, path
        self.up = "../" * path.count("/")

    def helpers(self) -> dict[str, Any]:
        return {
            "content": self.content,
            "snapshot": self.content.snapshot,
            "language": self.language,
            "path": self.path,
            "up": self.up,
            "languages": LANGUAGE_NAMES,
            "t": self.t,
            "text": self.text,
            "russian": self.russian,
            "comment": self.comment,
            "number": self.number,
            "day": self.day,
            "plain": self.plain,
            "formula": lambda method: in_words(method, self.language),
            "term": self.term,
            "mark": SYNTHETIC.get(self.language),
        }

    def t(self, word: str, of: str = "page") -> str:
        """A word of the pages or of a code list; a code without a name is returned as it is."""
        found = LISTS[of].get(word)
        if found is None and of == "page":
            raise KeyError(word)
        return word if found is None else found.get(self.language)

    def text(self, row: Row, prefix: str) -> str | Markup:
        """A published text in the page's language, or in Russian and marked as such."""
        own = row.get(f"{prefix}_{self.language}")
        return str(own) if own is not None else self.russian(row.get(f"{prefix}_ru"))

    def russian(self, text: str | None) -> str | Markup:
        """A text that is published only in Russian."""
        if text is None:
            return ""
        return text if self.language == "ru" else Markup('<span lang="ru">{}</span>').format(text)

    def comment(self, text: str | None) -> str | Markup:
        """The half of a comment «English / Russian» in the reader's language."""
        english, slash, russian = (text or "").partition(" / ")
        if not slash:
            return english if self.language == "en" else Markup('<span lang="en">{}</span>').format(english)
        return english if self.language == "en" else self.russian(russian)

    def number(self, value: Decimal | float, decimals: int) -> str:
        """A number with the page's decimal sign and spaces between thousands."""
        text = russian_number(float(value), decimals)
        return text.replace(",", ".") if self.language == "en" else text

    def plain(self, value: Decimal | float) -> str:
        """A number without rounding, with the page's decimal sign."""
        return plain(value) if self.language == "en" else plain(value).replace(".", ",")

    def day(self, day: date) -> str:
        """A day as written in the language."""
        return day.isoformat() if self.language == "en" else f"{day:%d.%m.%Y}"

    def term(self, term: Row, first: bool) -> Markup:
        """``− 2 × measure (member) × measure, a year before`` with links to the measures."""
        weight = term["weight"]
        parts = [self._measure(term["measure"], term["measure_breakdown"])]
        if term["times_measure"] is not None:
            parts.append(self._measure(term["times_measure"], "_T"))
        if abs(weight) != 1:
            parts.insert(0, escape(self.plain(abs(weight))))
        sign = "− " if weight < 0 else "" if first else "+ "
        taken = "" if term["reference"] == "same" else f", {self.t(term['reference'])}"
        return Markup("{}{}{}").format(sign, Markup(" × ").join(parts), taken)

    def _measure(self, code: str, breakdown: str) -> Markup:
        row = self.content.measures.get(code)
        name = code if row is None else self.text(row, "name")
        link = Markup('<a href="{}measures.html#{}">{}</a>').format(self.up, code, name)
        if breakdown == "_T":
            return link
        member = self.content.members.get((code, breakdown))
        if breakdown == "*":
            shown: str | Markup = self.t("same_member")
        else:
            shown = self.t(breakdown, "total") if member is None else self.text(member, "name")
        return Markup("{} ({})").format(link, shown)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("pipelines.publishing.exports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _template(name: str) -> Any:
    return _environment().get_template(name)
