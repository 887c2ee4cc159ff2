"""The digest's documents say what the snapshot says, and nothing else."""

from __future__ import annotations

import hashlib
import json
import re
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from pypdf import PdfReader
from python_calamine import CalamineWorkbook

from pipelines.declarations.reports import Report, ReportLine
from pipelines.errors import GorodError, WarehouseError
from pipelines.publishing.publication import Publication, current_publication
from pipelines.publishing.publish import publish
from pipelines.reporting.captions import made_from
from pipelines.reporting.digest import ReportResult, is_current, make_digest
from pipelines.settings import Settings
from pipelines.wording import number
from tests.support import invented_warehouse as invented

pytestmark = pytest.mark.slow

WARNING = "СИНТЕТИЧЕСКИЕ ДАННЫЕ – не для использования"
HEADER = 4
WORDS = {
    "not_delivered": "не предоставлено",
    "not_published": "не опубликовано",
    "not_retained": "не сохранено",
    "suppressed": "скрыто",
}


def table(result: ReportResult, sheet: str) -> tuple[list[object], list[list[object]]]:
    """Header and rows of a sheet's table, up to the first empty row."""
    rows = (
        CalamineWorkbook.from_path(result.workbook).get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    )
    body = []
    for row in rows[HEADER + 1 :]:
        if not any(cell != "" for cell in row):
            break
        body.append(row)
    return rows[HEADER], body


