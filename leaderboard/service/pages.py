"""The pages of a board, as routes: what is asked for, read from the store, rendered on the server."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError

from envsuite import assets
from envsuite.catalogue import SUITES, get_suite, get_task
from envsuite.errors import InvalidArgument, UnknownName
from envsuite.leaderboard.attest import Entry
from envsuite.leaderboard.schemas import SubmissionView
from envsuite.leaderboard.service import views
from envsuite.leaderboard.service.compare_view import compare_context
from envsuite.leaderboard.service.reader import Reader, reader_of, scored_split
from envsuite.leaderboard.service.render import Urls, render
from envsuite.leaderboard.service.rules_view import rules_context
from envsuite.leaderboard.service.site import site_of
from envsuite.leaderboard.service.strip_view import NOT_YET, draw_strip, strips_of
from envsuite.leaderboard.service.submission_view import submission_context
from envsuite.leaderboard.service.task_view import task_context, task_list
from envsuite.leaderboard.store.standings import PER_PAGE
from envsuite.leaderboard.store.views import BoardRow, Filters
from envsuite.leaderboard.thumbnails import NoPicture
from envsuite.suites import HELD_OUT

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
"""Of every page: nothing runs, is styled or is loaded that is not a file of this server."""
LEDGER_PAGE = 50
"""Entries of the ledger on one page."""
RIVALS = 5
"""Entries of the same board that a submission's page offers for comparison."""
STATIC = Path(__file__).with_name("static")
STATIC_TYPES: Mapping[str, str] = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

router = APIRouter(include_in_schema=False)
Read = Annotated[Reader, Depends(reader_of)]


@router.get("/")
def home(request: Request, read: Read) -> HTMLResponse:
    """Returns the first page: suites with their leaders, the open season, how to submit unless files are made of it."""
    cards = [views.suite_card(suite, read.board(suite.name, Filters(), 1)) for suite in SUITES.values()]
    server = "" if getattr(request.app.state, "is_copied", False) else str(request.base_url).rstrip("/")
    return page(request, "home.html", "Boards", suites=cards, season=read.season(), server=server)


@router.get("/boards/{suite}")
def board(request: Request, read: Read, suite: str) -> HTMLResponse:
    """Returns a suite's board; the query has filters, order and page."""
    get_suite(suite)
    query = {name: value for name, value in request.query_params.items() if value}
    number = _whole(query.pop("page", "1"), "page")
    shown = read.board(suite, _filters(query), number)
    return page(request, "suite.html", "Boards", **views.board_context(shown, _urls(request)))


@router.get("/submissions/{submission}")
def submission(request: Request, read: Read, submission: str) -> HTMLResponse:
    """Returns a submission's page: its state while it waits, all about its score afterwards."""
    view = read.submission(submission)
    detail = read.detail(submission) if view.state == "scored" else None
    context = submission_context(view, detail)
    episodes = read.first_episodes(detail) if detail else []
    context["strips"] = strips_of(view, episodes, _urls(request), _strips(request))
    context["no_strips"] = NOT_YET if detail else ""
    context["rivals"] = _rivals(read, view) if detail else []
    context["tied"] = detail is not None and detail.row is not None and _is_tied(read, view.suite, detail.row)
    context["result"] = detail is not None and read.result(detail) is not None
    context["withheld"] = detail is not None and not read.published(detail)
    seasons = {season.name: season for season in read.seasons()}
    context["secret"] = seasons[view.season].secret if view.season in seasons else None
    context["public_seeds"] = detail is not None and scored_split(detail) != HELD_OUT
    return page(request, "submission.html", "Boards", public_key=read.public_key(), **context)


@router.get("/submissions/{submission}/result.jsonl")
def result(read: Read, submission: str) -> FileResponse:
    """Returns the signed result file of a submission's best evaluation."""
    path = read.result(read.detail(submission))
    if path is None:
        raise UnknownName(f"submission {submission}: it has no result file, or one that waits for its season to close")
    return FileResponse(path, media_type="application/jsonl", filename=f"{submission}.jsonl", headers=_NOSNIFF)


@router.get("/submissions/{submission}/replays/{task}.webp")
def replay(request: Request, read: Read, submission: str, task: str) -> Response:
    """Returns the film strip of the first episode of a task, where its seed is public."""
    wanted = get_task(task).id
    for episode in read.first_episodes(read.detail(submission)):
        if episode.task_id == wanted:
            try:
                strip = draw_strip(read, episode, _strips(request))
            except NoPicture as error:
                raise UnknownName(f"no picture: {error}") from error
            except TimeoutError:
                return Response(status_code=503, headers={"Retry-After": "5", **_NOSNIFF})
            return Response(strip, media_type="image/webp", headers={**_NOSNIFF, "Cache-Control": "max-age=86400"})
    raise UnknownName(f"submission {submission}: no picture of {task}: {NOT_YET}")


@router.get("/compare")
def compare(request: Request, read: Read, a: str = "", b: str = "") -> HTMLResponse:
    """Returns the comparison of two submissions to one suite."""
    if not a or not b:
        return message(request, 400, "Two agents, please", "Choose two entries of one board to compare them.")
    if a == b:
        return message(request, 400, "Two agents, please", "Both choices are the same entry.")
    context = compare_context(read.submission(a), read.submission(b), lambda: read.compare(a, b))
    return page(request, "compare.html", "Boards", **context)


