"""What must hold of the interfaces of an operator; bounds and names of territories follow from source.yml."""

from expectations.vocabulary import History, between, required, unique

SUITE = [
    required("netbox_id", named="id"),
    unique(["netbox_id"], says="Каждый интерфейс передан один раз."),
    required("interface_type", named="type"),
    required("soato", named="custom_fields.soato"),
    # utilisation above 100 % cannot be; a port of unknown capacity is not judged
    between(
        "onu_connected",
        0,
        "onu_capacity",
        named="onu_connected",
        limits="от 0 до ёмкости порта (onu_capacity)",
    ),
]

HISTORY = History(key=("netbox_id",), shares={"виды интерфейсов": "interface_type"}, steady=True, volume=True)
