"""The seventeen cities of the programme, as the simulated systems know them. Names and places are real, all else is invented."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A city: its code is that of the register without ``c-``; ``size`` says how much there is of everything."""

    code: str
    name: str
    soato: str
    lat: float
    lon: float
    size: int


CITIES = {
    city.code: city
    for city in (
        Place("minsk", "Минск", "5000000000", 53.90, 27.57, 40),
        Place("brest", "Брест", "1401000000", 52.11, 23.72, 7),
        Place("baranavichy", "Барановичи", "1410000000", 53.13, 26.01, 4),
        Place("pinsk", "Пинск", "1445000000", 52.12, 26.07, 3),
        Place("viciebsk", "Витебск", "2401000000", 55.19, 30.20, 7),
        Place("navapolack", "Новополоцк", "2418000000", 55.53, 28.59, 2),
        Place("polack", "Полоцк", "2238501000", 55.49, 28.79, 2),
        Place("orsha", "Орша", "2236501000", 54.51, 30.40, 2),
        Place("homiel", "Гомель", "3401000000", 52.43, 30.98, 10),
        Place("mazyr", "Мозырь", "3235501000", 52.04, 29.22, 2),
        Place("hrodna", "Гродно", "4401000000", 53.68, 23.83, 7),
        Place("lida", "Лида", "4236501000", 53.88, 25.30, 2),
        Place("barysau", "Борисов", "6208501000", 54.23, 28.51, 3),
        Place("salihorsk", "Солигорск", "6250501000", 52.79, 27.54, 2),
        Place("maladziechna", "Молодечно", "6238501000", 54.32, 26.85, 2),
        Place("mahilou", "Могилёв", "7401000000", 53.91, 30.34, 7),
        Place("babrujsk", "Бобруйск", "7410000000", 53.15, 29.21, 4),
    )
}
