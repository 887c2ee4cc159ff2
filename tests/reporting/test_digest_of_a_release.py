"""The digest of a release shows what is in the release, of its period and frequency, in every form."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from pypdf import PdfReader
from python_calamine import CalamineWorkbook

from pipelines.declarations.reports import Report, ReportLine
from pipelines.errors import GorodError
from pipelines.publishing.publication import Publication
from pipelines.publishing.publish import publish
from pipelines.reporting.captions import in_short
from pipelines.reporting.digest import ReportResult, make_digest
from pipelines.settings import Settings
from pipelines.wording import number
from tests.support import invented_warehouse as invented

pytestmark = pytest.mark.slow

OUTSIDE = "wage_byn"  # mapped by the report, and not in the release
FIGURE = re.compile(r"−?\d[\d\u202f]*(?:,\d+)?")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("home"), busy_timeout_s=0)


@pytest.fixture(scope="module")
def release(settings: Settings) -> Publication:
    """The third quarter as it was frozen: without later periods, without an indicator, and with quarters of requests."""
    invented.write(Path(settings.warehouse))
    with duckdb.connect(settings.warehouse) as change:
        change.execute(
            "insert into published.pub_indicator_value_v1 select * replace ('Q' as freq, '2025-Q3' as time_period,"
            " round(obs_value * 3, 1) as obs_value, date '2025-07-01' as first_day, date '2025-09-30' as last_day)"
            " from published.pub_indicator_value_v1 where indicator = 'requests_per_1000' and time_period = '2025-09'"
        )
        change.execute(
            "delete from published.pub_indicator_value_v1 where last_day > '2025-09-30' or indicator = ?",
            [OUTSIDE],
        )
        change.execute("update published.pub_load_v1 set rows_delivered = 77777 where source = 'portal'")
    return replace(publish(settings), period="2025-Q3")


@pytest.fixture(scope="module")
def digest(settings: Settings, release: Publication, report: Report) -> ReportResult:
    """Its digest, made after the warehouse has moved on: every figure is another, and there are three more months."""
    Path(settings.warehouse).unlink()
    invented.write(Path(settings.warehouse), step=1)
    publish(settings)
    return make_digest(settings, report=report, release=release)


def figures(database: Path, report: Report) -> set[str]:
    """All figures of the report's indicators in a snapshot, as they are printed."""
    with duckdb.connect(str(database), read_only=True) as connection:
        rows = connection.execute(
            "select obs_value, decimals from published.pub_indicator_value_v1 where obs_value is not null"
            " and list_contains(?, indicator)",
            [[line.indicator for line in report.indicators]],
        ).fetchall()
    return {number(value, decimals) for value, decimals in rows}


def printed(result: ReportResult) -> dict[str, list[str]]:
    """The figures of the table, chart and map in each form: what stands in cells, no prose."""
    short = in_short(result.digest)
    first, second = (page.extract_text() for page in PdfReader(result.document).pages)
    table = first[first.index("Могилёвская") : first.index("Низкий охват:")]
    pictures = second[: second.index("Методика")]
    for code in invented.INDICATORS:
        for text in (invented.INDICATORS[code][0], invented.INDICATORS[code][2]):
            table, pictures = table.replace(text, ""), pictures.replace(text, "")
    periods = r"[а-я]+ 20\d\d г\.|\d квартал 20\d\d г\.|20\d\d г\.|охват \S+ %"
    book = CalamineWorkbook.from_path(result.workbook)
    rows = book.get_sheet_by_name("Показатели").to_python(skip_empty_area=False)
    decimals = {f"{about[0]}": about[3] for about in invented.INDICATORS.values()}
    return {
        "terminal": [match for row in short.rows for cell in row[2:] for match in FIGURE.findall(cell)],
        "document": FIGURE.findall(re.sub(periods, "", re.sub(r"\s*\n\s*", " ", table))),
        "pictures": FIGURE.findall(re.sub(periods, "", re.sub(r"\s*\n\s*", " ", pictures))),
        "workbook": [
            number(cell, decimals[str(row[1]).removesuffix(" ◊")])
            for row in rows
            for cell in row[4:12]
            if isinstance(cell, float)
        ],
    }


@pytest.mark.parametrize("form", ["terminal", "document", "pictures", "workbook"])
def test_every_figure_is_one_of_the_release(
    settings: Settings, release: Publication, report: Report, digest: ReportResult, form: str
) -> None:
    frozen = figures(release.database, report)
    later = figures(settings.published / "current" / "gorod.duckdb", report) - frozen
    shown = printed(digest)[form]
    assert len(shown) >= (12 if form == "pictures" else 60)
    assert set(shown) <= frozen
    assert not set(shown) & later and len(later) > 300


