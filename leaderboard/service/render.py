"""How pages become HTML: the templates, what they can call, and the addresses that they link to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import envsuite
from envsuite.errors import MissingExtra
from envsuite.leaderboard.board import NOTHING, short, show_number
from envsuite.leaderboard.metrics import TASK_METRICS

if TYPE_CHECKING:
    import jinja2

CHAIN = "/api/v1/ledger.jsonl"
"""Address of the ledger as `envsuite verify --chain` takes it; a part of the API."""
KEY = "/api/v1/key.pem"
"""Address of the board's public key as a file; a part of the API."""
DASH = "\N{EN DASH}"
"""What stands where there is no number."""
MINUS = "\N{MINUS SIGN}"
"""What stands before a negative number; a hyphen is narrower than a digit."""
_UNITS = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


@dataclass(frozen=True, slots=True)
class Urls:
    """Addresses of the pages, all below `root` (empty, or a path such as `/board` behind a proxy)."""

    root: str = ""

    def home(self) -> str:
        """Returns the address of the first page."""
        return f"{self.root}/"

    def board(self, suite: str, query: Mapping[str, Any] | None = None) -> str:
        """Returns the address of a suite's board; parts of the query that are None or empty are left out."""
        return self._with(f"/boards/{_part(suite)}", query)

    def submission(self, submission: str) -> str:
        """Returns the address of a submission's page."""
        return f"{self.root}/submissions/{_part(submission)}"

    def result(self, submission: str) -> str:
        """Returns the address of a submission's signed result file."""
        return f"{self.submission(submission)}/result.jsonl"

    def strip(self, submission: str, task_id: str) -> str:
        """Returns the address of the picture of a submission's first episode of a task."""
        return f"{self.submission(submission)}/replays/{_part(short(task_id))}.webp"

    def compare(self, first: str | None = None, second: str | None = None) -> str:
        """Returns the address of the comparison of two submissions."""
        return self._with("/compare", {"a": first, "b": second})

    def tasks(self) -> str:
        """Returns the address of the list of tasks."""
        return f"{self.root}/tasks"

    def task(self, task_id: str) -> str:
        """Returns the address of a task's page."""
        return f"{self.root}/tasks/{_part(short(task_id))}"

    def rules(self) -> str:
        """Returns the address of the rules."""
        return f"{self.root}/rules"

    def ledger(self, page: int = 1) -> str:
        """Returns the address of a page of the ledger, the newest entries first."""
        return self._with("/ledger", {"page": page if page > 1 else None})

    def ledger_entry(self, index: int) -> str:
        """Returns the address of the ledger's page that begins with an entry."""
        return f"{self._with('/ledger', {'entry': index})}#entry-{index}"

    def chain(self) -> str:
        """Returns the address of the whole ledger as a file."""
        return f"{self.root}{CHAIN}"

    def key(self) -> str:
        """Returns the address of the board's public key as a PEM file."""
        return f"{self.root}{KEY}"

    def static(self, name: str) -> str:
        """Returns the address of a static file."""
        return f"{self.root}/static/{name}"

    def api(self) -> str:
        """Returns the address of the API's description."""
        return f"{self.root}/api/openapi.json"

    def _with(self, path: str, query: Mapping[str, Any] | None) -> str:
        kept = {name: value for name, value in (query or {}).items() if value not in (None, "")}
        return f"{self.root}{path}" + (f"?{urlencode(kept)}" if kept else "")


def _part(text: str) -> str:
    return quote(text, safe="")


@cache
def environment() -> jinja2.Environment:
    """Returns the templates' environment: everything that is shown is escaped, and what is undefined is an error.

    Raises `MissingExtra` when jinja2 is not installed.
    """
    try:
        import jinja2
    except ImportError as error:
        raise MissingExtra(
            'the board\'s pages need jinja2, which is not installed; run: pip install "envsuite[leaderboard]"'
        ) from error
    made = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [jinja2.PackageLoader("envsuite.leaderboard.service"), jinja2.PackageLoader("envsuite.leaderboard")]
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(_FILTERS)
    made.tests["web"] = is_web
    made.globals["version"] = envsuite.__version__
    return made


def render(template: str, urls: Urls, *, section: str = "", htmx: bool = False, **context: Any) -> str:
    """Returns a page.

    Args:
        template: Its file's name.
        urls: What it links with.
        section: Name of the entry in the navigation that it belongs to.
        htmx: Whether the server has htmx, which the page then loads; without it, it does all by plain links.
        context: What the template asks for.
    """
    return environment().get_template(template).render(url=urls, section=section, htmx=htmx, **context)


def is_web(address: Any) -> bool:
    """Returns whether an address may be a link: http or https with a host, and no other scheme."""
    if not isinstance(address, str):
        return False
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def duration(seconds: float) -> str:
    """Returns a time span in words, to one unit: `40 seconds`, `3 minutes`, `2 hours`, `5 days`."""
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 1.5 * size:
            return count(round(seconds / size), name)
    return count(max(1, round(seconds)), "second")


def count(number: int, noun: str, plural: str = "") -> str:
    """Returns a number with its noun: `1 run`, `1,200 runs`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size(number: int) -> str:
    """Returns a number of bytes in the largest unit that leaves a whole number: `4 GiB`."""
    for unit, name in _UNITS:
        if number >= unit and number % unit == 0:
            return f"{number // unit} {name}"
    return f"{number:,} bytes"


def shown_number(value: float | None, digits: int | None = None) -> str:
    """Returns a number as `show_number` does, with a minus sign, and a dash for None."""
    text = show_number(value, digits)
    return DASH if text == NOTHING else minus(text)


def minus(text: str) -> str:
    """Returns a sentence whose negative numbers have minus signs; hyphens in names and ranges stay."""
    return re.sub(r"(?<![^\s(\[])-(?=\.?\d)", MINUS, text)


def _signed(value: float, digits: int = 2) -> str:
    return ("+" if value > 0 else "") + shown_number(value, digits)


def _metric(name: str) -> str:
    if name not in TASK_METRICS:
        return name.replace("_", " ")
    metric = TASK_METRICS[name]
    return metric.title + (", %" if metric.percent else "")


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "\N{HORIZONTAL ELLIPSIS}"


def shown_minute(at: datetime | str) -> str:
    """Returns a time to the minute; of text, one in ISO 8601: `2026-11-24 16:44 UTC`."""
    return _utc(at).strftime("%Y-%m-%d %H:%M UTC")


def _day(at: datetime | str) -> str:
    return _utc(at).strftime("%Y-%m-%d")


def _utc(at: datetime | str) -> datetime:
    return (datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone(UTC)


_FILTERS: Mapping[str, Any] = {
    "number": shown_number,
    "minus": minus,
    "signed": _signed,
    "thousands": lambda value: f"{value:,}",
    "count": count,
    "metric": _metric,
    "short": short,
    "cut": _cut,
    "day": _day,
    "minute": shown_minute,
    "duration": duration,
}
