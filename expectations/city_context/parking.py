"""What must hold of the public car parks of a city; bounds follow from source.yml."""

from expectations.vocabulary import History, between, code, in_set, required, rule, unique

SUITE = [
    required("entity_id", named="id"),
    code("entity_id", r"[\w:.+-]+", like="urn:ngsi-ld:OffStreetParking:brest:0001", named="id"),
    in_set("entity_type", ["OffStreetParking", "OnStreetParking"], named="type"),
    between(
        "available_spots", 0, "total_spots", named="availableSpotNumber", limits="от 0 до totalSpotNumber"
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
    unique(["entity_id"], says="Каждая парковка передана один раз."),
]

HISTORY = History(
    key=("entity_id",),
    shares={"вид": "entity_type"},
    quantities={"мест": "total_spots"},
    steady=True,
    volume=True,
)
