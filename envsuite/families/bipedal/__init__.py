"""The bipedal family: a planar walker on Box2D."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from envsuite.families.bipedal.describe import EVENTS, FACTORS, METRICS
from envsuite.families.bipedal.tasks import TASKS
from envsuite.task import Family

_KEYS = MappingProxyType(
    {"q": (0, 1), "a": (0, -1), "w": (1, 1), "s": (1, -1), "o": (2, 1), "l": (2, -1), "p": (3, 1), ";": (3, -1)}
)
"""Key -> motor (left hip, left knee, right hip, right knee) and direction."""


def _run_motor(motor: int, direction: int) -> NDArray[np.float32]:
    action = np.zeros(4, np.float32)
    action[motor] = direction
    return action


_BIBTEX = r"""
@inproceedings{portelas2019teacher,
  title     = {Teacher algorithms for curriculum learning of Deep {RL} in continuously parameterized environments},
  author    = {Portelas, R{\'e}my and Colas, C{\'e}dric and Hofmann, Katja and Oudeyer, Pierre-Yves},
  booktitle = {Conference on Robot Learning},
  year      = {2019},
  note      = {arXiv:1910.07224}
}
@article{towers2024gymnasium,
  title   = {Gymnasium: A Standard Interface for Reinforcement Learning Environments},
  author  = {Towers, Mark and Kwiatkowski, Ariel and Terry, Jordan and others},
  journal = {arXiv preprint arXiv:2407.17032},
  year    = {2024}
}
""".strip()

FAMILY = Family(
    name="bipedal",
    title="BipedalWalker",
    summary="A planar walker with four motors crosses rough ground, obstacles or stumps of chosen size, on Box2D.",
    extra="bipedal",
    modules=("Box2D",),
    distribution="Box2D",
    tasks=TASKS,
    events=tuple(EVENTS),
    factors=tuple(FACTORS),
    metrics=METRICS,
    licence="zlib (Box2D and its Python package)",
    homepage="https://gymnasium.farama.org/environments/box2d/bipedal_walker/",
    bibtex=_BIBTEX,
    expert="envsuite.families.bipedal.expert:make_expert",
    keys={key: _run_motor(motor, direction) for key, (motor, direction) in _KEYS.items()},
    idle_action=np.zeros(4, np.float32),
)
