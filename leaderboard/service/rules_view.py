"""The page of rules; every number on it is read from the code that applies it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envsuite.catalogue import SUITES
from envsuite.episode import FAILED_BY_AGENT, Outcome
from envsuite.leaderboard.board import SCALE
from envsuite.leaderboard.intervals import CONFIDENCE, REPS
from envsuite.leaderboard.ranking import RANK_RULE, RUNS_TO_RANK
from envsuite.leaderboard.records import COARSE_DIGITS
from envsuite.leaderboard.schemas import Trust
from envsuite.leaderboard.seeds import SECRET_BYTES
from envsuite.leaderboard.service.render import size
from envsuite.leaderboard.service.settings import ServiceLimits
from envsuite.suites import HELD_OUT
from envsuite.task import Budget

OUTCOMES: Mapping[Outcome, str] = {
    "invalid_action": "The answer is outside the action space: NaN, a wrong shape, a wrong type.",
    "agent_crash": "The agent's code raised an exception, or its process ended by itself.",
    "agent_timeout": "The agent used up its time.",
    "agent_killed": "The agent took more memory, processes, disk or log than its budget, or sent no proper answer.",
}
"""Every outcome that scores the floor, in words."""
LEVELS: Mapping[Trust, str] = {
    "self-reported": "Numbers that the submitter uploaded. Shown, never ranked.",
    "validated": "The uploaded actions, replayed by the server without the agent, gave the same episodes.",
    "verified": "The server ran the agent in the sandbox on held-out seeds.",
    "reproduced": (
        "A second run by the server, in the same environments with other agent seeds, whose score does not differ from "
        "the first beyond luck: the 95 % interval of the difference of the two contains 0. An agent that failed every "
        "episode stays verified."
    ),
}
"""Every level of trust, in words, from least to most."""


def rules_context(limits: ServiceLimits) -> dict[str, Any]:
    """Returns what `rules.html` shows."""
    return {
        "held_out": HELD_OUT,
        "secret_bytes": SECRET_BYTES,
        "coarse_digits": COARSE_DIGITS,
        "budgets": _budgets(),
        "budget_labels": tuple(budget_cells(Budget())),
        "outcomes": [(outcome, OUTCOMES[outcome]) for outcome in OUTCOMES if outcome in FAILED_BY_AGENT],
        "levels": tuple(LEVELS.items()),
        "scale_rule": SCALE,
        "rank_rule": RANK_RULE,
        "min_runs": RUNS_TO_RANK,
        "confidence": CONFIDENCE,
        "reps": REPS,
        "limits": _limits(limits),
        "suites": list(SUITES.values()),
    }


def budget_cells(budget: Budget) -> dict[str, str]:
    """Returns every limit of an agent by its label."""
    return {
        "Answer to one step": f"{budget.step_s:g} s",
        "Bank for longer answers, per episode": f"{budget.bank_s:g} s",
        "Start of a process": f"{budget.start_s:g} s",
        "Memory": size(budget.memory_bytes),
        "Processes and threads": str(budget.processes),
        "Files in /tmp": size(budget.disk_bytes),
        "Log": size(budget.log_bytes),
        "One answer": size(budget.frame_bytes),
    }


def _budgets() -> list[tuple[str, dict[str, str]]]:
    """Returns the default budget and those of suites that have their own."""
    own = [(suite.name, suite.budget) for suite in SUITES.values() if suite.budget != Budget()]
    return [(name, budget_cells(budget)) for name, budget in [("Default", Budget()), *own]]


def _limits(limits: ServiceLimits) -> list[tuple[str, str]]:
    return [
        ("Uploads", f"{limits.uploads_per_day} a day for each account"),
        ("Evaluations", "one at a time for each account; others wait in the queue"),
        ("Bundle", f"at most {size(limits.bundle_bytes)}"),
        ("Uploaded results", f"at most {size(limits.results_bytes)}"),
        ("Requests", f"{limits.token_rate:g} a second for each token, {limits.address_rate:g} without one"),
    ]
