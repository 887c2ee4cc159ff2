"""What must hold of the waste containers of a city."""

from expectations.vocabulary import History, code, in_set, required, rule, unique

SUITE = [
    required("entity_id", named="id"),
    code("entity_id", r"[\w:.+-]+", like="urn:ngsi-ld:WasteContainer:brest:00001", named="id"),
    in_set("entity_type", ["WasteContainer"], named="type"),
    in_set("status", ["ok", "lidOpen", "dropped", "moved", "vandalized", "burning", "unknown"]),
    in_set("filling_unit", ["P1", "C62"], named="unitCode у fillingLevel"),
    # without a unit the model's own holds: 0.8 is four fifths, and 80 is nothing that can be
    rule(
        "filling_level between 0 and case when filling_unit = 'P1' then 100 else 1 end",
        columns=["filling_level", "filling_unit"],
        name="filling_fits_unit",
        dimension="validity",
        says="Заполнение (fillingLevel) – доля от 0 до 1, а с единицей P1 – проценты от 0 до 100.",
        remedy="Передайте долю от 0 до 1 или назовите единицу: unitCode P1 для процентов.",
        mostly=0.95,
    ),
    unique(["entity_id"], says="Каждый контейнер передан один раз."),
]

HISTORY = History(key=("entity_id",), shares={"состояния": "status"}, steady=True, volume=True)
