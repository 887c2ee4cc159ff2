"""Files in a zip: unpacked piece by piece, because the declared sizes cannot be trusted."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from pathlib import Path

from pipelines.errors import DeliveryError, Reason

CHUNK = 1 << 20
PACK = "Соберите архив заново и передайте целиком."
# errors of zipfile and of decompression on a broken archive
BROKEN = (
    zipfile.BadZipFile, EOFError, NotImplementedError, OSError, ValueError, zlib.error, lzma.LZMAError, struct.error,
    RuntimeError,
)  # fmt: skip


def extract(archive: Path, name: str, out: Path, largest: int, optional: bool = False) -> bool:
    """Write a file of a zip beside it, unpacked piece by piece; False if it is absent and may be.

    Raises:
        DeliveryError: it is not a zip, is broken or encrypted, lacks the file, or the file is too large.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [info for info in opened.infolist() if not info.is_dir()]
            here = [info for info in members if info.filename == name]
            if not here:
                inside = [info for info in members if info.filename.endswith(f"/{name}")]
                if inside:
                    message = f"Файл {name} лежит в папке архива, а должен лежать в его корне."
                    raise _refused(archive.name, "zip.members", message, "Соберите архив без папки.")
                if optional:
                    return False
                raise _refused(archive.name, "zip.members", f"В архиве нет файла {name}.", PACK)
            if len(here) > 1:
                raise _refused(
                    archive.name, "zip.members", f"В архиве несколько файлов {name}.", "Оставьте один."
                )
            if here[0].flag_bits & 1:
                raise _refused(
                    archive.name, "zip.members", "Архив защищён паролем.", "Передайте его без пароля."
                )
            size = 0
            with opened.open(here[0]) as member, out.open("wb") as target:
                while chunk := member.read(CHUNK):
                    size += len(chunk)
                    if size > largest:
                        message = f"Файл {name} в распакованном виде больше {largest} байт."
                        raise _refused(archive.name, "file.size", message, "Разделите выгрузку по периодам.")
                    target.write(chunk)
    except BROKEN as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise broken(archive.name) from None
    return True


def names_in(archive: Path) -> list[str]:
    """The files of a zip.

    Raises:
        DeliveryError: it is not a zip, or is broken.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            return [info.filename for info in opened.infolist() if not info.is_dir()]
    except BROKEN as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise broken(archive.name) from None


def broken(file: str) -> DeliveryError:
    """The refusal of a zip that cannot be unpacked."""
    return _refused(file, "file.whole", "Это не архив ZIP, или он повреждён либо передан не полностью.", PACK)


def _refused(file: str, expectation: str, message: str, remedy: str) -> DeliveryError:
    return DeliveryError(file, [Reason(expectation, message, remedy)])
