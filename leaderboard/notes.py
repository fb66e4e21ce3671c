"""What a score's readers must know, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from envsuite.episode import FAILED_BY_AGENT
from envsuite.leaderboard.intervals import Estimate
from envsuite.leaderboard.ranking import too_few_runs
from envsuite.leaderboard.records import TaskScore


def why_no_aggregate(ranked: Sequence[TaskScore], runs: int) -> str | None:
    """Returns why no number can stand for the tasks with floor and ceiling of so many runs, or None where one can."""
    if not ranked:
        return "No task of the suite has both a floor and a ceiling, so there is no normalised aggregate."
    lacking = [score for score in ranked if score.runs < runs]
    if lacking:
        return f"No normalised aggregate: not every run has a scored episode of {_named(lacking)}."
    return None


def notes_on(scores: Sequence[TaskScore], iqm: Estimate | None, *, runs: int, learned: bool) -> list[str]:
    """Returns sentences on what is incomplete, failed, left out or less sure than it looks."""
    notes = [_on(scores, "missing", "Incomplete: {} not scored, of {}.")]
    notes.append(_on(scores, "env_errors", "The environment broke off {}, of {}."))
    how = _how_failed(scores)
    notes.append(
        _on(
            scores,
            "failed",
            f"The agent failed {{}} ({how}), counted as the floor (in Crafter's score as unlocking nothing), of {{}}.",
        )
    )
    unranked = [score for score in scores if score.floor is None or score.ceiling is None]
    if unranked and len(unranked) < len(scores):
        notes.append(f"Left out of the normalised aggregates for want of a floor or a ceiling: {_named(unranked)}.")
    notes.append(too_few_runs(runs, learned))
    if runs == 1:
        notes.append("One training run: intervals tell of other episodes, not of other trainings.")
    if iqm is not None and iqm.low == iqm.high:
        notes.append(
            "An aggregate's interval has no width: all scores it is made of agree, and resampling them cannot tell "
            "how far others might lie."
        )
    return [note for note in notes if note]


def _on(scores: Sequence[TaskScore], count: str, sentence: str) -> str | None:
    """Returns the sentence with the number of episodes and the tasks filled in, None where the count is 0."""
    having = [score for score in scores if getattr(score, count)]
    total = sum(getattr(score, count) for score in having)
    return sentence.format(_episodes(total), _named(having)) if having else None


def _how_failed(scores: Sequence[TaskScore]) -> str:
    """Returns how often each outcome that is a failure of the agent occurred, most frequent first."""
    counts: Counter[str] = Counter()
    for score in scores:
        counts.update({outcome: count for outcome, count in score.outcomes.items() if outcome in FAILED_BY_AGENT})
    return ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common())


def _episodes(count: int) -> str:
    return "1 episode" if count == 1 else f"{count} episodes"


def _named(scores: Sequence[TaskScore], at_most: int = 4) -> str:
    shown = ", ".join(score.task_id.removeprefix("envsuite/") for score in scores[:at_most])
    more = len(scores) - at_most
    return f"{shown} and {more} more" if more > 0 else shown
