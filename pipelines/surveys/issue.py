"""Issue the forms of a survey: one workbook for each territory, in a folder with its code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipelines.declarations.common import nearest
from pipelines.declarations.sources import load_sources
from pipelines.declarations.surveys import Survey, load_surveys
from pipelines.errors import GorodError
from pipelines.outputs import refuse_own_state, written_whole
from pipelines.periods import number_of
from pipelines.settings import Settings
from pipelines.surveys.form_workbook import Form, write_form
from pipelines.surveys.standing import last_days
from pipelines.warehouse.base import Warehouse, raw_table


def find_survey(name: str) -> Survey:
    """The survey with this name.

    Raises:
        GorodError: none has it.
    """
    surveys = load_surveys()
    if name not in surveys:
        raise GorodError(f"there is no survey {name!r}", f"In assets/surveys: {nearest(name, surveys)}.")
    return surveys[name]


def require_period(survey: Survey, period: str) -> str:
    """A half-year that the survey asks for.

    Raises:
        GorodError: it is none, or lies before the first.
    """
    number = number_of(period)
    if period[5:6] != "S" or number < number_of(survey.first_period):
        raise GorodError(
            f"{period} is not asked for", f"Give a half-year from {survey.first_period} on, e.g. 2026-S2."
        )
    return period


def require_territories(survey: Survey, territories: Sequence[str]) -> list[str]:
    """The named instances of the survey's source; all if none is named.

    Raises:
        GorodError: there is no such instance.
    """
    instances = load_sources()[survey.source].instances
    for one in territories:
        if one not in instances:
            raise GorodError(
                f"the survey has no territory {one!r}", f"Of its source: {nearest(one, instances)}."
            )
    return list(territories or instances)


def issue(
    name: str, period: str, territories: Sequence[str], folder: Path, settings: Settings, warehouse: Warehouse
) -> list[tuple[str, Path, bool]]:
    """Write the forms; return territory, file, and whether the file is new. A form that is there already stays.

    Raises:
        GorodError: there is no such survey, half-year or territory; or another file has a form's name, which may be one that
            somebody has filled in.
    """
    survey = find_survey(name)
    require_period(survey, period)
    chosen = require_territories(survey, territories)
    source = load_sources()[survey.source]
    due = last_days(survey, period, warehouse)
    written = []
    for instance in chosen:
        form = Form(
            name, survey, period, instance, source.instances[instance].title, due[instance],
            _before(survey, period, instance, warehouse),
        )  # fmt: skip
        path = folder / instance / form.file_name
        refuse_own_state(path, settings)
        content = write_form(form)
        if path.exists():
            if path.read_bytes() != content:
                raise GorodError(
                    f"{path}: is another file, perhaps a form that was filled in",
                    "Name another folder with --to, or move it away; forms before it were written.",
                )
            written.append((instance, path, False))
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as whole:
            whole.write_bytes(content)
        written.append((instance, path, True))
    return written


def _before(survey: Survey, period: str, instance: str, warehouse: Warehouse) -> dict[str, str]:
    """The territory's answers of the half-year before that are in force."""
    year, half = int(period[:4]), period[-1]
    earlier = f"{year}-S1" if half == "2" else f"{year - 1}-S2"
    rows = warehouse.query(
        f"select question, answer from {raw_table(survey.source, survey.feed)} join ops.effective_load as loads"
        " using (load_id) where loads.instance = ? and loads.slice = ? and answer is not null order by row_no",
        [instance, earlier],
    )
    return {
        row["question"]: row["answer"].replace(".", ",") if _is_number(row["answer"]) else row["answer"]
        for row in rows
    }


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()
