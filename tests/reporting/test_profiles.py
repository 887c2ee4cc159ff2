"""Profiles of territories say what the published tables say, in three languages, and nothing else."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from pypdf import PdfReader
from python_calamine import CalamineWorkbook

from pipelines.declarations.reports import ProfileReport, load_profile_report
from pipelines.errors import GorodError
from pipelines.publishing.publication import Publication, current_publication
from pipelines.reporting.profiles.document import document_data, trend, write_document
from pipelines.reporting.profiles.make_profiles import ProfilesResult, make_profiles
from pipelines.reporting.profiles.narrative import sentences
from pipelines.reporting.profiles.phrases import Language, Phrases
from pipelines.reporting.profiles.read_profile import Profile, day_of, opened, read_profile
from pipelines.reporting.profiles.workbook import write_workbook
from pipelines.settings import PROJECT, Settings
from tests.conftest import environment_on_samples, run_on_samples

pytestmark = pytest.mark.slow

NAME = "territory_profile"
AREAS = ("BY-BR", "BY-HM", "c-brest", "c-pinsk")
LANGUAGES: tuple[Language, ...] = ("ru", "be", "en")
MARK = {"ru": {"U": "н", "E": "о", "I": "в", "P": "п"}, "be": {"U": "н", "E": "а", "I": "у", "P": "п"},
        "en": {"U": "u", "E": "e", "I": "i", "P": "p"}}  # fmt: skip


@pytest.fixture(scope="module")
def publication(samples: Path) -> Publication:
    found = current_publication(Settings(home=samples))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def report() -> ProfileReport:
    return load_profile_report(NAME)


@pytest.fixture(scope="module")
def made(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> ProfilesResult:
    return make_profiles(
        Settings(home=samples), NAME, territories=AREAS, to=tmp_path_factory.mktemp("profiles") / "set"
    )


@pytest.fixture(scope="module")
def brest(publication: Publication, report: ProfileReport) -> Profile:
    with opened(publication) as connection:
        return read_profile(connection, publication, "BY-BR", report.indicators)


def published(publication: Publication, sql: str) -> list[dict[str, Any]]:
    with duckdb.connect(str(publication.database), read_only=True) as connection:
        answer = connection.execute(sql)
        names = [column[0] for column in answer.description or ()]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def closed(text: str) -> str:
    """Without white space: a table's cell may break a line anywhere."""
    return re.sub(r"\s+", "", text)


def text_of(document: Path) -> str:
    return " ".join(page.extract_text() for page in PdfReader(document).pages)


def printed(value: Decimal, decimals: int, language: str) -> str:
    """A figure as it should be read, without spaces between thousands."""
    text = f"{value.quantize(Decimal(1).scaleb(-decimals), rounding='ROUND_HALF_UP'):f}"
    if not text.strip("-0."):
        text = text.lstrip("-")
    return text.replace("-", "−").replace(".", "." if language == "en" else ",")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("area", AREAS)
def test_every_row_of_the_pdf_is_that_of_the_published_table(
    area: str, language: str, made: ProfilesResult, publication: Publication, report: ProfileReport
) -> None:
    text = closed(text_of(made.folder / f"{area}.{language}.pdf"))
    rows = published(publication, f"from published.pub_profile_v1 where ref_area = '{area}'")
    shown = [row for row in rows if row["indicator"] in report.indicators and row["obs_value"] is not None]
    assert len(shown) > 10
    for row in shown:
        decimals = row["decimals"]
        country = row["country_value"]
        mark = MARK[language].get(row["obs_status"], "") + "*" * row["is_revised"]
        wanted = closed(
            f"{row[f'indicator_{language}']}, {row[f'unit_{language}']} {row['time_period']}"
            f" {printed(row['obs_value'], decimals, language)} {mark}"
            f" {'–' if country is None else printed(country, decimals, language)}"
            + (f" {row['level_rank']} / {row['rank_of']}" if row["level_rank"] else "–")
        )
        # thousands are apart by a thin space, which English has instead of a comma, too
        assert wanted in text, row["indicator"]
    named = [row for row in rows if row["obs_value"] is None and row["indicator"] in report.indicators]
    for row in named:
        assert closed(row[f"indicator_{language}"]) in text


