"""A board as plain files: the pages of a server, or of this machine's database, with links that work from a folder.

Pages are asked for by their addresses, from a running server or from the same application in this process, and written
with every link made relative (`relinked`). Every suite with a result is among them, those of a private board too.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from envsuite.catalogue import SUITES, add_suite
from envsuite.errors import InvalidArgument, MissingExtra, ServerRefused
from envsuite.leaderboard.relinked import Relinked, is_kept, place_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from envsuite.leaderboard.service.site import Site
    from envsuite.task import Suite

MARK = ".envsuite-export"
"""File by which a folder is known as an export, which the next one may replace."""
TIMEOUT_S = 120.0
"""Seconds for one address; a picture may be drawn on the way."""
START = ("/", "/tasks", "/rules", "/ledger")
COMPARISONS = 300
"""Comparisons that are written at most: there is one for every pair of entries."""


class Answer(NamedTuple):
    """What an address gave."""

    status: int
    content_type: str
    content: bytes


Fetch = Callable[[str], Answer]
"""Path and query, from `/` -> its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What an export has written."""

    pages: int
    files: int


@contextlib.contextmanager
def remote(server: str) -> Iterator[Fetch]:
    """Yields a function that asks a running server; raises `InvalidArgument` for what is no address of one."""
    try:
        import httpx
    except ImportError as error:
        raise MissingExtra('an export of a server needs httpx; run: pip install "envsuite[leaderboard]"') from error
    if urlsplit(server).scheme not in ("http", "https"):
        raise InvalidArgument(f"server: expected an address with http or https, got {server!r}")
    with httpx.Client(base_url=server.rstrip("/"), timeout=TIMEOUT_S) as client:

        def fetch(address: str) -> Answer:
            try:
                answer = client.get(address)
            except httpx.HTTPError as error:
                raise ServerRefused(f"{server}: {address} did not answer ({error}); is the server running?") from error
            return Answer(answer.status_code, answer.headers.get("content-type", ""), answer.content)

        yield fetch


@contextlib.contextmanager
def local(home: Path | None = None) -> Iterator[Fetch]:
    """Yields a function that asks the board of this machine, without a server; `home` is by default the user's.

    Suites of a private board that have results are known in this process from then on.

    Raises `InvalidArgument` where there is no board.
    """
    try:
        import httpx
    except ImportError as error:
        raise MissingExtra('an export needs FastAPI and httpx; run: pip install "envsuite[leaderboard]"') from error
    from envsuite.leaderboard.service.app import create_app
    from envsuite.leaderboard.service.logs import Log
    from envsuite.leaderboard.service.settings import ServiceLimits, Settings

    limits = ServiceLimits(page_rate=1e9)
    settings = Settings(limits=limits) if home is None else Settings(home=home, limits=limits)
    scheme, _, file = settings.database_url.partition(":///")
    if scheme == "sqlite" and not Path(file).is_file():
        raise InvalidArgument(
            f"static: expected a board in {settings.home}, found none; run `envsuite serve` there, or name a --server"
        )
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, asyncio.Runner() as runner:
        app = create_app(settings, log=Log(nowhere))
        app.state.is_copied = True
        app.state.site.db.upgrade()
        for suite in _suites_of(app.state.site):
            add_suite(suite)
        # The application's lifespan is left out: it would begin to score what waits.
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        client = httpx.AsyncClient(transport=transport, base_url="http://board.example")

        def fetch(address: str) -> Answer:
            answer = runner.run(client.get(address))
            return Answer(answer.status_code, answer.headers.get("content-type", ""), answer.content)

        try:
            yield fetch
        finally:
            runner.run(client.aclose())
            app.state.site.close()


def _suites_of(site: Site) -> Iterator[Suite]:
    """Yields the suites that the board has results of and the catalogue does not have; a result begins with its own."""
    from envsuite.leaderboard.attest import RESULT
    from envsuite.leaderboard.resultfile import Header
    from envsuite.leaderboard.store import ledger

    def results(session: Session) -> list[str]:
        found: list[str] = []
        after = -1
        while entries := ledger.entries(session, after=after):
            found += [entry.blob_sha256 for entry in entries if entry.kind == RESULT and entry.blob_sha256]
            after = entries[-1].index
        return found

    known = set(SUITES)
    for path in map(site.files.blobs.path, site.db.run(results, read=True)):
        if path.is_file():
            with path.open("rb") as file:
                suite = Header.model_validate_json(file.readline()).evaluation.suite
            if suite.name not in known:
                known.add(suite.name)
                yield suite


def export(fetch: Fetch, folder: Path) -> Written:
    """Returns how much was written: every page that is reached from the first one, and the files they show.

    Args:
        fetch: From `remote` or `local`.
        folder: Where the files go; made if it does not exist. An earlier export in it is replaced.

    Raises:
        InvalidArgument: For a folder with other files in it.
        ServerRefused: For a page that the server does not give.
    """
    _prepare(folder)
    plan = _Plan(fetch)
    pages = files = 0
    while plan.waiting:
        address = plan.waiting.popleft()
        answer = plan.pictures.pop(address, None) or fetch(address)
        if answer.status != 200:
            if place_of(address).suffix == ".html":
                raise ServerRefused(f"{address}: expected a page, got status {answer.status}")
            continue
        content = answer.content
        if answer.content_type.startswith("text/html"):
            content = Relinked(address, plan.take).rewritten(answer.content.decode())
            pages += 1
        else:
            files += 1
        path = folder / place_of(address)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return Written(pages=pages, files=files)


class _Plan:
    """Which addresses become files, in the order in which they were found."""

    def __init__(self, fetch: Fetch) -> None:
        self.waiting = deque(START)
        self.pictures: dict[str, Answer] = {}
        """Fetched ahead: a page shows no picture that cannot be had."""
        self._fetch = fetch
        self._seen = set(START)
        self._comparisons = 0

    def take(self, address: str) -> bool:
        """Returns whether an address becomes a file, and sees to it that it does."""
        if address in self._seen:
            return True
        compares = urlsplit(address).path == "/compare"
        if not is_kept(address) or (compares and self._comparisons >= COMPARISONS):
            return False
        if address.endswith(".webp"):
            self.pictures[address] = self._fetch(address)
            if self.pictures[address].status != 200:
                return False
        self._comparisons += compares
        self._seen.add(address)
        self.waiting.append(address)
        return True


def _prepare(folder: Path) -> None:
    """Empties an earlier export; leaves every other folder alone."""
    if folder.exists() and not folder.is_dir():
        raise InvalidArgument(f"static: expected a folder, got the file {folder}")
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()) and not (folder / MARK).exists():
        raise InvalidArgument(f"static: expected an empty folder or an earlier export, got {folder} with other files")
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink()
    (folder / MARK).write_text("Written by `envsuite board export`; the next export replaces all files here.\n")
