"""The answer to a supplier: why a load was accepted or refused, row by row, in his words."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Literal

from pipelines.declarations.columns import Column
from pipelines.declarations.sources import load_sources
from pipelines.declarations.workbooks import WorkbookFormat
from pipelines.deliveries import CHUNK
from pipelines.formats.workbook import package_members
from pipelines.loading.decisions import find_load, fitting_loads
from pipelines.loading.receipts import RECEIPT
from pipelines.settings import Settings
from pipelines.warehouse.base import Warehouse, raw_table
from pipelines.wording import step_ru

# what `gorod explain` says around the rules' own sentences: Russian, English
WORDS = {
    "accepted": ("Загрузка принята.", "The load is accepted."),
    "waived": (
        "Загрузка принята временно, по решению ответственного лица.",
        "The load is accepted until a given day, on a person's responsibility.",
    ),
    "rejected": ("Загрузка не принята.", "The load is refused."),
    "unapproved": (
        "Загрузка прошла контроль и ожидает согласования; до него она ни в один показатель не входит.",
        "The load has passed the gate and awaits approval; until then no figure uses it.",
    ),
    "superseded": (
        "Загрузка была принята; позднее её заменила более новая.",
        "The load was accepted; a newer one has replaced it.",
    ),
    "conflicting": (
        "Загрузка не учитывается: её период лишь частично совпадает с периодом другой принятой загрузки.",
        "The load does not count: its period partly overlaps that of another accepted load.",
    ),
    "the newest": (
        "Показана последняя загрузка; под запрос подходят и прежние",
        "This is the newest match; older loads match too",
    ),
    "file": ("Файл", "File"),
    "delivered": ("строк передано", "rows delivered"),
    "taken": ("принято", "accepted"),
    "kept back": ("задержано", "in quarantine"),
    "findings": ("Замечания", "Findings"),
    "rule": ("правило", "rule"),
    "severity": ("важность", "severity"),
    "says": ("что не так", "what is wrong"),
    "remedy": ("что сделать", "what to do"),
    "rows": ("строк", "rows"),
    "row numbers": ("номера строк", "row numbers"),
    "critical": ("обязательное", "critical"),
    "warning": ("предупреждение", "warning"),
    "rows kept back": ("Задержанные строки", "Rows in quarantine"),
    "first 20": ("первые 20", "the first 20"),
    "row": ("строка", "row"),
    "column": ("столбец", "column"),
    "value": ("дано", "value"),
    "history": ("История", "History"),
    "event": ("событие", "event"),
    "when (UTC)": ("когда (UTC)", "when (UTC)"),
    "by": ("кто", "by"),
    "why": ("почему", "why"),
    "until": ("до", "until"),
    "event received": ("получена", "received"),
    "event accepted": ("принята", "accepted"),
    "event rejected": ("отклонена", "rejected"),
    "event waived": ("принята по решению", "waived"),
    "approvals": ("Согласование", "Approvals"),
    "step": ("ступень", "step"),
    "approved": ("согласована", "approved"),
    "revoked": ("согласование отозвано", "revoked"),
    "note": ("примечание", "note"),
    "files": ("Файлы поставки", "Files of the delivery"),
    "in archive": ("в архиве", "in archive"),
    "damaged": ("повреждён", "damaged"),
    "bytes": ("байт", "bytes"),
    "event replayed": ("проверена снова", "replayed"),
    "answer to the supplier": ("ответ поставщику", "answer to the supplier"),
}


def words(language: Literal["ru", "en"]) -> Callable[[str], str]:
    """What gives the words of ``WORDS`` in a language; a word that is not there stays."""
    place = 0 if language == "ru" else 1
    return lambda word: WORDS.get(word, (word, word))[place]


def heading(load: dict[str, Any], language: Literal["ru", "en"]) -> str:
    """Names of the source, the feed and the instance that a load is of, and its slice."""
    source = load_sources()[load["source"]]
    titles = (source.title, source.feeds[load["feed"]].title, source.instances[load["instance"]].title)
    return ", ".join([*(getattr(title, language) for title in titles), load["slice"]])


@dataclass(frozen=True)
class RowReason:
    """One reason that one row is kept back. ``value`` is as given; absent where the column is personal.

    ``place`` is where the row stands, if its number alone does not lead to it: sheet and row of a workbook.
    """

    row: int
    column: str
    value: str | None
    rule: str
    remedy: str
    place: str | None = None


@dataclass(frozen=True)
class Counted:
    """How many accepted rows count in some measure (``why`` is None), or do not, and why."""

    rows: int
    why: str | None


@dataclass(frozen=True)
class Answer:
    """Everything that the ledger knows about a load; ``also`` are older ones that what was asked for fits as well."""

    load: dict[str, Any]
    also: list[str]
    decision: str
    events: list[dict[str, Any]]
    approvals: list[dict[str, Any]]
    findings: list[dict[str, Any]]
    rows: list[RowReason]
    counted: list[Counted]

    @property
    def counts(self) -> str:
        """In a sentence: how many accepted rows count, and why the others do not; empty where none was accepted."""
        if not self.counted:
            return ""
        reasons = [f"строк {group.rows}: {group.why}" for group in self.counted if group.why]
        counted = sum(group.rows for group in self.counted if group.why is None)
        return f"В показатели входит строк: {counted}." + (
            f" Не входит {'; '.join(reasons)}." if reasons else ""
        )


def without_counts(load: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the ledger without what tells how many rows a load has: of many feeds that is a figure itself."""
    return {name: None if name in COUNTS else value for name, value in load.items()}


