"""The sample of the programme's register: workbooks of the ministry. Modules, plans, dates and sums are invented."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from random import Random

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from sandbox.samples.workbooks import workbook

MONTHS = ((2026, 9), (2026, 10))
CITIES = (
    "Минск", "Брест", "Витебск", "Гомель", "Гродно", "Могилёв", "Барановичи", "Пинск", "Новополоцк", "Полоцк", "Орша",
    "Мозырь", "Лида", "Борисов", "Солигорск", "Молодечно", "Бобруйск",
)  # fmt: skip
REGIONS = (
    "Брестская область", "Витебская область", "Гомельская область", "Гродненская область", "г. Минск", "Минская область",
    "Могилёвская область",
)  # fmt: skip
MODULES = (
    "Обращения",
    "Освещение",
    "Парковки",
    "Транспорт",
    "Экология",
    "Ситуационный центр",
    "Кабинет жителя",
)
SERVICES = {"Запись на приём": "Орша", "Карта ремонтов": "Полоцк", "Вызов мастера": "Брест"}
ACTIONS = (
    "Центр обработки данных",
    "Волоконно-оптические линии",
    "Внедрение платформы",
    "Обучение специалистов",
)
BEFORE = ("не начат", "проектирование", "внедрение", "опытная эксплуатация")
REASON = "Перенесены сроки поставки оборудования"


def files() -> dict[str, bytes]:
    """Bytes by path within the sample's folder."""
    return {
        f"{feed}/{feed}-{year}-{month:02}.xlsx": workbook("Реестр", made(year, month))
        for year, month in MONTHS
        for feed, made in (("rollout", _Rollout), ("services", _Services), ("actions", _Actions))
    }


class _Register:
    """A table with title and footer, as it stood on the last day of a month."""

    headers: tuple[str, ...] = ()

    def __init__(self, year: int, month: int) -> None:
        self.today = date(year, month, monthrange(year, month)[1])

    def __call__(self, book: Workbook, page: Worksheet) -> None:  # noqa: ARG002
        page.write(0, 0, f"Реестр на {self.today + timedelta(days=1):%d.%m.%Y} (вымышленный)")
        first = self.head(page)
        rows = self.rows()
        for row, values in enumerate(rows, start=first):
            page.write_row(row, 0, values)
        page.write(first + len(rows) + 1, 0, "Справочно: данные вымышлены")

    def head(self, page: Worksheet) -> int:
        page.write_row(2, 0, self.headers)
        return 3

    def rows(self) -> list[tuple[str | float, ...]]:
        raise NotImplementedError


def _written(day: date | None) -> str:
    return f"{day:%d.%m.%Y}" if day else "–"


class _Rollout(_Register):
    headers = (
        "Город", "Модуль", "Стадия", "Ввод в эксплуатацию: план", "Ввод в эксплуатацию: факт", "Причина отклонения",
    )  # fmt: skip

    def rows(self) -> list[tuple[str | float, ...]]:
        made: list[tuple[str | float, ...]] = []
        for city in CITIES:
            for module in MODULES:
                rng = Random(f"programme_register {city} {module}")
                planned = date(2025, 1, 1) + timedelta(days=rng.randrange(1100))
                started = planned + timedelta(days=rng.choice((-20, 0, 0, 10, 120, 400)))
                operates = started <= self.today
                late = planned <= self.today and not operates
                made.append(
                    (
                        city,
                        module,
                        "в эксплуатации" if operates else rng.choice(BEFORE),
                        _written(planned),
                        _written(started if operates else None),
                        REASON if late else "",
                    )
                )
        return made


class _Services(_Register):
    headers = ("Типовая услуга", "Разработана в", "Тиражируется в", "Дата внедрения")

    def rows(self) -> list[tuple[str | float, ...]]:
        made: list[tuple[str | float, ...]] = []
        for service, origin in SERVICES.items():
            for city in CITIES:
                rng = Random(f"programme_register {service} {city}")
                introduced = date(2025, 6, 1) + timedelta(days=rng.randrange(900))
                made.append(
                    (service, origin, city, _written(introduced if introduced <= self.today else None))
                )
        return made


class _Actions(_Register):
    def head(self, page: Worksheet) -> int:
        for column, text in enumerate(
            ("№ мероприятия", "Мероприятие", "Область, г. Минск", "Срок", "Состояние")
        ):
            page.merge_range(2, column, 3, column, text)
        page.merge_range(2, 5, 2, 6, "Финансирование, тыс. руб.")
        page.write_row(3, 5, ("план на год", "освоено с начала года"))
        page.merge_range(2, 7, 3, 7, "Причина отклонения")
        return 4

    def rows(self) -> list[tuple[str | float, ...]]:
        made: list[tuple[str | float, ...]] = []
        for number, title in enumerate(ACTIONS, start=1):
            for region in REGIONS:
                rng = Random(f"programme_register {title} {region}")
                due = date(2026, 3, 31) + timedelta(days=rng.randrange(400))
                plan = rng.randrange(50, 5000)
                done = due + timedelta(days=rng.choice((-30, 0, 90))) <= self.today
                begun = rng.random() < 0.8
                spent = plan if done else round(plan * self.today.month / 12 * rng.uniform(0.5, 1)) * begun
                state = "выполнено" if done else "выполняется" if spent else "не начато"
                reason = REASON if due <= self.today and not done else ""
                made.append((f"{number}", title, region, _written(due), state, plan, spent, reason))
        return [*made, ("Итого", "", "", "", "", sum(float(row[5]) for row in made), "", "")]
