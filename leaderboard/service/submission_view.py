"""The page of a submission: tiles, bars per task, profile, replays, provenance, and what was only declared."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from envsuite.catalogue import FAMILIES
from envsuite.leaderboard.board import short, show_estimate, task_digits
from envsuite.leaderboard.charts import Axis, Bar, Curve, Tick, curve, mark, unit_axis
from envsuite.leaderboard.intervals import Estimate
from envsuite.leaderboard.profiles import Profile
from envsuite.leaderboard.records import SuiteScore, TaskScore
from envsuite.leaderboard.schemas import SubmissionView
from envsuite.leaderboard.service.render import DASH, minus, shown_minute, shown_number, size
from envsuite.leaderboard.store.views import SubmissionDetail, Triple

WAITING = ("queued", "running")
STATES: Mapping[str, str] = {
    "queued": "It waits for a worker.",
    "running": "Its episodes are being played.",
    "rejected": "It cannot be evaluated; the submission is at fault.",
    "failed": "The server failed; an admin has been asked to look. Nothing needs to be sent again.",
    "cancelled": "It was taken back.",
}
"""What a state means to whoever waits for the score."""
_TIME = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_BYTES = re.compile(r"(?<![\w.:])(\d{7,15})\b(?! ?[KMG]i?B)(?: bytes)?")
TABLE_STEP = 5
"""Every so many thresholds of a profile stand in its table."""


class TaskBar(NamedTuple):
    """A bar of the chart per task; a family's mean has no task."""

    bar: Bar
    """Of the normalised score; where there is none, its interval says why."""
    task_id: str
    told: str
    """The score and its interval in the unit of the metric; empty of a mean."""
    metric: str


