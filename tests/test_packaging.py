"""The wheel is whole and pollutes nothing."""

import os
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FOLDERS = ("envsuite", "wrappers", "baselines", "leaderboard")


def package_of(folder):
    parts = folder.relative_to(ROOT).parts
    return ".".join(parts if parts[0] == "envsuite" else ("envsuite", *parts))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel built from the tracked files alone, as in a fresh clone."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in files.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(out), str(source)]
    subprocess.run(command, check=True)
    return next(out.glob("*.whl"))


def test_every_folder_with_an_init_is_a_listed_package():
    found = {package_of(init.parent) for folder in FOLDERS for init in (ROOT / folder).rglob("__init__.py")}
    assert found == set(PROJECT["tool"]["setuptools"]["packages"])


def test_envsuite_holds_no_folder_that_the_mapping_would_hide():
    assert not any((ROOT / "envsuite" / folder).exists() for folder in FOLDERS[1:])


def test_the_wheel_has_one_top_level_package(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"envsuite"}


def test_the_wheel_holds_every_tracked_file_of_the_packages(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    files = subprocess.run(["git", "ls-files", *FOLDERS], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for file in files.split():
        path = Path(file)
        if path.suffix in {".py", ".toml", ".html", ".typed"} and (ROOT / file).exists():
            assert (str(path) if path.parts[0] == "envsuite" else f"envsuite/{path}") in names, file


def test_all_is_composed_of_the_other_extras():
    extras = PROJECT["project"]["optional-dependencies"]
    assert extras["all"] == [f"envsuite[{','.join(name for name in extras if name != 'all')}]"]


def test_the_constraints_pin_torch_and_every_direct_dependency():
    pinned = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    extras = [d for name, extra in PROJECT["project"]["optional-dependencies"].items() if name != "all" for d in extra]
    groups = [d for group in PROJECT["dependency-groups"].values() for d in group if isinstance(d, str)]
    wanted = {
        d.split(">")[0].split("=")[0].split("[")[0].lower()
        for d in [*PROJECT["project"]["dependencies"], *extras, *groups]
    }
    assert wanted - pinned == set()
    assert "torch" in pinned


@pytest.mark.long
@pytest.mark.parametrize(
    ("extra", "task_id"),
    [
        ("crafter", "envsuite/crafter-reward-v1"),
        ("nethack", "envsuite/nethack-score-v1"),
        ("metaworld", "envsuite/metaworld-reach-v1"),
        ("bipedal", "envsuite/bipedal-flat-v1"),
    ],
)
def test_the_wheel_with_one_extra_makes_that_family_and_names_what_is_missing(wheel, tmp_path, extra, task_id):
    """Installs from the package index: needs a network."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    environment = {**os.environ, "PYTHONPATH": ""}
    install = [python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", f"{wheel}[{extra}]"]
    subprocess.run(install, check=True, env=environment)
    subprocess.run([python, "-m", "pip", "check"], check=True)
    code = f"""
import gymnasium, envsuite
env = gymnasium.make({task_id!r})
env.reset(seed=0)
env.step(env.action_space.sample())
env.close()
missing = {{"crafter": "nethack-score-v1"}}.get({extra!r}, "crafter-reward-v1")
try:
    gymnasium.make("envsuite/" + missing)
except envsuite.MissingSimulator as error:
    print(error)
"""
    output = subprocess.run(
        [python, "-c", code], check=True, capture_output=True, text=True, cwd=tmp_path, env=environment
    ).stdout
    assert 'pip install "envsuite[' in output
