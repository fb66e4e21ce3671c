import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import envsuite
from envsuite.cli.main import COMMANDS, app

runner = CliRunner()


def run_command(*args, **environment):
    return subprocess.run(
        [sys.executable, "-c", "from envsuite.cli.main import app; app()", *args],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, **environment},
    )


def test_version_is_the_distributions():
    result = runner.invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.stdout == f"envsuite {envsuite.__version__}\n"


def test_help_names_every_command():
    result = runner.invoke(app, ["--help"])
    assert result.exit_code == 0
    for name in COMMANDS:
        assert name in result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name):
    result = runner.invoke(app, [name, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.stdout


def test_the_command_imports_nothing_heavy():
    code = (
        "import sys, envsuite.cli.main as _; "
        "print(*sorted({'pandas', 'crafter', 'nle', 'metaworld', 'mujoco', 'Box2D', 'pygame', 'PIL', 'torch', "
        "'stable_baselines3', 'ray'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""


def test_an_error_is_one_line_on_standard_error_and_status_2():
    result = run_command("info", "envsuite/crafter-rewrad-v1", COLUMNS="40")
    assert result.returncode == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("error: unknown id or suite 'envsuite/crafter-rewrad-v1'. Did you mean: ")
    assert "Traceback" not in result.stderr


def test_the_traceback_is_shown_when_asked_for():
    by_option = runner.invoke(app, ["--traceback", "list", "--family", "nosuch"])
    by_environment = runner.invoke(app, ["list", "--family", "nosuch"], env={"ENVSUITE_TRACEBACK": "1"})
    for result in (by_option, by_environment):
        assert result.exit_code == 2
        assert "Traceback (most recent call last)" in result.stderr
        assert "error: unknown family 'nosuch'" in result.stderr.splitlines()[-1]


def test_markup_in_an_error_is_printed_as_it_is():
    result = runner.invoke(app, ["info", "[bold]x"])
    assert result.exit_code == 2
    assert "'[bold]x'" in result.stderr
