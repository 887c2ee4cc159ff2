"""What must hold of the settlements; bounds follow from source.yml."""

from expectations.vocabulary import History, required, unique

SUITE = [
    required("settlement_id", mostly=1),
    unique(["settlement_id"], says="Населённый пункт (часть города) записан один раз."),
    *(required(column) for column in ("name", "lon", "lat", "people")),
]

HISTORY = History(key=("settlement_id",), quantities={"жителей": "people"}, steady=True, volume=True)
