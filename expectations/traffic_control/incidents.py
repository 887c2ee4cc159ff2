"""What must hold of the situation records of a city."""

from expectations.vocabulary import History, in_set, required, rule, unique

SUITE = [
    required("record_id", named="situationRecord@id"),
    unique(["record_id"], says="Каждая запись передана один раз, в последней версии."),
    required("record_type", named="situationRecord@type"),
    in_set(
        "record_type",
        ["Accident", "VehicleObstruction", "GeneralObstruction", "AbnormalTraffic"],
        named="situationRecord@type",
    ),
    in_set("validity_status", ["active", "suspended", "definedByValidityTimeSpec"], named="validityStatus"),
    required("started_at", named="overallStartTime"),
    rule(
        "ended_at >= started_at",
        columns=["started_at", "ended_at"],
        name="ended_after_start",
        dimension="consistency",
        says="Происшествие закончилось (overallEndTime) не раньше, чем началось (overallStartTime).",
        remedy="Исправьте время начала или конца.",
        mostly=0.95,
    ),
    rule(
        "started_at < (select today + interval 1 day from delivery)",
        columns=["started_at"],
        name="started_has_been",
        dimension="validity",
        says="Происшествие уже началось.",
        remedy="Исправьте время начала; плановые работы сюда не входят.",
        mostly=0.95,
    ),
]

HISTORY = History(key=("record_id",), shares={"виды": "record_type"}, volume=True)
