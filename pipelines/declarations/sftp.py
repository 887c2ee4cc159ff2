"""Files of another machine, by SFTP: the model of ``kind: sftp``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from pipelines.declarations.common import Declaration, PlacedError
from pipelines.declarations.http_access import Variable


class SftpOrigin(Declaration):
    """Files in a folder of another machine, by SFTP. They are read, and never touched.

    The host has to be known: its key stands in the file that `known_hosts` names. Gorod proves itself by password or key.
    """

    kind: Literal["sftp"] = Field(default="sftp", description="files in a folder of another machine, by SFTP")
    host: str = Field(
        pattern=r"^[^\s/@?#]+$", description="name or address of the machine; may hold `{instance}`"
    )
    port: int = Field(default=22, ge=1, le=65535, description="port of its SSH server")
    path: str = Field(
        pattern=r"^[^\x00]+$",
        description="folder; from the root if it begins with `/`, else from where the login leads; may hold `{instance}`",
    )
    user: Variable = Field(description="variable that the login is in")
    password: Variable | None = Field(default=None, description="variable that the password is in")
    key: Variable | None = Field(default=None, description="variable with the path of the private key")
    key_password: Variable | None = Field(
        default=None, description="variable that the password of the key is in"
    )
    known_hosts: Variable = Field(
        description="variable with the path of a file of known hosts, as `ssh` keeps it; a host that is not in it is refused"
    )
    instance: str | None = Field(default=None, description="the one instance that all files belong to")
    tries: int = Field(default=5, ge=1, le=20, description="tries of what fails in a way that may pass")
    connect_s: float = Field(default=20, gt=0, le=600, description="seconds until there is a connection")
    read_s: float = Field(
        default=60, gt=0, le=3600, description="seconds without a byte, until it is given up"
    )
    synthetic: bool = Field(
        default=False, description="the data are invented; every page that shows them says so"
    )

    @model_validator(mode="after")
    def _proves_itself(self) -> SftpOrigin:
        if (self.password is None) == (self.key is None):
            raise PlacedError((("key",), "name either password or key: how Gorod proves itself"))
        if self.key_password is not None and self.key is None:
            raise PlacedError((("key_password",), "belongs to a key; name it, or leave this out"))
        return self
