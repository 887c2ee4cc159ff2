"""What must hold of the observations of traffic of a city; bounds and the dates of the month follow from source.yml."""

from expectations.vocabulary import History, code, in_set, required, rule, unique

SUITE = [
    required("entity_id", named="id"),
    in_set("entity_type", ["TrafficFlowObserved"], named="type"),
    required("section", named="refRoadSegment"),
    code("section", r"[\w:.+-]+", like="urn:ngsi-ld:RoadSegment:brest:01", named="refRoadSegment"),
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
    in_set("occupancy_unit", ["P1", "C62"], named="unitCode у occupancy"),
    rule(
        "occupancy between 0 and case when occupancy_unit = 'P1' then 100 else 1 end",
        columns=["occupancy", "occupancy_unit"],
        name="occupancy_fits_unit",
        dimension="validity",
        says="Занятость (occupancy) – доля от 0 до 1, а с единицей P1 – проценты от 0 до 100.",
        remedy="Передайте долю от 0 до 1 или назовите единицу: unitCode P1 для процентов.",
        mostly=0.95,
    ),
    unique(
        ["section", "lane", "observed_at"], says="На участок, полосу и момент приходится одно наблюдение."
    ),
]

HISTORY = History(
    key=("section", "lane", "observed_at"),
    shares={"участки": "section"},
    quantities={"транспортных средств": "intensity"},
    volume=True,
)
