"""What must hold of a form: that it is the one issued, unchanged where it is locked, and answered within its own rules.

Everything follows from the survey's declaration, as the form itself does. A form is one statement of one office: if
anything in it is wrong, all of it goes back (``mostly`` is 1).
"""

from typing import Any

import great_expectations.expectations as gxe

from expectations.vocabulary import History, in_set, load, rule, unique
from pipelines.declarations.surveys import AnswerCheck, Question, load_surveys
from pipelines.sql import literal

NAME = "digital_development"
SURVEY = load_surveys()[NAME]
QUESTIONS = SURVEY.questions
LOCKED = f"Получите форму заново (gorod survey issue {NAME}), перенесите в неё ответы и не меняйте закрытые ячейки."


def _case(values: dict[str, str]) -> str:
    """SQL that gives a value for each question; null for the others."""
    return f"case question {' '.join(f'when {literal(code)} then {value}' for code, value in values.items())} end"


def _of(**wanted: Any) -> dict[str, Question]:
    """The questions with these properties."""
    return {
        code: one
        for code, one in QUESTIONS.items()
        if all(
            getattr(one, name) in (value if isinstance(value, tuple) else (value,))
            for name, value in wanted.items()
        )
    }


def _range(question: Question) -> str:
    return f"try_cast(answer as decimal(18, 4)) between {question.least} and {question.most}"


def _violated(check: AnswerCheck) -> str:
    """SQL with a row if a part is greater than its whole."""
    part, whole = (
        f"max(try_cast(answer as decimal(18, 4))) filter (where question = {literal(code)})"
        for code in (check.part, check.whole)
    )
    places = " || ' и ' || ".join(
        f"max(row_place) filter (where question = {literal(code)})" for code in (check.part, check.whole)
    )
    return f"select {places} || ': ' || {part} || ' и ' || {whole} as description from {{batch}} having {part} > {whole}"


NUMBERS = _of(type=("integer", "decimal"))
PATTERNS = {"integer": "[0-9]+", "decimal": "[0-9]+([.][0-9]+)?"}

SUITE: list[Any] = [
    rule(
        f"form_key = {literal(NAME + '/')} || (select slice || '/' || instance from delivery) || {literal('/' + SURVEY.version)}",
        columns=["form_key"],
        name="form_is_this",
        dimension="validity",
        says="Форма выдана для этой территории, этого полугодия и этой версии анкеты (скрытая ячейка A3 листа «Анкета»).",
        remedy="Передайте форму своей территории под именем, с которым она выдана, например survey-2026-S2.xlsx; "
        "если форма устарела, получите новую.",
    ),
    in_set("question", QUESTIONS, named="Код", mostly=1.0),
    rule(
        f"question_text = {_case({code: literal(one.text.ru) for code, one in QUESTIONS.items()})}",
        columns=["question_text"],
        name="question_unchanged",
        dimension="validity",
        says="Вопрос в столбце «Вопрос» (B) – тот, что в выданной форме.",
        remedy=LOCKED,
    ),
    rule(
        f"unit is not distinct from {_case({code: literal(one.unit.ru) for code, one in QUESTIONS.items() if one.unit})}"
        if any(one.unit for one in QUESTIONS.values())
        else "unit is null",
        columns=["unit"],
        name="unit_unchanged",
        dimension="validity",
        says="Единица в столбце «Единица» (C) – та, что в выданной форме.",
        remedy=LOCKED,
    ),
    unique(["question"], says="Каждый вопрос стоит в форме один раз.", mostly=1.0),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select 'нет вопроса ' || asked.question as description from (values "
            + ", ".join(f"({literal(code)})" for code in QUESTIONS)
            + ") as asked (question) where asked.question not in (select question from {batch} where question is not null)"
        ),
        name="all_questions",
        dimension="completeness",
        says="В форме все вопросы анкеты.",
        remedy=LOCKED,
    ),
    rule(
        f"answer is not null or question not in ({', '.join(map(literal, _of(required=True)))})",
        columns=["answer"],
        name="answered",
        dimension="completeness",
        says="На обязательный вопрос дан ответ: столбец «Ответ» (D).",
        remedy="Впишите ответ и передайте форму снова.",
    ),
    rule(
        "regexp_full_match(answer, "
        + _case({code: literal(PATTERNS[one.type]) for code, one in NUMBERS.items()})
        + ")",
        columns=["answer"],
        name="answer_is_number",
        dimension="validity",
        says="Ответ в столбце «Ответ» (D) – неотрицательное число, а где считают предметы и людей – целое.",
        remedy="Впишите число без единиц, пробелов и пояснений.",
    ),
    rule(
        _case({code: _range(one) for code, one in NUMBERS.items()}),
        columns=["answer"],
        name="answer_in_range",
        dimension="validity",
        says="Число в столбце «Ответ» (D) – в пределах, указанных в форме.",
        remedy="Проверьте число и его единицу измерения.",
    ),
    rule(
        _case({
            code: f"answer in ({', '.join(map(literal, one.choices))})" for code, one in _of(type="choice").items()
        }),
        columns=["answer"],
        name="answer_in_list",
        dimension="validity",
        says="Ответ в столбце «Ответ» (D) выбран из списка.",
        remedy="Выберите ответ из списка в ячейке.",
    ),
    rule(
        f"answer is null or evidence is not null or question not in ({', '.join(map(literal, _of(evidence=True)))})",
        columns=["evidence", "answer"],
        name="evidence_given",
        dimension="completeness",
        says="У ответа, который нужно подтвердить, в столбце «Подтверждение» (E) назван документ или файл.",
        remedy="Назовите документ или вложите файл в архив рядом с формой и впишите его имя.",
    ),
    *(
        load(
            gxe.UnexpectedRowsExpectation,
            unexpected_rows_query=_violated(check),
            name=f"{check.part}_within_{check.whole}",
            dimension="consistency",
            says=f"{check.says} Вопросы {check.part} и {check.whole}, столбец «Ответ» (D).",
            remedy="Исправьте одно из двух чисел.",
        )
        for check in SURVEY.checks
    ),
]  # fmt: skip

HISTORY = History(
    key=("question",),
    row=("question", "answer", "evidence"),
    by=("question",),
    # a form of another half-year may rightly repeat many answers
    may_repeat=1.0,
    steady=True,
)
