"""The page that compares two agents on the seeds that both have played."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import envsuite
from envsuite.catalogue import TASKS, get_suite
from envsuite.episode import Episode
from envsuite.errors import StoreUnavailable
from envsuite.leaderboard.board import show_estimate, show_number
from envsuite.leaderboard.bootstrap import bootstrap_improvement
from envsuite.leaderboard.charts import Axis, Mark, mark, zero_axis
from envsuite.leaderboard.compare import compare
from envsuite.leaderboard.intervals import Estimate
from envsuite.leaderboard.intervals import difference as independent_difference
from envsuite.leaderboard.records import Comparison, SuiteScore, TaskComparison
from envsuite.leaderboard.results import Manifest, Results
from envsuite.leaderboard.schemas import SubmissionView
from envsuite.leaderboard.service.submission_view import profile_plot, read_score
from envsuite.leaderboard.service.views import labels
from envsuite.leaderboard.store.views import CompareView
from envsuite.seeding import stream
from envsuite.suites import HELD_OUT
from envsuite.task import Task

KEPT = 256
"""Comparisons that are remembered; one of two agents with 5 runs on `core-v1` takes about 0.6 s to compute."""
RUNS_FOR_A_CHANCE = 2
"""Runs of each side, played on different seeds, that a probability of improvement takes."""
ONE_RUN = "The probability that a run beats another takes two runs of each: one run tells no chance between runs."
WAITING = 6
"""Requests that may wait for a comparison to be computed; more are sent away, so that they do not hold up the pages."""

Scores = tuple[SuiteScore | None, SuiteScore | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow:
    """A task of the comparison."""

    task_id: str
    first: Estimate | None
    second: Estimate | None
    difference: Estimate | None
    """Of normalised scores; None where the task has no floor or no ceiling."""
    mark: Mark | None
    side: str
    """`better` where the first agent is, `worse` where the second is, empty where that is open."""
    said: str
    """That in words, and what has no place on the axis."""


def compare_context(first: SubmissionView, second: SubmissionView, read: Callable[[], CompareView]) -> dict[str, Any]:
    """Returns what `compare.html` shows; of two that were played on different seeds, what can be said without pairs.

    Args:
        first: One of the two, as the board shows it now.
        second: The other.
        read: Gives both with their episodes; called, one caller at a time, unless these two are remembered as they are
            now: with the same results, which the ledger has, and levels of trust.

    Raises `StoreUnavailable` while too many others wait for their comparisons.
    """
    key = tuple((view.id, view.ledger_index, view.trust) for view in (first, second))
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    if not _waiting.acquire(blocking=False):
        raise StoreUnavailable("comparisons: too many are being computed; ask for this one again in a moment")
    try:
        with _computing:
            context = _kept.get(key) or _context(read())
    finally:
        _waiting.release()
    with _lock:
        _kept[key] = context
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return context


_lock = threading.Lock()
_computing = threading.Lock()
_waiting = threading.BoundedSemaphore(WAITING)
_kept: OrderedDict[tuple[object, ...], dict[str, Any]] = OrderedDict()


def _context(view: CompareView) -> dict[str, Any]:
    scores = (read_score(view.first), read_score(view.second))
    names = _names(view)
    own = _paired(view, scores) if view.common_seeds else _apart(view, names, scores)
    profiles = [(name, score.profile) for name, score in zip(names, scores, strict=True) if score and score.profile]
    same = len({profile.taus for _, profile in profiles}) == 1
    return {
        "suite": view.suite,
        "first": view.first,
        "second": view.second,
        "names": names,
        "titles": _titles(view),
        "plot": profile_plot(profiles) if len(profiles) == 2 and same else None,
        **own,
    }


def _paired(view: CompareView, scores: Scores) -> dict[str, Any]:
    result = compare(_results(view, 0), _results(view, 1))
    differences = [_normalised(row) for row in result.tasks]
    axis = zero_axis(differences)
    tiles = [
        ("Difference of IQM", result.iqm, "difference"),
        ("Difference of mean", result.mean, "difference"),
        (_improvement_title(result.a, result.b), result.improvement, ""),
    ]
    lines = _rows(result, scores, differences, axis)
    return {"verdict": result.verdict, "notes": result.notes, "tiles": tiles, "axis": axis, "lines": lines}


def _apart(view: CompareView, names: tuple[str, str], scores: Scores) -> dict[str, Any]:
    """Returns the differences of two scores from different seeds, as those of independent numbers."""
    one, two = ({task.task_id: task.normalised for task in score.tasks} if score else {} for score in scores)
    differences = [_difference(one[task_id], two.get(task_id)) for task_id in one]
    axis = zero_axis(differences)
    return {
        "verdict": f"{names[0]} and {names[1]} were played on different seeds, so their episodes are no pairs.",
        "notes": (
            "Intervals are those of two independent scores: wider than on common seeds, and without a verdict.",
            *((ONE_RUN,) if 0 < _fewest_runs(view) < RUNS_FOR_A_CHANCE else ()),
        ),
        "tiles": [
            (f"Difference of {title}", _difference(*(getattr(s, name, None) for s in scores)), "difference")
            for name, title in (("iqm", "IQM"), ("mean", "mean"), ("success_rate", "success rate"))
        ]
        + [(_improvement_title(*names), _improvement(view), "")],
        "axis": axis,
        "lines": [
            TaskRow(
                task_id=task_id,
                first=one[task_id],
                second=two.get(task_id),
                difference=difference,
                mark=None if difference is None else mark(axis, difference),
                side="",
                said="",
            )
            for task_id, difference in zip(one, differences, strict=True)
        ],
    }


def _improvement_title(first: str, second: str) -> str:
    return f"Probability that a run of {first} beats one of {second}"


def _improvement(view: CompareView) -> Estimate | None:
    """Returns the chance that a run of the first beats one of the second on a task, their runs drawn independently."""
    one, two = view.per_run
    tasks = _common_tasks(view)
    if not tasks or len({len(one[t]) for t in tasks}) > 1 or len({len(two[t]) for t in tasks}) > 1:
        return None
    if _fewest_runs(view) < RUNS_FOR_A_CHANCE:
        return None
    x, y = (np.array([side[task_id] for task_id in tasks]).T for side in (one, two))
    return bootstrap_improvement(x, y, stream(0, "improvement", view.suite))


def _common_tasks(view: CompareView) -> list[str]:
    one, two = view.per_run
    return [task_id for task_id in one if one[task_id] and two.get(task_id)]


def _fewest_runs(view: CompareView) -> int:
    """Returns the runs of the side that has fewer of any common task; 0 without one."""
    return min((len(side[task_id]) for side in view.per_run for task_id in _common_tasks(view)), default=0)


def _difference(one: Estimate | None, two: Estimate | None) -> Estimate | None:
    return None if one is None or two is None else independent_difference(one, two)


def _rows(result: Comparison, scores: Scores, differences: Sequence[Estimate | None], axis: Axis) -> list[TaskRow]:
    own = [{task.task_id: task.normalised for task in score.tasks} if score else {} for score in scores]
    return [
        TaskRow(
            task_id=row.task_id,
            first=own[0].get(row.task_id),
            second=own[1].get(row.task_id),
            difference=difference,
            mark=None if difference is None else mark(axis, difference),
            side={"a": "better", "b": "worse", None: ""}[row.better],
            said=_said(result, row, difference),
        )
        for row, difference in zip(result.tasks, differences, strict=True)
    ]


def _said(result: Comparison, row: TaskComparison, difference: Estimate | None) -> str:
    if row.difference is None:
        return "no seed in common"
    winner = {"a": result.a, "b": result.b, None: None}[row.better]
    parts = [f"{winner} is better, p = {show_number(row.p_holm, 3)}" if winner else ""]
    if difference is None:
        parts.append(f"not normalised: {show_estimate(row.difference)}")
    return "; ".join(part for part in parts if part)


def _normalised(row: TaskComparison) -> Estimate | None:
    task: Task | None = TASKS.get(row.task_id)
    if row.difference is None or task is None or task.floor is None or task.ceiling is None:
        return None
    return Estimate(*(end / (task.ceiling.value - task.floor.value) for end in row.difference))


def _sides(view: CompareView) -> tuple[SubmissionView, SubmissionView]:
    return view.first, view.second


def _names(view: CompareView) -> tuple[str, str]:
    """Returns both names; where they are equal, with what tells the two apart."""
    one, two = _sides(view)
    return _titles(view) if one.name == two.name else (one.name, two.name)


def _titles(view: CompareView) -> tuple[str, str]:
    """Returns both names with their versions, and of equal ones with the beginnings of their ids."""
    one, two = _sides(view)
    told = labels((side.id, side.name, side.version) for side in (one, two))
    return told[one.id], told[two.id]


def _results(view: CompareView, index: int) -> Results:
    """Returns the episodes of one side as `compare` takes them."""
    side = _sides(view)[index]
    manifest = Manifest(
        suite=get_suite(view.suite),
        split=HELD_OUT,
        agent=_names(view)[index],
        entry_point="submission",
        seed=0,
        runs=side.runs,
        envsuite=envsuite.__version__,
        simulators={},
    )
    return Results.of(manifest, [Episode.from_json(episode.record) for episode in view.episodes[index]])
