"""What must hold of the signal-controlled intersections of a city."""

from expectations.vocabulary import History, code, in_set, required, unique

SUITE = [
    required("intersection_id", named="id"),
    code("intersection_id", "[A-Z0-9-]{1,20}", like="SO-001", named="id"),
    unique(["intersection_id"], says="Каждый перекрёсток передан один раз."),
    required("control", named="control.mode"),
    in_set("control", ["local", "central", "adaptive"], named="control.mode"),
    required("status"),
    in_set("status", ["in_service", "out_of_service"]),
]

HISTORY = History(key=("intersection_id",), shares={"управление": "control"}, steady=True, volume=True)
