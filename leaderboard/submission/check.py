"""Checks a submission as a server would before it plays it, and plays one episode of every task."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from envsuite.catalogue import family_of, get_suite
from envsuite.episode import FAILED_BY_AGENT, Episode, Start
from envsuite.errors import InstallFailed, InvalidSubmission, MissingSimulator, SandboxUnavailable
from envsuite.leaderboard.executors.jobs import Job
from envsuite.leaderboard.executors.player import Player
from envsuite.leaderboard.results import MANIFEST as RESULTS
from envsuite.leaderboard.sandbox import choose
from envsuite.leaderboard.sandbox.agent import SandboxedSubmission
from envsuite.leaderboard.sandbox.base import Enforced
from envsuite.leaderboard.seeds import PublicSeeds
from envsuite.leaderboard.submission.bundle import Bundle
from envsuite.leaderboard.submission.manifest import MANIFEST, SubmissionManifest
from envsuite.leaderboard.submission.names import EXCLUDED, Limits
from envsuite.registration import require_simulator
from envsuite.task import Suite

SPLIT = "train"
"""Seeds of the split that may be used for anything; its first is played."""
RANKED_RUNS = 5
"""Training runs that a learned agent needs for a rank."""
LOG_TAIL = 2000
"""How many last characters of what the agent has printed are reported."""
LOG_LINE = 500
"""How many characters of an error are reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCheck:
    """How the one episode of a task went."""

    task_id: str
    run: int
    """Which training run played."""
    outcome: str
    """Of the episode; "not played" where its simulator or the sandbox is missing."""
    length: int = 0
    return_: float = 0.0
    ms_per_action: float = 0.0
    """Mean milliseconds that the agent took for a step, the way through the sandbox included."""
    problem: str = ""
    """Why the agent has failed, or why nothing was played: the last line of the error."""
    log_tail: str = ""
    """What the agent has printed last."""

    @property
    def failed(self) -> bool:
        """Whether the agent is at fault."""
        return self.outcome in FAILED_BY_AGENT


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """Everything that was found; `ok` is whether a server would take and play it."""

    problems: tuple[str, ...] = ()
    """One line each, with file and line where there is one."""
    notes: tuple[str, ...] = ()
    """What is no problem but worth knowing."""
    manifest: SubmissionManifest | None = None
    sha256: str | None = None
    files: int = 0
    size_bytes: int = 0
    """Of all files together."""
    tasks: tuple[TaskCheck, ...] = ()
    enforced: Enforced | None = None
    """By the sandbox that the episodes were played in."""

    @property
    def ok(self) -> bool:
        """Whether no problem was found."""
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        """Returns plain data."""
        enforced = self.enforced
        return {
            "ok": self.ok,
            "problems": list(self.problems),
            "notes": list(self.notes),
            "manifest": self.manifest.model_dump(mode="json") if self.manifest else None,
            "sha256": self.sha256,
            "files": self.files,
            "size_bytes": self.size_bytes,
            "tasks": [{name.rstrip("_"): getattr(task, name) for name in task.__slots__} for task in self.tasks],
            "sandbox": enforced
            and {"provider": enforced.provider, "safe": enforced.safe, "features": dict(enforced.features)},
        }


def check(
    path: Path | str,
    *,
    play: bool = True,
    provider: str | None = None,
    suite: Suite | None = None,
    limits: Limits | None = None,
    cache: Path | None = None,
    on_task: Callable[[TaskCheck], None] | None = None,
) -> CheckReport:
    """Returns everything that is wrong with a submission, a folder or a zip file.

    First files, manifest, entry point and lock file, all at once; if they are in order and `play` is set, the
    requirements are installed and every task of the suite is played once in a sandbox, training runs in turn.

    Args:
        path: of the folder or zip file.
        play: whether anything of the submission is run.
        provider: of the sandbox; the best one this machine has by default. "subprocess" is UNSAFE.
        suite: played instead of the one that the manifest declares.
        limits: on the size of the bundle; a server's may be others.
        cache: folder of installed requirements.
        on_task: called with every task as it was played.

    Raises OSError where there is nothing at `path`; what is wrong with a submission is never raised.
    """
    try:
        require(Path(path))
        bundle = Bundle.open(path, limits)
    except InvalidSubmission as error:
        return CheckReport(problems=error.problems)
    with bundle:
        files = [file for file in bundle.folder.rglob("*") if file.is_file()]
        report = CheckReport(
            notes=tuple(_notes(Path(path), bundle.manifest)),
            manifest=bundle.manifest,
            sha256=bundle.sha256,
            files=len(files),
            size_bytes=sum(file.stat().st_size for file in files),
        )
        if not play:
            return report
        try:
            packages = bundle.install_requirements(cache)
            sandbox = choose(provider)
        except InvalidSubmission as error:
            return replace(report, problems=error.problems)
        except (InstallFailed, SandboxUnavailable) as error:
            return replace(report, problems=(f"not played: {error}",))
        suite = suite or get_suite(bundle.manifest.suite)
        submission = SandboxedSubmission(
            bundle.folder,
            entry_point=bundle.manifest.entry_point,
            provider=sandbox.name,
            budget=suite.budget,
            packages=packages,
            unsafe_ok=not sandbox.safe,
        )
        tasks = list(_play(submission, suite, max(1, len(bundle.manifest.runs)), on_task))
        return _with_tasks(report, tasks, submission.enforced)


