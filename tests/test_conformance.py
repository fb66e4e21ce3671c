"""check_env finds every breach it names: one broken environment for each rule."""

import dataclasses
import multiprocessing
import time

import numpy as np
import pytest
from gymnasium import spaces
from toy import ToyEnv

from envsuite.conformance import check_env
from envsuite.errors import ContractViolation


def test_a_sound_environment_passes():
    check_env(ToyEnv)


class SequenceSpace(ToyEnv):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.observation_space = spaces.Sequence(spaces.Discrete(2))


class WrongDtype(ToyEnv):
    def _observe(self):
        return super()._observe().astype(np.float64)


class BothFlags(ToyEnv):
    def step(self, action):
        observation, reward, terminated, truncated, info = super().step(action)
        return observation, reward, terminated or truncated, truncated, info


class UnknownEvent(ToyEnv):
    def _advance(self, action):
        transition = super()._advance(action)
        transition.events = ("teleported",)
        return transition


class NoSignal(ToyEnv):
    def _advance(self, action):
        transition = super()._advance(action)
        transition.extra = {}
        return transition


class NoArray(ToyEnv):
    info_arrays = {"map": ((2,), "int64")}  # noqa: RUF012


class NoMetrics(ToyEnv):
    def _metrics(self):
        return {}


class NoSuccess(ToyEnv):
    def _advance(self, action):
        transition = super()._advance(action)
        transition.success = None
        return transition


class Remembers(ToyEnv):
    episodes = 0

    def _begin(self, seed, task_value):
        self.episodes += 1
        return super()._begin(seed + (self.episodes > 2), task_value)


class IgnoresSeed(ToyEnv):
    def _begin(self, seed, task_value):
        return super()._begin(0, np.array([5], np.float32))


class GlobalGenerator(ToyEnv):
    def _begin(self, seed, task_value):
        np.random.random()  # noqa: NPY002  # the fault under test
        return super()._begin(seed, task_value)


class LiveBuffer(ToyEnv):
    def _observe(self):
        self.__dict__.setdefault("buffer", np.zeros(2, np.float32))[:] = self.position, self.target
        return self.buffer


class TakesAnything(ToyEnv):
    def step(self, action):
        if not self.action_space.contains(action):
            action = 1
        return super().step(action)


class HarmedByInvalid(ToyEnv):
    def step(self, action):
        if not self.action_space.contains(action):
            self.position += 1
        return super().step(action)


class LimitTerminates(ToyEnv):
    def step(self, action):
        observation, reward, terminated, truncated, info = super().step(action)
        return observation, reward, terminated or truncated, False, info


class IgnoresTask(ToyEnv):
    def _begin(self, seed, task_value):
        self._task_value = np.array([3], np.float32)
        return super()._begin(seed, task_value)


class RenderMoves(ToyEnv):
    def _frame(self):
        self.position = max(-9, self.position - 1)
        return super()._frame()


class EmptyPicture(ToyEnv):
    def _frame(self):
        return np.zeros((4, 4, 3), np.uint8)


class StepsUnstarted(ToyEnv):
    def step(self, action):
        if not self._running:
            return np.zeros(2, np.float32), 0.0, False, False, {}
        return super().step(action)


class WrongMasks(ToyEnv):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.observation_space = spaces.Dict(at=self.observation_space, action_mask=spaces.MultiBinary(3))

    def _observe(self):
        return {"at": super()._observe(), "action_mask": np.ones(3, np.int8)}

    def action_masks(self):
        return np.zeros(3, np.int8)


class UndeclaredSnapshots(ToyEnv):
    def snapshot(self):
        return self.position


class ForgetfulSnapshots(UndeclaredSnapshots):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.task = dataclasses.replace(self.task, snapshots=True)

    def restore(self, saved):
        self.position = saved + 1


class LeavesAProcess(ToyEnv):
    def _begin(self, seed, task_value):
        if not multiprocessing.active_children():
            multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,), daemon=True).start()
        return super()._begin(seed, task_value)


def test_a_process_that_outlives_close_is_caught():
    def make(**kwargs):
        for child in multiprocessing.active_children():
            child.kill()
            child.join()
        return LeavesAProcess(**kwargs)

    try:
        with pytest.raises(ContractViolation, match=r"close\(\) leaves processes behind"):
            check_env(make, steps=2)
    finally:
        for child in multiprocessing.active_children():
            child.kill()
            child.join()


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        (SequenceSpace, "spaces have a fixed size"),
        (WrongDtype, "every step is a member"),
        (BothFlags, "terminated and truncated at once"),
        (UnknownEvent, "FAMILY.events"),
        (NoSignal, "FAMILY.signals"),
        (NoArray, "as in info_arrays"),
        (NoMetrics, "FAMILY.metrics"),
        (NoSuccess, "success is told"),
        (Remembers, "reset\\(seed\\) alone"),
        (IgnoresSeed, "every seed gives the same episode"),
        (GlobalGenerator, "a global random generator was used"),
        (LiveBuffer, "changed after it was handed out"),
        (TakesAnything, "was taken"),
        (HarmedByInvalid, "an invalid action changed the episode"),
        (LimitTerminates, "a limit truncates"),
        (IgnoresTask, "info\\['task'\\]: expected"),
        (RenderMoves, "rendering"),
        (EmptyPicture, "empty picture"),
        (StepsUnstarted, r"step\(\) before reset\(\) must raise"),
        (WrongMasks, "differs from the observation"),
        (UndeclaredSnapshots, "disagree"),
        (ForgetfulSnapshots, "give another trajectory"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_broken_environment_is_caught_by_its_rule(broken, rule):
    with pytest.raises(ContractViolation, match=rule):
        check_env(broken)
