import dataclasses
import json
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from envsuite import catalogue, registration
from envsuite.cli import doctor as module
from envsuite.cli.main import app

runner = CliRunner()
BIPEDAL = catalogue.FAMILIES["bipedal"]


@pytest.mark.parametrize("family", catalogue.FAMILIES.values(), ids=lambda family: family.name)
def test_a_working_family_is_made_stepped_and_pictured(family):
    record = module.check_family(family, timeout=60)
    assert record["works"] is True
    assert record["picture"] is True
    assert record["problem"] is None
    assert record["command"] is None
    assert set(record["timings"]) == {"import_s", "make_s", "reset_s", "step_s", "picture_s"}
    assert all(0 < seconds < 60 for seconds in record["timings"].values())


def test_a_missing_family_comes_with_its_command():
    family = dataclasses.replace(BIPEDAL, modules=("no_such_module",))
    record = module.check_family(family, timeout=60)
    assert record["works"] is False
    assert record["problem"] == "no module no_such_module"
    assert record["command"] == 'pip install "envsuite[bipedal]"'


def test_a_crash_of_a_simulator_is_reported(monkeypatch):
    monkeypatch.setattr(module, "_PROBE", "import os, sys; print('noise'); os.kill(os.getpid(), 11); {!r}")
    record = module.check_family(BIPEDAL, timeout=60)
    assert record["works"] is False
    assert record["problem"] == "crashed (SIGSEGV)"


def test_an_exception_of_a_simulator_is_reported(monkeypatch):
    monkeypatch.setattr(module, "_PROBE", "raise RuntimeError('no licence for ' + {!r})")
    record = module.check_family(BIPEDAL, timeout=60)
    assert record["works"] is False
    assert record["problem"] == f"RuntimeError: no licence for {BIPEDAL.tasks[0].id}"


def test_a_simulator_that_hangs_is_given_up(monkeypatch):
    monkeypatch.setattr(module, "_PROBE", "import time; time.sleep(60); {!r}")
    record = module.check_family(BIPEDAL, timeout=0.5)
    assert record["works"] is False
    assert record["problem"] == "no answer within 0.5 s"


def test_a_family_without_pictures_still_works(monkeypatch):
    told = "print('\\nenvsuite-probe {{\"step_s\": 0.5}}'); raise OSError('no libEGL'); {!r}"
    monkeypatch.setattr(module, "_PROBE", told)
    record = module.check_family(BIPEDAL, timeout=60)
    assert record["works"] is True
    assert record["picture"] is False
    assert record["problem"] == "no picture: OSError: no libEGL"


@pytest.fixture
def one_family(monkeypatch):
    """A catalogue of one family, so that the report is quick."""
    monkeypatch.setattr(catalogue, "FAMILIES", {"bipedal": BIPEDAL})


def test_the_report_is_complete_and_status_0_says_that_all_works(one_family):
    result = runner.invoke(app, ["doctor", "--json"])
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert [record["family"] for record in report["families"]] == ["bipedal"]
    assert {part["part"] for part in report["optional"]} == {
        "pygame", "stable-baselines3", "minari", "jinja2", "fastapi", "ray", "chromium", "bubblewrap",
        "sandbox bubblewrap", "sandbox landlock", "EGL", "OSMesa", "StarCraft II",
    }  # fmt: skip
    assert report["machine"]["cores"] >= 1
    assert report["machine"]["memory_gib"] > 0


def test_the_page_tells_the_commands_and_status_1_that_something_is_missing(one_family, monkeypatch):
    monkeypatch.setattr(registration, "missing_modules", lambda family: ["Box2D"])
    monkeypatch.setattr(module, "shutil", SimpleNamespace(which=lambda name: None))  # of doctor only: probes last
    result = runner.invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "no module Box2D" in result.stdout
    assert 'pip install "envsuite[bipedal]"  # BipedalWalker' in result.stdout
    assert "apt install bubblewrap  # bubblewrap" in result.stdout
    assert "0 of 1 simulators work." in result.stdout
