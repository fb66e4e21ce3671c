"""The recipes of docs/how-to/train-with-your-library.md run, each section as one script of few steps."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent.parent / "docs" / "how-to" / "train-with-your-library.md"
STEPS = re.compile(r"^STEPS, BATCH = [\d_]+, [\d_]+$", re.MULTILINE)
MORE = {
    # Then, in the same Ray session, a Dict space, which RLlib's default models do not take as it is.
    "RLlib": """
assert result["env_runners"]["num_env_steps_sampled_lifetime"] >= STEPS
other = config.copy(copy_frozen=False).environment(register("envsuite/nethack-staircase-v1"))
algorithm = other.env_runners(num_env_runners=0).training(num_epochs=1).build_algo()
assert algorithm.train()["env_runners"]["num_env_steps_sampled_lifetime"] >= BATCH
algorithm.stop()
ray.shutdown()
""",
    "CleanRL and loops of your own": """
assert envs.episode_count >= 1
assert log_std.abs().min() > 0
assert not valid.all()
""",
    "TorchRL": "assert collector._frames == STEPS",
    "Minari": "assert dataset.total_episodes == 5; env.close()",
}
"""What a section's script does after the page's own blocks."""


def sections():
    """Code of every section of the page that has some, by title."""
    parts = re.split(r"^## (.+)$", PAGE.read_text(), flags=re.MULTILINE)[1:]
    return {
        title: "\n".join(re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL))
        for title, text in zip(parts[::2], parts[1::2], strict=True)
    }


@pytest.mark.parametrize("title", sections())
def test_a_recipe_runs(title, tmp_path):
    code = sections()[title]
    assert code
    script = tmp_path / "recipe.py"
    script.write_text(STEPS.sub("STEPS, BATCH = 256, 256", code) + MORE.get(title, ""))
    environment = {**os.environ, "MINARI_DATASETS_PATH": str(tmp_path / "minari"), "RAY_USAGE_STATS_ENABLED": "0"}
    result = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-4000:]
