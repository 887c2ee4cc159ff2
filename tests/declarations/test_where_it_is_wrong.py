"""What is wrong in a declaration that is no measure, indicator or index is told with file, line and key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.declarations.access import groups, load_access
from pipelines.declarations.corrections import load_corrections
from pipelines.declarations.frameworks import check_answers, load_frameworks
from pipelines.declarations.indicator_catalogue import load_catalogue
from pipelines.declarations.plausibility import load_plausibility
from pipelines.declarations.releases import load_calendar
from pipelines.declarations.sources import load_sources
from pipelines.declarations.targets import load_programmes
from pipelines.errors import DeclarationError

CATALOGUE = load_catalogue()


def refused(path: Path, written: str, old: str, new: str, told: str, load: Callable[[], object]) -> None:
    """The sound file is read; with one change it is refused, and a line of the message begins with the place."""
    path.write_text(written, encoding="utf-8")
    load()
    assert written.count(old) == 1
    path.write_text(written.replace(old, new), encoding="utf-8")
    with pytest.raises(DeclarationError) as raised:
        load()
    assert any(line.startswith(f"{path}:{told}") for line in raised.value.message.splitlines()), (
        raised.value.message
    )
    assert raised.value.remedy


PROGRAMME = """\
title: {ru: а, be: а, en: a}
year_from: 2016
year_to: 2020
act: Постановление № 1
adopted_on: 2016-01-01
amendments:
  - {act: Постановление № 2, adopted_on: 2017-01-01}
reference: page 1
note: {ru: а, be: а, en: a}
traffic_light:
  green_from_pct: 100
  yellow_from_pct: 90
  status: example
targets:
  wage:
    indicator: wage_nominal_byn
    territories: [BY, BY-BR]
    year: 2020
    versions:
      - value: 600
        valid_to: 2017-12-31
      - value: 700
        valid_from: 2018-01-01
        act: Постановление № 2
    baseline:
      value: 500
      year: 2015
    reference: page 2
  homes:
    indicator: wage_nominal_byn
    territories:
      - BY
    year: 2019
    versions:
      - value: 650
    reference: page 3
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("title: {ru", "titel: {ru", "1: titel: there is no such key; did you mean 'title'?"),
        ("reference: page 1\n", "", "1: reference: Field required"),
        ("year_to: 2020", "year_to: 1890", "3: year_to: Input should be greater than or equal to 1991"),
        ("year_to: 2020", "year_to: 2015", "3: year_to: lies before year_from"),
        ("adopted_on: 2016-01-01\n", "", "1: adopted_on: declare act and adopted_on together"),
        ("adopted_on: 2016-01-01", "adopted_on: spring", "5: adopted_on: Input should be a valid date"),
        ("2017-01-01}", "2017-01-01, why: x}", "7: amendments.0.why: there is no such key; there are: act, adopted_on"),
        ("yellow_from_pct: 90", "yellow_from_pct: 100", "12: traffic_light.yellow_from_pct: must be below green_from_pct"),
        ("green_from_pct: 100", "green_from_pct: 101",
         "11: traffic_light.green_from_pct: Input should be less than or equal to 100"),
        ("status: example", "status: guess", "13: traffic_light.status: Input should be 'example' or 'set'"),
        ("status: example", "status: example\n  act: x",
         "14: traffic_light.act: required if the thresholds are set by an act, and only then"),
        ("wage:\n    indicator: wage_nominal_byn", "wage:\n    indicator: wage_nominal_bym",
         "16: targets.wage.indicator: indicator 'wage_nominal_bym' is not declared in assets/indicators; "
         "did you mean 'wage_nominal_byn'?"),
        ("wage:\n    indicator: wage_nominal_byn", "wage:\n    indicator: population",
         "16: targets.wage.indicator: indicator population: its direction is none"),
        ("[BY, BY-BR]", "[BY, BY-BRR]",
         "17: targets.wage.territories.1: territory 'BY-BRR' is in no code list of assets/territories; did you mean 'BY-BR'?"),
        ("wage:\n    indicator: wage_nominal_byn", "wage:\n    indicator: grp_per_capita_byn",
         "17: targets.wage.territories.0: territory BY is a country; grp_per_capita_byn has region"),
        ("      - BY\n", "      - BY\n      - BY-BR\n      - BY\n",
         "34: targets.homes.territories.2: BY is listed twice; list each once"),
        ("year: 2019", "year: 2021", "33: targets.homes.year: 2021 lies outside the programme (2016-2020)"),
        ("year: 2019", "year: 2020",
         "32: targets.homes.territories.0: wage_nominal_byn of BY in 2020 is already planned in wage"),
        ("        valid_to: 2017-12-31\n", "",
         "20: targets.wage.versions.0.valid_to: is needed: each version ends before the next"),
        ("valid_from: 2018-01-01", "valid_from: 2017-12-31", "23: targets.wage.versions.1.valid_from: must lie after 2017-12-31"),
        ("        valid_from: 2018-01-01\n", "", "22: targets.wage.versions.1.valid_from: must lie after 2017-12-31"),
        ("valid_from: 2018-01-01", "valid_from: 2018-01-02\n        valid_to: 2018-01-01",
         "24: targets.wage.versions.1.valid_to: lies before valid_from"),
        ("        act: Постановление № 2", "        act: Постановление № 3",
         "24: targets.wage.versions.1.act: 'Постановление № 3' is neither the act of the programme nor an amendment; "
         "did you mean 'Постановление № 2'?"),
        ("      year: 2015\n", "", "25: targets.wage.baseline.year: declare value and year together"),
        ("      value: 500\n      year: 2015\n", "      words: null\n",
         "26: targets.wage.baseline.words: a baseline without a figure needs words"),
        ("year: 2015", "year: 2020", "27: targets.wage.baseline.year: must lie before 2020, the year of the target"),
    ],
)  # fmt: skip
def test_targets(tmp_path: Path, old: str, new: str, told: str) -> None:
    refused(tmp_path / "plan.yml", PROGRAMME, old, new, told, lambda: load_programmes(CATALOGUE, tmp_path))


