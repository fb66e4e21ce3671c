"""The README's promise: a stranger's Stable-Baselines3 script is ported by changing one line."""

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parent.parent.parent / "README.md"
STRANGERS_SCRIPT = """
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env

venv = make_vec_env("BipedalWalker-v3", n_envs=4)
model = PPO("MlpPolicy", venv, n_steps=64, batch_size=64, n_epochs=1, device="cpu")
model.learn(256)
print(model.num_timesteps)
"""


def test_the_readmes_one_line_ports_a_strangers_script(tmp_path):
    diff = re.search(r"```diff\n-(.*)\n\+(.*)\n", README.read_text())
    before, after = diff.groups()
    assert STRANGERS_SCRIPT.count(before + "\n") == 1
    script = tmp_path / "train.py"
    script.write_text(STRANGERS_SCRIPT.replace(before, after))
    result = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "256"
