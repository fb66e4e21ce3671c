"""Plays episodes on the pages of the `miniwob` package through the package itself, on request.

Runs inside the package's own virtual environment, so it imports nothing of envsuite. Reads one JSON object a line from
stdin and answers each with one on stdout: `{"list": true}` with every registered page and whether the package takes it
for deterministic, `{"page": ..., "seed": ..., "moves": [...]}` with instruction, fields, elements and reward.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

import gymnasium
import miniwob  # noqa: F401  # registers the ids
import numpy as np
from miniwob.action import ActionTypes

POLL_S, PATIENCE_S = 0.05, 3.0
"""How long an element, or the end of an episode, is waited for: the pages move by real time."""
STEP_S = 0.25
"""A move that waits takes as long as one of ours."""
LIMIT_MS = 10**6
"""Of every episode: raw rewards do not depend on time, and a busy machine is slow."""
NO_SCREENSHOTS = {"record_screenshots": False}
Element = dict[str, Any]


class Player:
    """One environment at a time, of the page that was asked for last."""

    def __init__(self) -> None:
        self._page = ""
        self._env: Any = None

    def answer(self, request: dict[str, Any]) -> Any:
        """Returns what is written for a request."""
        if "list" in request:
            return deterministic()
        if request["page"] != self._page:
            self.close()
            self._env = gymnasium.make(f"miniwob/{request['page']}-v1").unwrapped
            self._page = request["page"]
        return self._play(request["seed"], request["moves"])

    def close(self) -> None:
        """Closes the environment."""
        if self._env is not None:
            self._env.close()
        self._env, self._page = None, ""

    def _play(self, seed: int, moves: list[dict[str, Any]]) -> dict[str, Any]:
        env = self._env
        env.instance.driver.execute_script(f"core.EPISODE_MAX_TIME = {LIMIT_MS};")
        _, info = env.reset(seed=seed, options=NO_SCREENSHOTS)
        told = env.instance.driver.execute_script("return core.getUtterance();")
        found = {
            "utterance": told["utterance"] if isinstance(told, dict) else told,
            "fields": env.instance.cached_fields,
            "elements": [described(each) for each in info["root_dom"].subtree_elements],
        }
        lost, played = None, 0
        for move in moves:
            if info["done"]:
                break
            info, lost = self._move(move, info)
            if lost:
                break
            played += 1
        deadline = time.monotonic() + PATIENCE_S
        while moves and not lost and not info["done"] and time.monotonic() < deadline:
            info = self._wait()
        return {**found, "played": played, "lost": lost, "done": info["done"], "raw_reward": info["raw_reward"]}

    def _move(self, move: dict[str, Any], info: dict[str, Any]) -> tuple[dict[str, Any], Any]:
        """Returns what came of a move, and what it did not find."""
        kind, ref = move["kind"], 0
        if kind == "wait":
            return self._wait(STEP_S), None
        if kind == "key":
            return self._press(move["key"]), None
        if kind == "at":
            time.sleep(STEP_S)  # menus open, and what is dragged is drawn
            return self._step(ActionTypes(move["type"]), coords=np.array(move["coords"], np.float32)), None
        deadline = time.monotonic() + PATIENCE_S
        while not (ref := place(move["element"], info)):
            if time.monotonic() > deadline and (ref := last_resort(move["element"], info)):
                break
            if info["done"] or time.monotonic() > deadline:
                return info, {"element": move["element"], "there": [described(each) for each in elements(info)]}
            info = self._wait()
        if kind == "click":
            return self._step(ActionTypes.CLICK_ELEMENT, ref=ref), None
        if move["replace"]:  # the package adds to what a field holds
            self._step(ActionTypes.CLICK_ELEMENT, ref=ref)
            self._press("C-a")
            return self._step(ActionTypes.TYPE_TEXT, text=move["text"]), None
        return self._step(ActionTypes.FOCUS_ELEMENT_AND_TYPE_TEXT, ref=ref, text=move["text"]), None

    def _wait(self, seconds: float = POLL_S) -> dict[str, Any]:
        time.sleep(seconds)
        return self._step(ActionTypes.NONE)

    def _press(self, key: str) -> dict[str, Any]:
        keys = self._env.action_space_config.allowed_keys
        return self._step(ActionTypes.PRESS_KEY, key=keys.index(key))

    def _step(self, kind: ActionTypes, **parts: Any) -> dict[str, Any]:
        return self._env.step(self._env.create_action(kind, **parts))[4]


def deterministic() -> dict[str, bool]:
    """Returns every registered page and whether it is registered as deterministic."""
    specs = {name: spec for name, spec in gymnasium.registry.items() if name.startswith("miniwob/")}
    return {spec.name: not spec.nondeterministic for spec in specs.values()}


def elements(info: dict[str, Any]) -> list[Any]:
    """Returns the elements of a page in document order, without pieces of text."""
    return [each for each in info["root_dom"].subtree_elements if each.ref > 0] if "root_dom" in info else []


def described(element: Any) -> Element:
    """Returns what an element is known by."""
    text = " ".join((element.text or "").split())
    return {"tag": element.tag, "text": text, "id": element.id, "left": element.left, "top": element.top}


def place(wanted: Element, info: dict[str, Any]) -> int:
    """Returns the number of the element that is the same by tag, id, text and place; 0 without one."""
    same = [each for each in elements(info) if is_same(wanted, described(each))]
    there = [each for each in same if is_near(wanted, each)]
    return int(there[wanted["nth"]].ref) if wanted["nth"] < len(there) else 0


def last_resort(wanted: Element, info: dict[str, Any]) -> int:
    """Returns the number of the only element that is the same elsewhere: ours was met on its way, this has arrived."""
    same = [each for each in elements(info) if is_same(wanted, described(each))]
    same = [each for each in same if each.id == wanted["id"]] or same
    return int(same[0].ref) if len(same) == 1 else 0


def is_same(wanted: Element, found: Element) -> bool:
    """Returns whether an element is the one that is wanted, whose texts may be cut, wherever it is."""
    numbered = wanted["id"].startswith("ui-id-")  # by how often something was shown, here for every key
    return (
        wanted["tag"] == found["tag"]
        and (numbered or str(found["id"]).startswith(wanted["id"]))
        and (wanted["tag"] == "textarea" or found["text"].startswith(wanted["text"]))
    )


def is_near(wanted: Element, element: Any) -> bool:
    """Returns whether an element is where it is wanted."""
    return abs(wanted["left"] - element.left) <= 1 and abs(wanted["top"] - element.top) <= 1


def main() -> None:
    """Answers requests until stdin ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    player = Player()
    for line in iter(sys.stdin.readline, ""):
        try:
            answer = player.answer(json.loads(line))
        except Exception as error:  # noqa: BLE001  # told to the test, which fails
            player.close()
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)
    player.close()


if __name__ == "__main__":
    main()
