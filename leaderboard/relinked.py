"""Pages without a server: which address becomes which file, and links from one file to another.

What needs a server is left out: marked with `data-live` in the templates, it goes with all it contains. Of a board's
filters the levels of trust stay, as pages of their own; a link to any other combination becomes text, so that no link
is broken.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import PurePosixPath
from urllib.parse import parse_qsl, urlsplit

from envsuite.leaderboard.service.render import CHAIN

KEPT = {"trust", "page"}
"""Parts of a query that pages are written for; all others need a server."""
LINKS = {"href", "src", "action"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
LARGEST = 50
"""Pages of one board that are written at most."""


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
