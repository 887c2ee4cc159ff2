"""The form of a survey: a workbook that a territory fills in, with its rules inside and everything else locked.

The same survey, half-year, territory and earlier answers give the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from pipelines.declarations.common import Names
from pipelines.declarations.surveys import Question, Survey
from pipelines.periods import span_of

SHEET = "Анкета"
HEADER = (
    "Код",
    "Вопрос",
    "Единица",
    "Ответ",
    "Подтверждение: документ или файл",
    "Ответ за прошлое полугодие",
    "Проверка",
)
CODE, TEXT, UNIT, ANSWER, EVIDENCE, BEFORE, CHECK = range(7)
# rows from 0: title, territory, key, deadline, empty, header, questions
KEY_ROW, HEADER_ROW = 2, 5
FIRST_ROW = HEADER_ROW + 1
RIGHT = "верно"
LONGEST_TEXT = 500


@dataclass(frozen=True)
class Form:
    """What a form is issued for. ``before`` are the territory's accepted answers of the half-year before."""

    name: str
    survey: Survey
    period: str
    instance: str
    territory: Names
    last_day: date
    before: Mapping[str, str]

    @property
    def key(self) -> str:
        return self.survey.form_key(self.name, self.period, self.instance)

    @property
    def file_name(self) -> str:
        return f"survey-{self.period}.xlsx"


def period_ru(period: str) -> str:
    """A half-year in words."""
    return f"{'первое' if period.endswith('1') else 'второе'} полугодие {period[:4]} года"