def test_a_target_needs_a_yearly_value(tmp_path: Path) -> None:
    monthly = CATALOGUE.indicators["wage_nominal_byn"].model_copy(update={"frequencies": ("M",)})
    catalogue = CATALOGUE.model_copy(update={"indicators": {"wage_nominal_byn": monthly}})
    path = tmp_path / "plan.yml"
    path.write_text(PROGRAMME, encoding="utf-8")
    with pytest.raises(DeclarationError) as raised:
        load_programmes(catalogue, tmp_path)
    assert raised.value.message.startswith(
        f"{path}:16: targets.wage.indicator: indicator wage_nominal_byn has no yearly value"
    )


FRAMEWORK = """\
framework: some
short: S
title: {ru: а, be: а, en: a}
publisher: p
reference: r
indicator_count: 2
verified_ru: а
unverified_ru: а
translation_ru: а
units:
  PCT: {ru: '%', be: '%', en: '%'}
structure:
  - code: economy
    kind: dimension
    name: {ru: а, be: а, en: a}
  - code: network
    kind: category
    parent: economy
    name: {ru: а, be: а, en: a}
indicators:
  - &first
    code: '1.1'
    place: network
    unit: PCT
    multiplier: 100
    direction: up
    formula_status: name_verified
    name: {ru: а, be: а, en: a}
    numerator: {ru: а, be: а, en: a}
    source_ru: а
    unanswered_ru: а
  - <<: *first
    code: '1.2'
    unanswered_ru: null
    answered_by:
      - indicator: population
        match: close
        note_ru: а
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("framework: some", "framework: other", "1: framework: is 'other'"),
        ("framework: some", "framework: Some", "1: framework: String should match pattern"),
        ("indicator_count: 2", "indicator_count: 3", "6: indicator_count: is 3, but 2 are listed"),
        ("kind: category", "kind: heap", "17: structure.1.kind: Input should be 'dimension', 'sub_dimension'"),
        ("code: network", "code: economy", "16: structure.1.code: 'economy' is listed twice"),
        ("parent: economy", "parent: econom",
         "18: structure.1.parent: 'econom' is not listed above 'network'; did you mean 'economy'?"),
        # a circle of two, and of one
        ("kind: dimension", "kind: dimension\n    parent: network",
         "15: structure.0.parent: 'network' is not listed above 'economy'; there are: none"),
        ("parent: economy", "parent: network",
         "18: structure.1.parent: 'network' is not listed above 'network'; there are: economy"),
        ("place: network", "place: net",
         "23: indicators.0.place: '1.1': place 'net' is not in structure; did you mean 'network'?"),
        ("unit: PCT", "unit: PTC", "24: indicators.0.unit: '1.1': unit 'PTC' is not in units; did you mean 'PCT'?"),
        ("multiplier: 100", "multiplier: 0", "25: indicators.0.multiplier: Input should be greater than 0"),
        ("formula_status: name_verified", "formula_status: good", "27: indicators.0.formula_status: Input should be 'verified'"),
        ("code: '1.2'", "code: '1.1'", "33: indicators.1.code: '1.1' is listed twice"),
        ("match: close", "match: same",
         "37: indicators.1.answered_by.0.match: same needs formula_status verified, but it is name_verified; use close"),
        ("note_ru: а", "note_ru: а\n      - {indicator: population, match: close, note_ru: а}",
         "39: indicators.1.answered_by.1.indicator: '1.2': 'population' is listed twice"),
        ("indicator: population", "indicator: popullation",
         "36: indicators.1.answered_by.0.indicator: 1.2: indicator 'popullation' is not declared; did you mean 'population'?"),
    ],
)  # fmt: skip
def test_frameworks(tmp_path: Path, old: str, new: str, told: str) -> None:
    def load() -> None:
        load_frameworks.cache_clear()
        check_answers(load_frameworks(tmp_path), CATALOGUE.indicators, tmp_path)

    refused(tmp_path / "some.yml", FRAMEWORK, old, new, told, load)


CORRECTIONS = """\
corrections:
  slip:
    measure: population
    ref_area: BY-BR
    time_period: '2019'
    expected: 5
    action: override
    value: 6
    reason: {ru: а, be: а, en: a}
    decided_by: Иванова
    decided_on: 2026-01-01
    upstream: open
  other:
    measure: population
    ref_area: BY-VI
    time_period: '2019'
    expected: 5
    action: drop
    reason: {ru: а, be: а, en: a}
    decided_by: Иванова
    decided_on: 2026-01-01
    upstream: reported
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("slip:\n    measure: population", "slip:\n    measure: popullation",
         "3: corrections.slip.measure: measure 'popullation' is not declared; did you mean 'population'?"),
        ("ref_area: BY-BR\n    time_period: '2019'", "ref_area: BY-BR\n    time_period: 2019-5",
         "5: corrections.slip.time_period: String should match pattern"),
        ("    value: 6\n", "", "2: corrections.slip.value: required for override and scale, and only there"),
        ("action: drop", "action: drop\n    value: 1",
         "19: corrections.other.value: required for override and scale, and only there"),
        ("action: override", "action: forget",
         "7: corrections.slip.action: Input should be 'override', 'scale', 'drop' or 'flag'"),
        ("upstream: open", "upstream: lost", "12: corrections.slip.upstream: Input should be 'open', 'reported'"),
        ("ref_area: BY-VI", "ref_area: BY-BR", "13: corrections.other: the same code or observation is already in 'slip'"),
        ("  other:", "  slip:", "13: slip: is a duplicate; first in line 2"),
    ],
)  # fmt: skip
def test_corrections(tmp_path: Path, old: str, new: str, told: str) -> None:
    refused(tmp_path / "some.yml", CORRECTIONS, old, new, told, lambda: load_corrections(CATALOGUE, tmp_path))


