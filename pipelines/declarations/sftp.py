"""Files of another host, by SFTP: the model of ``kind: sftp``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from pipelines.declarations.common import Declaration, PlacedError
from pipelines.declarations.http_access import Variable


class SftpOrigin(Declaration):
    """Files in a folder of another host, by SFTP. They are only read.

    The host must be known: its key is in the file that `known_hosts` names. Gorod authenticates by password or key.
    """

    kind: Literal["sftp"] = Field(default="sftp", description="files in a folder of another host, by SFTP")
    host: str = Field(
        pattern=r"^[^\s/@?#]+$", description="name or address of the host; may contain `{instance}`"
    )
    port: int = Field(default=22, ge=1, le=65535, description="port of its SSH server")
    path: str = Field(
        pattern=r"^[^\x00]+$",
        description="folder; absolute if it begins with `/`, otherwise below the login's home; may contain `{instance}`",
    )
    user: Variable = Field(description="environment variable with the user name")
    password: Variable | None = Field(default=None, description="environment variable with the password")
    key: Variable | None = Field(
        default=None, description="environment variable with the path of the private key"
    )
    key_password: Variable | None = Field(
        default=None, description="environment variable with the password of the key"
    )
    known_hosts: Variable = Field(
        description="environment variable with the path of a `known_hosts` file as of `ssh`; a host that is not in it is refused"
    )
    instance: str | None = Field(default=None, description="the only instance; all files belong to it")
    tries: int = Field(default=5, ge=1, le=20, description="number of tries after failures that may pass")
    connect_s: float = Field(default=20, gt=0, le=600, description="timeout of connecting, in seconds")
    read_s: float = Field(default=60, gt=0, le=3600, description="timeout without received bytes, in seconds")
    synthetic: bool = Field(
        default=False, description="the data are invented; every page that shows them says so"
    )

    @model_validator(mode="after")
    def _proves_itself(self) -> SftpOrigin:
        if (self.password is None) == (self.key is None):
            raise PlacedError((("key",), "declare either password or key"))
        if self.key_password is not None and self.key is None:
            raise PlacedError((("key_password",), "belongs to a key; declare key, or remove this"))
        return self
