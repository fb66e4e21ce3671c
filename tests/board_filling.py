"""A board of made-up agents, filled through the store's own functions; pages and pictures are made of it."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from envsuite.catalogue import TASKS, get_suite
from envsuite.episode import Episode
from envsuite.errors import NotAllowed
from envsuite.families.crafter.rules import ACHIEVEMENTS
from envsuite.leaderboard.home import database_url
from envsuite.leaderboard.schemas import Finish, Offer, Report
from envsuite.leaderboard.store import queue, results, seasons, submissions, users
from envsuite.leaderboard.store.database import Database
from envsuite.leaderboard.store.files import Files
from envsuite.leaderboard.store.plans import plan_evaluation
from envsuite.leaderboard.submission.manifest import SubmissionManifest
from envsuite.registration import make_env

SANDBOX = {
    "provider": "bubblewrap",
    "safe": True,
    "features": {
        "network": "no interface but a loopback of its own",
        "files": "the system's programs and libraries, the interpreter and the bundle, read-only",
        "disk": "tmpfs of 268435456 bytes at /tmp, the only place that can be written to",
        "memory": "watched, 4294967296 bytes resident in all",
        "limits": "processes and threads 64, writable memory of a process 8589934592, file 268435456, no core files",
        "seccomp": "sha256:9f2c4e1ab7d05c3e",
    },
}
MACHINE = {
    "started_at": "2026-11-24T16:44:03+00:00",
    "python": "3.11.7",
    "platform": "Linux-6.12-x86_64",
    "processor": "a processor of eight cores",
    "cores": 8,
    "packages": {"gymnasium": "1.2.0", "numpy": "2.4.6"},
}
HOSTILE = "<script>document.title = 'pwned'</script><img src=x onerror=\"document.title='pwned'\">\"'&lt;{{ 7 * 7 }}"
"""Goes into every field that takes text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A made-up agent; `skill` 0 plays like the floor, 1 like the ceiling."""

    name: str
    version: str = "1.0.0"
    user: str = "ada"
    skill: float = 0.5
    runs: int = 1
    learned: bool = False
    failing: float = 0.0
    """Share of the episodes that it crashes in."""
    declared: dict[str, Any] | None = None


AGENTS = (
    Agent(
        name="dream-planner",
        version="2.1.0",
        user="grace",
        skill=0.93,
        runs=5,
        learned=True,
        declared={
            "description": "A world model with a planner on top, trained on all tasks of the suite at once.",
            "hardware": "8 accelerators, 64 cores",
            "training_budget": {"steps": 1e7, "wall_hours": 30.5, "gpus": 8},
            "tuning_budget": {"trials": 40, "steps": 4e7},
            "links": {"Code": "https://example.org/dream-planner", "Paper": "https://example.org/dream-planner.pdf"},
        },
    ),
    Agent(name="tree-search", skill=0.89, runs=5, learned=True, declared={"training_budget": {"steps": 1e6}}),
    Agent(name="scripted-core", version="0.3.1", user="alan", skill=0.7),
    Agent(name="recurrent-ppo", user="edsger", skill=0.47, runs=5, learned=True, failing=0.03),
    Agent(name="wide-sac", user="barbara", skill=0.45, runs=5, learned=True),
    Agent(name="one-lucky-run", user="edsger", skill=0.9, learned=True),
    Agent(name="random", user="alan", skill=0.0),
)


class Board:
    """A board on disk, being filled."""

    def __init__(self, home: Path, suite: str = "quick-v1", seed: int = 0) -> None:
        self.home, self.suite = home, get_suite(suite)
        self.db, self.files = Database(database_url(home)), Files(home)
        self.db.upgrade()
        self._rng = np.random.default_rng(seed)
        self._agents: dict[str, Agent] = {}
        self.ids: dict[str, str] = {}
        self._actions: dict[str, Any] = {}

    def close(self) -> None:
        """Closes the database."""
        self.db.close()

    def open_season(self, name: str) -> None:
        """Opens a season."""
        with self.db.session() as session:
            seasons.open_season(session, self.files, name)

    def close_season(self, name: str) -> None:
        """Closes a season, whose evaluations are all done."""
        with self.db.session() as session:
            seasons.close_season(session, self.files, name)

    def submit(self, agent: Agent) -> str:
        """Returns the id of a new submission, which waits in the queue."""
        manifest = SubmissionManifest.model_construct(
            name=agent.name,
            version=agent.version,
            authors=(f"{agent.user.title()} and friends",),
            licence="MIT",
            suite=self.suite.name,
            entry_point="agent:make_agent",
            runs=tuple(range(agent.runs)) if agent.learned else (),
            learned=agent.learned,
        )
        return self.submit_manifest(manifest, agent, agent.declared or {})

    def submit_manifest(self, manifest: SubmissionManifest, agent: Agent, declared: dict[str, Any]) -> str:
        """Returns the id of a submission with these manifest fields, even ones that an upload would refuse."""
        object.__setattr__(manifest, "declared", lambda: declared)
        bundle = hashlib.sha256(f"{agent.name} {agent.version}".encode()).hexdigest()
        with self.db.session() as session, contextlib.suppress(NotAllowed):  # the account may be there already
            users.create_user(session, agent.user)
        with self.db.session() as session:
            view = submissions.add(session, agent.user, manifest, bundle, per_day=1000)
            plan_evaluation(session, self.files, view.id, "verify")
        self._agents[view.id] = agent
        self.ids[agent.name] = view.id
        return view.id

    def reject(self, submission: str, reason: str) -> None:
        """Rejects a submission."""
        with self.db.session() as session:
            submissions.set_state(session, submission, "rejected", reason)

    def work(self, most: int = 100_000, log: str = "loading weights") -> None:
        """Plays up to `most` jobs of the queue as a worker would report them, and scores what is complete."""
        for _ in range(most):
            with self.db.session() as session:
                offer = queue.lease(session, self.files, "worker-1")
            if offer is None:
                break
            with self.db.session() as session:
                queue.report(session, self.files, offer.id, self._report(offer))
                finish = Finish(lease=offer.lease, sandbox=SANDBOX, machine=MACHINE, log_tail=log)
                complete = queue.finish(session, offer.id, finish)
            if complete:
                results.finalise_due(self.db, self.files)
        results.finalise_due(self.db, self.files)

    def _report(self, offer: Offer) -> Report:
        agent = self._agents[offer.submission]
        episodes = [self._episode(agent, offer.task_id, offer.run, start.seed_index) for start in offer.starts]
        actions = (
            {0: self._recorded(offer.task_id)}
            if offer.run == 0 and any(start.seed_index == 0 for start in offer.starts)
            else {}
        )
        return Report(lease=offer.lease, episodes=[episode.to_json() for episode in episodes], actions=actions)

    def _episode(self, agent: Agent, task_id: str, run: int, index: int) -> Episode:
        task, rng = TASKS[task_id], self._rng
        floor = task.floor.value if task.floor else 0.0
        ceiling = task.ceiling.value if task.ceiling else floor + 100.0
        level = float(np.clip(agent.skill + rng.normal(0, 0.05), 0, 1.1))
        solved = bool(rng.random() < level)
        failed = bool(rng.random() < agent.failing)
        length = int(rng.integers(40, 800))
        return Episode(
            task_id=task_id,
            seed_index=index,
            run=run,
            return_=floor + float(level + rng.normal(0, 0.15)) * (ceiling - floor),
            length=length,
            success=solved if task.metric == "success_rate" or task.family == "metaworld" else None,
            metrics={name: float(rng.random() < 0.5 * level) for name in ACHIEVEMENTS} if "crafter" in task_id else {},
            outcome="agent_crash" if failed else "terminated" if solved else "truncated",
            error="ZeroDivisionError" if failed else None,
            trajectory=f"{rng.integers(2**62):032x}",
            timings={"wall_s": 0.003 * length, "env_s": 0.002 * length, "agent_s": 0.001 * length},
        )

    def _recorded(self, task_id: str) -> Any:
        """Returns some actions that the task can be replayed with."""
        if task_id not in self._actions:
            with contextlib.closing(make_env(task_id)) as env:
                env.action_space.seed(1)
                sampled = [env.action_space.sample() for _ in range(12)]
                self._actions[task_id] = env.action_space.to_jsonable(sampled)
        return self._actions[task_id]


@contextlib.contextmanager
def filled(home: Path, agents: Sequence[Agent] = AGENTS) -> Iterator[Board]:
    """Yields a board whose season is open and whose agents are all scored."""
    with contextlib.closing(Board(home)) as board:
        board.open_season("2026-autumn")
        for agent in agents:
            board.submit(agent)
        board.work()
        yield board


def submit_hostile(board: Board) -> str:
    """Returns the id of a submission with markup in every field."""
    manifest = SubmissionManifest.model_construct(
        name=HOSTILE,
        version=HOSTILE,
        authors=(HOSTILE,),
        licence=HOSTILE,
        suite=board.suite.name,
        runs=(),
        learned=False,
    )
    declared = {
        "description": HOSTILE,
        "hardware": HOSTILE,
        "links": {HOSTILE: "javascript:document.title='pwned'", "good": 'https://example.org/?a=<b>&c="d"'},
        "training_budget": {"data": HOSTILE},
        "runs": [{"weights": [HOSTILE], "note": HOSTILE}],
    }
    return board.submit_manifest(manifest, Agent(name="hostile", user="mallory"), declared)
