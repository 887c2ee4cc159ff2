"""What must hold of a month of requests by Open311; bounds of the point and the dates of the month follow from source.yml."""

from expectations.vocabulary import History, code, in_set, required, rule, unique

SUITE = [
    required("request_id", named="service_request_id"),
    code("request_id", "[0-9A-Za-z._:-]{1,64}", like="520004", named="service_request_id"),
    unique(["request_id"], says="Номер обращения (service_request_id) не повторяется."),
    required("status"),
    in_set("status", ["open", "closed"]),
    required("service_code"),
    code("service_code", "[0-9A-Za-z._:-]{1,64}", like="6.30"),
    code("agency", "[0-9A-Za-z._:-]{1,64}", like="612", named="agency_responsible"),
    required("requested_on", named="requested_datetime"),
    rule(
        "expected_on >= requested_on",
        columns=["expected_on"],
        name="expected_not_before_requested",
        dimension="consistency",
        says="Плановый срок (expected_datetime) не раньше дня регистрации.",
        remedy="Проверьте обе даты.",
        mostly=0.95,
    ),
]

HISTORY = History(
    key=("request_id",),
    row=("service_code", "lat", "lng", "agency", "expected_on - requested_on"),
    shares={"вид обращения": "service_code"},
    quantities={"срок, дней": "expected_on - requested_on"},
    volume=True,
    may_jump=3.0,
)