def test_a_correction_of_two_files(tmp_path: Path) -> None:
    for name in ("a.yml", "b.yml"):
        (tmp_path / name).write_text(CORRECTIONS, encoding="utf-8")
    with pytest.raises(DeclarationError) as raised:
        load_corrections(CATALOGUE, tmp_path)
    assert raised.value.message.startswith(f"{tmp_path / 'b.yml'}:2: corrections.slip: the same code")


CALENDAR = """\
releases:
  autumn:
    period: 2026-Q3
    title: {ru: а, be: а, en: a}
    indicators:
      - appeals_per_1000
    themes: [connectivity]
    embargo_until: 2026-11-13T10:00
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("autumn:", "осень:", "2: releases.осень: a code is written in Latin letters, digits, - and _"),
        ("period: 2026-Q3", "period: 2026-Q5", "3: releases.autumn.period: String should match pattern"),
        ("- appeals_per_1000", "- population\n      - appeals_per_100",
         "7: releases.autumn.indicators.1: indicator 'appeals_per_100' is not declared; did you mean 'appeals_per_1000'?"),
        ("indicators:\n      - appeals_per_1000", "indicators: most", "5: releases.autumn.indicators: Input should be 'all'"),
        ("[connectivity]", "[conectivity]",
         "7: releases.autumn.themes.0: theme 'conectivity' is not declared; did you mean 'connectivity'?"),
        ("- appeals_per_1000\n    themes: [connectivity]", "- population",
         "3: releases.autumn.period: none of its indicators has figures of 2026-Q3"),
        ("2026-11-13T10:00", "2026-11-13",
         "8: releases.autumn.embargo_until: 2026-11-13 is not a date and time like 2026-11-13T10:00"),
        ("2026-11-13T10:00", "soon", "8: releases.autumn.embargo_until: soon is not a date and time like 2026-11-13T10:00"),
        ("embargo_until:", "embargo:", "8: releases.autumn.embargo: there is no such key; did you mean 'embargo_until'?"),
    ],
)  # fmt: skip
def test_releases(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = tmp_path / "calendar.yml"
    refused(path, CALENDAR, old, new, told, lambda: load_calendar(CATALOGUE, path))


ACCESS = """\
country: BY
closed: [raw]
roles:
  analyst:
    title: {ru: а, be: а, en: a}
    reads:
      - published.*
  region_{region}:
    title: {ru: а, be: а, en: a}
    reads:
      - published.*
      - mart_{region}.*
    rows: region
