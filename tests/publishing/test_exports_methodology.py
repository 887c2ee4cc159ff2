"""Pages of methodology: whole, linked, readable by everybody, and no more than is published."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from lxml import html

from pipelines.publishing.exports.methodology import in_tree
from pipelines.publishing.exports.products import export
from pipelines.settings import Settings
from tests.support import invented_contracts
from tests.support import invented_warehouse as invented

LANGUAGES = ("ru", "be", "en")
SYNTHETIC = {"ru": "СИНТЕТИЧЕСКИЕ", "be": "СІНТЭТЫЧНЫЯ", "en": "SYNTHETIC"}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, home: Settings) -> Path:
    out = tmp_path_factory.mktemp("out")
    export(home, out)
    return out


@pytest.fixture(scope="module")
def folder(out: Path) -> Path:
    return out / "methodology"


@pytest.fixture(scope="module")
def pages(folder: Path) -> dict[str, html.HtmlElement]:
    return {
        path.relative_to(folder).as_posix(): html.fromstring(path.read_text(encoding="utf-8"))
        for path in sorted(folder.rglob("*.html"))
    }


def words(page: html.HtmlElement) -> str:
    return re.sub(r"[ \n]+", " ", " ".join(page.itertext()))


def test_a_page_tells_the_rules_by_which_figures_are_shown_or_not(pages: dict[str, html.HtmlElement]) -> None:
    told = words(pages["en/indicators/wage_byn.html"])
    for rule in (
        "100 % of the months of a period",
        "parts below this count are suppressed: 3",
        "Decimal places shown",
    ):
        assert rule in told
    assert "are not suppressed" in words(pages["en/indicators/requests_per_1000.html"])
    assert "части меньше этого числа скрыты: 3" in words(pages["ru/indicators/wage_byn.html"])


def test_a_page_for_each_thing_in_each_language(pages: dict[str, html.HtmlElement]) -> None:
    per_language = {
        "index.html",
        "dictionary.html",
        "measures.html",
        "frameworks/lists.html",
        "indices/both.html",
        *(f"indicators/{code}.html" for code in invented.INDICATORS),
    }
    assert set(pages) == {
        "index.html",
        *(f"{language}/{name}" for language in LANGUAGES for name in per_language),
    }


def test_every_link_leads_somewhere_and_to_no_other_host(
    folder: Path, out: Path, pages: dict[str, html.HtmlElement]
) -> None:
    ids = {name: set(page.xpath("//@id")) for name, page in pages.items()}
    broken = []
    for name, page in pages.items():
        for link in (*page.xpath("//@href"), *page.xpath("//@src")):
            parts = urlsplit(link)
            assert not parts.scheme and not parts.netloc, link
            there = (folder / name).parent / unquote(parts.path) if parts.path else folder / name
            found = there.resolve()
            target = found.relative_to(folder).as_posix() if found.is_relative_to(folder) else None
            lost = parts.fragment and parts.fragment not in ids[str(target)]
            if lost or not found.is_file() or not found.is_relative_to(out):
                broken.append((name, link))
    assert broken == []


def test_pages_are_accessible(pages: dict[str, html.HtmlElement]) -> None:
    for name, page in pages.items():
        language = name.partition("/")[0] if "/" in name else "ru"
        assert page.xpath("/html/@lang") == [language], name
        assert len(page.xpath("//h1")) == 1, name
        assert page.xpath("count(//main)") == 1, name
        assert page.xpath("//title")[0].text_content().strip(), name
        assert not page.xpath("//script | //iframe | //img | //@style | //@onclick"), name
        assert not page.xpath("//table[not(caption)] | //th[not(@scope)]"), name
        assert not page.xpath("//table[caption[not(normalize-space())]]"), name
        ids = page.xpath("//@id")
        assert len(ids) == len(set(ids)), name
        levels = [int(heading.tag[1]) for heading in page.xpath("//h1|//h2|//h3|//h4")]
        assert all(below <= above + 1 for above, below in pairwise(levels)), name


def test_each_page_links_to_its_other_languages(pages: dict[str, html.HtmlElement]) -> None:
    for name, page in pages.items():
        if "/" in name:
            switch = page.xpath("//header//a[@hreflang]")
            assert {link.get("hreflang") for link in switch} == set(LANGUAGES)
            for link in switch:
                assert link.get("href").endswith(f"{link.get('hreflang')}/{name.partition('/')[2]}")


def test_colours_have_contrast(folder: Path) -> None:
    """Ratio of luminances at least 4.5 (WCAG 2.2, 1.4.3), computed as WCAG defines it."""
    colours = dict(re.findall(r"--([\w-]+): #(\w{6})", (folder / "style.css").read_text(encoding="utf-8")))

    def luminance(colour: str) -> float:
        channels = [int(colour[start : start + 2], 16) / 255 for start in (0, 2, 4)]
        linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    pairs = [(text, ground) for text in ("ink", "soft", "link") for ground in ("ground", "tint")]
    for text, ground in [*pairs, ("warn", "warn-ground")]:
        lighter, darker = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (text, ground)


def test_definition_is_shown_as_written(pages: dict[str, html.HtmlElement]) -> None:
    page = pages["ru/indicators/wage_byn.html"]
    assert re.sub(r"\s+", " ", invented_contracts.AWKWARD) in words(page)
    assert not page.xpath("//main//p/b[text()='угловыми']")


def test_versions_acts_and_formulas(pages: dict[str, html.HtmlElement]) -> None:
    text = words(pages["ru/indicators/wage_byn.html"])
    assert text.index("Версия 1.1 (последняя)") < text.index("Версия 1.0")
    assert "с 01.01.2020" in text and "по 31.12.2019" in text
    assert "Вымышленный приказ № 1" in text and "Правовой акт не указан" in text
    assert "1000 × (вымышленный числитель) / (вымышленный знаменатель)" in text
    assert "Величина wage_fund − 2 × Величина appeals (0-4 лет)" in text
    assert "Величина people , годом раньше" in text
    assert "Ограничения использования REC_USE_LIM Ограничение" in text
    english = words(pages["en/indicators/wage_byn.html"])
    assert "1000 × (invented numerator) / (invented denominator)" in english
    assert "until 2019-12-31" in english and "none given" in english
    assert "wage_fund × people" in words(pages["en/indicators/rated_share_pct.html"])


def test_values_with_status_and_reasons(pages: dict[str, html.HtmlElement]) -> None:
    def cells(name: str, territory: str) -> list[str]:
        (row,) = pages[name].xpath(f"//tr[th[normalize-space()='{territory}']]")
        return [re.sub(r"[ \n]+", " ", cell.text_content()).strip() for cell in row.xpath("td")]

    given = invented.value_of("wage_byn", "BY-BR", "2025-12")
    shown = f"{given:,.2f}".replace(",", "\u202f")
    assert cells("ru/indicators/wage_byn.html", "Брестская область")[0] == shown.replace(".", ",")
    assert cells("en/indicators/wage_byn.html", "Brest Region")[0] == shown
    missing = cells("ru/indicators/wage_byn.html", "Могилёвская область")
    assert missing[0] == "не опубликовано" and missing[1].startswith("O Нет значения")
    assert cells("be/indicators/rated_share_pct.html", "Віцебская вобласць")[0] == "не захавана"
    assert cells("en/indicators/wifi_points_per_10000.html", "Mogilev Region")[0] == "0.0"


def test_synthetic_figures_are_labelled_and_others_are_not(pages: dict[str, html.HtmlElement]) -> None:
    for language, mark in SYNTHETIC.items():
        assert mark in words(pages[f"{language}/index.html"])
        assert mark in words(pages[f"{language}/indicators/pon_used_pct.html"])
        assert mark not in words(pages[f"{language}/indicators/wage_growth_pct.html"])


def test_an_example_of_an_index_says_so_and_shows_its_tree(pages: dict[str, html.HtmlElement]) -> None:
    page = pages["ru/indices/both.html"]
    assert page.xpath("//p[@class='synthetic']")[0].text_content().startswith("ПРИМЕР")
    # the newest version first, each with its own tree
    assert [title.text_content() for title in page.xpath("//h2")] == ["Версия 0.1", "Версия 0.0"]
    rows = page.xpath("//tbody/tr")
    assert [row.xpath("string(th)").strip() for row in rows] == [
        "Корень рус",
        "└ Зарплата рус",
        "└ Порты рус",
        "Прежний корень рус",
    ]
    assert [row.xpath("string(td[1])") for row in rows] == ["1", "0,7", "0,3", "1"]


def test_tree_stands_under_its_parents_in_declared_order() -> None:
    nodes = [
        {"node": name, "parent": parent, "node_no": number}
        for number, (name, parent) in enumerate(
            [("root", None), ("b", "root"), ("b1", "b"), ("a", "root"), ("b2", "b")]
        )
    ]
    walked = [(depth, node["node"]) for depth, node in in_tree(nodes)]
    assert walked == [(0, "root"), (1, "b"), (2, "b1"), (2, "b2"), (1, "a")]


def test_framework_tells_what_is_not_reported(pages: dict[str, html.HtmlElement]) -> None:
    rows = {
        row.xpath("string(th)"): words(row) for row in pages["ru/frameworks/lists.html"].xpath("//tbody/tr")
    }
    assert "не представлен" in rows["L: 2"] and "надо сверить" in rows["L: 2"]
    assert "представлен" in rows["L: 1"] and "близкое определение" in rows["L: 1"]


def test_dictionary_describes_every_column_in_the_readers_language(
    pages: dict[str, html.HtmlElement],
) -> None:
    columns = sum(len(columns) for columns in invented_contracts.contracts().values())
    for language, says in (("ru", "О столбце soato."), ("en", "About soato.")):
        page = pages[f"{language}/dictionary.html"]
        assert len(page.xpath("//tbody/tr")) == columns
        (row,) = page.xpath("//tr[th='soato']")
        assert row.xpath("string(td[2])") == says


def test_a_region_has_its_own_rows_alone(home: Settings, tmp_path: Path) -> None:
    export(home, tmp_path, ["methodology"], region="BY-BR")
    text = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "methodology").rglob("*.html"))
    assert "Брестская область" in text and "BY-BR" in text
    for other in set(invented.REGIONS) - {"BY-BR"}:
        assert invented.REGIONS[other][0] not in text
    # nothing lies beside it, so nothing is offered
    assert "data.csv" not in text