def snapshot(settings: Settings, sql: str) -> list[tuple[object, ...]]:
    publication = current_publication(settings)
    assert publication is not None
    with duckdb.connect(str(publication.database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def pdf_pages(result: ReportResult) -> list[str]:
    """The text of each page, with white space evened."""
    return [re.sub(r"\s+", " ", page.extract_text()) for page in PdfReader(result.document).pages]


def test_same_snapshot_same_bytes(settings: Settings, report: Report, digest: ReportResult) -> None:
    before = {path: path.read_bytes() for path in (digest.workbook, digest.document)}
    again = make_digest(settings, "2025-12", report)
    assert not again.is_new
    for path in before:
        path.parent.chmod(0o755)
        path.unlink()
    remade = make_digest(settings, "2025-12", report)
    assert remade.is_new
    assert {path: path.read_bytes() for path in before} == before


def test_manifest_names_documents_and_origin(settings: Settings, digest: ReportResult) -> None:
    manifest = json.loads((digest.folder / "manifest.json").read_text(encoding="utf-8"))
    publication = current_publication(settings)
    assert publication is not None
    assert (manifest["publication_id"], manifest["content_hash"]) == (
        publication.id,
        publication.content_hash,
    )
    assert manifest["period"] == "2025-12"
    assert manifest["synthetic"] is True
    assert manifest["method_versions"] == dict.fromkeys(invented.INDICATORS, "1")
    assert manifest["periods"]["population"] == "2025"
    for name, sha256 in manifest["documents"].items():
        assert hashlib.sha256((digest.folder / name).read_bytes()).hexdigest() == sha256
    assert {path.name for path in digest.folder.iterdir()} == {"digest.pdf", "digest.xlsx", "manifest.json"}
    assert not any(stat.S_IMODE(path.stat().st_mode) & 0o222 for path in digest.folder.iterdir())


def test_workbook_figures_are_the_snapshot_s(settings: Settings, digest: ReportResult) -> None:
    header, rows = table(digest, "Показатели")
    names = dict(snapshot(settings, "select name_ru, ref_area from published.pub_territory_v1"))
    columns = {names[title]: index for index, title in enumerate(header) if title in names}
    assert set(columns) == {"BY", *invented.REGIONS}
    assert len(rows) == len(invented.INDICATORS)
    newest = {"M": "2025-12", "Q": "2025-Q4", "A": "2025"}
    for (code, about), row in zip(invented.INDICATORS.items(), rows, strict=True):
        assert str(row[1]).startswith(about[0])
        assert row[2] == about[2]
        published = snapshot(
            settings,
            "select ref_area, obs_value, missing_reason from published.pub_indicator_value_v1"
            f" where indicator = '{code}' and time_period = '{newest[about[4]]}'",
        )
        for area, value, reason in published:
            if area in columns:
                expected = value if value is not None else WORDS[str(reason)]
                assert row[columns[str(area)]] == expected
                assert isinstance(row[columns[str(area)]], float if value is not None else str)


def test_low_coverage_is_told_wherever_the_figure_stands(settings: Settings, digest: ReportResult) -> None:
    """The letter behind the number, and whose figure it is: in both sheets, the table, the chart and the map."""
    whose = "только 14,6 % населения: г. Борисов"
    header, rows = table(digest, "Показатели")
    requests = rows[list(invented.INDICATORS).index("requests_per_1000")]
    note = str(requests[header.index("Примечание")])
    assert f"Минская область: Низкий охват, {whose}" in note
    assert "Минская область 14,6 %" not in note  # not twice
    assert "Минская область: При проверке загрузки были предупреждения" in note
    header, rows = table(digest, "Ряды")
    at = {str(title): index for index, title in enumerate(header)}
    low = [row for row in rows if "Низкий охват" in str(row[at["Примечание"]])]
    assert {(row[at["Код показателя"]], row[at["Код территории"]]) for row in low} == invented.LOW_COVERAGE
    assert {row[at["Статус"]] for row in low} == {"низкая надёжность"}
    first, second = pdf_pages(digest)
    assert first.count(whose) == 1  # three indicators, one town
    assert f"Низкий охват: Минская область – {whose}." in first
    assert "н – низкая надёжность" in first
    for pictured, period in (("net_migration_per_1000", "2025"), ("wage_byn", "2025-12")):  # chart, map
        ((value,),) = snapshot(
            settings,
            "select obs_value from published.pub_indicator_value_v1"
            f" where indicator = '{pictured}' and ref_area = 'BY-MI' and time_period = '{period}'",
        )
        shown = number(float(str(value)), invented.INDICATORS[pictured][3])
        assert re.sub(r"\s+", " ", f"{shown} н") in second, pictured


def test_a_revised_figure_is_marked_and_tells_what_it_was(digest: ReportResult) -> None:
    indicator, area = invented.REVISED
    decimals = invented.INDICATORS[indicator][3]
    header, rows = table(digest, "Показатели")
    row = rows[list(invented.INDICATORS).index(indicator)]
    assert f"Брестская область: Уточнено, было {number(1.5, decimals)}" in str(
        row[header.index("Примечание")]
    )
    header, rows = table(digest, "Ряды")
    at = {str(title): index for index, title in enumerate(header)}
    before = {
        (row[at["Код показателя"]], row[at["Код территории"]], row[at["До уточнения"]])
        for row in rows
        if row[at["До уточнения"]] != ""
    }
    assert before == {(indicator, area, 1.5)}
    assert "у – уточнено" in pdf_pages(digest)[0]


def test_a_share_that_nobody_knows_is_not_nought(tmp_path: Path, report: Report) -> None:
    settings = Settings(home=tmp_path, busy_timeout_s=0)
    invented.write(Path(settings.warehouse))
    with duckdb.connect(settings.warehouse) as change:
        change.execute(
            "update published.pub_indicator_value_v1 set coverage_population_pct = 0"
            " where indicator = 'rated_share_pct' and ref_area = 'BY'"
        )
    publish(settings)
    result = make_digest(settings, "2025-12", report)
    first = pdf_pages(result)[0]
    assert first.count("охват населения неизвестен") == 1
    assert "охват 0,0 %" not in first
    header, rows = table(result, "Показатели")
    note = str(rows[list(invented.INDICATORS).index("rated_share_pct")][header.index("Примечание")])
    assert "Республика Беларусь неизвестен" in note and " 0,0 %" not in note


def test_workbook_tells_the_reasons_apart_from_zero(digest: ReportResult) -> None:
    _, rows = table(digest, "Показатели")
    cells = {cell for row in rows for cell in row[4:12]}
    assert set(WORDS.values()) <= cells
    assert 0.0 in cells


def test_long_table_has_every_published_period(settings: Settings, digest: ReportResult) -> None:
    header, rows = table(digest, "Ряды")
    at = {str(title): index for index, title in enumerate(header)}
    written = {
        (row[at["Код показателя"]], row[at["Код территории"]], row[at["Период"]]): row[at["Значение"]]
        for row in rows
    }
    published = snapshot(
        settings,
        "select indicator, v.ref_area, time_period, obs_value from published.pub_indicator_value_v1 v"
        " join published.pub_territory_v1 t using (ref_area) where level in ('country', 'region')",
    )
    assert len(written) == len(rows) == len(published)
    for indicator, area, period, value in published:
        # a year stays text
        assert isinstance(period, str)
        assert written[indicator, area, period] == ("" if value is None else value)


def test_sources_have_files_hashes_and_licences(settings: Settings, digest: ReportResult) -> None:
    header, rows = table(digest, "Источники")
    at = {str(title): index for index, title in enumerate(header)}
    loads = snapshot(
        settings,
        "select load_id, sha256, files, licence, rows_delivered, received_at from published.pub_load_v1",
    )
    written = {
        (
            row[at["Загрузка"]],
            row[at["SHA-256"]],
            row[at["Файлы"]],
            row[at["Лицензия"]],
            row[at["Строк передано"]],
            row[at["Получена"]],
        )
        for row in rows
    }
    assert written == set(loads)
    assert isinstance(rows[0][at["Получена"]], datetime)


@pytest.mark.parametrize("sheet", ["Показатели", "Ряды", "Методика", "Источники", "Качество"])
def test_every_sheet_warns_of_invented_figures(digest: ReportResult, sheet: str) -> None:
    book = CalamineWorkbook.from_path(digest.workbook)
    assert any(WARNING in str(cell) for row in book.get_sheet_by_name(sheet).to_python() for cell in row)


def test_document_has_two_pages_that_name_everything(digest: ReportResult) -> None:
    pages = pdf_pages(digest)
    assert len(pages) == 2
    for name, *_ in invented.REGIONS.values():
        assert name in pages[0]
    for name, *_ in invented.INDICATORS.values():
        assert name in pages[0]
    assert "декабрь 2025 г." in pages[0]
    for words in WORDS.values():
        assert words in pages[0]
    for page in pages:
        assert WARNING in page
    for source in ("portal", "statistics", "inventory"):
        assert f"Вымышленный источник «{source}»" in pages[1]


def test_document_is_accessible(digest: ReportResult) -> None:
    reader = PdfReader(digest.document)
    root = reader.root_object
    assert root["/Lang"] == "ru"
    assert root["/MarkInfo"]["/Marked"]  # type: ignore[index]
    assert reader.metadata is not None
    assert reader.metadata.title == "Вымышленный обзор, декабрь 2025 г."
    metadata = root["/Metadata"].get_data().decode()  # type: ignore[attr-defined]
    assert "pdfuaid:part" in metadata
    figures = [node for node in structure(root["/StructTreeRoot"]) if node.get("/S") == "/Figure"]
    alternatives = [str(node["/Alt"]) for node in figures if "/Alt" in node]
    assert len(alternatives) == 2
    for name, *_ in invented.REGIONS.values():
        assert all(name in alternative for alternative in alternatives)


def structure(node: object) -> list[dict[str, object]]:
    """All structure elements below a node."""
    node = node.get_object() if hasattr(node, "get_object") else node
    if isinstance(node, list):
        return [found for child in node for found in structure(child)]
    if not isinstance(node, dict):
        return []
    return [node, *(structure(node["/K"]) if "/K" in node else [])]


def test_an_earlier_month_shows_what_was_the_newest_then(settings: Settings, report: Report) -> None:
    result = make_digest(settings, "2025-08", report)
    periods = json.loads((result.folder / "manifest.json").read_text(encoding="utf-8"))["periods"]
    assert periods["requests_per_1000"] == "2025-08"
    assert periods["pon_ports_per_100"] == "2025-Q2"
    assert periods["population"] == "2024"
    _, rows = table(result, "Ряды")
    assert max(str(row[5]) for row in rows if row[4] == "месяц") == "2025-08"


def test_what_is_of_the_first_day_of_a_year_is_shown_from_that_day(
    settings: Settings, report: Report
) -> None:
    lines = tuple(
        line.model_copy(update={"counts_from": "start"}) if line.indicator == "population" else line
        for line in report.indicators
    )
    result = make_digest(settings, "2025-08", report.model_copy(update={"indicators": lines}))
    periods = json.loads((result.folder / "manifest.json").read_text(encoding="utf-8"))["periods"]
    assert (periods["population"], periods["requests_per_1000"]) == ("2025", "2025-08")
    header, rows = table(result, "Ряды")
    code, period = header.index("Код показателя"), header.index("Период")
    assert max(str(row[period]) for row in rows if row[code] == "population") == "2025"


def test_a_month_before_all_data_has_no_report(settings: Settings, report: Report) -> None:
    """Pages of dashes look like a report, and are none."""
    with pytest.raises(
        GorodError, match=r"за период «2001-01» не составлен: .* нет значений его показателей"
    ) as refused:
        make_digest(settings, "2001-01", report)
    assert str(refused.value).count(". ") == 0 and "\n" not in str(refused.value)  # one sentence
    assert not (settings.reports / report.report / "2001-01").exists()


def test_a_month_after_all_data_has_no_report(settings: Settings, report: Report) -> None:
    """The newest figures under the name of a later month would be taken for its own."""
    for month in ("2026-01", "2030-06"):
        with pytest.raises(GorodError, match=rf"«{month}» не составлен: .* есть: 2025-12\.$"):
            make_digest(settings, month, report)
    assert make_digest(settings, report=report).period == "2025-12"  # the newest that has something


def test_a_month_with_figures_of_cities_alone_has_no_report(tmp_path: Path, report: Report) -> None:
    settings = Settings(home=tmp_path, busy_timeout_s=0)
    invented.write(Path(settings.warehouse))
    with duckdb.connect(settings.warehouse) as change:
        change.execute(
            "delete from published.pub_indicator_value_v1 where last_day > '2025-10-31' and not starts_with(ref_area, 'c-')"
        )
    publish(settings)
    with pytest.raises(GorodError, match=r"есть: 2025-10\.$"):
        make_digest(settings, "2025-11", report)
    assert make_digest(settings, report=report).period == "2025-10"


def test_figures_without_invented_ones_carry_no_warning(tmp_path: Path, report: Report) -> None:
    settings = Settings(home=tmp_path, busy_timeout_s=0)
    invented.write(Path(settings.warehouse))
    publish(settings)
    lines = tuple(line for line in report.indicators if invented.INDICATORS[line.indicator][6] != "inventory")
    result = make_digest(settings, "2025-12", report.model_copy(update={"indicators": lines}))
    assert not result.synthetic
    assert not any("СИНТЕТ" in page for page in pdf_pages(result))


def test_a_killed_replacement_is_undone(settings: Settings, report: Report) -> None:
    result = make_digest(settings, "2025-11", report)
    # as a kill between the two renames leaves it
    result.folder.rename(result.folder.with_name(".before-2025-11"))
    (result.folder.with_name(".building-2025-11")).mkdir()
    again = make_digest(settings, "2025-11", report)
    assert not again.is_new
    assert {path.name for path in again.folder.parent.glob(".*")} == {".lock"}


def test_what_cannot_be_reported_is_said(settings: Settings, report: Report, tmp_path: Path) -> None:
    with pytest.raises(GorodError, match="nothing is published"):
        make_digest(Settings(home=tmp_path), "2025-12", report)
    for period in ("2025-13", "2025", "12.2025", "2025-12-01"):
        with pytest.raises(GorodError, match="not a month"):
            make_digest(settings, period, report)
    unknown = report.model_copy(
        update={"indicators": (*report.indicators, ReportLine(indicator="nothing_such"))}
    )
    with pytest.raises(GorodError, match="not published: nothing_such"):
        make_digest(settings, "2025-12", unknown)


def test_a_report_that_does_not_fit_is_refused(tmp_path: Path, report: Report) -> None:
    settings = Settings(home=tmp_path, busy_timeout_s=0)
    invented.write(Path(settings.warehouse))
    with duckdb.connect(settings.warehouse) as change:
        change.execute("update published.pub_indicator_v1 set name_ru = repeat(name_ru || ' ', 12)")
    publish(settings)
    with pytest.raises(GorodError, match="pages, not 2"):
        make_digest(settings, "2025-12", report)
    assert not (settings.reports / "invented" / "2025-12").exists()


def test_a_full_disk_is_said(settings: Settings, report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(WarehouseError, match="No space left"):
        make_digest(settings, "2025-10", report)


def test_a_report_is_current_until_its_declaration_or_the_publication_changes(
    digest: ReportResult, report: Report
) -> None:
    publication = digest.digest.publication
    assert is_current(digest.folder, publication, report)
    other = report.model_copy(update={"title": report.title.model_copy(update={"ru": "Другой обзор"})})
    assert not is_current(digest.folder, publication, other)
    assert not is_current(digest.folder, replace(publication, content_hash="another"), report)
    assert not is_current(digest.folder.with_name("nowhere"), publication, report)


def test_a_publication_of_the_night_is_dated_as_in_minsk() -> None:
    at_night = datetime(2026, 11, 30, 22, 0, tzinfo=UTC)
    made = Publication("p", Path(), at_night, "", "", False, {})
    assert made_from(made).endswith("от 01.12.2026")
