"""Dictionary and methodology as static pages in Russian, Belarusian and English.

``<language>/index.html`` lists the indicators by theme; there is a page for each indicator, framework and index
method, one with the measures and one with every table and column. They need no server, no script and no other host.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from pipelines.errors import GorodError
from pipelines.publishing.exports import page_words as says
from pipelines.publishing.exports.methodology_content import Content, group_by, read
from pipelines.publishing.exports.methodology_page import LANGUAGE_NAMES, Page, load_template
from pipelines.publishing.exports.snapshot import LANGUAGES, Row, Snapshot
from pipelines.publishing.exports.words import SYNTHETIC


def make(snapshot: Snapshot, folder: Path, out: Path) -> None:
    """Write all pages.

    Raises:
        GorodError: the publication lacks a table, or a code cannot name a file.
    """
    content = read(snapshot, out)
    style = files("pipelines.publishing.exports") / "templates" / "style.css"
    (folder / "style.css").write_text(style.read_text(encoding="utf-8"), encoding="utf-8")
    start = {"names": LANGUAGE_NAMES, "titles": says.PAGE["title"], "synthetic": snapshot.synthetic}
    _write(folder / "index.html", load_template("start.html").render(start | {"mark": SYNTHETIC}))
    for language in LANGUAGES:
        for path, template, given in _pages(content):
            page = Page(content, language, path)
            _write(folder / language / path, load_template(template).render(page.helpers() | given))


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
            {"framework": row, "dimensions": group_by(found, "dimension")},
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
    return [(group[0], group) for group in group_by(indicators, "theme").values()]


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
