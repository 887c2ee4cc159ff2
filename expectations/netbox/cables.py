"""What must hold of the cables of an operator; names of territories follow from source.yml."""

from expectations.vocabulary import History, in_set, required, rule, unique

# a cable within one territorial unit: no district is a hundred kilometres wide
LONGEST_KM = 100

SUITE = [
    required("netbox_id", named="id"),
    unique(["netbox_id"], says="Каждый кабель передан один раз."),
    required("status"),
    in_set("status", ["connected", "planned", "decommissioning"]),
    in_set("length_unit", ["km", "m", "mi", "ft"]),
    required("soato", named="custom_fields.soato"),
    rule(
        "length > 0 and length * case length_unit when 'km' then 1 when 'm' then 0.001 when 'mi' then 1.609344 "
        f"when 'ft' then 0.0003048 end <= {LONGEST_KM}",
        columns=["length", "length_unit"],
        name="length_possible",
        dimension="validity",
        says=f"Длина кабеля больше нуля и не больше {LONGEST_KM} км.",
        remedy="Проверьте длину (length) и её единицу (length_unit).",
        mostly=0.95,
    ),
]

HISTORY = History(key=("netbox_id",), shares={"состояния": "status"}, steady=True, volume=True)
