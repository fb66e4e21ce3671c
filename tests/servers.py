"""Real boards for tests: one in this process to ask its API, and one as the processes that `envsuite serve` makes."""

from __future__ import annotations

import contextlib
import io
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest
import uvicorn

from envsuite import catalogue
from envsuite.catalogue import add_suite
from envsuite.leaderboard.client import Client
from envsuite.leaderboard.service.app import create_app
from envsuite.leaderboard.service.logs import Log
from envsuite.leaderboard.service.run import prepare
from envsuite.leaderboard.service.settings import ServiceLimits, Settings
from envsuite.leaderboard.service.site import Site
from envsuite.leaderboard.store import users
from envsuite.leaderboard.submission.archive import pack
from envsuite.task import Suite, SuiteTask

TINY = Suite(
    name="tiny-v1",
    summary="Two cheap tasks, a few episodes each.",
    tasks=(
        SuiteTask(task_id="envsuite/bipedal-flat-v1", episodes=3),
        SuiteTask(task_id="envsuite/crafter-reward-v1", episodes=2),
    ),
)
BLOCKS = Suite(
    name="blocks-v1",
    summary="One task in three blocks of ten episodes.",
    tasks=(SuiteTask(task_id="envsuite/bipedal-flat-v1", episodes=30),),
)
SUITES = (TINY, BLOCKS)
COMMAND = (sys.executable, "-m", "envsuite.cli")
START_S = 60.0
SLOW_AGENT = """
import time
import numpy as np

class Agent:
    def __init__(self, task):
        self.space = task.action_space

    def reset(self, seed):
        self.rng = np.random.default_rng(seed)
        print("episode with", seed)

    def act(self, observation):
        time.sleep(PAUSE)
        if hasattr(self.space, "n"):
            return int(self.rng.integers(self.space.n))
        fall = np.array([1, 0, 1, 0]) + self.rng.normal(0, 0.3, 4)  # within about 50 steps
        return np.clip(fall, -1, 1).astype(np.float32)

def make_agent(task):
    return Agent(task)
"""


@pytest.fixture(autouse=True)
def private_suites():
    """Makes the suites known for one test, in whose module this fixture is imported."""
    for suite in SUITES:
        add_suite(suite)
    yield
    for suite in SUITES:
        catalogue._suites.pop(suite.name, None)


def suite_file(folder: Path) -> Path:
    """Returns a file with the suites of these boards."""
    lines = []
    for suite in SUITES:
        tasks = ", ".join(f'{{ task_id = "{task.task_id}", episodes = {task.episodes} }}' for task in suite.tasks)
        lines.append(f'[[suites]]\nname = "{suite.name}"\nsummary = "{suite.summary}"\ntasks = [{tasks}]\n')
    file = folder / "suites.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def bundle(folder: Path, suite: str = TINY.name, *, pause_s: float = 0.0, name: str = "walker", **fields: str) -> Path:
    """Returns the folder of a submission with a clumsy agent that takes `pause_s` seconds for a step."""
    folder.mkdir(parents=True)
    agent = fields.pop("agent", SLOW_AGENT.replace("PAUSE", repr(pause_s)))
    (folder / "agent.py").write_text(agent, encoding="utf-8")
    declared = {"name": name, "version": "1.0", "licence": "MIT", "suite": suite, **fields}
    lines = [f'{key} = "{value}"' for key, value in declared.items()]
    (folder / "submission.toml").write_text("\n".join([*lines, 'authors = ["Ada"]', "learned = false"]) + "\n")
    return folder


def archive(folder: Path, **fields: str) -> bytes:
    """Returns the archive of a new submission."""
    made = bundle(folder / "bundle", **fields)
    pack(made, folder / "bundle.zip")
    shutil.rmtree(made)
    return (folder / "bundle.zip").read_bytes()


