"""The components of the data structure: dimensions, time, measure, attributes."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.publishing.exports.words import Text


@dataclass(frozen=True)
class Concept:
    """A component of the data structure.

    ``column`` is the SQL of its value in the published table; ``codes`` is its code list, or ``type`` the SDMX text
    type. ``of`` names the dimension that an attribute belongs to; None: the observation.
    """

    id: str
    name: Text
    column: str
    codes: str | None = None
    type: str = "String"
    of: str | None = None
    required: bool = False


DIMENSIONS = (
    Concept("FREQ", Text("Периодичность", "Перыядычнасць", "Frequency"), "freq", "CL_FREQ"),
    Concept("REF_AREA", Text("Территория", "Тэрыторыя", "Reference area"), "ref_area", "CL_AREA"),
    Concept("INDICATOR", Text("Показатель", "Паказчык", "Indicator"), "indicator", "CL_INDICATOR"),
    Concept("BREAKDOWN", Text("Разрез", "Разрэз", "Breakdown"), "breakdown", "CL_BREAKDOWN"),
)


TIME = Concept(
    "TIME_PERIOD", Text("Период", "Перыяд", "Time period"), "time_period", type="ObservationalTimePeriod"
)


MEASURE = Concept("OBS_VALUE", Text("Значение", "Значэнне", "Observation value"), "obs_value", type="Decimal")
ATTRIBUTES = (
    Concept(
        "UNIT_MEASURE",
        Text("Единица измерения", "Адзінка вымярэння", "Unit of measure"),
        "unit_measure",
        "CL_UNIT_MEASURE",
        of="INDICATOR",
        required=True,
    ),
    Concept(
        "UNIT_MULT",
        Text("Порядок единицы (степень 10)", "Парадак адзінкі (ступень 10)", "Unit multiplier (power of 10)"),
        "0",
        "CL_UNIT_MULT",
        of="INDICATOR",
        required=True,
    ),
    Concept(
        "DECIMALS",
        Text("Знаков после запятой", "Знакаў пасля коскі", "Decimals"),
        "decimals",
        "CL_DECIMALS",
        of="INDICATOR",
        required=True,
    ),
    Concept(
        "OBS_STATUS",
        Text("Статус значения", "Статус значэння", "Observation status"),
        "obs_status",
        "CL_OBS_STATUS",
        required=True,
    ),
    Concept(
        "MISSING_REASON",
        Text("Почему нет значения", "Чаму няма значэння", "Why there is no value"),
        "missing_reason",
        "CL_MISSING_REASON",
    ),
    Concept(
        "IMPUTED_BY",
        Text("Правило восполнения пропуска", "Правіла запаўнення пропуску", "Rule of imputation"),
        "imputed_by",
        "CL_IMPUTATION",
    ),
    Concept(
        "QUALITY_CLASS",
        Text("Класс качества", "Клас якасці", "Quality class"),
        "quality_class",
        "CL_QUALITY_CLASS",
    ),
    Concept("NUMERATOR", Text("Числитель", "Лічнік", "Numerator"), "numerator", type="Decimal"),
    Concept("DENOMINATOR", Text("Знаменатель", "Назоўнік", "Denominator"), "denominator", type="Decimal"),
    Concept(
        "DENOMINATOR_PERIOD",
        Text("Период знаменателя", "Перыяд назоўніка", "Period of the denominator"),
        "denominator_period",
    ),
    Concept(
        "METHOD_VERSION",
        Text("Версия методики", "Версія методыкі", "Version of the method"),
        "method_version",
    ),
    Concept(
        "COVERAGE_POPULATION",
        Text("Охват населения, %", "Ахоп насельніцтва, %", "Population coverage, %"),
        "coverage_population_pct",
        type="Decimal",
    ),
    Concept(
        "COVERAGE_TIME",
        Text("Охват времени, %", "Ахоп часу, %", "Time coverage, %"),
        "coverage_time_pct",
        type="Decimal",
    ),
    Concept(
        "SYNTHETIC",
        Text(
            "Вымышленные данные: не для использования",
            "Выдуманыя даныя: не для выкарыстання",
            "Invented data: not for use",
        ),
        "synthetic",
        type="Boolean",
        required=True,
    ),
    Concept("COMMENT", Text("Примечание", "Заўвага", "Comment"), "note_ru"),
    Concept(
        "COMMENT_BE",
        Text("Примечание по-белорусски", "Заўвага па-беларуску", "Comment in Belarusian"),
        "note_be",
    ),
    Concept(
        "COMMENT_EN", Text("Примечание по-английски", "Заўвага па-англійску", "Comment in English"), "note_en"
    ),
)


COMPONENTS = (*DIMENSIONS, TIME, MEASURE, *ATTRIBUTES)
