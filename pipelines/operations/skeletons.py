"""``gorod new``: the first files of a source, indicator or report. They load and build as they are; replace their contents."""

from __future__ import annotations

from pathlib import Path

from pipelines.declarations.common import nearest
from pipelines.declarations.indicator_catalogue import load_catalogue
from pipelines.declarations.indicators import INDICATORS
from pipelines.declarations.measures import Measure
from pipelines.declarations.reports import REPORTS
from pipelines.declarations.sources import SOURCES
from pipelines.errors import GorodError
from pipelines.settings import PROJECT

NOTICE = """# Синтетические данные / synthetic data

**RU.** Все значения в этой папке вымышлены. Ни одно нельзя приводить как факт.

**EN.** Every value in this folder is invented. None may be quoted as a fact.
"""

SOURCE = """\
# yaml-language-server: $schema=../../../docs/schemas/source.schema.json
# All keys: docs/declarations.md. Decide for each column what happens to personal data (personal_data: drop).
source: {name}
title: {{ru: "{name}: как источник называется", be: "{name}: як крыніца называецца", en: "{name}: name of the source"}}
owner: Кто отвечает за источник
public_origin: {{address: "https://source.example", licence: Условия по их названию, attribution: Подпись под данными}}
# who delivers: one installation, or each city separately (three lines each)
instances:
  main:
    title: {{ru: Вся страна, be: Уся краіна, en: The whole country}}
    ref_area: BY
# how its rows name territories; if each city has its own system, remove this key and `territory` below
territories: {{Брест: c-brest, Борисов: c-barysau}}
feeds:
  readings:
    title: {{ru: "{name}: замеры", be: "{name}: вымярэнні", en: "{name}: readings"}}
    description: One row for each city and day. A delivery replaces one month.
    cadence: monthly
    freshness: {{expected_within_days: 10, late_after_days: 20}}
    first_month: 2026-10-01
    file_pattern: 'readings-(?P<period>\\d{{4}}-\\d{{2}})\\.csv'
    origins:
      sample: {{kind: files, path: sample/readings, instance: main, synthetic: true}}
    format: {{kind: csv, delimiter: ";", decimal_comma: true}}
    territory: city
    time_period: read_on
    columns:
      read_on: {{type: date, format: "%d.%m.%Y", header: дата, description: Day of the reading}}
      city: {{type: text, header: город, description: City by its Russian name}}
      amount:
        type: decimal
        header: значение
        unit: units
        description: Value of the reading
        bounds: {{possible: {{rows: значение замера, min: 0, max: 1000000}}}}
"""

MEASURES = """\
# yaml-language-server: $schema=../../../docs/schemas/measures.schema.json
# filter: which rows count; expr: what each adds (1 for a count). Both are SQL over the columns of the feed.
measures:
  {name}_amount:
    name: {{ru: "{name}: сумма замеров", be: "{name}: сума вымярэнняў", en: "{name}: sum of readings"}}
    definition_ru: Сумма замеров за месяц.
    unit: {{code: {unit}, ru: ед., be: адз., en: units}}
    kind: flow
    feed: readings
    filter: amount is not null
    expr: amount
    freq: M
    territory: sum
    time: sum
    absence: not_published
"""

SUITE = '''\
"""What must hold of the readings of {name}; bounds, names of cities and dates follow from source.yml."""

from expectations.vocabulary import History, required, unique

SUITE = [
    required("read_on", named="дата"),
    required("amount", named="значение"),
    unique(["city", "read_on"], says="На город и день приходится одна строка."),
]

HISTORY = History(
    key=("city", "read_on"),
    row=("city", "extract(day from read_on)", "amount"),
    shares={{"города": "city"}},
    volume=True,
)
'''

SAMPLE = """\
дата;город;значение
01.10.2026;Брест;12,5
01.10.2026;Борисов;7
02.10.2026;Брест;13
02.10.2026;Борисов;6,5
"""

INDICATOR = """\
# yaml-language-server: $schema=../../docs/schemas/indicator.schema.json
# A share or a mean also has a denominator: docs/indicators.md. The file name is the code, and ends with the unit.
name: {{ru: "{code}: название", be: "{code}: назва", en: "{code}: name"}}
definition:
  ru: Что именно показывает значение, как публикуется.
  be: Што менавіта паказвае значэнне, як публікуецца.
  en: What exactly the value shows, as published.
rationale: {{ru: Зачем он нужен., be: Навошта ён патрэбны., en: What it is for.}}
theme: {theme}
unit: {{code: {unit.code}, ru: {unit.ru}, be: {unit.be}, en: {unit.en}}}
decimals: 1
direction: none
frequencies: [{freq}]
levels: [country, region, district, city]
methods:
  - version: '1.0'
    numerator:
      words: {{ru: числитель словами, be: лічнік словамі, en: the numerator in words}}
      terms: [{{measure: {measure}}}]
metadata:
  SOURCE_TYPE: {{ru: Откуда данные., be: Адкуль даныя., en: Where the data come from.}}
owner: Кто отвечает за показатель
"""

REPORT = """\
# yaml-language-server: $schema=../../docs/schemas/report.schema.json
report: {name}
title: {{ru: "{name}: заголовок", be: "{name}: загаловак", en: "{name}: title"}}
indicators:
  - indicator: {indicator}
chart: {indicator}
map: {indicator}
"""


def source_files(name: str) -> dict[Path, str]:
    """A source with one feed by month: its declaration, measures, suite and a sample of two cities."""
    folder = SOURCES / name
    return {
        folder / "source.yml": SOURCE.format(name=name),
        folder / "measures.yml": MEASURES.format(name=name, unit=f"{name.upper()}_UNITS"),
        PROJECT / "expectations" / name / "readings.py": SUITE.format(name=name),
        folder / "sample" / "readings" / "readings-2026-10.csv": SAMPLE,
        folder / "sample" / "README.md": NOTICE,
    }


def indicator_files(code: str, measure: str | None) -> dict[Path, str]:
    """An indicator that is the sum of a measure.

    Raises:
        GorodError: the measure is not declared.
    """
    catalogue = load_catalogue()
    measure = measure or next(iter(catalogue.measures))
    declared: Measure | None = catalogue.measures.get(measure)
    if declared is None:
        raise GorodError(f"measure {measure!r} is not declared", nearest(measure, catalogue.measures))
    text = INDICATOR.format(
        code=code,
        theme=next(iter(catalogue.themes)),
        unit=declared.unit.model_copy(
            update={key: f'"{getattr(declared.unit, key)}"' for key in ("ru", "be", "en")}
        ),
        freq=declared.freq,
        measure=measure,
    )
    return {INDICATORS / f"{code}.yml": text}


def report_files(name: str) -> dict[Path, str]:
    """A report of one indicator."""
    indicator = next(iter(load_catalogue().indicators))
    return {REPORTS / f"{name}.yml": REPORT.format(name=name, indicator=indicator)}


def write_new(files: dict[Path, str]) -> list[Path]:
    """Write new files: all of them, or none.

    Raises:
        GorodError: one exists already.
    """
    there = [path for path in files if path.exists()]
    if there:
        raise GorodError(
            f"{there[0].relative_to(PROJECT)} already exists", "Choose another name, or edit it."
        )
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(files)
