"""The sample of the questionnaire: the form as it is issued, filled in with invented answers; no number is real."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from pipelines.declarations.sources import load_sources
from pipelines.declarations.surveys import load_surveys
from pipelines.surveys.form_workbook import Form, write_form

NAME, PERIOD = "digital_development", "2026-S1"
ORDER = "Справка № 1 (вымышленная)"
ANSWERS: dict[str, dict[str, tuple[Any, str | None]]] = {
    "brest": {
        "systems_total": (84, "systems.txt"), "systems_connected": (31, "systems.txt"), "staff_total": (2150, None),
        "staff_trained": (860, None), "spending_planned": (1840.5, None), "spending_done": (902.3, None),
        "plan_adopted": ("да", None),
    },
    "barysau": {
        "systems_total": (37, ORDER), "systems_connected": (9, ORDER), "staff_total": (940, None),
        "staff_trained": (320, None), "plan_adopted": ("в разработке", None),
    },
}  # fmt: skip


def files() -> dict[str, bytes]:
    """Bytes by path within the sample's folder: one form by itself, one in an archive with its evidence."""
    brest = {
        f"survey-{PERIOD}.xlsx": _form("brest"),
        "systems.txt": "Перечень систем (вымышлено).\n".encode(),
        "signed.txt": "Здесь была бы подписанная копия (вымышлено).\n".encode(),
    }
    return {f"brest/survey-{PERIOD}.zip": _zip(brest), f"barysau/survey-{PERIOD}.xlsx": _form("barysau")}


def _form(instance: str) -> bytes:
    survey = load_surveys()[NAME]
    title = load_sources()[survey.source].instances[instance].title
    form = Form(NAME, survey, PERIOD, instance, title, survey.last_day(PERIOD), {})
    return write_form(form, ANSWERS[instance])


def _zip(contents: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 8, 20, 12, 0, 0)), content)
    return made.getvalue()
