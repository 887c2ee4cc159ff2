"""What must hold of the observations of air quality of a city; bounds and the dates of the month follow from source.yml."""

from expectations.vocabulary import History, code, in_set, required, rule, unique

POLLUTANTS = ("pm25", "pm10", "no2", "so2", "o3")

SUITE = [
    required("entity_id", named="id"),
    in_set("entity_type", ["AirQualityObserved"], named="type"),
    required("station", named="refPointOfInterest"),
    code("station", r"[\w:.+-]+", like="urn:ngsi-ld:PointOfInterest:brest:01", named="refPointOfInterest"),
    required("observed_at", named="dateObserved"),
    rule(
        "observed_at is null or observed_zone is not null",
        columns=["observed_at"],
        name="zone_told",
        dimension="consistency",
        says="У времени наблюдения (dateObserved) указан часовой пояс.",
        remedy="Передайте время с поясом: 2026-10-01T08:00:00+03:00. Без него время считается минским.",
        severity="warning",
    ),
    *(in_set(f"{name}_unit", ["GQ"], named=f"unitCode у {name}") for name in POLLUTANTS),
    unique(["station", "observed_at"], says="На станцию и момент приходится одно наблюдение."),
]

HISTORY = History(
    key=("station", "observed_at"),
    shares={"станции": "station"},
    quantities={"PM10, мкг/м³": "pm10"},
    volume=True,
)
