"""What must hold of the occupancy of car parks; bounds, names of cities and dates follow from source.yml."""

from expectations.vocabulary import History, between, code, required, unique

SUITE = [
    required("observed_on", named="дата"),
    required("places", named="мест_всего"),
    required("occupied", named="занято"),
    code("parking_code", "[A-Z]-[0-9]{3}", like="P-001", named="парковка_код"),
    between("occupied", 0, "places", named="занято", limits="от 0 до числа в столбце «мест_всего»"),
    unique(["city", "parking_code", "observed_on"], says="На парковку и день приходится одна строка."),
]

HISTORY = History(
    key=("city", "parking_code", "observed_on"),
    row=("city", "parking_code", "extract(day from observed_on)", "occupied"),
    shares={"города": "city"},
    quantities={"занято мест": "occupied"},
    volume=True,
)
