"""The crafter family: an open world with survival, crafting and 22 achievements, on images."""

from envsuite.families.crafter.rules import ACHIEVEMENTS, STATE_EVENTS
from envsuite.families.crafter.tasks import TASKS
from envsuite.task import Family

FAMILY = Family(
    name="crafter",
    title="Crafter",
    summary="An open 64 x 64 world with foraging, crafting, monsters and nights, with 22 achievements to unlock.",
    extra="crafter",
    modules=("crafter",),
    distribution="crafter",
    tasks=TASKS,
    events=(*ACHIEVEMENTS, *STATE_EVENTS),
    factors=("achievement", "health"),
    metrics=ACHIEVEMENTS,
    licence="MIT",
    homepage="https://github.com/danijar/crafter",
    bibtex="""@inproceedings{hafner2022crafter,
  title={Benchmarking the Spectrum of Agent Capabilities},
  author={Danijar Hafner},
  booktitle={International Conference on Learning Representations},
  year={2022}
}""",
    expert=f"{__name__}.expert:make_expert",
    keys={
        "left": 1,
        "a": 1,
        "right": 2,
        "d": 2,
        "up": 3,
        "w": 3,
        "down": 4,
        "s": 4,
        "space": 5,
        "tab": 6,
        "r": 7,
        "t": 8,
        "f": 9,
        "p": 10,
        "1": 11,
        "2": 12,
        "3": 13,
        "4": 14,
        "5": 15,
        "6": 16,
    },
    idle_action=0,
)
