"""What must hold of the sites of a branch (TMF674 v4); bounds follow from source.yml."""

from expectations.soato import regions
from expectations.vocabulary import History, between, code, in_set, required, rule, unique

SUITE = [
    required("site_id", named="id"),
    unique(["site_id"], says="Каждая площадка передана один раз."),
    required("site_type", named="@type"),
    in_set("site_type", ["ServedBuilding", "NetworkNode", "DataCentre"], named="@type"),
    required("status"),
    in_set("status", ["planned", "active", "inactive", "terminated"]),
    required("soato"),
    code("soato", "[1-7][0-9]{9}", like="1401000000"),
    rule(
        f"case {' '.join(regions())} end",
        columns=["soato"],
        name="soato_of_branch",
        dimension="consistency",
        says="Код СОАТО начинается с цифры области филиала.",
        remedy="Проверьте, того ли филиала выгрузка: услуги и площадки другой области передаёт её филиал.",
        mostly=0.95,
    ),
    # utilisation above 100 % cannot be; what is unknown is not judged
    between("homes_connected", 0, "homes_passed", named="homesConnected", limits="от 0 до homesPassed"),
    between("ports_active", 0, "ports_equipped", named="portsActive", limits="от 0 до portsEquipped"),
]

HISTORY = History(
    key=("site_id",),
    row=("site_id", "site_type", "soato"),
    shares={"вид": "site_type", "состояние": "status", "СОАТО": "soato"},
    quantities={"домохозяйств": "homes_passed", "портов": "ports_equipped"},
    steady=True,
    volume=True,
)