@pytest.mark.parametrize("area", AREAS)
def test_every_figure_in_a_sentence_is_published(
    area: str, made: ProfilesResult, publication: Publication
) -> None:
    text = re.sub(r"\s+", " ", text_of(made.folder / f"{area}.ru.pdf").replace("\u202f", ""))
    rows = {
        row["indicator_ru"]: row
        for row in published(publication, f"from published.pub_profile_v1 where ref_area = '{area}'")
    }
    number = r"−?\d+(?:,\d+)?"
    ranks = re.findall(r"«([^»]+)» – (\d+) из (\d+) \(было (\d+)\)", text)
    countries = re.findall(rf"«([^»]+)» – ({number}) \(по стране ({number})\)", text)
    plans = re.findall(rf"«([^»]+)», (\d{{4}}) – факт ({number}), план ({number})", text)
    for name, rank, of, before in ranks:
        row = rows[name]
        assert (int(rank), int(of), int(before)) == (
            row["level_rank"], row["rank_of"], row["level_rank_year_before"],
        )  # fmt: skip
    for name, value, country in countries:
        row = rows[name]
        assert (value, country) == tuple(
            printed(row[key], row["decimals"], "ru") for key in ("obs_value", "country_value")
        )
        assert row["versus_country"] in ("higher", "lower")
    for name, period, value, plan in plans:
        (row,) = published(
            publication,
            "from published.pub_indicator_wide_v1 where breakdown = '_T' and plan_value is not null and ref_area ="
            f" '{area}' and indicator_ru = '{name}' and time_period = '{period}'",
        )
        assert (value, plan) == tuple(
            printed(row[key], row["decimals"], "ru") for key in ("obs_value", "plan_value")
        )
        assert row["rag_status"] == "red"
    known = sum(
        row["obs_value"] is not None and row["indicator"] in load_profile_report(NAME).indicators
        for row in rows.values()
    )
    assert f"Показателей с данными: {known}," in text


def test_some_sentence_of_each_kind_is_seen(made: ProfilesResult) -> None:
    text = " ".join(text_of(made.folder / f"{area}.ru.pdf") for area in AREAS)
    for beginning in (
        "Первые места",
        "Последние места",
        "Место за год",
        "План не выполняется",
        "Отличается от страны",
    ):
        assert beginning in re.sub(r"\s+", " ", text), beginning


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_workbook_has_the_figures_as_numbers(
    language: str, made: ProfilesResult, publication: Publication, report: ProfileReport
) -> None:
    book = CalamineWorkbook.from_path(made.folder / f"c-brest.{language}.xlsx")
    rows = book.get_sheet_by_index(1).to_python(skip_empty_area=False)[2:]
    header, body = rows[0], rows[1:]
    assert all(cell != "" for row in rows for cell in row[: len(header)])
    by_name = {row[1]: row for row in body}
    found = [
        row
        for row in published(publication, "from published.pub_profile_v1 where ref_area = 'c-brest'")
        if row["indicator"] in report.indicators
    ]
    assert len(by_name) == len(found) == len(body)
    for row in found:
        cells = by_name[row[f"indicator_{language}"]]
        assert cells[3] == row["time_period"]
        if row["obs_value"] is None:
            assert isinstance(cells[4], str)
        else:
            assert cells[4] == float(row["obs_value"])
        if row["country_value"] is not None:
            assert cells[6] == float(row["country_value"])