def without_numbers(given: Answer) -> Answer:
    """What may be shown of a load whose number of rows is under embargo: what was decided, by whom and when."""
    return replace(given, load=without_counts(given.load), findings=[], rows=[], counted=[])


# what tells how many rows a load has
COUNTS = ("rows_delivered", "rows_accepted", "rows_quarantined", "warnings", "seconds")
NEITHER = "ни одна мера их не берёт, и не объявлено почему"


def answer(load_id: str, warehouse: Warehouse) -> Answer:
    """Collect the answer to a load; to the newest where a piece of an id fits several.

    Raises:
        GorodError: no such load.
    """
    *others, found = fitting_loads(load_id, warehouse) or [find_load(load_id, warehouse)]
    key = [found["load_id"]]
    columns = load_sources()[found["source"]].feeds[found["feed"]].columns
    return Answer(
        load=found,
        also=[other["load_id"] for other in reversed(others)],
        decision=WORDS[found["state"]][0]
        + _lacking(found, warehouse)
        + (" Строк нет: источник их больше не хранит." if found["not_retained"] else ""),
        events=warehouse.query(
            "select * exclude (load_id) from ops.load_event where load_id = ? order by event_no", key
        ),
        approvals=warehouse.query(
            "select event_no, step, decision, decided_at, by_whom, note from ops.approval where load_id = ?"
            " order by event_no",
            key,
        ),
        findings=warehouse.query(
            "select * exclude (load_id) from ops.load_result where load_id = ? "
            "and (not success or unexpected_count > 0 or evaluated_count = 0) "
            "order by success, evaluated_count = 0, severity, expectation",
            key,
        ),
        rows=[
            RowReason(
                row["row_no"],
                _as_delivered(reason.get("column") or "", columns),
                reason.get("value"),
                reason["says"],
                reason["remedy"],
                reason.get("place"),
            )
            for row in warehouse.query(
                "select row_no, reasons from ops.quarantine where load_id = ? order by row_no", key
            )
            for reason in json.loads(row["reasons"])
        ],
        counted=_counted(found, warehouse),
    )


def _lacking(found: dict[str, Any], warehouse: Warehouse) -> str:
    """The steps of approval that a load still lacks, in words."""
    if found["state"] != "unapproved":
        return ""
    lacking = warehouse.query(
        "select step from ops.approval_step as steps where load_id = ? and not exists (select 1 from"
        " ops.approval_in_force as given where given.load_id = steps.load_id and given.step_no = steps.step_no)"
        " order by step_no",
        [found["load_id"]],
    )
    return f" Не хватает согласования: {', '.join(step_ru(row['step']) for row in lacking)}."


@dataclass(frozen=True)
class DeliveredFile:
    """A file of a delivery as it lies in landing; ``archive`` is the file that contains it, if one does."""

    name: str
    bytes: int | None
    """None, like ``sha256``, if the archive is damaged there."""
    sha256: str | None
    archive: str | None = None


