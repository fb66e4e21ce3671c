"""MiniWoB's tasks behind the contract of `TaskEnv`: one page of a browser per environment."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envsuite.env import Info, TaskEnv, Transition
from envsuite.errors import InvalidArgument, InvalidTask, unknown_name
from envsuite.families.miniwob import browser, fields, site
from envsuite.families.miniwob.actions import Command, make_form
from envsuite.families.miniwob.devtools import BrowserCrashed
from envsuite.families.miniwob.instruction import Instruction
from envsuite.families.miniwob.nodes import Layout, Nodes, as_bytes
from envsuite.families.miniwob.pages import pages
from envsuite.families.miniwob.potential import share
from envsuite.families.miniwob.rewards import REWARDS
from envsuite.families.miniwob.tasks import STEP_MS
from envsuite.families.miniwob.text import accessibility, pruned_html
from envsuite.task import Family, Task

LANGUAGE_BYTES = 16_384
"""Bytes of `html` and of `axtree`, for language agents."""
WINDOW_PX = (500, 320)
_SAFE_INTEGER = 2**53
_RANGES = {
    "step_ms": (1, 10_000),
    "max_nodes": (1, 4096),
    "max_fields": (1, 64),
    "text_bytes": (8, 255),
    "utterance_bytes": (8, 65_536),
}


class Reply(NamedTuple):
    """What a page answers to a step, in this order."""

    done: int
    reward: float
    raw_reward: float
    clock_ms: float
    potential: float
    reason: str
    errors: int
    """Exceptions in the page's scripts so far in this episode."""
    live: str | None
    """What `Nodes` takes of controls and pointer; None where it is that of the reply before."""
    fixed: str | None
    """What `Nodes` takes of the rest; None likewise."""

    @property
    def changed(self) -> bool:
        """Whether the page shows anything else than in the reply before."""
        return self.live is not None or self.fixed is not None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An episode at one moment, for `MiniwobEnv.restore`: what led there, for the page plays it again."""

    task_id: str
    step_ms: float
    begin: tuple[Any, ...]
    commands: tuple[Command, ...]
    episode: Mapping[str, Any]


class MiniwobEnv(TaskEnv):
    """A web page with an instruction.

    Observation, a Dict of arrays of fixed size: `nodes` int16 (max_nodes, 7), columns `nodes.COLUMNS`; `flags` uint8
    (max_nodes, 9), columns `nodes.FLAGS`; `node_mask` int8; the texts `text`, `value`, `id`, `classes` of every node
    and `utterance`, `field_keys`, `field_values` as uint8 bytes of UTF-8 or, with `text="tokens"`, as int16 ids of
    hashed words; `colors` uint8 (max_nodes, 8), background and foreground as RGBA; `pointer` int16 (2,), its place in
    pixels; `time_left` float32 (1,), the share of the limit that is left; and, if asked for, `pixels` uint8
    (210, 160, 3), `html` and `axtree` uint8 (16384,).

    Action: a `MultiDiscrete` of the parts that the preset has, see `actions.PRESETS`, or text as bytes; under
    `action_mask` int8, one dimension after another. Every step lets `step_ms` pass on the page's clock and then acts.

    The episode terminates when the page rewards; the page's own limit truncates it, with the page's reward of -1.
    `info` also holds `utterance` (str), `fields` (tuple of key and value), `raw_reward`, `elapsed_s`, `potential`
    (share of what is asked that is right), `reason`, `dropped_nodes`, and `page_errors`, how many exceptions the page's
    own scripts have raised.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array", "human"], "render_fps": 4}  # type: ignore[misc]  # gymnasium declares it per instance
    episode_attributes = (*TaskEnv.episode_attributes, "_changes")
    reset_options = ("prefill", "subgoal", "fields", "data_mode", "style", "split")

    def __init__(
        self,
        *,
        task: Task,
        family: Family,
        page: str,
        limit_s: float,
        render_mode: str | None = None,
        copy: bool = True,
        actions: str = "elements",
        rewards: str = "original",
        threshold: float = 1.0,
        step_ms: float = STEP_MS,
        text: str = "bytes",
        colors: bool = True,
        pixels: bool = False,
        html: bool = False,
        axtree: bool = False,
        max_nodes: int = 256,
        max_fields: int = fields.MAX_FIELDS,
        text_bytes: int = 64,
        utterance_bytes: int = 512,
        data_mode: str = "train",
        shard: int = 0,
    ) -> None:
        """Opens a page; the browser is shared by all environments of the process.

        Args:
            task: As in `TaskEnv`.
            family: As in `TaskEnv`.
            page: Name of the page: one of miniwob's, or of ours.
            limit_s: Seconds of the page's own limit.
            render_mode: As in `TaskEnv`.
            copy: As in `TaskEnv`.
            actions: A preset of `actions.PRESETS`, or "text".
            rewards: "original" (falls with time, as upstream), "raw", "binary" or "thresholded".
            threshold: Raw reward from which "thresholded" gives 1.
            step_ms: Milliseconds of the page's clock per step.
            text: "bytes" or "tokens".
            colors: Whether observations hold `colors`.
            pixels: Whether observations hold `pixels`, which take a screenshot each.
            html: Whether observations hold `html`, the page as pruned HTML.
            axtree: Whether observations hold `axtree`, the accessibility tree as text.
            max_nodes: Nodes of an observation; further ones are dropped.
            max_fields: Fields of an instruction that are told; further ones are dropped.
            text_bytes: Bytes of a node's text; its value has half of it.
            utterance_bytes: Bytes of the instruction.
            data_mode: "train" or "test", which some pages draw their instructions by.
            shard: Which browser of this process; a vector env spreads its pages over several.

        Raises:
            MissingSimulator: Without a browser, its driver, or the pages.
            UnknownName: For names that are not known.
            InvalidArgument: For numbers out of range.
        """
        super().__init__(task=task, family=family, render_mode=render_mode, copy=copy)
        self._check(rewards, text, data_mode)
        self._check_ranges(
            step_ms=step_ms,
            max_nodes=max_nodes,
            max_fields=max_fields,
            text_bytes=text_bytes,
            utterance_bytes=utterance_bytes,
        )
        self.task = dataclasses.replace(task, max_episode_steps=math.ceil(limit_s * 1000 / step_ms))
        self._page_name, self._data_mode, self._step_ms, self._limit_ms = page, data_mode, step_ms, limit_s * 1000
        self.page_size = site.size_px(page)
        self.window_size = (max(WINDOW_PX[0], self.page_size[0]), max(WINDOW_PX[1], self.page_size[1]))
        self.form = make_form(actions, max_nodes, self.page_size, max_fields)
        self.action_space = self.form.space
        self.action_names = self.form.names
        self._reward: Callable[[float, float, bool], float] = REWARDS[rewards](threshold)
        tokens = text == "tokens"
        self._nodes = Nodes(Layout(max_nodes=max_nodes, tokens=tokens, colors=colors, text_bytes=text_bytes))
        self._instruction = Instruction(utterance_bytes=utterance_bytes, max_fields=max_fields, tokens=tokens)
        self._extras = tuple(
            name for name, wanted in (("pixels", pixels), ("html", html), ("axtree", axtree)) if wanted
        )
        self._shard, self._frames = shard, pixels or render_mode is not None
        self._page: browser.Page | None = None
        self.answer: Any = None
        """What `batch.exchange` has already asked of the page for the step or reset that comes."""
        self.screenshot: bytes | None = None
        """What `batch.exchange` has already seen of the page after that."""
        self._begun: tuple[Any, ...] = ()
        self._commands: list[Command] = []
        self._changes = 0
        self._reply = Reply(0, 0.0, 0.0, 0.0, 0.0, "", 0, None, None)
        self.task_space = site.task_space(page)
        self.observation_space = self._make_observation_space()
        self._page = self.page  # a missing browser is an error of the constructor

    @staticmethod
    def _check(rewards: str, text: str, data_mode: str) -> None:
        for name, value, known in (
            ("rewards", rewards, tuple(REWARDS)),
            ("text", text, ("bytes", "tokens")),
            ("data_mode", data_mode, ("train", "test")),
        ):
            if value not in known:
                raise unknown_name(name, value, known)

    @staticmethod
    def _check_ranges(**numbers: float) -> None:
        for name, number in numbers.items():
            low, high = _RANGES[name]
            if not low <= number <= high:
                raise InvalidArgument(f"{name}: expected {low} to {high}, got {number}")

    # What the contract asks for.

    def action_masks(self) -> NDArray[np.int8]:
        """Returns the mask of the last observation, as maskable PPO takes it."""
        mask = self._mask()
        if mask is None:
            raise InvalidArgument(f"actions: the form {self.form.name!r} has no mask; make the env with another")
        return mask

    def snapshot(self) -> Snapshot:
        """Returns what brings a page to this moment: the episode's beginning and its commands.

        Raises Gymnasium's `ResetNeeded` before the first `reset`.
        """
        self._require_episode("snapshot()")
        return Snapshot(self.task.id, self._step_ms, self._begun, tuple(self._commands), self._episode_state())

    def restore(self, snapshot: Snapshot) -> None:
        """Continues from a snapshot of this or another environment of the task: the page plays it again, in one call.

        Raises TypeError for anything but a `Snapshot`, and `InvalidArgument` for one of another task or `step_ms`.
        """
        if not isinstance(snapshot, Snapshot):
            raise TypeError(f"snapshot: expected what snapshot() returned, got {type(snapshot).__name__}")
        if (snapshot.task_id, snapshot.step_ms) != (self.task.id, self._step_ms):
            raise InvalidArgument(
                f"snapshot: expected one of {self.task.id} with step_ms={self._step_ms:g}, "
                f"got one of {snapshot.task_id} with step_ms={snapshot.step_ms:g}"
            )
        _, seed, mode, extra = snapshot.begin
        answer, reply = self.page.call("replay", seed, mode, extra, list(snapshot.commands))
        self._take_beginning(answer)
        self._take(reply)
        self._begun, self._commands = snapshot.begin, list(snapshot.commands)
        self._set_episode_state(snapshot.episode)

    def close(self) -> None:
        """Closes the page, and the browser with the last page of the process."""
        super().close()
        if self._page is not None:
            self._page.close()
            self._page = None

    def adopt(self, observation: Any) -> None:
        """Writes the nodes and the instruction into these arrays from now on."""
        for arrays in (self._nodes.arrays, self._instruction.arrays):
            for name in arrays:
                place = observation[name]
                place[:] = arrays[name]
                arrays[name] = place

    # The page.

    @property
    def page(self) -> browser.Page:
        """The page; a new one, in a new browser if need be, where the last one is gone."""
        if self._page is None or not self._page.alive:
            options = browser.PageOptions(
                layout=self._nodes.layout.for_page(), step_ms=self._step_ms, size=self.window_size
            )
            document = site.load(self._page_name)
            self._page = browser.open_page(document, options, shard=self._shard, frames=self._frames)
        return self._page

    def _require_page(self) -> browser.Page:
        """Returns the page of the running episode; raises `BrowserCrashed` when it has gone with its browser."""
        if self._page is None or not self._page.alive:
            raise BrowserCrashed("the browser of this page has ended; reset() starts a new one")
        return self._page

    @property
    def with_pixels(self) -> bool:
        """Whether an observation takes a screenshot."""
        return "pixels" in self._extras

    def reset_command(self, seed: int | None, options: dict[str, Any] | None) -> tuple[Any, ...]:
        """Returns the command of the reset that `reset(seed=seed, options=options)` will make; changes nothing."""
        task_value = self.check_options(options)
        if seed is None:
            seed = int(copy.deepcopy(self.np_random).integers(2**31))
        if task_value is None and self.task_space is not None:
            task_value = self._sample_task(np.random.default_rng([int(seed), 1]))
        return self._command(int(seed), task_value, options or {})

    def step_command(self, action: Any) -> tuple[Any, ...]:
        """Returns the command of a step."""
        return ("step", *self.form.command(action, self._instruction.fields), 0)

    def _command(self, seed: int, task_value: Any, options: Mapping[str, Any]) -> tuple[Any, ...]:
        extra = site.reset_options(self._page_name, task_value, options)
        mode = str(options.get("data_mode", self._data_mode))
        # JavaScript's numbers are exact up to 2**53.
        return ("reset", seed if abs(seed) < _SAFE_INTEGER else str(seed), mode, extra)

    def _begin(self, seed: int, task_value: Any) -> tuple[Any, Info]:
        self._begun = self._command(seed, task_value, self._options)
        answer, self.answer = self.answer, None
        if answer is None:
            self.screenshot = None  # of a batch that another environment broke off
            answer = self.page.call(*self._begun)
        if isinstance(answer[0], str):  # the page refuses the options
            raise InvalidTask(f"options: {answer[0]} ({self.task.id})")
        self._commands = []
        self._changes = 0
        self._take_beginning(answer)
        return self._observation(), self._extra()

    def _take_beginning(self, answer: Sequence[Any]) -> None:
        reply, utterance, told, limit_ms = answer
        self._limit_ms = float(limit_ms)
        if told is None and self._page_name.startswith("flight."):
            told = json.loads(utterance)
        if told is not None:
            self._instruction.tell(utterance, [(str(key), str(value)) for key, value in dict(told).items()])
        elif self._page_name in pages():
            self._instruction.tell(utterance, fields.extract(self._page_name, utterance))
        else:
            self._instruction.tell(utterance, ())
        self._take(reply)

    def _take(self, reply: Sequence[Any]) -> None:
        before, taken = self._reply, Reply(*reply)
        self._nodes.read(taken.live, taken.fixed)
        if taken.done and taken.raw_reward == 1.0:
            taken = taken._replace(potential=1.0)
        elif taken.potential < 0.0:
            known = not taken.changed and taken.clock_ms > 0.0
            taken = taken._replace(
                potential=before.potential if known else share(self._nodes, self._instruction.fields)
            )
        self._reply = taken

    def _advance(self, action: Any) -> Transition:
        self._require_page()
        before = self._reply
        command = self.form.command(action, self._instruction.fields)
        answer, self.answer = self.answer, None
        if answer is None:
            self.screenshot = None
            answer = self.page.call("step", *command, 0)
        self._commands.append(command)
        self._take(answer)
        reply = self._reply
        done, changed = bool(reply.done), reply.changed
        self._changes += changed
        timed_out = done and reply.reason == "timed out"
        success = done and reply.raw_reward == 1.0
        reward = self._reward(reply.reward, reply.raw_reward, done)
        happened = {
            "changed": changed,
            "progress": reply.potential > before.potential,
            "setback": reply.potential < before.potential,
            "succeeded": success,
            "failed": done and not success and not timed_out,
            "timed_out": timed_out,
        }
        return Transition(
            observation=self._observation(),
            reward=reward,
            terminated=done and not timed_out,
            stalled=timed_out,
            success=success,
            events=tuple(name for name, happens in happened.items() if happens),
            factors={"raw": reply.raw_reward if done else 0.0, "time": reward - reply.raw_reward if done else 0.0},
            no_effect=not changed and not done,
            extra=self._extra(),
        )

    def _metrics(self) -> Mapping[str, float]:
        reply = self._reply
        return {
            "raw_reward": reply.raw_reward,
            "potential": reply.potential,
            "elapsed_s": reply.clock_ms / 1000,
            "page_changes": float(self._changes),
        }

    def _frame(self) -> NDArray[np.uint8]:
        from PIL import Image

        page = self._require_page()
        data, self.screenshot = self.screenshot, None
        if data is None:
            data = page.browser.screenshots([page])[0]
        with Image.open(io.BytesIO(data)) as picture:
            return np.asarray(picture.convert("RGB").crop((0, 0, *self.page_size)))

    def _sample_task(self, rng: np.random.Generator) -> Any:
        return site.sample_task(self._page_name, rng)

    # Observations.

    def _make_observation_space(self) -> spaces.Dict:
        found = self._nodes.layout.spaces() | self._instruction.spaces()
        found["time_left"] = spaces.Box(0.0, 1.0, (1,), np.float32)
        mask = self._mask()
        if mask is not None:
            found["action_mask"] = spaces.Box(0, 1, mask.shape, np.int8)
        if "pixels" in self._extras:
            found["pixels"] = spaces.Box(0, 255, (self.page_size[1], self.page_size[0], 3), np.uint8)
        for name in self._extras:
            if name != "pixels":
                found[name] = spaces.Box(0, 255, (LANGUAGE_BYTES,), np.uint8)
        return spaces.Dict(found)

    def _mask(self) -> NDArray[np.int8] | None:
        return self.form.mask(self._nodes.arrays["flags"], self._nodes.count, len(self._instruction.fields))

    def _observation(self) -> dict[str, NDArray[Any]]:
        found = self._nodes.arrays | self._instruction.arrays
        if self.copy:
            found = {name: array.copy() for name, array in found.items()}
        left = max(0.0, 1.0 - self._reply.clock_ms / self._limit_ms)
        found["time_left"] = np.array([left], np.float32)
        mask = self._mask()
        if mask is not None:
            found["action_mask"] = mask
        if "pixels" in self._extras:
            found["pixels"] = self._frame().copy()
        if "html" in self._extras:
            found["html"] = as_bytes(pruned_html(self._nodes), LANGUAGE_BYTES)
        if "axtree" in self._extras:
            found["axtree"] = as_bytes(accessibility(self.page), LANGUAGE_BYTES)
        return found

    def _extra(self) -> Info:
        reply = self._reply
        return {
            "utterance": self._instruction.utterance,
            "fields": self._instruction.fields,
            "raw_reward": reply.raw_reward,
            "elapsed_s": reply.clock_ms / 1000,
            "potential": reply.potential,
            "reason": reply.reason,
            "dropped_nodes": self._nodes.dropped,
            "page_errors": reply.errors,
        }
