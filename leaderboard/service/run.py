"""Runs a board on this machine: prepares what it needs, serves, and keeps its workers running."""

from __future__ import annotations

import fcntl
import logging
import os
import platform
import re
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from envsuite.errors import InvalidArgument, MissingExtra, UnknownName

try:
    import uvicorn
except ImportError as error:
    raise MissingExtra('serving a board needs uvicorn; run: pip install "envsuite[leaderboard]"') from error

from envsuite.leaderboard.processes import Crew, worker_command
from envsuite.leaderboard.service import uploads
from envsuite.leaderboard.service.app import create_app
from envsuite.leaderboard.service.logs import Log
from envsuite.leaderboard.service.settings import Settings
from envsuite.leaderboard.service.site import Site
from envsuite.leaderboard.store import seasons, users
from envsuite.leaderboard.store.database import Session

ADMIN = "admin"
GRACE_S = 10
"""Seconds that requests under way may take after the signal to end."""
BACKLOG = 512
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What was made for a board, or was there."""

    admin_token: str | None
    """Secret of the first admin's token; None unless the account was made just now."""
    season: str
    """Name of the open season."""


def prepare(site: Site) -> Prepared:
    """Makes whatever a board needs and does not have: tables, signing key, admin, season. Safe to call again."""
    site.settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    site.db.upgrade()
    _ = site.files.signer
    uploads.clear(site)

    def admin(session: Session) -> str | None:
        if any(user.role == "admin" for user in users.list_users(session)):
            return None
        users.create_user(session, ADMIN, "admin")
        return users.create_token(session, ADMIN)[1]

    def season(session: Session) -> str:
        known = seasons.list_seasons(session)
        current = seasons.current(session)
        if current is None and not known:  # a season that an admin has closed stays closed
            current = seasons.open_season(session, site.files, f"{datetime.now(UTC):%Y}-1")
        return current.name if current is not None else ""

    with site.db.session() as session:
        token = admin(session)
    return Prepared(admin_token=token, season=site.db.run(season))


def serve(settings: Settings, *, host: str, port: int, workers: int, say: Say, log: Log | None = None) -> None:
    """Serves a board until a signal ends it, then gives its workers' jobs back.

    Raises `InvalidArgument` for an address that cannot be taken, or a folder that another server uses.
    """
    with _alone(settings), _listening(host, port) as listener:
        app = create_app(settings, log=log)
        site: Site = app.state.site
        prepared = prepare(site)
        address = _address(listener)
        _tell(prepared, settings, address, say)
        _route_logging(site.log)
        crew = _crew(site, _local(listener), workers, say)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="on",
            backlog=BACKLOG,
            timeout_graceful_shutdown=GRACE_S,
            h11_max_incomplete_event_size=32 * 2**10,
        )
        _Server(config, crew).run(sockets=[listener])
        crew.stop()
        _forget_worker(site)


class _Server(uvicorn.Server):
    """A server that starts its workers when it listens, and ends them, while it still answers, before itself."""

    def __init__(self, config: uvicorn.Config, crew: Crew) -> None:
        super().__init__(config)
        self._crew = crew
        self._ending = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._crew.start()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._ending:
            self.force_exit = sig == signal.SIGINT
            self.should_exit = True
            return
        self._ending = True
        threading.Thread(target=self._end, name="end", daemon=True).start()

    def _end(self) -> None:
        self._crew.stop()
        self.should_exit = True


def _crew(site: Site, server: str, count: int, say: Say) -> Crew:
    """Returns the embedded workers, with a token of their own that nobody else ever sees."""
    name = f"worker-{_host()}"
    _forget_worker(site)
    with site.db.session() as session:
        try:
            users.get_user(session, name)
        except UnknownName:
            users.create_user(session, name, "worker")
        token, secret = users.create_token(session, name)
    _token_file(site).write_text(token.id, encoding="ascii")
    commands = [worker_command(server, f"{_worker_name(site)}-{slot}") for slot in range(count)]
    environment = {**os.environ, "ENVSUITE_HOME": str(site.settings.home)}
    for variable in ("ENVSUITE_TOKEN", "DATABASE_URL"):
        environment.pop(variable, None)
    return Crew(commands, secret=secret, environment=environment, say=say)


def _worker_name(site: Site) -> str:
    """Returns a name for this folder's workers, the same after every start: what a killed one had is taken back."""
    path = site.settings.home / "worker-name"
    if not path.exists():
        path.write_text(f"{_host()}-{secrets.token_hex(4)}", encoding="ascii")
    return path.read_text(encoding="ascii").strip()


def _forget_worker(site: Site) -> None:
    """Revokes the token of the workers of this folder's last server, which may have been killed."""
    path = _token_file(site)
    try:
        token = path.read_text(encoding="ascii").strip()
        site.db.run(lambda session: users.revoke_token(session, token))
    except (FileNotFoundError, UnknownName):
        return
    path.unlink(missing_ok=True)


def _token_file(site: Site) -> Path:
    return site.settings.home / "worker-token-id"


def _host() -> str:
    return re.sub(r"[^a-z0-9]+", "-", platform.node().lower()).strip("-")[:30] or "here"


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Holds the folder: two servers would revoke each other's workers."""
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (settings.home / "serve.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InvalidArgument(
                f"home: {settings.home} is used by another server on this machine; end that one, or pass --home"
            ) from error
        yield


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    try:
        info = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.create_server(info[4][:2], family=info[0], backlog=BACKLOG, reuse_port=False)
    except (OSError, OverflowError) as error:
        raise InvalidArgument(f"host and port: cannot listen on {host}:{port}: {error}; choose others") from error
    with listener:
        listener.setblocking(False)
        yield listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _local(listener: socket.socket) -> str:
    """Returns the address by which a worker on this machine reaches the server."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # compared, not listened on
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _tell(prepared: Prepared, settings: Settings, address: str, say: Say) -> None:
    say(f"Board: {address}  (files in {settings.home})")
    if prepared.admin_token is not None:
        say(f"Admin token, shown this once: {prepared.admin_token}")
    if prepared.season:
        say(f"Season: {prepared.season}")
    else:
        say("No season is open, so nothing is evaluated: `envsuite season open NAME` opens one.")


class _Handler(logging.Handler):
    """Passes the log of Python's libraries on as JSON."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            self._log.error("log", record.exc_info[1], logger=record.name, message=record.getMessage())
        else:
            self._log.write("log", logger=record.name, level=record.levelname, message=record.getMessage())


def _route_logging(log: Log) -> None:
    root = logging.getLogger()
    if not any(isinstance(handler, _Handler) for handler in root.handlers):
        root.addHandler(_Handler(log))
