"""Several agents on one suite, ranked: for a terminal, as Markdown and as plain data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from envsuite.errors import InvalidArgument
from envsuite.leaderboard.intervals import Estimate
from envsuite.leaderboard.metrics import get_metric
from envsuite.leaderboard.ranking import RANK_RULE as RANK_RULE
from envsuite.leaderboard.ranking import Rank, rank, why_unranked
from envsuite.leaderboard.score import SuiteScore, TaskScore

NOTHING = "-"
"""What stands where there is no number."""

SCALE = "0 is the floor of a task (random or constant agent), 1 its ceiling (expert, human or published score)."
"""What normalised scores mean, in the words that every board shows."""


class Standing(NamedTuple):
    """A row of the board."""

    rank: Rank | None
    """Shared by ties; None where `ranking.why_unranked` says why."""
    score: SuiteScore


def standings(scores: Sequence[SuiteScore]) -> tuple[Standing, ...]:
    """Returns the rows of the board, best first: ranked agents by IQM, then the others; see `RANK_RULE`.

    Raises:
        InvalidArgument: For no scores, scores of several suites, or two of one agent.
    """
    suites = sorted({score.suite for score in scores})
    if len(suites) != 1:
        raise InvalidArgument(f"scores: expected those of one suite, got {suites}; show them on boards of their own")
    agents = [score.agent for score in scores]
    if len(set(agents)) < len(agents):
        raise InvalidArgument(f"scores: expected one per agent, got {sorted(agents)}; give the agents different names")
    ranked = [score for score in scores if why_unranked(score) is None]
    places = rank([score.iqm for score in ranked if score.iqm is not None])
    rows = [Standing(place, score) for place, score in zip(places, ranked, strict=True)]
    rows += [Standing(None, score) for score in scores if why_unranked(score) is not None]
    return tuple(sorted(rows, key=_best_first))


def _best_first(row: Standing) -> tuple[bool, bool, float, str]:
    value = None if row.score.iqm is None else row.score.iqm.value
    return row.rank is None, value is None, -(value or 0.0), row.score.agent


def show_number(value: float | None, digits: int | None = None) -> str:
    """Returns a number for people: about three digits, thousands with a comma; `NOTHING` for None."""
    if value is None:
        return NOTHING
    if digits is None:
        digits = _digits(value)
    return f"{round(value, digits) + 0.0:,.{digits}f}"


def show_estimate(estimate: Estimate | None, digits: int | None = None) -> str:
    """Returns `value [low, high]`, all three with as many decimals."""
    if estimate is None:
        return NOTHING
    if digits is None:
        digits = _digits(max(estimate, key=abs))
    value, low, high = (show_number(number, digits) for number in estimate)
    return f"{value} [{low}, {high}]"


def show_score(task: TaskScore) -> str:
    """Returns a task's score and interval in the unit of its metric."""
    return show_estimate(task.score, task_digits(task))


def task_digits(task: TaskScore) -> int | None:
    """Returns the decimals that suit the task's metric, or None where they depend on the magnitude."""
    if task.metric == "success_rate":
        return 2
    return 1 if get_metric(task.metric).percent else None


def _digits(value: float) -> int:
    magnitude = abs(value)
    return 2 if magnitude < 10 else 1 if magnitude < 100 else 0


def short(task_id: str) -> str:
    """Returns the id without its namespace."""
    return task_id.removeprefix("envsuite/")


MAIN_COLUMNS = ("Rank", "Agent", "IQM", "Mean", "Median", "Optimality gap", "Success", "Episodes", "Failed", "Missing")
TASK_COLUMNS = (
    "Task",
    "Metric",
    "Agent",
    "Score",
    "Normalised",
    "Floor",
    "Ceiling",
    "Runs",
    "Episodes",
    "Failed",
    "Missing",
    "Env errors",
    "Steps",
    "Truncated",
    "Seconds",
)


def main_rows(rows: Sequence[Standing]) -> list[tuple[str, ...]]:
    """Returns the cells of the main table, one tuple per agent in the order of `MAIN_COLUMNS`."""
    return [
        (
            NOTHING if place is None else str(place),
            score.agent,
            *(show_estimate(e, 2) for e in (score.iqm, score.mean, score.median, score.optimality_gap)),
            show_estimate(score.success_rate, 2),
            f"{score.episodes:,}",
            f"{score.failed:,}",
            f"{score.missing:,}",
        )
        for place, score in rows
    ]


def task_rows(rows: Sequence[Standing]) -> list[tuple[str, ...]]:
    """Returns the cells of the per-task table in the order of `TASK_COLUMNS`: by task, then by standing."""
    return [
        (
            short(task.task_id),
            get_metric(task.metric).title + (" (%)" if get_metric(task.metric).percent else ""),
            score.agent,
            show_score(task),
            show_estimate(task.normalised, 2),
            show_number(task.floor, task_digits(task)),
            show_number(task.ceiling, task_digits(task)),
            str(task.runs),
            *(f"{count:,}" for count in (task.episodes, task.failed, task.missing, task.env_errors)),
            show_number(task.mean_length, 0),
            NOTHING if task.truncated is None else f"{100 * task.truncated:.0f} %",
            show_number(task.wall_s),
        )
        for index in range(len(rows[0].score.tasks))
        for score, task in ((row.score, row.score.tasks[index]) for row in rows)
    ]


