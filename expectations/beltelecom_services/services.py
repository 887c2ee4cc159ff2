"""What must hold of the services of a branch (TMF638 v4); bounds follow from source.yml."""

from expectations.soato import regions
from expectations.vocabulary import History, code, in_set, required, rule, unique

STATES = ["feasibilityChecked", "designed", "reserved", "inactive", "active", "terminated"]

SUITE = [
    required("service_id", named="id"),
    unique(["service_id"], says="Каждая услуга передана один раз."),
    required("category"),
    in_set("category", ["broadband", "iptv", "voip"]),
    required("service_state", named="state"),
    in_set("service_state", STATES, named="state"),
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
    in_set("technology", ["xPON", "xDSL", "Ethernet", "HFC"]),
    # without them an active subscriber would be in no band, and the share of fast ones too high or too low
    rule(
        "category <> 'broadband' or service_state <> 'active' or (technology is not null and speed_mbps is not null)",
        columns=["technology", "speed_mbps"],
        name="broadband_described",
        dimension="completeness",
        says="У действующей услуги ШПД указаны технология (technology) и скорость (downloadMbps).",
        remedy="Передайте обе характеристики услуги; скорость – в Мбит/с.",
        mostly=0.95,
    ),
]

HISTORY = History(
    key=("service_id",),
    row=("service_id", "category", "soato"),
    shares={"услуги": "category", "технология": "technology", "состояние": "service_state", "СОАТО": "soato"},
    steady=True,
    volume=True,
)
