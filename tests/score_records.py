"""Scores made by hand, for tests of what is shown and ranked."""

from __future__ import annotations

from dataclasses import replace

from envsuite.leaderboard.intervals import Estimate
from envsuite.leaderboard.records import SuiteScore, TaskScore


def task_score(task_id="envsuite/toy-walk-v1", score=(50.0, 40.0, 60.0), **changes):
    fields = {
        "metric": "return",
        "normalised": Estimate(0.5, 0.4, 0.6),
        "success": None,
        "floor": 0.0,
        "ceiling": 100.0,
        "runs": 1,
        "episodes": 20,
        "failed": 0,
        "missing": 0,
        "env_errors": 0,
        "mean_length": 31.0,
        "truncated": 0.25,
        "wall_s": 0.125,
    }
    return TaskScore(task_id=task_id, score=Estimate(*score), **{**fields, **changes})


def suite_score(agent, iqm=(0.5, 0.4, 0.6), **changes):
    iqm = None if iqm is None else Estimate(*iqm)
    fields = {
        "suite": "toy-v1",
        "tasks": (task_score(), task_score("envsuite/toy-reach-v1", metric="success_rate", score=(1.0, 0.8, 1.0))),
        "mean": iqm,
        "median": iqm,
        "optimality_gap": iqm,
        "success_rate": Estimate(1.0, 0.8, 1.0),
        "families": {} if iqm is None else {"toy": iqm},
        "ranked": ("envsuite/toy-walk-v1", "envsuite/toy-reach-v1"),
        "unranked": (),
        "unscored": (),
        "runs": 1,
        "seed": 0,
        "reps": 10,
    }
    return SuiteScore(agent=agent, iqm=iqm, **{**fields, **changes})


def incomplete(agent, iqm=(0.9, 0.8, 1.0)):
    whole = suite_score(agent, iqm, notes=("Incomplete: 3 episodes not scored, of toy-walk-v1.",))
    return replace(whole, tasks=(replace(whole.tasks[0], missing=3, episodes=17), *whole.tasks[1:]))
