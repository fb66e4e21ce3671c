"""Checks: what the header and the episodes of a result say about each other, without a key and without playing."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal

from envsuite.catalogue import SUITES
from envsuite.episode import Episode
from envsuite.errors import EnvsuiteError
from envsuite.leaderboard.canonical import canonical, finite
from envsuite.leaderboard.metrics import is_scored
from envsuite.leaderboard.resultfile import Header
from envsuite.leaderboard.results import Manifest, Results, key_of
from envsuite.suites import HELD_OUT, PUBLIC_SPLITS

Status = Literal["ok", "failed", "skipped"]
ROUNDING = 1e-12
"""Relative difference that two processors' logarithms and exponentials may make in a score."""
MAX_REPS = 100_000
"""Replicates of a bootstrap that a header may ask for; boards use 2,000."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    status: Status
    sentence: str


def check_claims(header: Header) -> Check:
    """Returns whether the level of trust that the header names may be had that way."""
    manifest, wrong = header.evaluation, []
    if header.trust in ("verified", "reproduced"):
        if manifest.split != HELD_OUT or manifest.commitment is None or header.season is None:
            wrong.append(f"the seeds are those of {manifest.split!r}, with no season's commitment to held-out ones")
        if header.sandbox is None or not header.sandbox.safe:
            wrong.append("the agent was in no safe sandbox")
        if manifest.submission is None:
            wrong.append("no submission is named")
    elif header.trust == "validated" and (manifest.split not in PUBLIC_SPLITS or manifest.seed != 0):
        wrong.append("the seeds are not the public ones of the suite")
    if manifest.shard is not None:
        wrong.append(f"it is shard {manifest.shard} of an evaluation")
    if wrong:
        return Check("claims", "failed", f"Called {header.trust}, but {'; '.join(wrong)}.")
    return Check("claims", "ok", f"Called {header.trust}; split, seeds and sandbox are as that takes.")


def check_suite(manifest: Manifest, attempts: Sequence[Episode]) -> Check:
    """Returns whether the suite is the one of that name, and every episode of it is there."""
    suite, known = manifest.suite, SUITES.get(manifest.suite.name)
    if known is not None and known != suite:
        return Check("suite", "failed", f"It is not {suite.name} as this envsuite has it ({version('envsuite')}).")
    counts = {entry.task_id: entry.episodes for entry in suite.tasks}
    there = {key_of(episode) for episode in attempts}
    for task_id, run, index in sorted(there):
        if not (0 <= run < manifest.runs and 0 <= index < counts.get(task_id, 0)):
            return Check("suite", "failed", f"{task_id}, run {run}, seed index {index} is no episode of {suite.name}.")
    unscored = there - {key_of(episode) for episode in attempts if is_scored(episode)}
    asked = suite.episodes * manifest.runs
    sentence = f"{len(there)} of the {asked} episodes of {suite.name} are there"
    sentence += f" (shard {manifest.shard})." if manifest.shard is not None else "."
    if unscored:
        sentence += f" {len(unscored)} of them have no score: the environment broke off every attempt."
    if known is None:
        sentence += " The suite is not one of envsuite's own."
    complete = len(there) == asked or manifest.shard is not None
    return Check("suite", "ok" if complete else "failed", sentence)


def check_score(header: Header, attempts: Sequence[Episode]) -> Check:
    """Returns whether the header's score is what this installation computes from the episodes."""
    stated = header.score
    seed, reps = stated.get("seed"), stated.get("reps")
    try:
        if type(seed) is not int or type(reps) is not int or not (1 <= reps <= MAX_REPS and 0 <= seed < 2**63):
            raise ValueError(f"expected a seed and 1 to {MAX_REPS} replicates, got {seed!r} and {reps!r}")
        computed = Results.of(header.evaluation, attempts).score(seed=seed, reps=reps).to_json()
    except (ValueError, ArithmeticError, TypeError, EnvsuiteError) as error:
        return Check("score", "failed", f"It cannot be computed from the episodes: {error}.")
    # Through JSON and back, so that tuples, integers and floats are of the kinds that a file has.
    again = json.loads(canonical(finite(computed)))
    if again == stated:
        return Check("score", "ok", "Every number of the score follows from the episodes, bit for bit.")
    where = _first_difference(stated, again)
    if where is None:
        return Check("score", "ok", "Every number of the score follows from the episodes, but for their last digits.")
    made_by, here = header.evaluation.envsuite, version("envsuite")
    why = f" It was computed by envsuite {made_by}, this is {here}." if made_by != here else ""
    return Check("score", "failed", f"The episodes give another score: {where}.{why}")


def _first_difference(stated: Any, computed: Any, where: str = "score") -> str | None:
    """Returns where two scores differ by more than rounding, None where they do not."""
    if isinstance(stated, dict) and isinstance(computed, dict) and stated.keys() == computed.keys():
        parts: Iterable[Any] = ((stated[key], computed[key], f"{where}.{key}") for key in stated)
    elif isinstance(stated, list) and isinstance(computed, list) and len(stated) == len(computed):
        parts = ((*pair, f"{where}[{i}]") for i, pair in enumerate(zip(stated, computed, strict=True)))
    elif isinstance(stated, float) and isinstance(computed, float):
        close = math.isclose(stated, computed, rel_tol=ROUNDING, abs_tol=ROUNDING)
        return None if close else f"{where}: stated {stated!r}, computed {computed!r}"
    else:
        same = type(stated) is type(computed) and stated == computed
        return None if same else f"{where}: stated {_short(stated)}, computed {_short(computed)}"
    return next(filter(None, (_first_difference(*part) for part in parts)), None)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."
