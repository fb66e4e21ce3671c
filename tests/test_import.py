"""`import envsuite` is light: what it loads is looked at, since a timed test would lie on a busy machine."""

import json
import subprocess
import sys

HEAVY = {
    *("crafter", "nle", "metaworld", "mujoco", "Box2D", "pygame", "torch", "stable_baselines3", "minari", "ray"),
    *("pandas", "pyarrow", "jinja2", "matplotlib", "PIL", "imageio", "scipy", "typer", "rich", "pydantic"),
}


def loaded_after(code):
    script = f"import sys, json; {code}; print(json.dumps(sorted(sys.modules)))"
    return set(json.loads(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout))


def test_importing_envsuite_loads_no_simulator_and_nothing_heavy():
    assert not HEAVY & loaded_after("import envsuite")


def test_every_public_name_exists():
    import envsuite

    for name in envsuite.__all__:
        assert getattr(envsuite, name) is not None


def test_an_unknown_attribute_is_an_attribute_error():
    import pytest

    import envsuite

    with pytest.raises(AttributeError, match="no attribute 'evaluat'"):
        envsuite.evaluat  # noqa: B018


def test_making_one_family_loads_no_other_simulator():
    modules = loaded_after("import gymnasium, envsuite; gymnasium.make('envsuite/bipedal-flat-v1').close()")
    assert "Box2D" in modules
    assert not {"crafter", "nle", "metaworld", "mujoco", "torch"} & modules
