"""What must hold of the control cabinets of street lighting of a city."""

from expectations.vocabulary import History, code, in_set, required, unique

SUITE = [
    required("entity_id", named="id"),
    code("entity_id", r"[\w:.+-]+", like="urn:ngsi-ld:StreetlightControlCabinet:brest:0001", named="id"),
    in_set("entity_type", ["StreetlightControlCabinet"], named="type"),
    required("working_mode", named="workingMode"),
    in_set("working_mode", ["automatic", "semiautomatic", "manual"], named="workingMode"),
    unique(["entity_id"], says="Каждый шкаф передан один раз."),
]

HISTORY = History(key=("entity_id",), shares={"режимы": "working_mode"}, steady=True, volume=True)
