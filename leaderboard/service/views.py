"""What each page shows, as records that its template reads: from the store's views to places on a chart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, get_args

from envsuite.catalogue import FAMILIES, SUITES
from envsuite.leaderboard.board import SCALE
from envsuite.leaderboard.charts import Axis, Mark, mark, unit_axis
from envsuite.leaderboard.intervals import Estimate
from envsuite.leaderboard.ranking import RANK_RULE
from envsuite.leaderboard.schemas import Trust
from envsuite.leaderboard.service.render import Urls
from envsuite.leaderboard.store.views import BoardRow, BoardView, Filters, Triple
from envsuite.task import Suite

LEADERS = 3
"""Entries of each board on the first page."""
ID_SHOWN = 6
"""Characters of an id that tell apart what has the same name and version."""
TRUST_LEVELS: tuple[Trust, ...] = get_args(Trust)
"""From least to most."""
BUDGETS = (1e5, 1e6, 1e7, 1e8, 1e9)
"""Steps of training that the filter offers."""
SORTS: tuple[tuple[str, str], ...] = (
    ("rank", "rank"),
    ("iqm", "IQM"),
    ("mean", "mean"),
    ("median", "median"),
    ("optimality_gap", "optimality gap"),
    ("success_rate", "success rate"),
    ("family", "mean of the chosen family"),
    ("newest", "newest first"),
    ("name", "name"),
)
"""Orders of the board and their names in the form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteCard:
    """A suite on the first page."""

    name: str
    summary: str
    tasks: int
    episodes: int
    leaders: tuple[BoardRow, ...]
    shared: frozenset[int]
    """Ranks that several entries have."""
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of the board with its place on the forest plot."""

    entry: BoardRow
    mark: Mark | None
    tied: bool
    """Whether another row of this page has the same rank."""
    tied_with_next: bool
    begins_unranked: bool
    """Whether the rows without a rank begin here."""


class Field(NamedTuple):
    """A list to choose from in the form of filters."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    chosen: str


class Chip(NamedTuple):
    """A link to the board with one filter changed."""

    name: str
    address: str
    current: bool


def to_estimate(triple: Triple | None) -> Estimate | None:
    """Returns a value and its interval as the charts take them."""
    return None if triple is None else Estimate(*triple)


def labels(entries: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """Returns what entries are called where one of them is chosen, by id, in their order.

    Name and version; of those that have both in common, the first characters of the id too.

    Args:
        entries: Id, name and version of each.
    """
    names = {identity: f"{name} {version}" for identity, name, version in entries}
    often = Counter(names.values())
    return {
        identity: f"{name} ({identity[:ID_SHOWN]})" if often[name] > 1 else name for identity, name in names.items()
    }


def row_labels(rows: Iterable[BoardRow]) -> dict[str, str]:
    """Returns the labels of rows of a board, by id."""
    return labels((row.submission, row.name, row.version) for row in rows)


def shared_ranks(rows: Iterable[BoardRow]) -> frozenset[int]:
    """Returns the ranks that several of the rows have."""
    often = Counter(row.rank for row in rows)
    return frozenset(rank for rank, count in often.items() if rank is not None and count > 1)


def suite_card(suite: Suite, board: BoardView) -> SuiteCard:
    """Returns a suite with its leaders: the first rows of its board."""
    return SuiteCard(
        name=suite.name,
        summary=suite.summary,
        tasks=len(suite.tasks),
        episodes=suite.episodes,
        leaders=tuple(row for row in board.rows[:LEADERS] if row.rank is not None) or tuple(board.rows[:LEADERS]),
        shared=shared_ranks(board.rows),
        total=board.total,
    )


def board_context(board: BoardView, urls: Urls) -> dict[str, Any]:
    """Returns what `suite.html` shows."""
    suite = SUITES.get(board.suite)
    family = board.filters.family
    estimates = [to_estimate(row.family if family else row.iqm) for row in board.rows]
    axis = unit_axis(estimates)
    return {
        "board": board,
        "about": {
            "summary": suite.summary if suite else "",
            "tasks": suite.task_ids if suite else (),
            "episodes": suite.episodes if suite else 0,
        },
        "family": FAMILIES[family].title if family is not None else None,
        "axis": axis,
        "rows": _lines(board, axis, estimates),
        "labels": row_labels(board.rows),
        "fields": _fields(board),
        "chips": _chips(board, urls),
        "filtered": board.filters.model_copy(update={"sort": "rank"}) != Filters(),
        "sorted_by": lambda sort: urls.board(board.suite, {**_query(board.filters), "sort": _unless(sort, "rank")}),
        "at_page": lambda page: urls.board(board.suite, {**_query(board.filters), "page": _unless(page, 1)}),
        "rank_rule": RANK_RULE,
        "scale_rule": SCALE,
    }


def _lines(board: BoardView, axis: Axis, estimates: Sequence[Estimate | None]) -> list[Line]:
    rows = board.rows
    shared = shared_ranks(rows)
    lines = []
    for index, (row, estimate) in enumerate(zip(rows, estimates, strict=True)):
        before = rows[index - 1].rank if index else None
        after = rows[index + 1].rank if index + 1 < len(rows) else None
        in_order = board.filters.sort == "rank"
        lines.append(
            Line(
                entry=row,
                mark=None if estimate is None else mark(axis, estimate),
                tied=row.rank in shared,
                tied_with_next=in_order and row.rank is not None and row.rank == after,
                begins_unranked=in_order and row.rank is None and (index == 0 or before is not None),
            )
        )
    return lines


def _query(filters: Filters) -> dict[str, Any]:
    """Returns the filters as a query, without those that hide nothing."""
    return {
        "family": filters.family,
        "trust": filters.trust,
        "budget": None if filters.budget is None else f"{filters.budget:g}",
        "learned": None if filters.learned is None else str(filters.learned).lower(),
        "sort": _unless(filters.sort, "rank"),
    }


def _unless(value: Any, usual: Any) -> Any:
    return None if value == usual else value


def _fields(board: BoardView) -> list[Field]:
    query = {name: value or "" for name, value in _query(board.filters).items()}
    families = tuple((name, FAMILIES[name].title if name in FAMILIES else name) for name in board.families)
    budgets = tuple((f"{steps:g}", f"at most {steps:,.0f} steps") for steps in BUDGETS)
    if query["budget"] and query["budget"] not in dict(budgets):
        budgets = (*budgets, (query["budget"], f"at most {board.filters.budget:,.0f} steps"))
    return [
        Field("family", "Family", (("", "all families"), *families), query["family"]),
        Field("trust", "Trust", (("", "any"), *((t, f"{t} or better") for t in TRUST_LEVELS[1:])), query["trust"]),
        Field("budget", "Training, as declared", (("", "any"), *budgets), query["budget"]),
        Field("learned", "Agents", (("", "all"), ("true", "learned"), ("false", "not learned")), query["learned"]),
        Field("sort", "Order", SORTS, query["sort"] or "rank"),
    ]


def _chips(board: BoardView, urls: Urls) -> list[Chip]:
    """Returns the levels of trust as links; their addresses change nothing else."""
    query = _query(board.filters)
    names: dict[Trust | None, str] = {None: "all entries"}
    names |= {trust: f"{trust} or better" for trust in TRUST_LEVELS[1:-1]}
    names[TRUST_LEVELS[-1]] = TRUST_LEVELS[-1]
    return [
        Chip(name, urls.board(board.suite, {**query, "trust": trust}), board.filters.trust == trust)
        for trust, name in names.items()
    ]
