"""pysc2 is imported with its mends, which leave nothing behind, and says what is wrong where it cannot be."""

import os
import subprocess
import sys

import pytest

LOAD = "from envsuite.families.starcraft2.protocol.pysc2_shim import load_pysc2\nload_pysc2()\n"


def run(script, tmp_path, files=None):
    """The process of a script, before whose modules come those of some files."""
    for name, text in (files or {}).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    environment = {key: value for key, value in os.environ.items() if key not in ("SDL_VIDEODRIVER", "DISPLAY")}
    environment["PYTHONPATH"] = str(tmp_path)
    command = [sys.executable, "-W", "error", "-c", script]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_the_mends_leave_nothing_behind(tmp_path):
    done = run(
        "import os, random\nbefore = random.shuffle\n"
        + LOAD
        + "from pysc2.env import sc2_env\nfrom pysc2 import run_configs\nfrom pysc2.lib import colors\n"
        "assert random.shuffle == before\nassert 'SDL_VIDEODRIVER' not in os.environ\n"
        "assert colors.PLAYER_RELATIVE_PALETTE.shape == (5, 3)\n"
        "from absl import flags\nassert flags.FLAGS.is_parsed()\nload_pysc2()\n",
        tmp_path,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_flags_that_somebody_has_parsed_stay(tmp_path):
    done = run(
        "from absl import flags\nflags.DEFINE_integer('mine', 1, '')\nflags.FLAGS(['x', '--mine=7'])\n"
        + LOAD
        + "assert flags.FLAGS.mine == 7\nassert flags.FLAGS.sc2_timeout == 360\n",
        tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (
            {
                "s2clientprotocol/__init__.py": "",
                "s2clientprotocol/sc2api_pb2.py": "raise TypeError('Descriptors cannot be created directly.')",
            },
            "run: pip install --force-reinstall --no-deps pys2clientprotocol",
        ),
        (
            {"s2clientprotocol/__init__.py": "raise ImportError('nothing')"},
            'expected the module s2clientprotocol, got: nothing; run: pip install "envsuite[starcraft2]"',
        ),
        (
            {"pysc2/__init__.py": "raise ImportError('no pysc2')"},
            'expected pysc2.lib.colors to import, got: no pysc2; run: pip install "envsuite[starcraft2]"',
        ),
    ],
)
def test_what_is_missing_is_named_with_its_command(tmp_path, files, told):
    done = run(LOAD, tmp_path, files)
    assert "MissingSimulator: pysc2: " in done.stderr
    assert told in done.stderr