@router.get("/tasks")
def tasks(request: Request) -> HTMLResponse:
    """Returns the list of all tasks."""
    return page(request, "tasks.html", "Tasks", families=task_list())


@router.get("/tasks/{name}")
def task(request: Request, read: Read, name: str) -> HTMLResponse:
    """Returns a task's page."""
    known = get_task(name)
    return page(request, "task.html", "Tasks", **task_context(known, read.task(known.id)))


@router.get("/rules")
def rules(request: Request) -> HTMLResponse:
    """Returns the rules."""
    return page(request, "rules.html", "Rules", **rules_context(site_of(request).settings.limits))


@router.get("/ledger")
def ledger(request: Request, read: Read) -> HTMLResponse:
    """Returns a page of the ledger, newest first; `entry` asks for the page that holds an entry."""
    head = read.head()
    total = 0 if head is None else head.index + 1
    pages = max(1, -(-total // LEDGER_PAGE))
    number = _whole(request.query_params.get("page") or "1", "page")
    if "entry" in request.query_params:
        entry = _whole(request.query_params["entry"], "entry", least=0)
        number = 1 + max(0, total - 1 - entry) // LEDGER_PAGE
    number = min(number, pages)
    last = total - (number - 1) * LEDGER_PAGE
    return page(
        request,
        "ledger.html",
        "Ledger",
        entries=read.entries(max(0, last - LEDGER_PAGE), last),
        total=total,
        head=None if head is None else Entry.from_json(head.entry).hash,
        public_key=read.public_key(),
        seasons=read.seasons()[::-1],
        page=number,
        pages=pages,
        at_page=_urls(request).ledger,
    )


@router.get("/static/{name}")
def static(name: str) -> FileResponse:
    """Returns a style sheet, the icon, or htmx where it was fetched."""
    path = static_file(name)
    if path is None:
        raise UnknownName(f"static file {name!r}: there is none of that name")
    return FileResponse(
        path, media_type=STATIC_TYPES[path.suffix], headers={**_NOSNIFF, "Cache-Control": "max-age=600"}
    )


@router.get("/favicon.ico")
def favicon(request: Request) -> RedirectResponse:
    """Sends browsers that ask for an icon unasked to the one that there is."""
    return RedirectResponse(_urls(request).static("icon.svg"))


_NOSNIFF = {"X-Content-Type-Options": "nosniff"}


def static_file(name: str) -> Path | None:
    """Returns the path of a static file, None where there is none of that name."""
    if name == "htmx.js":
        folder = assets.find("htmx")
        return None if folder is None else folder / name
    own = {path.name: path for path in STATIC.iterdir() if path.suffix in STATIC_TYPES}
    return own.get(name)


def page(request: Request, template: str, section: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """Returns a page with the headers that every page has."""
    htmx = static_file("htmx.js") is not None
    text = render(template, _urls(request), section=section, htmx=htmx, **context)
    return HTMLResponse(text, status, headers=HEADERS)


def message(request: Request, status: int, title: str, text: str) -> HTMLResponse:
    """Returns a page that says something in one sentence: what was not found, or why something is refused."""
    return page(request, "message.html", "", status=status, title=title, text=text)


def _urls(request: Request) -> Urls:
    return Urls(str(request.scope.get("root_path", "")).rstrip("/"))


def _strips(request: Request) -> Path:
    """Returns the folder that pictures are kept in."""
    return site_of(request).files.folder / "strips"


def _filters(query: Mapping[str, str]) -> Filters:
    """Returns the filters of a query, whatever else is in it; raises `InvalidArgument` for one that makes no sense."""
    known = {name: value for name, value in query.items() if name in Filters.model_fields}
    if known.get("sort") == "family" and "family" not in known:
        del known["sort"]  # the form sends it when all families are chosen again
    try:
        filters = Filters.model_validate(known)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InvalidArgument(f"{where}: {first['msg']}; the board's form has what can be chosen") from error
    if filters.budget is not None and not 0 <= filters.budget < math.inf:
        raise InvalidArgument(f"budget: expected a number of steps from 0, got {filters.budget}")
    return filters


def _whole(text: str, name: str, least: int = 1) -> int:
    """Returns the number of a query's part; raises `InvalidArgument` for what is none, or one that nothing has."""
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= least):
        raise InvalidArgument(f"{name}: expected a whole number from {least}, got {text[:40]!r}")
    return int(text)


def _rivals(read: Reader, view: SubmissionView) -> list[tuple[str, str]]:
    """Returns id and label of the best entries of the board beside this one."""
    rows = read.board(view.suite, Filters(), 1).rows[: RIVALS + 1]
    rivals = [row for row in rows if row.submission != view.id][:RIVALS]
    own = (view.id, view.name, view.version)
    told = views.labels([own, *((row.submission, row.name, row.version) for row in rivals)])
    return [(row.submission, told[row.submission]) for row in rivals]


def _is_tied(read: Reader, suite: str, row: BoardRow) -> bool:
    """Returns whether the board shows that an entry shares its rank: on the page that has it."""
    if row.rank is None or row.rank_high is None:
        return False
    # Its place is between the ends of its rank's interval.
    for number in range(1 + (row.rank - 1) // PER_PAGE, 2 + (row.rank_high - 1) // PER_PAGE):
        rows = read.board(suite, Filters(), number).rows
        if any(other.submission == row.submission for other in rows):
            return row.rank in views.shared_ranks(rows)
    return False
