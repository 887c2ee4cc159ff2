"""Workbooks for samples: the same bytes on any machine."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import datetime

import xlsxwriter
from xlsxwriter.worksheet import Worksheet


def workbook(sheet: str, write: Callable[[xlsxwriter.Workbook, Worksheet], None]) -> bytes:
    """A workbook of one sheet, stored, not deflated: the same bytes whatever zlib a machine has."""
    made, packed = io.BytesIO(), io.BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True})
    book.set_properties({"created": datetime(2026, 1, 1)})
    write(book, book.add_worksheet(sheet))
    book.close()
    with zipfile.ZipFile(made) as deflated, zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as stored:
        for info in deflated.infolist():
            stored.writestr(zipfile.ZipInfo(info.filename), deflated.read(info))
    return packed.getvalue()