logins:
  tool:
    groups:
      - analyst
      - region_by_br
    statement_timeout: 5min
published:
  pub_theme_v1:
    whole: true
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("  analyst:", "  Analyst:", "4: roles.Analyst: a name has lower-case Latin letters, digits and _"),
        ("  analyst:", "  pg_analyst:",
         "4: roles.pg_analyst: a name has lower-case Latin letters, digits and _, and does not begin with pg_"),
        ("  tool:", "  Tool:", "15: logins.Tool: a name has lower-case Latin letters, digits and _"),
        ("    reads:\n      - published.*\n  region", "    reads:\n      - published.*\n      - published\n  region",
         "8: roles.analyst.reads.1: 'published': write schema.table or schema.*"),
        ("    reads:\n      - published.*\n  region", "    reads:\n      - mart_{region}.*\n  region",
         "7: roles.analyst.reads.0: 'mart_{region}.*' names {region}, which is not in the name of the group"),
        ("    rows: region\n", "", "8: roles.region_{region}.rows: all, but region belongs to a name with {region}"),
        ("rows: region", "rows: some", "13: roles.region_{region}.rows: Input should be 'all', 'region' or 'source'"),
        ("rows: region", "rows: source", "13: roles.region_{region}.rows: source, but region belongs to a name with {region}"),
        ("  tool:", "  analyst:", "15: logins.analyst: is the name of a group"),
        ("statement_timeout: 5min", "statement_timeout: soon", "19: logins.tool.statement_timeout: String should match pattern"),
        ("- region_by_br", "- region_by_vr",
         "18: logins.tool.groups.1: group 'region_by_vr' is not declared; did you mean 'region_by_br'?"),
        ("region_{region}:", f"{'x' * 60}_{{region}}:",
         f"8: roles.{'x' * 60}_{{region}}: group {'x' * 60}_by_br has 66 letters; at most 63"),
        ("whole: true", "load: l\n    whole: true",
         "23: published.pub_theme_v1.whole: declare either this, or columns of territory and load"),
        ("    whole: true", "    {}", "21: published.pub_theme_v1.whole: declare either this, or columns of territory and load"),
    ],
)  # fmt: skip
def test_access(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = tmp_path / "access.yml"
    refused(path, ACCESS, old, new, told, lambda: groups(load_access(path), ["BY-BR"], [], path))


RULES = """\
rules:
  bounds:
    kind: between
    severity: warning
    says: {ru: а, be: а, en: a}
    indicators:
      - population
      - grp_per_capita_byn
    frequencies: [A]
    levels: [region]
    lower: 1
    upper: 2
  less:
    kind: at_most
    severity: warning
    says: {ru: а, be: а, en: a}
    indicators: [population]
    than: population
  growth:
    kind: jump
    severity: error
    says: {ru: а, be: а, en: a}
    indicators: [population]
    limit_pct: 5
  regions:
    kind: hierarchy
    severity: error
    says: {ru: а, be: а, en: a}
    indicators: [population]
    tolerance: 1
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("kind: between", "kind: betwen", "3: rules.bounds.kind: no kind 'betwen'; did you mean 'between'?"),
        ("    kind: jump\n", "",
         "19: rules.growth.kind: is needed; there are: at_most, between, hierarchy, jump, outlier, parts_to_total"),
        ("kind: between\n    severity: warning", "kind: between\n    severity: fatal",
         "4: rules.bounds.severity: Input should be 'error' or 'warning'"),
        ("lower: 1", "low: 1", "11: rules.bounds.low: there is no such key; did you mean 'lower'?"),
        ("lower: 1", "lower: 2", "11: rules.bounds.lower: must be below upper"),
        ("    lower: 1\n    upper: 2\n", "", "2: rules.bounds.lower: declare lower, upper, or both"),
        ("- population\n", "- popullation\n",
         "7: rules.bounds.indicators.0: indicator 'popullation' is not declared; did you mean 'population'?"),
        ("frequencies: [A]", "frequencies: [M]", "9: rules.bounds.frequencies: population has none of them; it has A"),
        ("frequencies: [A]", "frequencies: [W]", "9: rules.bounds.frequencies.0: Input should be 'A', 'S', 'Q' or 'M'"),
        ("levels: [region]", "levels: [country]", "10: rules.bounds.levels: grp_per_capita_byn has none of them; it has region"),
        ("than: population", "than: popullation",
         "18: rules.less.than: indicator 'popullation' (than) is not declared; did you mean 'population'?"),
        ("than: population", "than: wage_nominal_byn", "18: rules.less.than: population is in PERSONS, wage_nominal_byn in BYN"),
        ("    limit_pct: 5\n", "", "19: rules.growth.limit_pct: declare either limit_pct or limit_points"),
        ("limit_pct: 5", "limit_pct: 0", "24: rules.growth.limit_pct: Input should be greater than 0"),
        ("kind: hierarchy", "kind: parts_to_total",
         "29: rules.regions.indicators.0: population has no breakdown (members: same)"),
        ("[population]\n    tolerance", "[population, wage_nominal_byn]\n    tolerance",
         "29: rules.regions.indicators.1: wage_nominal_byn: its numerator does not add up over territories"),
        ("tolerance: 1", "tolerance: -1", "30: rules.regions.tolerance: Input should be greater than or equal to 0"),
    ],
)  # fmt: skip
def test_plausibility(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = tmp_path / "plausibility.yml"
    refused(path, RULES, old, new, told, lambda: load_plausibility(CATALOGUE, path))


SOURCE = """\
source: lights
title: {ru: а, be: а, en: a}
owner: а
public_origin: {address: "https://lights.example", licence: l, attribution: а}
instances:
  barysau:
    title: {ru: а, be: а, en: a}
    ref_area: c-barysau
feeds:
  cabinets:
    title: {ru: а, be: а, en: a}
    description: d
    cadence: monthly
    first_month: 2026-09-01
    file_pattern: 'cabinets-(?P<period>.*)\\.csv'
    origins:
      sample: {kind: files, path: p, instance: barysau, synthetic: true}
      public:
        kind: http
        base_url: "https://lights.example"
        files:
          - "cabinets-{month}.csv"
    format:
      kind: csv
    columns:
      cabinet:
        type: text
        description: d
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("source: lights", "source: light", "1: source: is 'light', its folder is 'lights'"),
        ("kind: csv", "kind: cvs", "24: feeds.cabinets.format.kind: no kind 'cvs'; did you mean 'csv'?"),
        ("?P<period>", "?P<periods>", "15: feeds.cabinets.file_pattern: unknown group ['periods']; allowed: period, or year"),
        ("?P<period>", "?P<period", "15: feeds.cabinets.file_pattern: is not a regular expression: "),
        ("instance: barysau", "instance: barisau",
         "17: feeds.cabinets.origins.sample.instance: instance 'barisau' is not declared; did you mean 'barysau'?"),
        ("kind: http\n        base_url: \"https://lights.example\"\n        files:\n          - \"cabinets-{month}.csv\"",
         "kind: files\n        path: p",
         "19: feeds.cabinets.origins.public.kind: a folder is not public; allowed: http, paged, tmf639"),
        ("    first_month: 2026-09-01\n", "",
         "21: feeds.cabinets.origins.public.files.0: 'cabinets-{month}.csv' is by month"),
        ("cabinets-{month}", "cabinet-{month}",
         "22: feeds.cabinets.origins.public.files.0: 'cabinet-{month}.csv' does not match file_pattern (cabinets-"),
        ("      sample:", "      samples:", "17: feeds.cabinets.origins.samples: Input should be 'sample', 'mirror' or 'public'"),
        ("type: text", "type: word", "27: feeds.cabinets.columns.cabinet.type: Input should be 'text'"),
    ],
)  # fmt: skip
def test_sources(tmp_path: Path, old: str, new: str, told: str) -> None:
    def load() -> None:
        load_sources.cache_clear()
        load_sources(tmp_path)

    (tmp_path / "lights").mkdir()
    refused(tmp_path / "lights" / "source.yml", SOURCE, old, new, told, load)