def require(path: Path) -> None:
    """Raises where there is no submission at all: `FileNotFoundError`, or `InvalidSubmission` for another folder."""
    begins = f"no {MANIFEST} was found; `envsuite submission new NAME` begins a submission"
    if not (path.is_dir() or path.is_file()):
        raise FileNotFoundError(
            f"expected the folder or zip file of a submission, got {path}, which is none: {begins}. "
            "`envsuite submit` takes a folder of results, too"
        )
    if path.is_dir() and not os.path.lexists(path / MANIFEST):
        other = "`envsuite submit` takes a folder of results, too"
        if (path / RESULTS).is_file():
            other = "it is a folder of results, which `envsuite submit` takes as it is"
        raise InvalidSubmission([f"{path}: {begins}; {other}"])


def _notes(path: Path, manifest: SubmissionManifest) -> Iterator[str]:
    if path.is_dir():
        left_out = sorted({name.name for name in path.rglob("*") if name.name in EXCLUDED})
        if left_out:
            yield f"{', '.join(left_out)}: no part of the bundle, left out"
    if manifest.learned and len(manifest.runs) < RANKED_RUNS:
        given = "1 training run" if len(manifest.runs) == 1 else f"{len(manifest.runs)} training runs"
        yield f"{given}: shown on the board without a rank, for which a learned agent needs {RANKED_RUNS}"


def _with_tasks(report: CheckReport, tasks: Sequence[TaskCheck], enforced: Enforced | None) -> CheckReport:
    problems = _told_once(tasks, [task for task in tasks if task.failed])
    others = _told_once(tasks, [task for task in tasks if task.problem and not task.failed])
    return replace(report, problems=problems, notes=report.notes + others, tasks=tuple(tasks), enforced=enforced)


def _told_once(tasks: Sequence[TaskCheck], at_fault: Sequence[TaskCheck]) -> tuple[str, ...]:
    """Returns a line for every problem, with all tasks that have the same one."""
    found: dict[str, list[str]] = {}
    for task in at_fault:
        found.setdefault(f"{task.outcome}: {task.problem}", []).append(task.task_id)

    def named(ids: Sequence[str]) -> str:
        return f"all {len(ids)} tasks" if len(ids) == len(tasks) > 1 else ", ".join(ids)

    return tuple(f"{named(ids)}: {what}" for what, ids in found.items())


def _play(
    submission: SandboxedSubmission, suite: Suite, runs: int, on_task: Callable[[TaskCheck], None] | None
) -> Iterator[TaskCheck]:
    player = Player(submission)
    try:
        for position, task_id in enumerate(suite.task_ids):
            run = position % runs
            played = _play_task(player, submission, suite, task_id, run)
            if on_task is not None:
                on_task(played)
            yield played
    finally:
        player.close()


def _play_task(player: Player, submission: SandboxedSubmission, suite: Suite, task_id: str, run: int) -> TaskCheck:
    seeds = PublicSeeds()
    start = Start(
        0, seeds.env_seed(suite.name, SPLIT, task_id, 0), seeds.agent_seed(suite.name, SPLIT, task_id, 0, run)
    )
    try:
        require_simulator(family_of(task_id))
        episode = next(iter(player.play(Job(task_id=task_id, run=run, starts=(start,)))))
    except (MissingSimulator, SandboxUnavailable) as error:
        return TaskCheck(task_id=task_id, run=run, outcome="not played", problem=str(error))
    submission.close()  # its log is whole once it has ended
    problem = _last_words(episode, submission.bundle)
    no_sandbox = problem.startswith(SandboxUnavailable.__name__)  # what the machine lacks is not the agent's failure
    return TaskCheck(
        task_id=task_id,
        run=run,
        outcome="not played" if no_sandbox else episode.outcome,
        length=episode.length,
        return_=episode.return_,
        ms_per_action=1000 * episode.timings["agent_s"] / episode.length if episode.length else 0.0,
        problem=problem,
        log_tail=submission.log()[-LOG_TAIL:],
    )


def _last_words(episode: Episode, folder: Path) -> str:
    """Returns the last line of an episode's error, after the file and line of the bundle it came from, if any."""
    lines = (episode.error or "").strip().splitlines()
    if not lines:
        return ""
    said = re.sub(r"^envsuite\.errors\.", "", lines[-1])
    # The bundle lies at /agent in a sandbox, and where it is without one.
    found = re.findall(rf'File "(?:/agent|{re.escape(str(folder))})/([^"\n]+)", line (\d+)', episode.error or "")
    where = f"{found[-1][0]}:{found[-1][1]}: " if found and episode.outcome == "agent_crash" else ""
    return "".join(character if character.isprintable() else "?" for character in where + said)[:LOG_LINE]