def write_form(form: Form, answers: Mapping[str, tuple[Any, str | None]] | None = None) -> bytes:
    """The workbook; with ``answers`` (question → answer, evidence) it is filled in, as for the samples."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True, "strings_to_formulas": False}) as book:
        first, _ = span_of(form.period)
        book.set_properties({
            "title": form.survey.title.ru,
            "created": datetime.combine(first, datetime.min.time()),
        })  # fmt: skip
        book.set_calc_mode("auto")
        _write_questions(book, form, answers or {})
        _write_instructions(book, form)
    return made.getvalue()


def _write_questions(
    book: xlsxwriter.Workbook, form: Form, answers: Mapping[str, tuple[Any, str | None]]
) -> None:
    sheet = book.add_worksheet(SHEET)
    base = {"text_wrap": True, "valign": "top", "border": 1}
    title = book.add_format({"bold": True, "font_size": 13})
    head = book.add_format({**base, "bold": True, "bg_color": "#D9E2EC"})
    locked = book.add_format({**base, "bg_color": "#F3F4F6"})
    opened = {
        kind: book.add_format({**base, "locked": False, "num_format": pattern})
        for kind, pattern in (("integer", "0"), ("decimal", "0.0##"), ("choice", "@"), ("text", "@"))
    }
    for column, width in enumerate((22, 60, 12, 18, 36, 20, 34)):
        sheet.set_column(column, column, width)
    sheet.write_string(0, 0, form.survey.title.ru, title)
    sheet.write_string(1, 0, f"{form.territory.ru}, {period_ru(form.period)}")
    sheet.write_string(KEY_ROW, 0, f"Ключ формы: {form.key}")
    sheet.set_row(KEY_ROW, None, None, {"hidden": True})
    sheet.write_string(
        3, 0, f"Передать не позднее {form.last_day:%d.%m.%Y}. Заполняются только белые ячейки."
    )
    for column, text in enumerate(HEADER):
        sheet.write_string(HEADER_ROW, column, text, head)
    rows = {code: FIRST_ROW + number for number, code in enumerate(form.survey.questions)}
    for code, question in form.survey.questions.items():
        row = rows[code]
        answer, evidence = answers.get(code, (None, None))
        sheet.write_string(row, CODE, code, locked)
        sheet.write_string(row, TEXT, question.text.ru, locked)
        sheet.write(row, UNIT, question.unit.ru if question.unit else None, locked)
        sheet.write(row, ANSWER, answer, opened[question.type])
        sheet.write(row, EVIDENCE, evidence, opened["text"])
        sheet.write(row, BEFORE, form.before.get(code), locked)
        formula, wrong = _check(code, question, form.survey, rows)
        sheet.write_formula(
            row, CHECK, formula, locked, RIGHT if code in answers or not question.required else wrong
        )
        _validate(sheet, row, question)
    last = FIRST_ROW + len(rows) - 1
    _colour(book, sheet, last)
    below = ["Согласование", *(f"{step}: ______________________" for step in form.survey.approvers)]
    for number, text in enumerate(below, start=last + 2):
        sheet.write_string(number, 0, text)
    sheet.freeze_panes(FIRST_ROW, 0)
    sheet.fit_to_pages(1, 0)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.protect("", {"format_columns": True, "format_rows": True})


def _check(code: str, question: Question, survey: Survey, rows: Mapping[str, int]) -> tuple[str, str]:
    """The formula that says what is wrong with an answer, and what it says of an empty one."""
    cell, evidence = f"D{rows[code] + 1}", f"E{rows[code] + 1}"
    empty = "нужен ответ" if question.required else RIGHT
    wrong: list[tuple[str, str]] = []
    if question.type in ("integer", "decimal"):
        wrong.append((f"NOT(ISNUMBER({cell}))", "нужно число"))
        if question.type == "integer":
            wrong.append((f"{cell}<>INT({cell})", "нужно целое число"))
        limits = f"от {question.least:g} до {question.most:.15g}"
        wrong.append(
            (f"OR({cell}<{question.least:.15g},{cell}>{question.most:.15g})", f"вне пределов: {limits}")
        )
    if question.type == "choice":
        listed = ",".join(f'{cell}="{choice}"' for choice in question.choices)
        wrong.append((f"NOT(OR({listed}))", "выберите из списка"))
    for check in survey.checks:
        if check.part == code:
            whole = f"D{rows[check.whole] + 1}"
            wrong.append((f"AND(ISNUMBER({whole}),{cell}>{whole})", check.says))
    if question.evidence:
        wrong.append((f'{evidence}=""', "нужно подтверждение"))
    formula = f'"{RIGHT}"'
    for condition, says in reversed(wrong):
        formula = f'IF({condition},"{_quoted(says)}",{formula})'
    return f'=IF({cell}="","{empty}",{formula})', empty


def _plain(number: float | None) -> float | int | None:
    return int(number) if number is not None and number == int(number) else number


def _quoted(text: str) -> str:
    return text.replace('"', '""')


def _validate(sheet: Worksheet, row: int, question: Question) -> None:
    """What the cell accepts at all."""
    about: dict[str, Any] = {"error_title": "Ответ", "input_title": "Ответ"}
    match question.type:
        case "choice":
            about |= {
                "validate": "list",
                "source": list(question.choices),
                "error_message": "Выберите ответ из списка.",
            }
        case "text":
            about |= {"validate": "length", "criteria": "<=", "value": LONGEST_TEXT}
        case _:
            limits = f"от {question.least:.15g} до {question.most:.15g}"
            about |= {
                "validate": question.type,
                "criteria": "between",
                "minimum": _plain(question.least),
                "maximum": _plain(question.most),
                "input_message": f"{'Целое число' if question.type == 'integer' else 'Число'} {limits}",
                "error_message": f"Допустимо число {limits}.",
            }
    sheet.data_validation(row, ANSWER, row, ANSWER, about)
    sheet.data_validation(
        row, EVIDENCE, row, EVIDENCE, {"validate": "length", "criteria": "<=", "value": LONGEST_TEXT}
    )


def _colour(book: xlsxwriter.Workbook, sheet: Worksheet, last: int) -> None:
    """What is wrong is red, what is right is green."""
    colours: tuple[tuple[str, str], ...] = (("==", "#C6EFCE"), ("!=", "#FFC7CE"))
    for criteria, colour in colours:
        shown: Format = book.add_format({"bg_color": colour})
        sheet.conditional_format(
            FIRST_ROW, CHECK, last, CHECK,
            {"type": "cell", "criteria": criteria, "value": f'"{RIGHT}"', "format": shown},
        )  # fmt: skip


def _write_instructions(book: xlsxwriter.Workbook, form: Form) -> None:
    survey = form.survey
    sheet = book.add_worksheet("Порядок")
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 3, 60)
    evidence = ", ".join(code for code, one in survey.questions.items() if one.evidence)
    lines = (
        ("Анкета", survey.title.ru),
        ("Основание", survey.act),
        ("Важно", survey.note.ru),
        ("Территория, период", f"{form.territory.ru}, {period_ru(form.period)}"),
        ("Срок", f"не позднее {form.last_day:%d.%m.%Y}"),
        ("Как заполнить", f"Лист «{SHEET}», белые ячейки. Столбец «Проверка» у каждого вопроса должен показывать «{RIGHT}»."),
        ("Подтверждение", f"Нужно для вопросов: {evidence or 'нет таких'}. Укажите документ или имя вложенного файла."),
        (
            "Как передать",
            f"Файл {form.file_name} или архив {form.file_name.replace('.xlsx', '.zip')}: в нём эта книга, файлы подтверждений и "
            "подписанная копия. Имя файла не меняйте.",
        ),
        ("Что дальше", "Контроль отвечает сразу: форма принята или что исправить. Затем её согласуют по ступеням; до этого "
         "ответы ни в один показатель не входят."),
    )  # fmt: skip
    for row, (name, text) in enumerate(lines):
        sheet.write_string(row, 0, name, bold)
        sheet.write_string(row, 1, text, wrapped)
    start = len(lines) + 1
    for column, text in enumerate(("Код", "По-русски", "Па-беларуску", "In English")):
        sheet.write_string(start, column, text, bold)
    for row, (code, question) in enumerate(survey.questions.items(), start=start + 1):
        for column, text in enumerate((code, question.text.ru, question.text.be, question.text.en)):
            sheet.write_string(row, column, text, wrapped)
    sheet.protect("")
