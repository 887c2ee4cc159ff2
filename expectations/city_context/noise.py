"""What must hold of the measurements of noise of a city; bounds and the dates of the month follow from source.yml."""

from expectations.vocabulary import History, code, in_set, required, rule, unique

SUITE = [
    required("entity_id", named="id"),
    in_set("entity_type", ["NoiseLevelObserved"], named="type"),
    required("station", named="refPointOfInterest"),
    code("station", r"[\w:.+-]+", like="urn:ngsi-ld:PointOfInterest:brest:01", named="refPointOfInterest"),
    required("observed_at", named="dateObservedFrom"),
    rule(
        "observed_at is null or observed_zone is not null",
        columns=["observed_at"],
        name="zone_told",
        dimension="consistency",
        says="У времени наблюдения (dateObservedFrom) указан часовой пояс.",
        remedy="Передайте время с поясом: 2026-10-01T08:00:00+03:00. Без него время считается минским.",
        severity="warning",
    ),
    rule(
        "until > observed_at",
        columns=["observed_at", "until"],
        name="interval_ends_later",
        dimension="consistency",
        says="Интервал измерения кончается (dateObservedTo) позже, чем начинается (dateObservedFrom).",
        remedy="Проверьте оба времени и их часовые пояса.",
        mostly=0.95,
    ),
    in_set("laeq_unit", ["2N"], named="unitCode у LAeq"),
    unique(["station", "observed_at"], says="На станцию и начало интервала приходится одно измерение."),
]

HISTORY = History(
    key=("station", "observed_at"),
    shares={"станции": "station"},
    quantities={"уровень шума, дБА": "laeq"},
    volume=True,
)
