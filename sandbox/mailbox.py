"""A mailbox (Debian's Dovecot) on loopback, by IMAP over TLS; mails are put into it as files."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import trustme

DOVECOT = shutil.which("dovecot") or "/usr/sbin/dovecot"


def is_installed() -> bool:
    """Whether this machine has it."""
    return Path(DOVECOT).exists()


class Mailbox:
    """A mailbox of a running server: mails are delivered as files of its Maildir."""

    def __init__(self, root: Path, port: int, user: str) -> None:
        self.root, self.port, self.user, self.number = root, port, user, 0

    def deliver(
        self,
        *attachments: tuple[str, bytes],
        sender: str = "Отдел учёта <data@brest.invalid>",
        results: str = "",
    ) -> None:
        """Put a mail with attachments into it."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = sender, self.user, "Показания"
        mail["Message-ID"] = f"<{self.number}@brest.invalid>"
        if results:
            mail["Authentication-Results"] = results
        mail.set_content("Добрый день!")
        for name, content in attachments:
            mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
        self.number += 1
        (self.root / "new" / f"{1_700_000_000 + self.number}.{self.number}.host").write_bytes(mail.as_bytes())

    def files(self, folder: str = "") -> list[str]:
        """Where mails lie, with their flags: ``new`` before anybody looked, ``cur/….:2,S`` seen."""
        root = self.root / f".{folder}" if folder else self.root
        return sorted(path.name.partition(":")[2] for path in root.glob("cur/*")) + [
            "new" for _ in root.glob("new/*")
        ]


@contextmanager
def running(folder: Path, authority: trustme.CA, user: str, password: str) -> Iterator[tuple[Path, int]]:
    """Run it; yields the folder of all mail, and the port (TLS from the start)."""
    folder.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mine = authority.issue_cert("127.0.0.1")
    mine.private_key_pem.write_to_path(str(folder / "key.pem"))
    mine.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    mail = folder / "mail"
    (folder / "users").write_text(f"{user}:{{PLAIN}}{password}\n")
    uid, gid = os.getuid() or 65534, os.getgid() or 65534
    (folder / "dovecot.conf").write_text(
        f"""
base_dir = {folder}/run
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
mail_location = maildir:{mail}/%n
first_valid_uid = 1
default_internal_user = {"dovecot" if os.getuid() == 0 else os.getlogin()}
service imap-login {{
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
  }}
  chroot =
}}
service anvil {{
  chroot =
  # else logins are held back for a while after one that was refused
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={mail}/%n
}}
"""
    )
    process = subprocess.Popen([DOVECOT, "-F", "-c", str(folder / "dovecot.conf")])
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        else:
            raise RuntimeError((folder / "log").read_text())
        yield mail, port
    finally:
        process.terminate()
        process.wait(20)


def emptied(mail: Path, port: int, user: str) -> Mailbox:
    """The user's mailbox without any mail, with a folder ``Done``."""
    shutil.rmtree(mail, ignore_errors=True)
    root = mail / user.partition("@")[0]
    for folder in (root, root / ".Done"):
        for part in ("cur", "new", "tmp"):
            (folder / part).mkdir(parents=True)
    (root / "subscriptions").write_text("Done\n")
    if os.getuid() == 0:
        for path in (mail, *mail.rglob("*")):
            os.chown(path, 65534, 65534)
    return Mailbox(root, port, user)