def test_the_long_table_is_that_of_the_release(release: Publication, digest: ReportResult) -> None:
    rows = (
        CalamineWorkbook.from_path(digest.workbook).get_sheet_by_name("Ряды").to_python(skip_empty_area=False)
    )
    written = {tuple(row[index] for index in (1, 3, 5, 6)) for row in rows[5:]}
    with duckdb.connect(str(release.database), read_only=True) as connection:
        frozen = connection.execute(
            "select indicator, ref_area, time_period, coalesce(cast(obs_value as varchar), '')"
            " from published.pub_indicator_value_v1 where ref_area in ('BY') or starts_with(ref_area, 'BY-')"
        ).fetchall()
    assert {(*key, "" if value == "" else float(value)) for *key, value in frozen} == written


def test_the_period_and_frequency_are_the_release_s(digest: ReportResult) -> None:
    assert digest.period == "2025-Q3"
    assert digest.folder.parts[-2:] == ("invented", "2025-Q3")
    periods = {line.indicator.code: (line.time_period, line.not_by) for line in digest.digest.lines}
    # September ends on the same day, and is the finer
    assert periods["requests_per_1000"] == ("2025-Q3", "")
    assert periods["pon_used_pct"] == ("2025-Q3", "")
    assert periods["wage_growth_pct"] == ("2025-09", "по кварталам нет")
    assert periods["population"] == ("2024", "по кварталам нет")


def test_what_has_no_quarter_says_so_in_every_form(digest: ReportResult) -> None:
    others = sum(line.not_by != "" for line in digest.digest.lines)
    assert 0 < others < len(digest.digest.lines)
    page = re.sub(r"\s+", " ", PdfReader(digest.document).pages[0].extract_text())
    sheet = str(CalamineWorkbook.from_path(digest.workbook).get_sheet_by_name("Показатели").to_python())
    short = in_short(digest.digest)
    for said in (page, sheet, str(short.rows)):
        assert said.count("по кварталам нет") == others
    for said in (page, sheet, " ".join(short.head)):
        assert "3 квартал 2025 г." in said
        assert "Выпуск" in said and "если в таблице не назван другой" in said


def test_what_the_release_does_not_hold_is_named_and_not_shown(digest: ReportResult) -> None:
    name = invented.INDICATORS[OUTSIDE][0]
    assert digest.digest.outside == (name,)
    assert [line.indicator.code for line in digest.digest.lines] == [
        i for i in invented.INDICATORS if i != OUTSIDE
    ]
    page, second = (re.sub(r"\s+", " ", page.extract_text()) for page in PdfReader(digest.document).pages)
    assert page.count(name) == 1 and f"В выпуске нет показателей: {name}." in page
    # it would be mapped: another stands there
    assert name not in second
    assert digest.digest.mapped.indicator.code not in (OUTSIDE, digest.digest.charted.indicator.code)


def test_an_indicator_that_was_declared_since_does_not_stop_it(
    settings: Settings, release: Publication, report: Report
) -> None:
    longer = report.model_copy(
        update={"report": "longer", "indicators": (*report.indicators, ReportLine(indicator="newer"))}
    )
    result = make_digest(settings, report=longer, release=release)
    assert result.digest.outside == (invented.INDICATORS[OUTSIDE][0], "newer")


def test_a_quarter_without_a_figure_is_not_filled_from_before(tmp_path: Path, report: Report) -> None:
    settings = Settings(home=tmp_path, busy_timeout_s=0)
    invented.write(Path(settings.warehouse))
    with duckdb.connect(settings.warehouse) as change:
        change.execute(
            "update published.pub_indicator_value_v1 set obs_value = null, missing_reason = 'not_delivered', obs_status = 'O'"
            " where indicator = 'pon_used_pct' and time_period = '2025-Q4'"
        )
    result = make_digest(settings, report=report, release=replace(publish(settings), period="2025-Q4"))
    line = next(line for line in result.digest.lines if line.indicator.code == "pon_used_pct")
    assert line.time_period == "2025-Q4" and not line.figures_of(result.digest.territories)


@pytest.mark.parametrize(
    ("month", "why"),
    [
        ("2025-10", r"«октябрь 2025 г.» не составлен: выпуск .* только за период «3 квартал 2025 г.»"),
        ("2025-Q4", r"«4 квартал 2025 г.» не составлен: выпуск .* только за период «3 квартал 2025 г.»"),
        ("2025", r"«2025 г.» не составлен: выпуск"),
        ("2024-11", r"«2024-11» не составлен: .* нет значений его показателей за этот период\.$"),
    ],
)
def test_a_month_beyond_the_release_or_with_nothing_in_it_is_refused(
    settings: Settings, release: Publication, report: Report, month: str, why: str
) -> None:
    with pytest.raises(GorodError, match=why) as refused:
        make_digest(settings, month, report, release)
    assert "\n" not in str(refused.value)
    assert not (settings.reports / "releases" / release.id / report.report / month).exists()


def test_a_month_within_the_release_has_its_own_figures(
    settings: Settings, release: Publication, report: Report
) -> None:
    result = make_digest(settings, "2025-08", report, release)
    periods = {line.indicator.code: line.time_period for line in result.digest.lines}
    assert periods["requests_per_1000"] == "2025-08"
    assert periods["pon_used_pct"] == "2025-Q2"
