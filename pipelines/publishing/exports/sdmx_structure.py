"""The structure message in SDMX-ML 2.1: concept scheme, code lists, data structure definition, dataflow."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from pipelines.publishing.exports.sdmx_code_lists import CodeList
from pipelines.publishing.exports.sdmx_components import (
    ATTRIBUTES,
    COMPONENTS,
    DIMENSIONS,
    MEASURE,
    TIME,
    Concept,
)
from pipelines.publishing.exports.snapshot import LANGUAGES, Snapshot
from pipelines.publishing.exports.words import SYNTHETIC, Text

AGENCY, VERSION = "GOROD", "1.0"


FLOW, STRUCTURE, CONCEPTS = "INDICATORS", "DSD_INDICATORS", "CS_INDICATORS"


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


def structure_message(snapshot: Snapshot, lists: list[CodeList]) -> ET.Element:
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
