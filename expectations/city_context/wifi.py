"""What must hold of the public Wi-Fi points of a city; bounds follow from source.yml."""

from expectations.vocabulary import History, code, in_set, required, unique

SUITE = [
    required("entity_id", named="id"),
    code("entity_id", r"[\w:.+-]+", like="urn:ngsi-ld:WifiPointOfInterest:brest:0001", named="id"),
    in_set("entity_type", ["WifiPointOfInterest"], named="type"),
    required("wifi_status", named="wifiStatus"),
    in_set("wifi_status", ["working", "offline", "inMaintenance"], named="wifiStatus"),
    unique(["entity_id"], says="Каждая точка Wi-Fi передана один раз."),
]

HISTORY = History(key=("entity_id",), shares={"состояния": "wifi_status"}, steady=True, volume=True)
