"""The starcraft2 family: the real game through pysc2, and a simulator that speaks its protocol."""

from envsuite.families.starcraft2.describe import EVENTS, FACTORS, METRICS
from envsuite.families.starcraft2.tasks import TASKS
from envsuite.task import Family

_BIBTEX = """\
@article{vinyals2017starcraft,
  title={{StarCraft II}: A New Challenge for Reinforcement Learning},
  author={Oriol Vinyals and Timo Ewalds and Sergey Bartunov and others},
  journal={arXiv preprint arXiv:1708.04782},
  year={2017}
}
@inproceedings{samvelyan2019starcraft,
  title={The {StarCraft} Multi-Agent Challenge},
  author={Mikayel Samvelyan and Tabish Rashid and Christian Schroeder de Witt and others},
  booktitle={International Conference on Autonomous Agents and MultiAgent Systems},
  year={2019}
}"""

FAMILY = Family(
    name="starcraft2",
    title="StarCraft II",
    summary="Seven mini-games and SMAC's battles on a simulator of our own that speaks the game's protocol.",
    extra="starcraft2",
    modules=("numba",),
    distribution="envsuite-sim",
    identify="envsuite.families.starcraft2.identity:identify",
    tasks=TASKS,
    events=EVENTS,
    factors=FACTORS,
    metrics=METRICS,
    vector="envsuite.families.starcraft2.vector:make_kernel",
    parallel="envsuite.families.starcraft2.teams.parallel:make_parallel",
    licence="MIT (the simulator); the game has Blizzard's AI and Machine Learning License",
    homepage="https://github.com/google-deepmind/pysc2",
    bibtex=_BIBTEX,
    expert="envsuite.families.starcraft2.expert:make_expert",
)
