"""What a comparison of two agents says and does not say, in plain sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from envsuite.leaderboard.intervals import Estimate
from envsuite.leaderboard.paired import detectable
from envsuite.task import Suite

SEEDS_FOR_A_VERDICT = 10
"""Common seeds of every task that a verdict needs; the bootstrap of fewer gives intervals that are far too narrow."""


def verdict(a: str, b: str, iqm: Estimate | None, tasks: Sequence[tuple[int, str | None]]) -> str:
    """Returns the verdict on a and b.

    Args:
        a: Name of the first agent.
        b: Name of the second.
        iqm: Difference of their IQMs, a - b, or None without an aggregate.
        tasks: Per task the number of common seeds, and "a" or "b" where one is better.
    """
    least = min((seeds for seeds, _ in tasks if seeds), default=0)
    if 0 < least < SEEDS_FOR_A_VERDICT:
        return (
            f"No verdict on {a} and {b}: a task has {least} of the {SEEDS_FOR_A_VERDICT} common seeds that it takes, "
            "and intervals of so few are too narrow."
        )
    return f"{_overall(a, b, iqm)} {_by_task(a, b, tasks)}"


def _overall(a: str, b: str, iqm: Estimate | None) -> str:
    if iqm is None:
        return f"There is no aggregate by which {a} and {b} could be compared over the whole suite."
    if iqm.low > 0 or iqm.high < 0:
        better, worse, (value, low, high) = (a, b, iqm) if iqm.low > 0 else (b, a, (-iqm[0], -iqm[2], -iqm[1]))
        return f"{better} is better than {worse}: its IQM is higher by {value:.3f} [{low:.3f}, {high:.3f}]."
    value, low, high = (round(end, 3) + 0.0 for end in iqm)
    return (
        f"{a} and {b} cannot be told apart: their IQMs differ by {value:.3f} [{low:.3f}, {high:.3f}]. "
        f"A true difference of {detectable(iqm):.3f} would be found by 4 in 5 such comparisons."
    )


def _by_task(a: str, b: str, tasks: Sequence[tuple[int, str | None]]) -> str:
    tested = [better for seeds, better in tasks if seeds]
    if not tested:
        return "They have no seed in common."
    of = f"Of {len(tested)} tasks" if len(tested) > 1 else "On the one task"
    wins_a, wins_b = tested.count("a"), tested.count("b")
    if not wins_a and not wins_b:
        return f"{of}, corrected for their number, none tells them apart."
    won = [f"{name} is better on {count}" for name, count in ((a, wins_a), (b, wins_b)) if count]
    return f"{of}, corrected for their number, {' and '.join(won)}."


def notes_on(
    runs: Mapping[str, int], seeds: Sequence[tuple[str, int]], suite: Suite, left_out: Sequence[str]
) -> tuple[str, ...]:
    """Returns sentences on what the comparison rests on and what it leaves open.

    Args:
        runs: Agent -> its training runs.
        seeds: Task and number of common seeds, every task of the suite.
        suite: What was to be played.
        left_out: Tasks with floor and ceiling that have no common seed.
    """
    notes = []
    single = [agent for agent, count in runs.items() if count == 1]
    if single:
        notes.append(f"One training run of {' and of '.join(single)}: other trainings may compare otherwise.")
    if any(count > 1 for count in runs.values()):
        notes.append("Intervals resample seeds and training runs; the tests of single tasks resample seeds only.")
    asked = {entry.task_id: entry.episodes for entry in suite.tasks}
    fewer = [(task_id, count) for task_id, count in seeds if count < asked[task_id]]
    if fewer:
        named = [(task_id.removeprefix("envsuite/"), count, asked[task_id]) for task_id, count in fewer[:4]]
        shown = ", ".join(f"{name} ({count} of {wanted})" for name, count, wanted in named)
        more = f" and {len(fewer) - 4} more" if len(fewer) > 4 else ""
        notes.append(f"Not every seed was played by every run of both: {shown}{more}.")
    if left_out:
        notes.append(f"No aggregate, since {len(left_out)} of its tasks have no common seed.")
    return tuple(notes)