class Board:
    """A board in a thread of this process, asked over the network; nobody works for it."""

    def __init__(self, home: Path, limits: Mapping[str, float] | None = None, database: str = "") -> None:
        limits = ServiceLimits(**(limits or {}))
        settings = Settings(home=home, suites=SUITES, limits=limits, database=database, patience_s=0.2)
        self.log = io.StringIO()
        self.app = create_app(settings, log=Log(self.log))
        self.site: Site = self.app.state.site
        self.admin = prepare(self.site).admin_token
        config = uvicorn.Config(self.app, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=2)
        self._server = uvicorn.Server(config)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]})
        self.http = httpx.Client(base_url=self.url, timeout=30)

    def __enter__(self) -> Board:
        self._thread.start()
        wait_for(lambda: self._server.started, 20, 0.01)
        return self

    def __exit__(self, *exception: object) -> None:
        self.http.close()
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    def token(self, name: str, role: str = "submitter") -> str:
        """Returns a token of an account, made if there is none of that name."""
        with self.site.db.session() as session:
            if name not in {user.name for user in users.list_users(session)}:
                users.create_user(session, name, role)
            return users.create_token(session, name)[1]

    def ask(self, method: str, path: str, token: str | None = None, **options):
        """Returns the answer of the API."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.http.request(method, f"/api/v1/{path}", headers=headers | options.pop("headers", {}), **options)

    def submit(self, token: str, content: bytes):
        """Returns the answer to an upload."""
        return self.ask("POST", "submissions", token, content=content, headers={"Content-Type": "application/zip"})


class Server:
    """`envsuite serve` as a process, to be killed and started again on the same port and folder."""

    def __init__(self, folder: Path, *, workers: int = 1, database: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.home, self.workers = folder / "home", workers
        self.suites = suite_file(folder)
        self.log = folder / "log"
        self.database = database
        self.url, self.admin, self.port = "", "", 0
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.end()

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        options = ["--port", str(self.port), "--home", str(self.home), "--workers", str(self.workers)]
        options += ["--suites", str(self.suites)] + (["--database", self.database] if self.database else [])
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "serve", *options], stdout=subprocess.PIPE, stderr=log, env=environment()
            )
        try:
            told = self._told()
            self.url = re.search(r"Board: (http://\S+)", told)[1]
            self.port = int(self.url.rpartition(":")[2])
            if found := re.search(r"shown this once: (\S+)", told):
                self.admin = found[1]
            with self.client("") as client:
                wait_for(lambda: _answers(client), START_S)
        except BaseException:
            self.kill()
            raise

    def _told(self) -> str:
        """Returns what the server has printed when it is about to listen."""
        told, deadline = "", time.monotonic() + START_S
        while "eason" not in told or not told.endswith("\n"):
            if select.select([self.process.stdout], [], [], 0.2)[0]:
                told += os.read(self.process.stdout.fileno(), 4096).decode()
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the server did not start: {told} {self.log.read_text()[-3000:]}")
        return told

    def client(self, token: str | None = None) -> Client:
        """Returns a client; the admin's by default."""
        return Client(self.url, self.admin if token is None else token)

    def token(self, name: str, role: str = "submitter") -> str:
        """Returns a token of a new account."""
        with self.client() as client:
            return client.new_token(client.add_user(name, role).id)[1]

    @property
    def worker_pids(self) -> list[int]:
        """Ids of the embedded workers."""
        return children(self.process.pid)

    def kill(self) -> None:
        """Kills the server, not its workers, without any warning."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def end(self) -> int | None:
        """Ends the server as a user would, and returns its exit status."""
        if self.process is None or self.process.poll() is not None:
            return None
        self.process.terminate()
        try:
            return self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        finally:
            self.process.stdout.close()


def _answers(client: Client) -> bool:
    try:
        return bool(client.rules())
    except OSError:
        return False


@contextlib.contextmanager
def worker(server: Server, token: str, log: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Yields a worker of its own, which is ended at the end."""
    command = [
        *COMMAND,
        "worker",
        "--server",
        server.url,
        "--token",
        "-",
        "--cache",
        str(log.parent / "cache"),
        *options,
    ]
    with log.open("ab") as out:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=out, env=environment())
    process.stdin.write(token.encode() + b"\n")
    process.stdin.close()
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def environment(**more: str) -> dict[str, str]:
    """Returns the environment of a process that knows nothing of this one's boards."""
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith("ENVSUITE_") and key != "DATABASE_URL"
    }
    return kept | more


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Returns what `envsuite` did."""
    command = [*COMMAND, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment(**variables), timeout=180)


def children(pid: int) -> list[int]:
    """Returns the processes that a process has started."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(child) for child in task.read_text().split()]
    return sorted(found)


def gone(pid: int) -> bool:
    """Tells whether a process has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


def kill(pid: int) -> None:
    """Kills a process."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def wait_for(condition, timeout_s: float, every_s: float = 0.1):
    """Returns what the condition gives once it is true; fails after the time."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(every_s)
    raise AssertionError(f"it did not happen within {timeout_s:.0f} s")


def scored(client: Client, submission: str, timeout_s: float = 120.0):
    """Returns a submission when it has ended; fails unless it is scored."""
    view = wait_for(lambda: _ended(client, submission), timeout_s)
    assert view.state == "scored", (view.state, view.reason)
    return view


def _ended(client: Client, submission: str):
    try:
        view = client.submission(submission)
    except OSError:
        return None
    return view if view.state not in ("queued", "running") else None
