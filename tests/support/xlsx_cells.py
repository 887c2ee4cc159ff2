"""The first sheet of an XLSX file as XML: to fill it in as a spreadsheet program does, and to see what it locks."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
SHEET, STYLES = "xl/worksheets/sheet1.xml", "xl/styles.xml"
ET.register_namespace("", MAIN)


def tag(name: str) -> str:
    return f"{{{MAIN}}}{name}"


class Cells:
    """Rows as a spreadsheet numbers them, columns from 0."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with zipfile.ZipFile(path) as archive:
            self.parts = {name: archive.read(name) for name in archive.namelist()}
        self.sheet = ET.fromstring(self.parts[SHEET])
        self.rows = {int(row.attrib["r"]): row for row in self.sheet.iter(tag("row"))}

    def put(self, row: int, column: int, value: Any) -> None:
        """Write a number or a text into a cell that is there; None empties it. Its format stays."""
        name = f"{chr(ord('A') + column)}{row}"
        (cell,) = (one for one in self.rows[row] if one.attrib["r"] == name)
        for child in list(cell):
            cell.remove(child)
        cell.attrib.pop("t", None)
        if isinstance(value, str):
            cell.attrib["t"] = "inlineStr"
            ET.SubElement(ET.SubElement(cell, tag("is")), tag("t")).text = value
        elif value is not None:
            ET.SubElement(cell, tag("v")).text = str(value)

    def delete_row(self, row: int) -> None:
        for data in self.sheet.iter(tag("sheetData")):
            data.remove(self.rows[row])

    def save(self) -> None:
        self.parts[SHEET] = ET.tostring(self.sheet, encoding="UTF-8", xml_declaration=True)
        with zipfile.ZipFile(self.path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in self.parts.items():
                archive.writestr(name, content)

    @property
    def is_protected(self) -> bool:
        return self.sheet.find(tag("sheetProtection")) is not None

    def is_hidden(self, row: int) -> bool:
        return self.rows[row].attrib.get("hidden") == "1"

    def unlocked(self) -> set[str]:
        """Names of the cells whose format is not locked."""
        formats = ET.fromstring(self.parts[STYLES]).find(tag("cellXfs"))
        assert formats is not None
        free = {
            number
            for number, one in enumerate(formats)
            if any(part.attrib.get("locked") == "0" for part in one.iter(tag("protection")))
        }
        cells = self.sheet.iter(tag("c"))
        return {cell.attrib["r"] for cell in cells if int(cell.attrib.get("s", "0")) in free}

    def rules(self) -> dict[str, tuple[str, str | None, str | None]]:
        """What each validated cell accepts: kind, and the two formulas."""
        return {
            one.attrib["sqref"]: (
                one.attrib["type"], one.findtext(tag("formula1")), one.findtext(tag("formula2")),
            )
            for one in self.sheet.iter(tag("dataValidation"))
        }  # fmt: skip
