"""``python -m sandbox.samples [FOLDER]``: write the samples into the sources (or into a copy of them)."""

from __future__ import annotations

import sys
from pathlib import Path

from pipelines.declarations.sources import SOURCES
from sandbox.samples import appeals, belstat, register

NOTE = """# Синтетические данные / synthetic data

**RU.** Все числа, обращения, лица и контуры в этой папке вымышлены. Настоящие здесь только названия и коды
территорий и формат файлов. Ни одно значение нельзя приводить как факт. Файлы созданы командой
`python -m sandbox.samples`; вручную их не меняют.

**EN.** Every number, request, person and outline in this folder is invented. Only the names and codes of
territories and the format of the files are real. No value may be quoted as a fact. The files are written by
`python -m sandbox.samples`; they are not edited by hand.
"""

SAMPLES = {
    "appeals_115": appeals.files,
    "belstat": belstat.files,
    "territory_register": register.files,
}


def write(sources: Path) -> list[Path]:
    """Write each sample below ``sources/<source>/sample/``; the same bytes each time."""
    written = []
    for source, files in SAMPLES.items():
        for name, text in {"README.md": NOTE, **files()}.items():
            path = sources / source / "sample" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
            written.append(path)
    return written


if __name__ == "__main__":
    paths = write(Path(sys.argv[1]) if len(sys.argv) > 1 else SOURCES)
    print(f"{len(paths)} files, {sum(path.stat().st_size for path in paths):,} bytes")