class FamilyBars(NamedTuple):
    """The bars of one family, its mean first where it has several tasks."""

    title: str
    bars: tuple[TaskBar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLine:
    """A row of the table of all numbers."""

    entry: TaskScore
    floor: float | None
    ceiling: float | None
    outcomes: tuple[tuple[str, int], ...]
    agent_ms: float | None
    """Mean milliseconds that the agent took for one step."""
    wall_s: float | None
    """Mean seconds of an episode."""


class Plot(NamedTuple):
    """Performance profiles over one range of normalised scores."""

    left: float
    """Where the range begins, in percent of the width."""
    width: float
    curves: tuple[Curve, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    table: tuple[tuple[float, tuple[Triple, ...]], ...]


class Declared(NamedTuple):
    """A field of the manifest that nobody has checked."""

    label: str
    texts: tuple[str, ...]


def submission_context(submission: SubmissionView, detail: SubmissionDetail | None) -> dict[str, Any]:
    """Returns what `submission.html` shows, but for replays, rivals and the public key."""
    score = read_score(submission) if detail else None
    context: dict[str, Any] = {
        "submission": submission,
        "detail": detail,
        "description": str(submission.declared.get("description", "")),
        "row": detail.row if detail else None,
        "ledger": detail.ledger if detail else None,
        "evaluations": detail.evaluations if detail else [],
        "waiting": submission.state in WAITING,
        "state_title": STATES.get(submission.state, ""),
        "provenance": list(_provenance(submission)),
        "features": list(_features(submission)),
        "declared": list(_declared(submission.declared)),
        "notes": score.notes if score else (),
        "plot": profile_plot([(submission.name, score.profile)]) if score and score.profile else None,
    }
    if score and detail:
        axis = unit_axis(task.normalised for task in score.tasks)
        context.update(axis=axis, families=_families(score, axis), table=_table(score, detail))
    else:
        context.update(axis=None, families=(), table=())
    return context


def read_score(submission: SubmissionView) -> SuiteScore | None:
    """Returns the score of a submission; None where it has none, or one that another version has written otherwise."""
    try:
        return None if submission.score is None else SuiteScore.from_json(submission.score)
    except (KeyError, TypeError, ValueError):
        return None


def _families(score: SuiteScore, axis: Axis) -> tuple[FamilyBars, ...]:
    groups = []
    for index, name in enumerate(dict.fromkeys(task.family for task in score.tasks)):
        own = [task for task in score.tasks if task.family == name]
        bars = [_task_bar(task, axis, index % 7) for task in own]
        mean = score.families.get(name)
        if mean is not None and len(own) > 1:
            bars.insert(0, TaskBar(_bar("Mean", 7, mean, axis), "", "", ""))
        groups.append(FamilyBars(FAMILIES[name].title if name in FAMILIES else name, tuple(bars)))
    return tuple(groups)


def _task_bar(task: TaskScore, axis: Axis, hue: int) -> TaskBar:
    name, told = short(task.task_id), minus(show_estimate(task.score, task_digits(task)))
    if task.normalised is not None:
        bar = _bar(name, hue, task.normalised, axis, faint=not task.complete)
    else:
        why = "no score" if task.score is None else "no ceiling" if task.ceiling is None else "no floor"
        bar = Bar(name, hue, DASH, why, 0, 0, 0, 0, not task.complete, empty=True)
    return TaskBar(bar, task.task_id, told if task.score else "", task.metric)


def _bar(name: str, hue: int, estimate: Estimate, axis: Axis, *, faint: bool = False) -> Bar:
    at = mark(axis, estimate)
    value, _, interval = minus(show_estimate(estimate, 2)).partition(" ")
    return Bar(name, hue, value, interval, at.start, at.width, at.low, at.high, faint, empty=False)


def _table(score: SuiteScore, detail: SubmissionDetail) -> tuple[TaskLine, ...]:
    lines = []
    for task in score.tasks:
        timings = detail.timings.get(task.task_id, {})
        steps, agent_s = timings.get("steps"), timings.get("agent_s")
        outcomes = detail.outcomes.get(task.task_id) or task.outcomes
        lines.append(
            TaskLine(
                entry=task,
                floor=task.floor,
                ceiling=task.ceiling,
                outcomes=tuple(sorted(outcomes.items(), key=lambda pair: -pair[1])),
                agent_ms=None if not steps or agent_s is None else 1000 * agent_s / steps,
                wall_s=timings.get("wall_s", task.wall_s),
            )
        )
    return tuple(lines)


def profile_plot(profiles: Sequence[tuple[str, Profile]]) -> Plot:
    """Returns the chart of profiles that have the same thresholds, each with its name."""
    taus = profiles[0][1].taus
    margin = 2.0
    span = (taus[-1] - taus[0]) or 1.0

    def place(tau: float) -> float:
        return round(margin + (100 - 2 * margin) * (tau - taus[0]) / span, 3)

    marks = ((0.0, "0", "floor"), (0.25, "0.25", "plain"), (0.5, "0.5", "plain"), (0.75, "0.75", "plain"))
    shares = [[Estimate(*ends) for ends in zip(p.value, p.low, p.high, strict=True)] for _, p in profiles]
    return Plot(
        left=margin,
        width=100 - 2 * margin,
        curves=tuple(curve(name, hue, taus, shares[hue]) for hue, (name, _) in enumerate(profiles)),
        across=tuple(Tick(place(at), label, kind) for at, label, kind in (*marks, (1.0, "1", "ceiling"))),
        up=tuple(Tick(round(3 + 88 * (1 - share), 3), f"{share:.0%}", "plain") for share in (0.0, 0.5, 1.0)),
        table=tuple(
            (taus[index], tuple((own[index].value, own[index].low, own[index].high) for own in shares))
            for index in range(0, len(taus), TABLE_STEP)
        ),
    )


def _provenance(submission: SubmissionView) -> Iterator[tuple[str, str]]:
    if submission.season:
        yield "Season", submission.season
    for label, value in (submission.machine or {}).items():
        yield _label(label), _legible(value)
    if submission.finished_at:
        yield "Finished", shown_minute(submission.finished_at)


def _features(submission: SubmissionView) -> Iterator[tuple[str, str]]:
    """Yields what the sandbox has enforced, by name."""
    for name, text in sorted((submission.sandbox or {}).get("features", {}).items()):
        yield _label(name), _legible(text)


def _label(name: str) -> str:
    text = str(name).replace("_", " ")
    return text[:1].upper() + text[1:]


def _legible(value: Any) -> str:
    """Returns what a worker has told, with sizes and times for people: bytes in GiB, times as elsewhere on the page."""
    text = str(value) if type(value) is int else _told(value)
    text = _BYTES.sub(lambda found: size(int(found[1])) if int(found[1]) % 1024 == 0 else found.group(), text)
    with contextlib.suppress(ValueError):  # a worker may have told a time that there is none
        text = _TIME.sub(lambda found: shown_minute(found.group()), text)
    return text


def _declared(declared: Mapping[str, Any]) -> Iterator[Declared]:
    """Yields the declared fields but the description; whatever form they have, as lines of text."""
    for name, value in declared.items():
        if name == "description" or value in (None, "", [], {}):
            continue
        label = _label(name)
        if isinstance(value, Mapping):
            for key, part in value.items():
                if name == "links":
                    yield Declared(str(key), (_told(part),))
                else:
                    yield Declared(f"{label}, {str(key).replace('_', ' ')}", (_told(part),))
        elif name == "runs" and isinstance(value, list):
            yield Declared("Training runs", tuple(_run_told(index, run) for index, run in enumerate(value)))
        else:
            yield Declared(label, (_told(value),))


def _run_told(index: int, run: Any) -> str:
    if not isinstance(run, Mapping):
        return _told(run)
    parts = [f"run {index}"]
    if run.get("seed") is not None:
        parts.append(f"seed {run['seed']}")
    parts += [_told(run[name]) for name in ("weights", "note") if run.get(name)]
    return ": ".join([parts[0], ", ".join(parts[1:])]) if len(parts) > 1 else parts[0]


def _told(value: Any) -> str:
    """Returns plain data as one line of text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float) and math.isfinite(value):
        return minus(f"{value:,}") if isinstance(value, int) else shown_number(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_told(part)}" for key, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_told, value))
    return str(value)
