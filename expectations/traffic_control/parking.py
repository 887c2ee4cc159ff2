"""What must hold of the car parks of a city."""

from expectations.vocabulary import History, between, code, required, rule, unique

SUITE = [
    required("observed_on", named="date"),
    code("parking_code", "[A-Z]-[0-9]{3}", like="P-001", named="uid"),
    required("parking_code", named="uid"),
    unique(["parking_code", "observed_on"], says="На парковку и день приходится одна строка."),
    required("has_realtime", named="has_realtime_data"),
    required("places", named="capacity"),
    between(
        "free_places", 0, "places", named="realtime_free_capacity", limits="от 0 до числа мест (capacity)"
    ),
    rule(
        "has_realtime or free_places is null",
        columns=["free_places", "has_realtime"],
        name="free_is_realtime",
        dimension="consistency",
        says="Свободные места указаны только у парковок с данными в реальном времени.",
        remedy="Исправьте has_realtime_data или уберите число свободных мест.",
        severity="warning",
    ),
]

HISTORY = History(key=("parking_code", "observed_on"), shares={"парковки": "parking_code"}, volume=True)