def shared_notes(rows: Sequence[Standing]) -> list[tuple[str, str]]:
    """Returns (sentence, the agents it holds for), what several agents share said once."""
    agents: dict[str, list[str]] = {}
    for _, score in rows:
        for note in score.notes:
            agents.setdefault(note, []).append(score.agent)
    every = "All agents" if len(rows) > 2 else ""
    return [(note, every if every and len(who) == len(rows) else ", ".join(who)) for note, who in agents.items()]


def to_text(scores: Sequence[SuiteScore]) -> RenderableType:
    """Returns the board for a terminal: the main table, the tasks, and what needs care."""
    rows = standings(scores)
    suite = rows[0].score.suite
    several = len(rows) > 1
    main = [name for name in _MAIN_SHOWN if name != "Rank" or several]  # nobody is first of one
    shown = [name for name in _TASK_SHOWN if name != "Agent" or several]
    parts: list[RenderableType] = [
        _table(f"{suite}: normalised scores", *_kept(main, MAIN_COLUMNS, main_rows(rows))),
        _table(f"{suite}: tasks", *_kept(shown, TASK_COLUMNS, task_rows(rows)), group=len(rows)),
    ]
    parts += [Text(f"{agents}: {note}") for note, agents in shared_notes(rows)]
    rule = f"{RANK_RULE} " if several else ""
    parts += [Text(SCALE, style="dim"), Text(f"{rule}Brackets: 95 % intervals.", style="dim")]
    return Group(*parts)


_MAIN_SHOWN = ("Rank", "Agent", "IQM", "Success", "Episodes", "Failed", "Missing")
_TASK_SHOWN = ("Task", "Agent", "Score", "Normalised", "Floor", "Ceiling")
_ONLY_IF_ANY = {"Failed", "Missing"}
_LEFT = {"Agent", "Task", "Metric"}


def _kept(
    shown: Sequence[str], columns: Sequence[str], cells: Sequence[tuple[str, ...]]
) -> tuple[list[str], list[tuple[str, ...]]]:
    """Returns the columns a terminal shows and their cells: counts of trouble only where there is any."""
    kept = [
        index
        for index, name in enumerate(columns)
        if name in shown and not (name in _ONLY_IF_ANY and all(row[index] == "0" for row in cells))
    ]
    return [columns[index] for index in kept], [tuple(row[index] for index in kept) for row in cells]


def _table(title: str, columns: Sequence[str], cells: Sequence[tuple[str, ...]], group: int = 0) -> Table:
    """Returns a table; with `group`, a line follows every `group` rows and repeated first cells are blank.

    Interval brackets are closed up, so that narrow terminals break before them and not within.
    """
    table = Table(title=Text(title), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=0)
    for name in columns:
        left = name in _LEFT
        table.add_column(
            name,
            justify="left" if left else "right",
            overflow="fold",
            min_width={"Agent": 8, "Score": 13, "Normalised": 13}.get(name, len(name)),
            no_wrap=name == "Task",
        )
    for index, row in enumerate(_blank_repeats(cells) if group else cells):
        table.add_row(
            *(
                Text(cell if name in _LEFT else cell.replace(", ", ","))
                for name, cell in zip(columns, row, strict=True)
            ),
            end_section=group > 1 and (index + 1) % group == 0,
        )
    return table


def _blank_repeats(cells: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Returns the rows with the first cell empty where it repeats the one above."""
    firsts = ["", *(row[0] for row in cells)]
    return [("" if row[0] == above else row[0], *row[1:]) for row, above in zip(cells, firsts, strict=False)]


def to_markdown(scores: Sequence[SuiteScore]) -> str:
    """Returns the board as GitHub-flavoured Markdown, agent names escaped."""
    rows = standings(scores)
    notes = [f"- {_escape(agents)}: {_escape(note)}" for note, agents in shared_notes(rows)]
    parts = [
        f"## {_escape(rows[0].score.suite)}",
        _markdown_table(MAIN_COLUMNS, main_rows(rows)),
        f"{SCALE} {RANK_RULE} Brackets: 95 % intervals.",
        "### Tasks",
        _markdown_table(TASK_COLUMNS, task_rows(rows)),
    ]
    return "\n\n".join([*parts, *(["### Notes", "\n".join(notes)] if notes else [])]) + "\n"


def _markdown_table(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    rule = [":--" if name in _LEFT else "--:" for name in columns]
    lines = [columns, rule, *([_escape(cell) for cell in row] for row in cells)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _escape(text: str) -> str:
    """Returns the text with what Markdown or HTML would read as markup made literal, on one line."""
    text = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{char}" if char in "\\`*_|~" or (char in "[]" and "](" in text) else char for char in text)


def to_json(scores: Sequence[SuiteScore]) -> str:
    """Returns the board as JSON text: the suite, the rule, and every score with its rank, best first."""
    rows = standings(scores)
    data = {
        "suite": rows[0].score.suite,
        "rank_rule": RANK_RULE,
        "standings": [
            {"rank": place and place.rank, "rank_interval": place, **score.to_json()} for place, score in rows
        ],
    }
    return json.dumps(data, indent=2, allow_nan=False)
