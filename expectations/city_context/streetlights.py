"""What must hold of the streetlights of a city."""

from expectations.vocabulary import History, code, in_set, required, unique

SUITE = [
    required("entity_id", named="id"),
    code("entity_id", r"[\w:.+-]+", like="urn:ngsi-ld:Streetlight:brest:00001", named="id"),
    in_set("entity_type", ["Streetlight"], named="type"),
    required("status"),
    in_set("status", ["ok", "defectiveLamp", "columnIssue", "brokenLantern"]),
    in_set("power_state", ["on", "off", "low", "bootingUp"], named="powerState"),
    in_set("controlling_method", ["individual", "group"], named="controllingMethod"),
    unique(["entity_id"], says="Каждый светильник передан один раз."),
]

HISTORY = History(key=("entity_id",), shares={"состояния": "status"}, steady=True, volume=True)
