"""What must hold of the observations of sensors; the dates of the month follow from source.yml."""

from expectations.vocabulary import History, in_set, required, rule, unique

# the units of each property as servers write them (the micro sign and the Greek letter look alike), and what it can be
MICROGRAMS = ["µg/m³", "μg/m³", "µg/m3", "μg/m3", "ug/m3", "мкг/м³", "мкг/м3"]
DECIBELS = ["dB", "dBA", "dB(A)", "дБ", "дБА"]
PROPERTIES = {
    "PM2.5": (MICROGRAMS, 0, 1000),
    "PM10": (MICROGRAMS, 0, 2000),
    "LAeq": (DECIBELS, 10, 140),
}


def _by_property(condition: dict[str, str]) -> str:
    cases = (f"when observed_property = '{name}' then {text}" for name, text in condition.items())
    return f"case {' '.join(cases)} end"


def _listed(units: list[str]) -> str:
    return ", ".join(f"'{unit}'" for unit in units)


SUITE = [
    required("observation_id", named="@iot.id"),
    required("datastream", named="Datastream.@iot.id"),
    required("observed_property", named="ObservedProperty.name"),
    in_set("observed_property", PROPERTIES, named="ObservedProperty.name"),
    required("unit", named="unitOfMeasurement.symbol"),
    rule(
        _by_property({name: f"unit in ({_listed(units)})" for name, (units, _, _) in PROPERTIES.items()}),
        columns=["observed_property", "unit"],
        name="unit_fits_property",
        dimension="validity",
        says="Единица потока (unitOfMeasurement) подходит к наблюдаемой величине: мкг/м³ для частиц, дБ для шума.",
        remedy="Передайте значения в мкг/м³ или дБ и назовите эту единицу в unitOfMeasurement.symbol.",
        mostly=0.95,
    ),
    rule(
        _by_property(
            {name: f"result between {low} and {high}" for name, (_, low, high) in PROPERTIES.items()}
        ),
        columns=["observed_property", "result"],
        name="result_possible",
        dimension="accuracy",
        says="Значение (result) возможно для наблюдаемой величины.",
        remedy="Проверьте датчик и единицу: частицы – в мкг/м³, шум – в дБ.",
        mostly=0.95,
    ),
    required("observed_at", named="phenomenonTime"),
    rule(
        "observed_at is null or observed_zone is not null",
        columns=["observed_at"],
        name="zone_told",
        dimension="consistency",
        says="У времени наблюдения (phenomenonTime) указан часовой пояс.",
        remedy="Передайте время с поясом: 2026-10-01T05:00:00Z. Без него время считается минским.",
        severity="warning",
    ),
    rule(
        "until > observed_at",
        columns=["observed_at", "until"],
        name="interval_ends_later",
        dimension="consistency",
        says="Интервал наблюдения (phenomenonTime) кончается позже, чем начинается.",
        remedy="Проверьте начало и конец интервала и их часовые пояса.",
        mostly=0.95,
    ),
    # a level of noise is that of an interval; a moment has none
    rule(
        "observed_property <> 'LAeq' or until is not null",
        columns=["observed_property", "until"],
        name="level_of_interval",
        dimension="completeness",
        says="Эквивалентный уровень шума (LAeq) передан с интервалом, за который он измерен.",
        remedy="Передайте phenomenonTime как интервал: начало/конец.",
        mostly=0.95,
    ),
    unique(["datastream", "observed_at"], says="На поток и момент приходится одно наблюдение."),
]

HISTORY = History(
    key=("datastream", "observed_at"),
    shares={"величины": "observed_property"},
    quantities={"значение": "result"},
    by=("observed_property",),
    volume=True,
)
