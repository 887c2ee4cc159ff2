"""The server for development lets in nobody else on the machine."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from sandbox import postgres


@pytest.mark.slow
def test_nobody_comes_in_without_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    # the server's own user has to reach its folder
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o755)
    for _ in range(2):  # and once more on what the first left
        with postgres.running(tmp_path, durable=False, password="p w:/@") as instance:
            folder = instance.socket.stat()
            assert stat.S_IMODE(folder.st_mode) == 0o700
            assert folder.st_uid == (instance.data.stat().st_uid if instance.system_user else os.getuid())
            for user in ("postgres", "gorod", "root"):
                address = make_conninfo(
                    "", user=user, dbname="postgres", host=str(instance.socket), port=instance.port
                )
                with pytest.raises(psycopg.OperationalError, match="no password supplied"):
                    psycopg.connect(address)
            with psycopg.connect(instance.dsn("postgres")) as session:
                assert session.execute("select current_user").fetchone() == ("postgres",)
