"""``python -m sandbox.samples [FOLDER]``: write the samples into the sources (or into a copy of them)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path

from pipelines.declarations.sources import SOURCES

NOTE = """# Синтетические данные / synthetic data

**RU.** Все числа, обращения, лица и контуры в этой папке вымышлены. Настоящие здесь только названия и коды
территорий и формат файлов. Ни одно значение нельзя приводить как факт. Файлы созданы командой
`python -m sandbox.samples`; вручную их не меняют.

**EN.** Every number, request, person and outline in this folder is invented. Only the names and codes of
territories and the format of the files are real. No value may be quoted as a fact. The files are written by
`python -m sandbox.samples`; they are not edited by hand.
"""


def _generators() -> dict[str, Callable[[], Mapping[str, str | bytes]]]:
    """The generator of each source's sample: ``files()`` of the module with the source's name."""
    modules = sorted(path.stem for path in Path(__file__).parent.glob("*.py"))
    return {
        name: import_module(f"sandbox.samples.{name}").files
        for name in modules
        if (SOURCES / name / "source.yml").is_file()
    }


SAMPLES = _generators()


def write(sources: Path) -> list[Path]:
    """Write each sample below ``sources/<source>/sample/``; the same bytes each time."""
    written = []
    for source, files in SAMPLES.items():
        for name, text in {"README.md": NOTE, **files()}.items():
            path = sources / source / "sample" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode() if isinstance(text, str) else text)
            written.append(path)
    return written


if __name__ == "__main__":
    paths = write(Path(sys.argv[1]) if len(sys.argv) > 1 else SOURCES)
    print(f"{len(paths)} files, {sum(path.stat().st_size for path in paths):,} bytes")
