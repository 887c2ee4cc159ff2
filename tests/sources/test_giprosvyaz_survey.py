"""The questionnaire both ways: the form that goes out, what comes back of it, deadlines, and what is refused with its cell."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.declarations.sources import load_sources
from pipelines.declarations.surveys import Survey, load_surveys
from pipelines.deliveries import parse_slice
from pipelines.errors import DeliveryError
from pipelines.loading.answer import delivered_files
from pipelines.loading.candidates import load_candidate
from pipelines.loading.load import LoadOutcome
from pipelines.loading.plan import Wanted, make_plan
from pipelines.operations.alerts.conditions import ANSWER_OWED, FEED_LATE, look
from pipelines.settings import Settings
from pipelines.surveys.form_workbook import (
    ANSWER,
    BEFORE,
    CODE,
    EVIDENCE,
    FIRST_ROW,
    KEY_ROW,
    RIGHT,
    SHEET,
    TEXT,
    UNIT,
    Form,
    write_form,
)  # fmt: skip
from tests.formats.reading import told
from tests.sources.delivered import through_gate
from tests.support.portal import Portal
from tests.support.xlsx_cells import Cells

NAME = "digital_development"
# row of each question in the sheet, as a spreadsheet counts
ROWS = {code: FIRST_ROW + 1 + at for at, code in enumerate(load_surveys()[NAME].questions)}
ANSWERS: dict[str, Any] = {
    "systems_total": 50, "systems_connected": 20, "staff_total": 900, "staff_trained": 300, "spending_planned": 1000.5,
    "spending_done": 400, "plan_adopted": "нет",
}  # fmt: skip
Edit = Callable[[Cells], None]


def run(*arguments: str, code: int = 0) -> Any:
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == code, done.output
    return json.loads(done.stdout) if done.exit_code in (0, 9) else " ".join(done.output.split())


def fill(path: Path, answers: dict[str, Any], *edits: Edit) -> Path:
    """Answer a form as a person does who opens it in a spreadsheet program."""
    sheet = Cells(path)
    for code, answer in answers.items():
        sheet.put(ROWS[code], ANSWER, answer)
    for code in ("systems_total", "systems_connected"):
        sheet.put(ROWS[code], EVIDENCE, "Справка")
    for edit in edits:
        edit(sheet)
    sheet.save()
    return path


def form_of(folder: Path, period: str = "2026-S1", instance: str = "brest", **changes: Any) -> Path:
    survey = load_surveys()[NAME].model_copy(update=changes)
    title = load_sources()[survey.source].instances[instance].title
    path = folder / f"survey-{period}.xlsx"
    path.write_bytes(write_form(Form(NAME, survey, period, instance, title, date(2026, 8, 31), {})))
    return path


def deliver(portal: Portal, path: Path, instance: str = "brest") -> LoadOutcome:
    folder = portal.settings.inbox / "giprosvyaz_survey" / "answers" / instance
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, folder / path.name)
    plan = make_plan(Wanted(source="giprosvyaz_survey"), portal.settings, portal.warehouse)
    assert not plan.faults
    (candidate,) = [one for found in plan.candidates.values() for one in found]
    return load_candidate(candidate, portal.settings, portal.warehouse)


def counted(portal: Portal) -> dict[str, str]:
    rows = portal.warehouse.query(
        "select question, answer from raw.giprosvyaz_survey__answers join ops.effective_load using (load_id)"
        " where answer is not null"
    )
    return {row["question"]: row["answer"] for row in rows}


OFFICES = {
    "town": "Брестский горисполком",
    "region": "Брестский облисполком",
    "ministry": "Министерство связи и информатизации",
}


def test_from_the_form_to_what_counts_and_back_into_the_next_form(portal: Portal, tmp_path: Path) -> None:
    issue = ("survey", "issue", NAME, "--territory", "brest", "--to", str(tmp_path / "out"))
    (issued,) = run(*issue, "--period", "2026-S1")
    form = Path(issued["file"])
    blank = form.read_bytes()
    assert [one["is_new"] for one in run(*issue, "--period", "2026-S1")] == [False]
    assert form.read_bytes() == blank
    fill(form, ANSWERS)
    assert "perhaps a form that was filled in" in run(*issue, "--period", "2026-S1", code=1)

    archive = tmp_path / "survey-2026-S1.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(form, form.name)
        packed.writestr("Справка.pdf", b"evidence")
        packed.writestr("подписано.pdf", b"signed")
    load_id = deliver(portal, archive).load_id
    assert counted(portal) == {}
    assert [one["next_step"] for one in run("survey", "status", code=9)] == ["town", None]
    said = run("survey", "approve", load_id, "--step", "town", "--by", "Сосед", code=1)
    assert "Named in assets/surveys: Брестский горисполком." in said
    for step, office in OFFICES.items():
        run("survey", "approve", load_id, "--step", step, "--by", office)
    assert counted(portal) == {
        code: f"{answer:g}" if isinstance(answer, float) else str(answer) for code, answer in ANSWERS.items()
    }

    # the evidence and the signed copy are found again
    files = run("explain", load_id)["files"]
    assert {one["name"] for one in files if one["archive"] == "survey-2026-S1.zip"} == {
        "survey-2026-S1.xlsx", "Справка.pdf", "подписано.pdf",
    }  # fmt: skip
    (next_form,) = run(*issue, "--period", "2026-S2")
    page = (
        CalamineWorkbook.from_path(next_form["file"])
        .get_sheet_by_name(SHEET)
        .to_python(skip_empty_area=False)
    )
    assert [page[ROWS[code] - 1][BEFORE] for code in ("systems_total", "spending_planned", "plan_adopted")] == [
        "50", "1000,5", "нет",
    ]  # fmt: skip
    # a correction counts once it is approved, and gives its place back
    second = deliver(portal, fill(form, {"systems_connected": 21})).load_id
    assert counted(portal)["systems_connected"] == "20"
    for step, office in OFFICES.items():
        run("survey", "approve", second, "--step", step, "--by", office)
    assert counted(portal)["systems_connected"] == "21"
    run("survey", "revoke", second, "--step", "town", "--by", OFFICES["town"])
    assert counted(portal)["systems_connected"] == "20"


def test_a_form_of_another_territory_is_refused_with_its_cell(portal: Portal, tmp_path: Path) -> None:
    outcome = deliver(portal, fill(form_of(tmp_path, instance="barysau"), ANSWERS))
    assert outcome.state == "rejected"
    told_ = run("explain", outcome.load_id)
    first = told_["rows"][0]
    assert first["place"] == "лист «Анкета», строка 7"
    assert first["value"] == f"{NAME}/2026-S1/barysau/1"
    assert "ячейка A3 листа «Анкета»" in first["rule"] and "survey-2026-S2.xlsx" in first["remedy"]
    assert portal.warehouse.query("from ops.approval") == []


def set_cell(row: int, column: int, value: Any) -> Edit:
    def edit(sheet: Cells) -> None:
        sheet.put(row, column, value)

    return edit


# what is wrong with an answer: tests/expectations/test_simple_suites.py
@pytest.mark.parametrize(
    ("edit", "refused_by"),
    [
        (set_cell(ROWS["systems_total"], TEXT, "Сколько систем?"), "question_unchanged"),
        (set_cell(ROWS["staff_total"], UNIT, "тыс. чел."), "unit_unchanged"),
        (set_cell(ROWS["staff_total"], CODE, "staff"), "question_known"),
        (lambda sheet: sheet.delete_row(ROWS["plan_adopted"]), "all_questions"),
        (set_cell(ROWS["staff_total"], ANSWER, "около 900"), "answer_is_number"),
        (set_cell(ROWS["staff_total"], ANSWER, 900.5), "answer_is_number"),
        (set_cell(KEY_ROW + 1, 0, f"Ключ формы: {NAME}/2025-S2/brest/1"), "form_is_this"),
        (set_cell(KEY_ROW + 1, 0, f"Ключ формы: {NAME}/2026-S1/brest/0"), "form_is_this"),
    ],
)  # fmt: skip
def test_a_form_that_was_changed_or_is_another_is_found(edit: Edit, refused_by: str, tmp_path: Path) -> None:
    path = fill(form_of(tmp_path), ANSWERS, edit)
    _, result = through_gate(
        "giprosvyaz_survey", "answers", "brest", parse_slice("2026-S1", None), tmp_path, path.name
    )
    assert refused_by in {one.expectation for one in result.results if one.refuses}


def test_a_form_without_its_key_and_an_archive_without_one_form_are_refused(tmp_path: Path) -> None:
    path = fill(form_of(tmp_path), ANSWERS, set_cell(KEY_ROW + 1, 0, None))
    covered = parse_slice("2026-S1", None)
    with pytest.raises(DeliveryError) as keyless:
        through_gate("giprosvyaz_survey", "answers", "brest", covered, tmp_path, path.name)
    assert "form_key" in told(keyless.value)
    for count, says in ((0, "её нет"), (2, "их 2")):
        with zipfile.ZipFile(tmp_path / "survey-2026-S1.zip", "w") as packed:
            packed.writestr("подписано.pdf", b"signed")
            for number in range(count):
                packed.write(path, f"{number}.xlsx")
        with pytest.raises(DeliveryError) as found:
            through_gate("giprosvyaz_survey", "answers", "brest", covered, tmp_path, "survey-2026-S1.zip")
        assert says in told(found.value)


def test_the_form_is_locked_but_for_its_answers_and_has_its_rules_inside(tmp_path: Path) -> None:
    sheet = Cells(form_of(tmp_path))
    assert sheet.is_protected
    assert sheet.unlocked() == {f"{column}{row}" for column in "DE" for row in ROWS.values()}
    assert sheet.is_hidden(KEY_ROW + 1)
    rules = sheet.rules()
    assert rules[f"D{ROWS['systems_total']}"] == ("whole", "1", "2000")
    assert rules[f"D{ROWS['plan_adopted']}"] == ("list", '"да,нет,в разработке"', None)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("soffice") is None, reason="needs LibreOffice")
def test_libreoffice_computes_what_the_form_says_of_its_answers(tmp_path: Path) -> None:
    path = fill(form_of(tmp_path), {**ANSWERS, "systems_connected": 51, "staff_total": None})
    subprocess.run(
        ["soffice", "--headless", "--convert-to", "csv", "--outdir", str(tmp_path / "csv"), str(path)],
        check=True, capture_output=True, timeout=120, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    lines = (tmp_path / "csv" / "survey-2026-S1.csv").read_text(encoding="utf-8").splitlines()
    found = {line.split(",")[0]: line for line in lines}
    assert found["systems_total"].endswith(RIGHT)
    assert "Подключённых систем не больше" in found["systems_connected"]
    assert found["staff_total"].endswith("нужен ответ")


def test_deadlines_reminders_and_extensions(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    survey = load_surveys()[NAME]
    assert [survey.last_day(period) for period in ("2026-S1", "2026-S2", "2027-S2")] == [
        date(2026, 8, 31), date(2027, 2, 28), date(2028, 2, 29),
    ]  # fmt: skip
    moved = Survey.model_validate({**survey.model_dump(), "holidays": [date(2027, 3, 1)]})
    assert moved.last_day("2026-S2") == date(2027, 3, 2)  # 28 February is a Sunday, 1 March is named

    def stages(day: date) -> list[str]:
        for module in ("moments", "surveys.standing", "commands.survey"):
            if hasattr(__import__(f"pipelines.{module}", fromlist=["today"]), "today"):
                monkeypatch.setattr(f"pipelines.{module}.today", lambda: day)
        found = look(portal.settings).conditions
        assert not [one for one in found if one.key.startswith(f"{FEED_LATE}/giprosvyaz_survey")]
        return sorted(one.key for one in found if one.kind == ANSWER_OWED)

    def keys(stage: str, *territories: str) -> list[str]:
        return [f"{ANSWER_OWED}/{NAME}/2026-S2/{one}/{stage}" for one in territories]

    assert stages(date(2027, 1, 10)) == []
    assert stages(date(2027, 1, 29)) == keys("30d", "barysau", "brest")
    assert stages(date(2027, 2, 21)) == keys("7d", "barysau", "brest")
    assert stages(date(2027, 3, 1)) == keys("late", "barysau", "brest")
    extend = (
        "survey",
        "extend",
        NAME,
        "--period",
        "2026-S2",
        "--territory",
        "brest",
        "--by",
        "Отдел",
        "--why",
        "болезнь",
    )
    assert "is no extension" in run(*extend, "--until", "2027-04-15", code=1)
    run(*extend, "--until", "2027-03-20")
    assert stages(date(2027, 3, 1)) == [*keys("late", "barysau"), *keys("30d", "brest")]
    rows = {one["territory"]: one for one in run("survey", "status", NAME, "--period", "2026-S2", code=9)}
    assert (rows["brest"]["last_day"], rows["brest"]["extended"], rows["brest"]["late"]) == (
        "2027-03-20",
        True,
        False,
    )
    assert (rows["barysau"]["extended"], rows["barysau"]["late"]) == (False, True)
    assert {one["stage"] for one in run("survey", "remind")} == {"late", "30d"}
    assert "asked for" in run("survey", "status", NAME, "--period", "2025-S2", code=1)


def test_evidence_that_is_damaged_in_its_archive_is_said_to_be(tmp_path: Path) -> None:
    """Neither an empty file nor an error: the others are told with their hashes."""
    settings = Settings(home=tmp_path)
    folder = settings.landing / "one"
    folder.mkdir(parents=True)
    path = folder / "survey-2026-S1.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("signed.txt", "signed")
        archive.writestr("systems.txt", "evidence")
    path.write_bytes(path.read_bytes().replace(b"evidence", b"evidenCe"))
    found = delivered_files({"source": "giprosvyaz_survey", "feed": "answers", "folder": "one"}, settings)
    inside = {one.name: (one.bytes, one.sha256) for one in found if one.archive}
    assert inside == {"signed.txt": (6, hashlib.sha256(b"signed").hexdigest()), "systems.txt": (None, None)}
