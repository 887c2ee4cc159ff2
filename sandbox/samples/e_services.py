"""The sample of electronic services: workbooks of two executive committees, in two layouts. No number is real."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from sandbox.samples.workbooks import workbook

MONTHS = [(2026, 8, "август"), (2026, 9, "сентябрь"), (2026, 10, "октябрь")]
CITIES = {"brest": ("Брестского", 9000), "barysau": ("Борисовского", 3500)}
# section -> procedures, those that can be asked for electronically, share of all cases
SECTIONS = {
    "Жилищные правоотношения": (62, 31, 0.24),
    "Имущество и землепользование": (48, 17, 0.16),
    "Регистрация актов гражданского состояния": (24, 9, 0.2),
    "Социальная защита": (55, 28, 0.27),
    "Образование": (30, 22, 0.08),
    "Предпринимательство": (41, 33, 0.05),
}
DATASETS = (
    "Перечень остановок", "Муниципальные парковки", "Спортивные объекты", "Учреждения образования", "Объекты торговли",
    "Памятники", "Контейнерные площадки", "Реестр дорог", "Бюджет города", "Пункты Wi-Fi",
)  # fmt: skip


def files() -> dict[str, bytes]:
    """Bytes by path within the sample's folder."""
    return {
        f"{feed}/{city}/{name}-{year}-{month:02}.xlsx": made(city, year, month, word)
        for city in CITIES
        for year, month, word in MONTHS
        for feed, name, made in (
            ("procedures", "e-services", _procedures),
            ("datasets", "open-data", _datasets),
        )
    }


def _figures(city: str, year: int, month: int) -> list[tuple[str, int, int, int, int]]:
    rng = Random(f"e_services {city} {year} {month}")
    rows = []
    for section, (listed, online, share) in SECTIONS.items():
        cases = round(CITIES[city][1] * share * rng.uniform(0.9, 1.1))
        rows.append((section, listed, online, cases, round(cases * online / listed * rng.uniform(0.5, 0.8))))
    whole = [sum(figures) for figures in zip(*(row[1:] for row in rows), strict=True)]
    return [*rows, ("Итого", whole[0], whole[1], whole[2], whole[3])]


def _procedures(city: str, year: int, month: int, word: str) -> bytes:
    """Units in August; thousands, another order and one more column from September on."""

    def write(book: Workbook, page: Worksheet) -> None:
        centred = book.add_format({"align": "center", "text_wrap": True})
        rows = _figures(city, year, month)
        page.merge_range(0, 0, 0, 5, "Сведения об осуществлении административных процедур", centred)
        page.merge_range(1, 0, 1, 5, f"{CITIES[city][0]} горисполкома за {word} {year} г.", centred)
        if month == 8:
            page.merge_range(3, 0, 4, 0, "№ п/п", centred)
            page.merge_range(3, 1, 4, 1, "Раздел перечня", centred)
            page.merge_range(3, 2, 3, 3, "Процедур в перечне, ед.", centred)
            page.merge_range(3, 4, 3, 5, "Осуществлено за месяц, ед.", centred)
            for column, text in enumerate(("всего", "из них в электронной форме") * 2, start=2):
                page.write(4, column, text, centred)
            for row, (section, *figures) in enumerate(rows, start=5):
                page.write(row, 0, "" if section == "Итого" else row - 4)
                page.write(row, 1, section)
                page.write_row(row, 2, figures)
        else:
            page.merge_range(3, 0, 4, 0, "Наименование раздела", centred)
            page.merge_range(3, 1, 3, 3, "Осуществлено за месяц, тыс. ед.", centred)
            for column, text in enumerate(("всего", "в электронной форме", "через «одно окно»"), start=1):
                page.write(4, column, text, centred)
            page.merge_range(3, 4, 4, 4, "Число процедур, ед.", centred)
            page.merge_range(3, 5, 4, 5, "Доступно в электронной\nформе, ед.", centred)
            for row, (section, listed, online, cases, cases_online) in enumerate(rows, start=5):
                page.write(row, 0, section)
                page.write_string(row, 1, f"{cases / 1000:.3f}".replace(".", ","))
                page.write_number(row, 2, cases_online / 1000)
                page.write_number(row, 3, (cases - cases_online) / 1000)
                page.write_row(row, 4, (listed, online))
        page.write(len(rows) + 6, 0, "Справочно: данные вымышлены")

    return workbook("Услуги", write)


def _datasets(city: str, year: int, month: int, word: str) -> bytes:
    def write(book: Workbook, page: Worksheet) -> None:  # noqa: ARG001
        rng = Random(f"e_services data sets {city}")
        page.write(0, 0, f"Наборы данных {CITIES[city][0]} горисполкома, {word} {year} г.")
        page.write_row(
            2,
            0,
            (
                "№",
                "Наименование набора данных",
                "Формат",
                "Опубликован (да/нет)",
                "Дата последнего обновления",
            ),
        )
        page.write_row(3, 0, (1, 2, 3, 4, 5))
        for row, name in enumerate(DATASETS[: 10 if city == "brest" else 7], start=4):
            since = rng.randint(7, 12)
            published = "да" if since <= month else "нет"
            updated = date(year, month, 1) - timedelta(days=rng.randint(1, 200))
            page.write_row(row, 0, (f"{row - 3}.", name, rng.choice(("CSV", "XLSX", "JSON")), published))
            page.write_string(row, 4, f"{updated:%d.%m.%Y}" if published == "да" else "–")

    return workbook("Наборы", write)
