"""What a template of the methodology pages can use: words, links and numbers in the page's language."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from pipelines.publishing.exports import page_words as says
from pipelines.publishing.exports.formula import in_words, plain
from pipelines.publishing.exports.methodology_content import Content
from pipelines.publishing.exports.snapshot import Row
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


class Page:
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


def load_template(name: str) -> Any:
    return _environment().get_template(name)
