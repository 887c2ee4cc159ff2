"""What must hold of the devices of an operator; names of territories follow from source.yml."""

from expectations.vocabulary import History, in_set, required, unique

SUITE = [
    required("netbox_id", named="id"),
    unique(["netbox_id"], says="Каждое устройство передано один раз."),
    required("role"),
    required("status"),
    in_set("status", ["active", "offline", "failed", "planned", "staged", "inventory", "decommissioning"]),
    required("soato", named="custom_fields.soato"),
]

HISTORY = History(key=("netbox_id",), shares={"роли": "role"}, steady=True, volume=True)
