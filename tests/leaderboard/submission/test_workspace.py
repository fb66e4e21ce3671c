import os
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from envsuite.leaderboard.submission.workspace import Workspace, sweep

CLAIM = "from envsuite.leaderboard.submission.workspace import Workspace as W; print(W.claim().folder, flush=True); "


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def age(folder):
    for home in folder.iterdir():
        os.utime(home, (time.time() - 100,) * 2)


def test_a_workspace_is_empty_and_gone_when_released(temporary):
    workspace = Workspace.claim()
    assert list(workspace.folder.iterdir()) == []
    workspace.release()
    workspace.release()
    assert list(temporary.iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_holds_stays(temporary):
    held = Workspace.claim()
    command = [sys.executable, "-c", CLAIM + "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline().startswith(str(temporary).encode())
        age(temporary)
        sweep()
        assert len(list(temporary.iterdir())) == 2
        process.send_signal(signal.SIGKILL)
    age(temporary)
    other = Workspace.claim()
    assert {home.name for home in temporary.iterdir()} == {held.folder.parent.name, other.folder.parent.name}
    held.release()
    other.release()


def test_young_folders_and_those_of_others_are_left_alone(temporary):
    (temporary / "envsuite-bundle-young").mkdir()
    (temporary / "envsuite-bundle-link").symlink_to(temporary / "envsuite-bundle-young")
    (temporary / "other").mkdir()
    os.utime(temporary / "other", (0, 0))
    sweep()
    assert len(list(temporary.iterdir())) == 3
