"""A scripted agent for most of the pages, which sees nothing but observations."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from envsuite.errors import InvalidArgument, UnknownName
from envsuite.families.miniwob import (
    oracle_apps,
    oracle_boxes,
    oracle_click,
    oracle_filling,
    oracle_forms,
    oracle_pointer,
    oracle_shapes,
    oracle_values,
)
from envsuite.families.miniwob.actions import PRESETS, ActionForm, make_form
from envsuite.families.miniwob.oracle_sight import Action, Moves, Sight
from envsuite.families.miniwob.site import size_px
from envsuite.families.miniwob.tasks import TASKS
from envsuite.task import TaskInfo

Solver = Callable[[Sight], Moves]
_SCRIPTS = (
    oracle_apps,
    oracle_boxes,
    oracle_click,
    oracle_filling,
    oracle_forms,
    oracle_pointer,
    oracle_shapes,
    oracle_values,
)
SOLVERS: Mapping[str, Solver] = MappingProxyType(
    {name: each for module in _SCRIPTS for name, each in module.SCRIPTS.items()}
)
"""Page -> the script that solves it."""
SOLVED: frozenset[str] = frozenset(SOLVERS) - {"highlight-text", "highlight-text-2"}
"""Pages that the agent solves whatever the seed; of those left out it solves 56 and 49 of 60 seeds."""
_PAGES: Mapping[str, str] = MappingProxyType({task.id: task.kwargs["page"] for task in TASKS})


class Oracle:
    """Plays one page by its script, and does as little as possible once the script is through or at a loss."""

    def __init__(self, solver: Solver, form: ActionForm) -> None:
        self._solver, self._form = solver, form
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Begins an episode; the seed has no effect."""
        del seed
        self._sight = Sight(self._form)
        self._moves = self._solver(self._sight)

    def act(self, observation: Mapping[str, Any]) -> Action:
        """Returns the next action of the script."""
        self._sight.look(observation)
        # RuntimeError: what a `next` that finds nothing becomes in a generator.
        with contextlib.suppress(LookupError, ValueError, RuntimeError):
            for action in self._moves:
                return action
        return self._sight.idle()


def make_expert(task: TaskInfo) -> Oracle:
    """Returns the scripted agent of a task of this family.

    Raises:
        UnknownName: For a page that no script solves.
        InvalidArgument: If the actions are none of the presets, or the observations hold no texts.
    """
    page = _PAGES[task.id]
    if page not in SOLVED:
        raise UnknownName(f"agent: {task.id} has no scripted agent; use random or constant")
    return Oracle(SOLVERS[page], _form_of(task, page))


def _form_of(task: TaskInfo, page: str) -> ActionForm:
    seen = task.observation_space
    max_nodes, width = seen["text"].shape  # type: ignore[index]  # a Dict
    if width < 64:
        raise InvalidArgument("text: the scripted agent reads bytes; make the env with text='bytes'")
    for name in PRESETS:
        form = make_form(name, max_nodes, size_px(page), seen["field_keys"].shape[0])  # type: ignore[index]
        if form.space == task.action_space:
            return form
    raise InvalidArgument(f"actions: expected one of {', '.join(PRESETS)}, got {task.action_space}")
