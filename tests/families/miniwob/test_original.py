"""The pages beside the originals in the `miniwob` package: the same seeds and the same actions on both.

The package cannot be installed beside envsuite: it lives in a virtual environment of its own, made on first use, and
is played by original_player.py there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from benchmarks.bench import MINIWOB, MINIWOB_PINS, peer_python

from envsuite.env import TaskEnv
from envsuite.families.miniwob import FAMILY
from envsuite.families.miniwob.chrome import find_chrome, find_driver
from envsuite.families.miniwob.expert import SOLVED, make_expert
from envsuite.families.miniwob.oracle_sight import Row, Sight
from envsuite.families.miniwob.pages import pages
from envsuite.registration import make_env

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("web")]

SEEDS = (0, 1, 2)
IDS = {task.kwargs["page"]: task.id for task in FAMILY.tasks}
NONDETERMINISTIC = frozenset(
    [
        *("book-flight", "book-flight-nodelay", "choose-date", "choose-date-easy", "choose-date-medium"),
        *("choose-date-nodelay", "click-dialog", "click-dialog-2", "click-pie", "click-pie-nodelay"),
        *("click-scroll-list", "drag-cube", "flight.AA", "flight.Alaska", "flight.Alaska-auto", "order-food"),
        *("phone-book", "scroll-text", "scroll-text-2", "search-engine", "social-media", "social-media-all"),
        *("social-media-some", "stock-market", "terminal"),
    ]
)
"""Pages that the package itself registers as nondeterministic."""
DETERMINISTIC = sorted(
    name for name, page in pages().items() if page.origin != "waiting" and name not in NONDETERMINISTIC
)
"""The others; the package has the pages that only wait too, but does not register them."""
OTHERWISE = frozenset(
    [
        # A drag over several actions selects no text there: the driver does so within one call only, as ours does.
        *("highlight-text", "highlight-text-2"),
        "use-spinner",  # its buttons take a press, and the package clicks an element without one
    ]
)
"""Pages on which the same actions come to something else there."""
PLAYED = sorted(SOLVED.intersection(DETERMINISTIC) - OTHERWISE)
SORTED = frozenset({"email-inbox-nl-turk"})
"""Pages that tell their fields themselves: on the way to the package, its driver sorts them by key."""
AT = {
    "click_at": "CLICK_COORDS",
    "press_at": "MOUSEDOWN_COORDS",
    "release_at": "MOUSEUP_COORDS",
    "move_at": "MOVE_COORDS",
}
Move = dict[str, Any]


class Original:
    """The package, in a process of its own."""

    def __init__(self) -> None:
        chrome = shutil.which("chromium") or str(find_chrome())  # a headless shell outlives the package's driver
        browser = {"MINIWOB_CHROME_BINARY": chrome, "MINIWOB_CHROMEDRIVER": str(find_driver(chrome))}
        command = [str(peer_python(MINIWOB, MINIWOB_PINS)), str(Path(__file__).parent / "original_player.py")]
        self._process = subprocess.Popen(
            command, env={**os.environ, **browser}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, **request: Any) -> Any:
        """Returns the answer to a request."""
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """Ends the process."""
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@pytest.fixture(scope="module")
def original() -> Iterator[Original]:
    found = Original()
    yield found
    found.close()


@pytest.fixture
def page(request) -> Iterator[TaskEnv]:
    env = make_env(IDS[request.param])
    yield env
    env.close()


def test_which_pages_are_compared(original):
    listed = original.ask(list=True)
    assert {name for name, deterministic in listed.items() if deterministic} == set(DETERMINISTIC)


@pytest.mark.parametrize("page", DETERMINISTIC, indirect=True)
def test_episodes_begin_as_the_original_ones(page, original):
    name = page.task.kwargs["page"]
    for seed in SEEDS:
        observation, info = page.reset(seed=seed)
        theirs = original.ask(page=name, seed=seed, moves=[])
        assert (info["utterance"], told(name, info["fields"])) == (theirs["utterance"], told(name, theirs["fields"]))
        assert missing(sight_of(page, observation).rows, theirs["elements"]) == []


@pytest.mark.parametrize("page", PLAYED, indirect=True)
def test_the_same_actions_earn_the_same(page, original):
    name = page.task.kwargs["page"]
    for seed in SEEDS:
        moves, info = played(page, seed)
        theirs = original.ask(page=name, seed=seed, moves=moves)
        assert "error" not in theirs, theirs
        assert (theirs["utterance"], theirs["lost"], theirs["played"]) == (info["utterance"], None, len(moves))
        assert (theirs["done"], theirs["raw_reward"]) == (True, info["raw_reward"])


def told(name: str, fields: Any) -> Any:
    """Returns fields as they are compared."""
    found = tuple((key, value) for key, value in fields)
    return sorted(found) if name in SORTED else found


def sight_of(env: TaskEnv, observation: Any) -> Sight:
    """Returns what the scripted agent sees."""
    sight = Sight(env.form)
    sight.look(observation)
    return sight


def missing(rows: list[Row], elements: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the original elements that are not among the rows, in their order; the rows may hold more."""
    left = iter(rows)
    return [each for each in elements if each["tag"] != "t" and not any(is_element(row, each) for row in left)]


def is_element(row: Row, element: dict[str, Any]) -> bool:
    """Returns whether a row is an original element, whose text may hold the texts beside elements in it."""
    return (
        row.tag == element["tag"]
        and str(element["id"]).startswith(row.id)
        and (row.tag.startswith(("input", "textarea")) or element["text"].startswith(row.text))
        and abs(row.left - element["left"]) <= 1
        and abs(row.top - element["top"]) <= 1
    )


def played(env: TaskEnv, seed: int) -> tuple[list[Move], dict[str, Any]]:
    """Returns the moves of the scripted agent's episode and the last info."""
    agent = make_expert(env.task_info())
    observation, info = env.reset(seed=seed)
    agent.reset(seed)
    moves: list[Move] = []
    over = False
    while not over:
        action = agent.act(observation)
        moves.append(move_of(env, sight_of(env, observation).rows, action, info["fields"]))
        observation, _, terminated, truncated, info = env.step(action)
        over = terminated or truncated
    return moves, info


def move_of(env: TaskEnv, rows: list[Row], action: Any, fields: Any) -> Move:
    """Returns an action as original_player.py takes it."""
    kind, arguments = env.form.command(action, fields)
    if kind == "wait":
        return {"kind": "wait"}
    if kind == "key":
        return {"kind": "key", "key": arguments[0]}
    if kind in AT:
        return {"kind": "at", "type": AT[kind], "coords": arguments}
    assert kind in ("click", "type"), kind
    row = rows[arguments[0]]
    if row.tag == "t":  # a text: it is its parent that is clicked
        row = rows[row.parent]
    move = {"kind": kind, "element": element_of(rows, row)}
    return (
        move if kind == "click" else {**move, "text": arguments[1], "replace": bool(row.value) and row.tag != "select"}
    )


def element_of(rows: list[Row], row: Row) -> dict[str, Any]:
    """Returns what a row is known by, and how many like it come before."""

    def known(each: Row) -> tuple[Any, ...]:
        return each.tag, each.text, each.id, each.left, each.top

    tag, text, name, left, top = known(row)
    nth = sum(known(each) == known(row) for each in rows[: row.index])
    text = "" if tag.startswith("input") else text
    return {"tag": tag, "text": text, "id": name, "left": left, "top": top, "nth": nth}