def test_the_same_publication_gives_the_same_bytes_in_another_process(
    made: ProfilesResult, samples: Path, tmp_path: Path
) -> None:
    code = (
        "import sys; from pathlib import Path; from pipelines.settings import Settings;"
        "from pipelines.reporting.profiles.make_profiles import make_profiles;"
        "make_profiles(Settings(home=Path(sys.argv[1])), 'territory_profile', territories=('BY-BR',), to=Path(sys.argv[2]))"
    )
    to = tmp_path / "elsewhere" / "set"
    subprocess.run(
        [sys.executable, "-c", code, str(samples), str(to)],
        check=True, cwd=PROJECT, env=environment_on_samples(samples, PYTHONHASHSEED="7", TZ="Asia/Tokyo"),
    )  # fmt: skip
    again = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in to.glob("BY-BR.*")}
    assert len(again) == 6
    assert again == {name: made.documents[name] for name in again}


def test_a_set_is_replaced_as_a_whole_and_only_when_it_differs(
    samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, to = Settings(home=samples), tmp_path / "set"
    first = make_profiles(settings, NAME, territories=("c-pinsk",), to=to)
    assert first.is_new and not make_profiles(settings, NAME, territories=("c-pinsk",), to=to).is_new
    assert json.loads((to / "manifest.json").read_text("utf-8"))["documents"] == first.documents

    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipelines.reporting.profiles.make_profiles.write_workbook", broken)
    with pytest.raises(GorodError, match="the profiles cannot be written"):
        make_profiles(settings, NAME, territories=("BY-BR",), to=to)
    monkeypatch.undo()
    assert {path.name for path in to.iterdir()} == {*first.documents, "manifest.json"}
    assert {
        path.name for path in make_profiles(settings, NAME, territories=("BY-BR",), to=to).folder.iterdir()
    } == {f"BY-BR.{language}.{kind}" for language in LANGUAGES for kind in ("pdf", "xlsx")} | {
        "manifest.json"
    }


def test_the_pdf_is_tagged_and_names_its_language(made: ProfilesResult) -> None:
    for language in LANGUAGES:
        reader = PdfReader(made.folder / f"BY-BR.{language}.pdf")
        root = reader.trailer["/Root"]
        assert root["/MarkInfo"]["/Marked"] and str(root["/Lang"]).startswith(language)
        metadata = bytes(root["/Metadata"].get_data())
        assert b"pdfuaid:part" in metadata and b"pdfaid:part" in metadata
        assert len(reader.pages) <= 2


def test_invented_figures_are_said_to_be_so_on_every_page(made: ProfilesResult) -> None:
    warnings = {"ru": "СИНТЕТИЧЕСКИЕ ДАННЫЕ", "be": "СІНТЭТЫЧНЫЯ ДАНЫЯ", "en": "SYNTHETIC DATA"}
    for language, warning in warnings.items():
        for page in PdfReader(made.folder / f"BY-HM.{language}.pdf").pages:
            assert warning in page.extract_text()
        book = CalamineWorkbook.from_path(made.folder / f"BY-HM.{language}.xlsx")
        for sheet in book.sheet_names:
            cells = [str(cell) for row in book.get_sheet_by_name(sheet).to_python() for cell in row]
            assert any(warning in cell for cell in cells), sheet


def extreme(brest: Profile, **changes: Any) -> Profile:
    return replace(brest, figures=tuple({**row, **changes} for row in brest.figures))


@pytest.mark.parametrize(
    "changes",
    [
        {"obs_value": None, "missing_reason": "not_delivered", "obs_status": "O"},
        {"obs_value": None, "missing_reason": "suppressed", "obs_status": "Q"},
        {"obs_value": Decimal(1_000_000_000), "decimals": 6},
        {"obs_value": Decimal("0.001"), "decimals": 3, "year_change": Decimal("-0.000001")},
        {
            "obs_value": Decimal("-12345.678"),
            "spine_value": Decimal(0),
            "is_revised": True,
            "obs_status": "U",
        },
        {f"indicator_{language}": "Ж" * 30 + " " + "щ" * 60 for language in LANGUAGES},
        {"level_rank": None, "rank_of": None, "country_value": None, "spine_value": None},
    ],
    ids=["nothing", "suppressed", "billion", "thousandth", "negative", "long", "alone"],
)
def test_extremes_are_set_too(
    changes: dict[str, Any], brest: Profile, report: ProfileReport, tmp_path: Path
) -> None:
    profile = extreme(brest, **changes)
    write_document(profile, report, "ru", tmp_path / "one.pdf")
    write_workbook(profile, report, "ru", tmp_path / "one.xlsx")
    text = closed(text_of(tmp_path / "one.pdf"))
    if changes.get("obs_value", 1) is None:
        assert "Потерриториинетниодногозначения." in text
        assert closed(Phrases("ru")(f"reason_{changes['missing_reason']}")) in text
    elif "obs_value" in changes:
        assert printed(changes["obs_value"], profile.figures[0]["decimals"], "ru") in text


def test_a_figure_of_low_reliability_gives_no_place(brest: Profile) -> None:
    said = " ".join(sentences(extreme(brest, obs_status="U", versus_country=None), Phrases("ru")))
    assert "Первые места" not in said and "Последние места" not in said
    first = extreme(brest, obs_status="A", direction="up", level_rank=1, rank_of=7)
    assert "Первые места среди областей и Минска" in " ".join(sentences(first, Phrases("ru")))


def test_no_arrow_without_significance(brest: Profile, report: ProfileReport) -> None:
    for significant, arrow in ((None, ""), (False, ""), (True, "↑ ")):
        profile = extreme(
            brest,
            year_change=Decimal(2),
            year_before_value=Decimal(1),
            year_change_is_significant=significant,
        )
        years = {row["year"][:2] for row in document_data(profile, report, "ru")["rows"]}
        assert years == {arrow or "+2"}


def test_the_day_of_a_publication_is_that_of_minsk(publication: Publication) -> None:
    """At ten in the evening UTC it is the next day there."""
    late = replace(publication, created_at=datetime(2026, 11, 30, 22, tzinfo=UTC))
    assert day_of(late) == date(2026, 12, 1)


def test_every_phrase_is_used_and_has_three_languages() -> None:
    folder = PROJECT / "pipelines" / "reporting" / "profiles"
    phrases = yaml.safe_load((folder / "phrases.yml").read_text(encoding="utf-8"))
    code = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    # those of a code list are put together from its codes
    listed = ("state_", "status_", "reason_", "column_", "level_")
    named = set(re.findall(r"""["'](\w+)["']""", code))
    unused = [key for key in phrases if key.removesuffix("_item") not in named and not key.startswith(listed)]
    assert unused == []
    assert all(set(texts) == set(LANGUAGES) and all(texts.values()) for texts in phrases.values())


def test_a_trend_keeps_its_gaps_and_ends_at_the_right() -> None:
    points = trend((Decimal(1), None, Decimal(3), Decimal(2)))
    assert points == [(0.7273, 0.0), (0.9091, 1.0), (1.0, 0.5)]
    assert trend((None, Decimal(1))) == [] and trend(()) == []
    assert [y for _, y in trend((Decimal(5),) * 3)] == [0.5] * 3


def test_the_command_says_what_it_made_and_what_is_wrong(samples: Path, tmp_path: Path) -> None:
    to = str(tmp_path / "set")
    done = run_on_samples(samples, "report", NAME, "--territory", "c-lida", "--to", to, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["documents"] == sorted(
        f"c-lida.{language}.{kind}" for language in LANGUAGES for kind in ("pdf", "xlsx")
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("report", NAME, "--territory", "c-lida"), "--territory and --to go together"),
        (("report", NAME, "--territory", "c-nowhere", "--to", "x"), "no territory 'c-nowhere' is published"),
        (("report", "no_profile"), "no report 'no_profile' is declared"),
        (("report", "nothing"), "no such report: nothing"),
    ],
)
def test_what_cannot_be_made_is_said(
    arguments: tuple[str, ...], said: str, samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from pipelines.cli import app

    monkeypatch.setenv("GOROD_HOME", str(samples))
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code != 0 and said in done.output + (done.stderr if done.stderr_bytes else "")
