"""The nethack family: NetHack 3.6.7 through the NetHack Learning Environment, seeded and timed as promised.

What upstream (nle 1.3.0) does otherwise and is mended here: `reset(seed=...)` is ignored (issue 131); the date
leaks into games (129); time limits are reported as terminations, and the challenge's limit on
steps without progress counts every step twice; observations are live buffers; the high scores of an object's
earlier episodes show at the end of later ones; a pet next to a hero in the first column is not seen.

What stays: the seed's meaning depends on the binary of nle; rare seeds may keep the engine busy for very
long while it builds a level, which Python cannot interrupt; a hallucinating hero may succeed at the oracle task
beside another monster that looks like the Oracle; scouting can pay less than nothing where known squares become blank.
"""

from envsuite.families.nethack.describe import EVENTS, FACTORS, METRICS
from envsuite.families.nethack.tasks import TASKS
from envsuite.task import Family

_BIBTEX = """\
@inproceedings{kuettler2020nethack,
  author    = {K{\\"u}ttler, Heinrich and Nardelli, Nantas and Miller, Alexander H. and Raileanu, Roberta and
               Selvatici, Marco and Grefenstette, Edward and Rockt{\\"a}schel, Tim},
  title     = {The {NetHack} Learning Environment},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {33},
  year      = {2020}
}"""

_MORE, _WAIT = 0, 19
_MOVES = {"k": 1, "l": 2, "j": 3, "h": 4, "u": 5, "n": 6, "b": 7, "y": 8}
_ARROWS = {"up": 1, "right": 2, "down": 3, "left": 4}
_COMMANDS = {"return": _MORE, ",": 17, ".": 18, "w": _WAIT, "d": 20, "e": 21, "s": 22}

FAMILY = Family(
    name="nethack",
    title="NetHack",
    summary="The roguelike NetHack 3.6.7 through nle: generated dungeons, symbols, text and permanent death.",
    extra="nethack",
    modules=("nle",),
    distribution="nle",
    tasks=TASKS,
    events=EVENTS,
    factors=FACTORS,
    metrics=METRICS,
    licence="NetHack General Public License, a copyleft licence of its own, for all of nle, its Python code included",
    homepage="https://github.com/NetHack-LE/nle",
    bibtex=_BIBTEX,
    expert="envsuite.families.nethack.expert:make_expert",
    keys={**_MOVES, **_ARROWS, **_COMMANDS},
    idle_action=None,
)
