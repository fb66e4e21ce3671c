"""The miniwob family: small web pages with an instruction, in a real browser, by the page's own clock."""

from envsuite.families.miniwob.describe import EVENTS, FACTORS, METRICS, SIGNALS
from envsuite.families.miniwob.tasks import TASKS
from envsuite.task import Family

_BIBTEX = """\
@inproceedings{liu2018reinforcement,
  title={Reinforcement Learning on Web Interfaces using Workflow-Guided Exploration},
  author={Evan Zheran Liu and Kelvin Guu and Panupong Pasupat and Tianlin Shi and Percy Liang},
  booktitle={International Conference on Learning Representations},
  year={2018}
}"""

FAMILY = Family(
    name="miniwob",
    title="MiniWoB",
    summary="Web pages of 160 x 210 pixels with an instruction: forms, menus, mail, flights, and forms of any size.",
    extra="miniwob",
    modules=("selenium", "websocket", "PIL"),
    distribution="chromium",
    tasks=TASKS,
    events=EVENTS,
    factors=FACTORS,
    metrics=METRICS,
    licence="MIT",
    homepage="https://miniwob.farama.org",
    bibtex=_BIBTEX,
    identify="envsuite.families.miniwob.identity:version",
    signals=SIGNALS,
    expert="envsuite.families.miniwob.expert:make_expert",
    exchange="envsuite.families.miniwob.batch:exchange",
)