def delivered_files(load: dict[str, Any], settings: Settings) -> list[DeliveredFile]:
    """What arrived with a form: the workbook, and in an archive also its evidence; nothing once it has left landing."""
    fmt = load_sources()[load["source"]].feeds[load["feed"]].format
    if not isinstance(fmt, WorkbookFormat) or not fmt.archive:
        return []
    folder = settings.landing / load["folder"]
    found: list[DeliveredFile] = []
    for path in sorted(folder.glob("*")) if folder.is_dir() else ():
        if path.name == RECEIPT or not path.is_file():
            continue
        found.append(DeliveredFile(path.name, path.stat().st_size, sha256_of_stream(path.open("rb"))))
        for member in package_members(path) or ():
            try:
                with zipfile.ZipFile(path) as archive:
                    size = archive.getinfo(member).file_size
                    found.append(
                        DeliveredFile(member, size, sha256_of_stream(archive.open(member)), path.name)
                    )
            except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, ValueError, EOFError):
                found.append(DeliveredFile(member, None, None, path.name))
    return found


def sha256_of_stream(stream: IO[bytes]) -> str:
    with stream:
        digest = hashlib.sha256()
        while block := stream.read(CHUNK):
            digest.update(block)
        return digest.hexdigest()


def _as_delivered(name: str, columns: Mapping[str, Column]) -> str:
    """A column by the name that its supplier knows it by."""
    return columns[name].named(name)[0] if name in columns else name


def _counted(load: dict[str, Any], warehouse: Warehouse) -> list[Counted]:
    """By today's declaration of the feed; nothing for a load that has no rows in the warehouse."""
    feed = load_sources()[load["source"]].feeds[load["feed"]]
    if not load["rows_accepted"] or load["state"] == "rejected":
        return []
    groups: list[tuple[str, str | None]] = [
        (feed.counted, None),
        *((rows.where, rows.why.ru) for rows in feed.uncounted),
        ("true", NEITHER),
    ]
    number = " ".join(f"when {where} then {place}" for place, (where, _) in enumerate(groups))
    found = warehouse.query(
        f"select case {number} end as place, count(*) as rows "
        f"from {raw_table(load['source'], load['feed'])} where load_id = ? group by all order by all",
        [load["load_id"]],
    )
    return [Counted(row["rows"], groups[row["place"]][1]) for row in found]


def write_answer(given: Answer, path: Path) -> None:
    """Write the answer as a workbook: the decision, and a line for each row and reason."""
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), {"strings_to_numbers": False, "strings_to_formulas": False}) as book:
        head = book.add_format(
            {"bold": True, "bg_color": "#D9E2EC", "border": 1, "text_wrap": True, "valign": "top"}
        )
        cell = book.add_format({"text_wrap": True, "valign": "top", "border": 1})
        bold = book.add_format({"bold": True, "font_size": 13})
        sheet = book.add_worksheet("Ответ")
        sheet.set_column(0, 0, 26)
        sheet.set_column(1, 4, 44)
        sheet.write(0, 0, given.decision, bold)
        load = given.load
        facts = [
            ("Загрузка", load["load_id"]),
            ("Файл", load["files"]),
            ("SHA-256", load["sha256"]),
            ("Получено (UTC)", f"{load['received_at']:%Y-%m-%d %H:%M:%S}"),
            ("Строк передано", load["rows_delivered"]),
            ("Строк принято", load["rows_accepted"]),
            ("Строк задержано", load["rows_quarantined"]),
            ("Учёт строк", given.counts),
            ("Действует до", str(load["waived_until"] or "")),
        ]
        for number, (name, value) in enumerate(facts, start=2):
            sheet.write(number, 0, name, head)
            sheet.write(number, 1, value, cell)
        start = len(facts) + 4
        for column, title in enumerate(("Правило", "Что не так", "Что сделать", "Сколько", "Строки")):
            sheet.write(start, column, title, head)
        for number, found in enumerate(given.findings, start=start + 1):
            values = (
                found["expectation"],
                found["says"],
                found["remedy"],
                found["unexpected_count"],
                found["sample_rows"] or "",
            )
            for column, value in enumerate(values):
                sheet.write(number, column, value, cell)
        _write_rows(book, given, head, cell)


def _write_rows(book: Any, given: Answer, head: Any, cell: Any) -> None:
    sheet = book.add_worksheet("Строки")
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, 0, 10)
    sheet.set_column(1, 2, 28)
    sheet.set_column(3, 4, 60)
    sheet.set_column(5, 5, 28)
    for column, title in enumerate(("Строка", "Столбец", "Дано", "Правило", "Что сделать", "Место")):
        sheet.write(0, column, title, head)
    for number, row in enumerate(given.rows, start=1):
        sheet.write_number(number, 0, row.row, cell)
        cells = (row.column, row.value or "", row.rule, row.remedy, row.place or "")
        for column, value in enumerate(cells, start=1):
            sheet.write_string(number, column, value, cell)
    if given.rows:
        sheet.autofilter(0, 0, len(given.rows), 5)
