"""A real PostgreSQL server of Debian's package, on a private socket in a temporary folder."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psycopg

HOW = "apt-get install postgresql"
START_S = 60.0


def programs() -> Path | None:
    """Returns the folder of the newest installed PostgreSQL, or None."""
    folders = [folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if (folder / "initdb").exists()]
    newest = sorted(folders, key=lambda folder: int(folder.parent.name))
    if newest:
        return newest[-1]
    found = shutil.which("initdb")
    return Path(found).parent if found else None


class Postgres:
    """A server with a folder of its own, reachable through a socket in it only.

    `durable` servers write to the disk as real ones do, and keep what was committed when they are killed.
    """

    def __init__(self, bin_folder: Path, *, durable: bool) -> None:
        self._bin, self._durable = bin_folder, "on" if durable else "off"
        self.folder = Path(tempfile.mkdtemp(prefix="envsuite-pg-"))
        self._as: dict[str, int] = {}
        if os.getuid() == 0:  # the server refuses to run as root
            account = pwd.getpwnam("postgres")
            os.chown(self.folder, account.pw_uid, account.pw_gid)
            self._as = {"user": account.pw_uid, "group": account.pw_gid}
        self.data = self.folder / "data"
        self._log = self.folder / "log"
        self._run("initdb", "-D", str(self.data), "-A", "trust", "-U", "envsuite", "-E", "UTF8", "--locale=C", "-N")
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._bin / program), *arguments]
        done = subprocess.run(command, cwd="/", capture_output=True, check=False, **self._as)
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr.decode(errors='replace')[-2000:]}")

    def url(self, database: str = "postgres") -> str:
        """Returns the URL of a database, as SQLAlchemy reads it."""
        return f"postgresql+psycopg://envsuite@/{database}?host={self.folder}"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """Returns a connection that commits every statement by itself."""
        import psycopg

        return psycopg.connect(f"host={self.folder} user=envsuite dbname={database}", autocommit=True)

    def start(self) -> None:
        """Starts the server and waits until it answers; after a kill it first recovers."""
        import psycopg

        deadline = time.monotonic() + START_S
        while True:
            self._spawn()
            while self.process.poll() is None:
                with contextlib.suppress(psycopg.OperationalError), self.connect() as connection:
                    connection.execute("SELECT 1")
                    return
                if time.monotonic() > deadline:
                    raise RuntimeError(f"postgres does not answer: {self._log.read_text(errors='replace')[-2000:]}")
                time.sleep(0.02)
            # Killed servers leave children that hold the shared memory for a moment more.
            if time.monotonic() > deadline:
                raise RuntimeError(f"postgres does not start: {self._log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)

    def _spawn(self) -> None:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "max_connections": "60",
            "shared_buffers": "64MB",
            "max_wal_size": "512MB",
            **dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes"), self._durable),
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(self._bin / "postgres"), "-D", str(self.data), *options],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as,
            )

    def kill(self) -> None:
        """Kills the server without any warning; its children find out and end by themselves."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Ends the server at once, since nothing of it is kept, and takes its folder away."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)

    def new_database(self, name: str) -> str:
        """Returns the URL of a new, empty database."""
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)
