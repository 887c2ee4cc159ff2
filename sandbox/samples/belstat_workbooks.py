"""The sample of Belstat's monthly workbooks: wages by activity in layouts that change, with invented values."""

from __future__ import annotations

from random import Random

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from sandbox.samples.belstat_table import number
from sandbox.samples.workbooks import workbook

ACTIVITIES = {
    "Сельское, лесное и рыбное хозяйство": ("agriculture, forestry and fishery", 0.8),
    "растениеводство": ("crop production", 0.77),
    "Промышленность": ("industry", 1.05),
    "обрабатывающая промышленность": ("manufacturing", 1.04),
    "Информация и связь": ("information and communication", 2.4),
    "Образование": ("education", 0.7),
    "Здравоохранение и социальные услуги": ("health and social work activities", 0.86),
}
TITLE = (
    "Номинальная начисленная и реальная заработная плата", "работников Республики Беларусь",
    "по видам экономической деятельности",
)  # fmt: skip
WAGE = "Номинальная начисленная\nсреднемесячная\nзаработная плата,\nрублей"
REAL = "Реальная заработная\nплата,\u00a0в\u00a0процентах\nк\u00a0соответствующему\nпериоду предыдущего\nгода"
WAGE_BOTH = "Номинальная начисленная\nсредняя заработная\nплата, рублей / Nominal gross\naverage monthly earnings, BYN"
REAL_BOTH = (
    "Реальная заработная\nплата,\u00a0в\u00a0процентах к\nсоответствующему периоду\nпредыдущего года / Real\nearnings, as % of "
    "corresponding\nperiod  of previous year  "
)


def wage_workbooks() -> dict[str, bytes]:
    """August: texts with a decimal comma; September: formulas with their saved values; October: in two languages."""
    return {
        "workbooks/nach_sr_zarplata-2608.xlsx": _workbook("По видам эконом. деят.", "август", 2610.4, 2502.8, "text"),
        "workbooks/nach_sr_zarplata-2609.xlsx": _workbook("Лист1", "сентябрь", 2655.7, 2519.8, "formula"),
        "workbooks/nach_sr_zarplata-2610.xlsx": _workbook("Лист1", "Октябрь / October", 2702.3, None, "number"),
    }  # fmt: skip


def _workbook(sheet: str, month: str, total: float, to_date: float | None, written: str) -> bytes:
    rng = Random(f"belstat wages of {month}")
    both = to_date is None
    rows = [("Всего", "Total", total, to_date, 108.4)]
    for activity, (english, share) in ACTIVITIES.items():
        of_month = round(total * share * rng.uniform(0.98, 1.02), 1)
        rows.append(
            (
                activity,
                english,
                of_month,
                to_date and round(to_date * share, 1),
                round(rng.uniform(101, 112), 1),
            )
        )

    def write(book: Workbook, page: Worksheet) -> None:
        merged = book.add_format({"text_wrap": True})
        for row, text in enumerate(TITLE):
            page.write(row, 1, text)
        tops = [(WAGE_BOTH, [month]), (REAL_BOTH, [month])] if both else [
            (WAGE, [month, f"январь\u00a0– \n{month}"]), (REAL, [month, f"январь – \n{month}"]),
        ]  # fmt: skip
        column = 2
        for top, periods in tops:
            if len(periods) > 1:
                page.merge_range(4, column, 4, column + 1, top, merged)
            else:
                page.write(4, column, top)
            for period in periods:
                page.write(5, column, period)
                page.write(6, column, "2026 г.")
                column += 1
        for row, (activity, english, of_month, so_far, real) in enumerate(rows, start=7):
            page.write(row, 1, f"{activity} / {english}" if both else activity)
            figures = [of_month, real] if so_far is None else [of_month, so_far, real, real]
            for place, figure in enumerate(figures, start=2):
                if written == "text":
                    page.write_string(row, place, number(figure, 1) or "")
                elif written == "formula":
                    page.write_formula(row, place, f"={figure}*1", None, figure)
                else:
                    page.write_number(row, place, figure)

    return workbook(sheet, write)
