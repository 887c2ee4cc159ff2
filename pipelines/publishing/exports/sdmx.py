"""SDMX: the structure of the indicator values as SDMX-ML 2.1, the values as SDMX-CSV 2.0.

``structure.xml`` holds the concept scheme, the code lists, the data structure definition and the dataflow;
``data.csv`` one row for each published value or reason why there is none. Formats: SDMX 2.1 Section 3B (SDMX-ML),
SDMX-CSV 2.0 field guide. Concepts are named after the SDMX cross-domain concepts if there is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from pipelines.errors import GorodError
from pipelines.publishing.exports.snapshot import LANGUAGES, Row, Snapshot
from pipelines.publishing.exports.words import (
    FREQUENCIES,
    IMPUTATIONS,
    MISSING,
    STATUSES,
    SYNTHETIC,
    TOTALS,
    Text,
    text_of,
)

AGENCY, VERSION = "GOROD", "1.0"
FLOW, STRUCTURE, CONCEPTS = "INDICATORS", "DSD_INDICATORS", "CS_INDICATORS"
VALUES = "pub_indicator_value_v1"

NAMESPACES = {
    "mes": "http://www.sdmx.org/resources/sdmxml/schemas/v2_1/message",
    "str": "http://www.sdmx.org/resources/sdmxml/schemas/v2_1/structure",
    "com": "http://www.sdmx.org/resources/sdmxml/schemas/v2_1/common",
}
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

TITLE = Text(
    "Показатели цифрового развития регионов Беларуси",
    "Паказчыкі лічбавага развіцця рэгіёнаў Беларусі",
    "Indicators of digital development of the regions of Belarus",
)


@dataclass(frozen=True)
class Concept:
    """A component of the data structure.

    ``column`` is the SQL of its value in the published table; ``codes`` is its code list, or ``type`` the SDMX text
    type. ``of`` names the dimension that an attribute belongs to; None: the observation.
    """

    id: str
    name: Text
    column: str
    codes: str | None = None
    type: str = "String"
    of: str | None = None
    required: bool = False


DIMENSIONS = (
    Concept("FREQ", Text("Периодичность", "Перыядычнасць", "Frequency"), "freq", "CL_FREQ"),
    Concept("REF_AREA", Text("Территория", "Тэрыторыя", "Reference area"), "ref_area", "CL_AREA"),
    Concept("INDICATOR", Text("Показатель", "Паказчык", "Indicator"), "indicator", "CL_INDICATOR"),
    Concept("BREAKDOWN", Text("Разрез", "Разрэз", "Breakdown"), "breakdown", "CL_BREAKDOWN"),
)
TIME = Concept(
    "TIME_PERIOD", Text("Период", "Перыяд", "Time period"), "time_period", type="ObservationalTimePeriod"
)
MEASURE = Concept("OBS_VALUE", Text("Значение", "Значэнне", "Observation value"), "obs_value", type="Decimal")
ATTRIBUTES = (
    Concept(
        "UNIT_MEASURE",
        Text("Единица измерения", "Адзінка вымярэння", "Unit of measure"),
        "unit_measure",
        "CL_UNIT_MEASURE",
        of="INDICATOR",
        required=True,
    ),
    Concept(
        "UNIT_MULT",
        Text("Порядок единицы (степень 10)", "Парадак адзінкі (ступень 10)", "Unit multiplier (power of 10)"),
        "0",
        "CL_UNIT_MULT",
        of="INDICATOR",
        required=True,
    ),
    Concept(
        "DECIMALS",
        Text("Знаков после запятой", "Знакаў пасля коскі", "Decimals"),
        "decimals",
        "CL_DECIMALS",
        of="INDICATOR",
        required=True,
    ),
    Concept(
        "OBS_STATUS",
        Text("Статус значения", "Статус значэння", "Observation status"),
        "obs_status",
        "CL_OBS_STATUS",
        required=True,
    ),
    Concept(
        "MISSING_REASON",
        Text("Почему нет значения", "Чаму няма значэння", "Why there is no value"),
        "missing_reason",
        "CL_MISSING_REASON",
    ),
    Concept(
        "IMPUTED_BY",
        Text("Правило восполнения пропуска", "Правіла запаўнення пропуску", "Rule of imputation"),
        "imputed_by",
        "CL_IMPUTATION",
    ),
    Concept(
        "QUALITY_CLASS",
        Text("Класс качества", "Клас якасці", "Quality class"),
        "quality_class",
        "CL_QUALITY_CLASS",
    ),
    Concept("NUMERATOR", Text("Числитель", "Лічнік", "Numerator"), "numerator", type="Decimal"),
    Concept("DENOMINATOR", Text("Знаменатель", "Назоўнік", "Denominator"), "denominator", type="Decimal"),
    Concept(
        "DENOMINATOR_PERIOD",
        Text("Период знаменателя", "Перыяд назоўніка", "Period of the denominator"),
        "denominator_period",
    ),
    Concept(
        "METHOD_VERSION",
        Text("Версия методики", "Версія методыкі", "Version of the method"),
        "method_version",
    ),
    Concept(
        "COVERAGE_POPULATION",
        Text("Охват населения, %", "Ахоп насельніцтва, %", "Population coverage, %"),
        "coverage_population_pct",
        type="Decimal",
    ),
    Concept(
        "COVERAGE_TIME",
        Text("Охват времени, %", "Ахоп часу, %", "Time coverage, %"),
        "coverage_time_pct",
        type="Decimal",
    ),
    Concept(
        "SYNTHETIC",
        Text(
            "Вымышленные данные: не для использования",
            "Выдуманыя даныя: не для выкарыстання",
            "Invented data: not for use",
        ),
        "synthetic",
        type="Boolean",
        required=True,
    ),
    Concept("COMMENT", Text("Примечание", "Заўвага", "Comment"), "note_ru"),
    Concept(
        "COMMENT_BE",
        Text("Примечание по-белорусски", "Заўвага па-беларуску", "Comment in Belarusian"),
        "note_be",
    ),
    Concept(
        "COMMENT_EN", Text("Примечание по-английски", "Заўвага па-англійску", "Comment in English"), "note_en"
    ),
)
COMPONENTS = (*DIMENSIONS, TIME, MEASURE, *ATTRIBUTES)


@dataclass(frozen=True)
class Code:
    """A code with its names; ``parent`` is its parent code in the same list."""

    id: str
    name: Text
    description: Text | None = None
    parent: str | None = None


@dataclass(frozen=True)
class CodeList:
    """A code list."""

    id: str
    name: Text
    codes: tuple[Code, ...]


def make(snapshot: Snapshot, folder: Path, _out: Path) -> None:
    """Write ``structure.xml`` and ``data.csv``.

    Raises:
        GorodError: a published code is not valid in SDMX.
    """
    tree = _message(snapshot, code_lists(snapshot))
    ET.indent(tree)
    with (folder / "structure.xml").open("wb") as file:
        ET.ElementTree(tree).write(file, encoding="UTF-8", xml_declaration=True)
        file.write(b"\n")
    snapshot.copy(data_query(snapshot), folder / "data.csv")


def data_query(snapshot: Snapshot) -> str:
    """The columns of SDMX-CSV 2.0 over the published values."""
    types = {column.name: column.type for column in snapshot.tables[VALUES].columns}
    # an older release lacks columns added since
    columns = ", ".join(
        f"{_written(concept.column, types[concept.column]) if concept.column in types else 'null'} as {concept.id}"
        for concept in COMPONENTS
    )
    return (
        f"select 'dataflow' as STRUCTURE, '{AGENCY}:{FLOW}({VERSION})' as STRUCTURE_ID, 'I' as ACTION, {columns}"
        f" from published.{VALUES} order by indicator, breakdown, ref_area, freq, first_day"
    )


def _written(column: str, kind: str) -> str:
    """A value as SDMX writes it: numbers without trailing zeros, text on one line."""
    if kind.startswith("DECIMAL"):
        text = f"cast({column} as varchar)"
        return f"case when contains({text}, '.') then rtrim(rtrim({text}, '0'), '.') else {text} end"
    if kind == "VARCHAR":
        return f"regexp_replace({column}, '\\s+', ' ', 'g')"
    return column


def code_lists(snapshot: Snapshot) -> list[CodeList]:
    """All code lists of the structure, filled from the published tables."""
    indicators = snapshot.rows("pub_indicator_v1")
    decimals = sorted({row["decimals"] for row in indicators})
    lists = [
        _fixed("CL_FREQ", DIMENSIONS[0].name, FREQUENCIES),
        CodeList("CL_AREA", DIMENSIONS[1].name, tuple(_areas(snapshot.rows("pub_territory_v1")))),
        CodeList("CL_INDICATOR", DIMENSIONS[2].name, tuple(_indicators(indicators))),
        CodeList("CL_BREAKDOWN", DIMENSIONS[3].name, tuple(_breakdowns(snapshot))),
        CodeList(
            "CL_UNIT_MEASURE",
            Text("Единицы измерения", "Адзінкі вымярэння", "Units of measure"),
            tuple(_units(indicators)),
        ),
        _fixed(
            "CL_UNIT_MULT",
            Text("Порядок единицы", "Парадак адзінкі", "Unit multiplier"),
            {"0": Text("Единицы", "Адзінкі", "Units")},
        ),
        _fixed(
            "CL_DECIMALS",
            Text("Знаков после запятой", "Знакаў пасля коскі", "Decimals"),
            {str(count): Text(str(count), str(count), str(count)) for count in decimals},
        ),
        _fixed("CL_OBS_STATUS", Text("Статусы", "Статусы", "Observation status"), STATUSES),
        _fixed("CL_MISSING_REASON", Text("Причины", "Прычыны", "Reasons"), MISSING),
        _fixed("CL_IMPUTATION", Text("Восполнение", "Запаўненне", "Imputation"), IMPUTATIONS),
        CodeList(
            "CL_QUALITY_CLASS",
            Text("Классы качества", "Класы якасці", "Quality classes"),
            tuple(
                Code(row["quality_class"], _name(row))
                for row in sorted(snapshot.rows("pub_quality_class_v1"), key=lambda row: row["quality_rank"])
            ),
        ),
    ]
    for one in lists:
        for code in one.codes:
            if not re.fullmatch(r"[A-Za-z0-9_@$\-]+", code.id):
                raise GorodError(
                    f"{one.id}: {code.id!r} cannot be a code of SDMX",
                    "Codes are Latin letters, digits, _ @ $ -; correct the declaration, then gorod run.",
                )
    return lists


def _fixed(identity: str, name: Text, codes: Mapping[str, Text]) -> CodeList:
    return CodeList(identity, name, tuple(Code(code, text) for code, text in codes.items()))


def _name(row: Row, prefix: str = "name") -> Text:
    name = text_of(row, prefix)
    assert name is not None  # the contracts guarantee it
    return name


def _areas(territories: list[Row]) -> Iterable[Code]:
    """Order codes after their parents: readers resolve a parent from what they have already read.

    A region's file lacks the levels above the region; such a parent is omitted.
    """
    by_code = {row["ref_area"]: row for row in territories}

    def depth(row: Row) -> int:
        above = by_code.get(row["parent"])
        return 0 if above is None else 1 + depth(above)

    for row in sorted(territories, key=lambda row: (depth(row), row["ref_area"])):
        yield Code(row["ref_area"], _name(row), parent=row["parent"] if row["parent"] in by_code else None)


def _indicators(indicators: list[Row]) -> Iterable[Code]:
    return (Code(row["indicator"], _name(row), text_of(row, "definition")) for row in indicators)


def _breakdowns(snapshot: Snapshot) -> Iterable[Code]:
    """The breakdowns of the values; a member that no list names uses its code as its name."""
    names: dict[str, list[Text]] = {}
    for row in snapshot.rows("pub_measure_member_v1"):
        names.setdefault(row["breakdown"], []).append(_name(row))
    used = snapshot.ask(f"select distinct breakdown from published.{VALUES} order by 1")
    for code in ["_T", *(row["breakdown"] for row in used if row["breakdown"] != "_T")]:
        found = list(dict.fromkeys(names.get(code, [TOTALS.get(code, Text(code, code, code))])))
        yield Code(code, Text(*(" / ".join(text.get(language) for text in found) for language in LANGUAGES)))


def _units(indicators: list[Row]) -> Iterable[Code]:
    units = {row["unit_measure"]: _name(row, "unit") for row in indicators}
    return (Code(code, name) for code, name in sorted(units.items()))


def _message(snapshot: Snapshot, lists: list[CodeList]) -> ET.Element:
    for prefix, uri in NAMESPACES.items():
        ET.register_namespace(prefix, uri)
    message = ET.Element(_tag("mes:Structure"))
    header = _under(message, "mes:Header")
    _under(header, "mes:ID", f"{AGENCY}_{snapshot.publication_id}")
    _under(header, "mes:Test", str(snapshot.synthetic).lower())
    _under(header, "mes:Prepared", snapshot.created_at.isoformat())
    _under(header, "mes:Sender", id=AGENCY)
    _named(header, _marked(TITLE, snapshot.synthetic))
    structures = _under(message, "mes:Structures")
    _dataflow(_under(structures, "str:Dataflows"), snapshot)
    codelists = _under(structures, "str:Codelists")
    for one in lists:
        _codelist(codelists, one)
    scheme = _maintained(_under(structures, "str:Concepts"), "str:ConceptScheme", CONCEPTS)
    _named(scheme, Text("Понятия", "Паняцці", "Concepts"))
    for concept in COMPONENTS:
        _named(_under(scheme, "str:Concept", id=concept.id), concept.name)
    _data_structure(_under(structures, "str:DataStructures"), snapshot)
    return message


def _dataflow(parent: ET.Element, snapshot: Snapshot) -> None:
    flow = _maintained(parent, "str:Dataflow", FLOW)
    notes = {
        "PUBLICATION": snapshot.publication_id,
        "CONTENT_HASH": snapshot.content_hash,
        "REGION": snapshot.region,
        "SYNTHETIC": str(snapshot.synthetic).lower(),
    }
    annotations = _under(flow, "com:Annotations")
    for identity, value in notes.items():
        if value is not None:
            _under(_under(annotations, "com:Annotation", id=identity), "com:AnnotationTitle", value)
    _named(flow, _marked(TITLE, snapshot.synthetic))
    _reference(_under(flow, "str:Structure"), STRUCTURE, "datastructure", "DataStructure")


def _codelist(parent: ET.Element, one: CodeList) -> None:
    codelist = _maintained(parent, "str:Codelist", one.id)
    _named(codelist, one.name)
    for code in one.codes:
        element = _under(codelist, "str:Code", id=code.id)
        _named(element, code.name, code.description)
        if code.parent is not None:
            _under(_under(element, "str:Parent"), "Ref", id=code.parent)


def _data_structure(parent: ET.Element, snapshot: Snapshot) -> None:
    structure = _maintained(parent, "str:DataStructure", STRUCTURE)
    _named(structure, _marked(TITLE, snapshot.synthetic))
    components = _under(structure, "str:DataStructureComponents")
    dimensions = _under(components, "str:DimensionList", id="DimensionDescriptor")
    for position, concept in enumerate(DIMENSIONS, start=1):
        _component(dimensions, "str:Dimension", concept, position=str(position))
    _component(dimensions, "str:TimeDimension", TIME, position=str(len(DIMENSIONS) + 1))
    attributes = _under(components, "str:AttributeList", id="AttributeDescriptor")
    for concept in ATTRIBUTES:
        status = "Mandatory" if concept.required else "Conditional"
        attribute = _component(attributes, "str:Attribute", concept, assignmentStatus=status)
        relation = _under(attribute, "str:AttributeRelationship")
        of = _under(relation, "str:PrimaryMeasure" if concept.of is None else "str:Dimension")
        _under(of, "Ref", id=concept.of or MEASURE.id)
    measures = _under(components, "str:MeasureList", id="MeasureDescriptor")
    _component(measures, "str:PrimaryMeasure", MEASURE)


def _component(parent: ET.Element, tag: str, concept: Concept, **attributes: str) -> ET.Element:
    element = _under(parent, tag, id=concept.id, **attributes)
    identity = _under(element, "str:ConceptIdentity")
    _under(
        identity,
        "Ref",
        id=concept.id,
        maintainableParentID=CONCEPTS,
        maintainableParentVersion=VERSION,
        agencyID=AGENCY,
        package="conceptscheme",
        **{"class": "Concept"},
    )
    representation = _under(element, "str:LocalRepresentation")
    if concept.codes is None:
        _under(representation, "str:TextFormat", textType=concept.type)
    else:
        _reference(_under(representation, "str:Enumeration"), concept.codes, "codelist", "Codelist")
    return element


def _reference(parent: ET.Element, identity: str, package: str, kind: str) -> None:
    _under(
        parent,
        "Ref",
        id=identity,
        version=VERSION,
        agencyID=AGENCY,
        package=package,
        **{"class": kind},
    )


def _maintained(parent: ET.Element, tag: str, identity: str) -> ET.Element:
    return _under(parent, tag, id=identity, agencyID=AGENCY, version=VERSION)


def _named(element: ET.Element, name: Text, description: Text | None = None) -> None:
    for tag, text in (("com:Name", name), ("com:Description", description)):
        for language in LANGUAGES if text is not None else ():
            assert text is not None
            _under(element, tag, text.get(language)).set(XML_LANG, language)


def _marked(name: Text, synthetic: bool) -> Text:
    if not synthetic:
        return name
    return Text(*(f"{SYNTHETIC.get(language)}. {name.get(language)}" for language in LANGUAGES))


def _under(parent: ET.Element, tag: str, content: str | None = None, **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, _tag(tag), attributes)
    element.text = content
    return element


def _tag(name: str) -> str:
    prefix, colon, local = name.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}" if colon else name
