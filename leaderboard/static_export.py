"""A board as plain files: the pages of a server, or of this machine's database, with links that work from a folder.

Pages are asked for by their addresses, from a running server or from the same application in this process, and written
with every link made relative. What needs a server is left out: marked with `data-live` in the templates, it goes with
all it contains. Of a board's filters the levels of trust stay, as pages of their own; a link to any other combination
becomes text, so that no link is broken.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from envsuite.errors import InvalidArgument, MissingExtra, ServerRefused
from envsuite.leaderboard.service.render import CHAIN

MARK = ".envsuite-export"
"""File by which a folder is known as an export, which the next one may replace."""
TIMEOUT_S = 120.0
"""Seconds for one address; a picture may be drawn on the way."""
START = ("/", "/tasks", "/rules", "/ledger")
KEPT = {"trust", "page"}
"""Parts of a query that pages are written for; all others need a server."""
LINKS = {"href", "src", "action"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
LARGEST = 50
"""Pages of one board that are written at most."""
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
        app.state.site.db.upgrade()
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


def place_of(address: str) -> PurePosixPath:
    """Returns the file of an address: `/` is index.html, `/boards/quick-v1?trust=verified` one in `boards/`."""
    parts = urlsplit(address)
    path = parts.path.strip("/") or "index"
    if PurePosixPath(path).suffix in (".css", ".js", ".svg", ".webp", ".jsonl"):
        return PurePosixPath(path)
    query = sorted(parse_qsl(parts.query))
    if path == "compare":
        stem = "compare/" + "--".join(value for _, value in query)
    else:
        stem = "--".join([path, *(f"{name}-{value}" for name, value in query)])
    return PurePosixPath("/".join(re.sub(r"[^A-Za-z0-9._-]+", "_", part) for part in stem.split("/")) + ".html")


def is_kept(address: str) -> bool:
    """Returns whether an address below the root is written as a file."""
    parts = urlsplit(address)
    query = dict(parse_qsl(parts.query))
    if parts.path == CHAIN:
        return True
    if parts.path.startswith("/api/") or parts.path in ("/docs", "/healthz"):
        return False
    if parts.path == "/compare":
        return set(query) == {"a", "b"}
    return set(query) <= KEPT and int(query.get("page", "1")) <= LARGEST


class Relinked(HTMLParser):
    """A page with its links made relative, and what needs a server taken out."""

    def __init__(self, address: str, take: Callable[[str], bool] = is_kept) -> None:
        super().__init__(convert_charrefs=False)
        self._take = take
        self._here = place_of(address).parent
        self._parts: list[str] = []
        self._live = 0
        """How deep inside an element that needs a server."""

    def rewritten(self, text: str) -> bytes:
        """Returns the page's bytes."""
        self.feed(text)
        self.close()
        return "".join(self._parts).encode()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Copies a tag, its links rewritten."""
        names = dict(attributes)
        if self._live or "data-live" in names:
            self._live += tag not in VOID
            return
        self._parts.append(self._tag(tag, attributes))

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Copies an empty element, as SVG has them."""
        if not self._live and "data-live" not in dict(attributes):
            self._parts.append(self._tag(tag, attributes, "/>"))

    def handle_endtag(self, tag: str) -> None:
        """Copies the end of an element."""
        if self._live:
            self._live -= 1
            return
        self._parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        """Copies text."""
        self._copy(data)

    def handle_entityref(self, name: str) -> None:
        """Copies `&name;`."""
        self._copy(f"&{name};")

    def handle_charref(self, name: str) -> None:
        """Copies `&#number;`."""
        self._copy(f"&#{name};")

    def handle_decl(self, decl: str) -> None:
        """Copies the document type."""
        self._copy(f"<!{decl}>")

    def _copy(self, text: str) -> None:
        if not self._live:
            self._parts.append(text)

    def _tag(self, tag: str, attributes: list[tuple[str, str | None]], end: str = ">") -> str:
        source = self.get_starttag_text() or ""
        if not any(name in LINKS or name.startswith("hx-") for name, _ in attributes):
            return source
        told = []
        for name, value in attributes:
            if name.startswith("hx-"):
                continue
            linked = self._link(value) if name in LINKS and value is not None else value
            if linked is None and value is not None:
                continue
            told.append(name if linked is None else f'{name}="{html.escape(linked)}"')
        return f"<{' '.join([tag, *told])}{end}"

    def _link(self, address: str) -> str | None:
        """Returns where a link leads from this page's file, None for what needs a server."""
        if not address.startswith("/") or address.startswith("//"):
            return address
        target, _, fragment = address.partition("#")
        if target.startswith("/ledger?entry="):
            target, fragment = "/ledger", ""
        if not self._take(target):
            return None
        relative = os.path.relpath(place_of(target), self._here)
        return relative + (f"#{fragment}" if fragment else "")
