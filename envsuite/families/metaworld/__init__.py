"""Meta-World: fifty manipulation tasks of a simulated Sawyer arm."""

import numpy as np
from numpy.typing import NDArray

from envsuite.families.metaworld.describe import EVENTS, FACTORS, METRICS
from envsuite.families.metaworld.tasks import TASKS
from envsuite.task import Family

_BIBTEX = """\
@inproceedings{yu2019metaworld,
  title     = {Meta-World: A Benchmark and Evaluation for Multi-Task and Meta Reinforcement Learning},
  author    = {Yu, Tianhe and Quillen, Deirdre and He, Zhanpeng and Julian, Ryan and Hausman, Karol and
               Finn, Chelsea and Levine, Sergey},
  booktitle = {Conference on Robot Learning (CoRL)},
  year      = {2019},
  eprint    = {1910.10897},
}
@inproceedings{mclean2025metaworldplus,
  title     = {Meta-World+: An Improved, Standardized, {RL} Benchmark},
  author    = {McLean, Reginald and others},
  booktitle = {Advances in Neural Information Processing Systems, Datasets and Benchmarks Track},
  year      = {2025},
  eprint    = {2505.11289},
}
"""


def _action(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32)


FAMILY = Family(
    name="metaworld",
    title="Meta-World",
    summary="Fifty tabletop manipulation tasks of a Sawyer arm with a gripper, simulated by MuJoCo.",
    extra="metaworld",
    modules=("metaworld", "mujoco"),
    distribution="metaworld",
    tasks=TASKS,
    events=EVENTS,
    factors=FACTORS,
    metrics=METRICS,
    licence="MIT (Meta-World), Apache-2.0 (MuJoCo)",
    homepage="https://metaworld.farama.org",
    bibtex=_BIBTEX,
    expert="envsuite.families.metaworld.expert:make_expert",
    keys={
        "left": _action(-1.0, 0.0, 0.0, 0.0),
        "right": _action(1.0, 0.0, 0.0, 0.0),
        "down": _action(0.0, -1.0, 0.0, 0.0),
        "up": _action(0.0, 1.0, 0.0, 0.0),
        "s": _action(0.0, 0.0, -1.0, 0.0),
        "w": _action(0.0, 0.0, 1.0, 0.0),
        "space": _action(0.0, 0.0, 0.0, 1.0),
        "g": _action(0.0, 0.0, 0.0, -1.0),
    },
    idle_action=_action(0.0, 0.0, 0.0, 0.0),
)
