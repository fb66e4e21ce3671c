"""The folder in the game's place, and what pysc2 finds there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from envsuite.cli.main import app
from envsuite.errors import InvalidArgument
from envsuite.families.starcraft2.install import find_game
from envsuite.families.starcraft2.protocol import maps
from envsuite.families.starcraft2.protocol.install import BINARY, install_simulator
from envsuite.families.starcraft2.protocol.pysc2_shim import load_pysc2


def test_pysc2_finds_a_binary_and_every_map(tmp_path, monkeypatch):
    load_pysc2()
    from pysc2 import maps as pysc2_maps
    from pysc2 import run_configs

    result = CliRunner().invoke(app, ["starcraft2", "install-sim", str(tmp_path / "sim")])
    assert result.exit_code == 0, result.output
    assert f"SC2PATH={tmp_path / 'sim'}" in result.output.replace("\n", "")
    monkeypatch.setenv("SC2PATH", str(tmp_path / "sim"))
    config = run_configs.get()
    assert config.version.build_version == 75689
    for name in (*maps.FOLDERS["mini_games"], *maps.FOLDERS["Melee"]):
        assert b"stub" in pysc2_maps.get(name).data(config)
    assert (tmp_path / "sim" / "Maps" / "SMAC_Maps" / "3m.SC2Map").read_bytes()
    game = find_game("MoveToBeacon", allow_simulator=True)
    assert game.simulator


def test_the_binary_is_a_script_for_this_interpreter(tmp_path):
    install_simulator(tmp_path / "a folder with spaces")
    script = tmp_path / "a folder with spaces" / BINARY
    assert os.access(script, os.X_OK)
    assert sys.executable in script.read_text()
    result = subprocess.run([script, "-port", "none"], capture_output=True, text=True, timeout=60)
    assert "-port" in result.stderr


def test_a_folder_is_renewed_and_maps_of_the_game_stay(tmp_path):
    install_simulator(tmp_path)
    own = tmp_path / "Maps" / "mini_games" / "MoveToBeacon.SC2Map"
    own.write_bytes(b"MPQ of the game")
    (tmp_path / BINARY).write_text("#!/bin/sh\nexec an older envsuite\n")
    files = install_simulator(tmp_path)
    assert own.read_bytes() == b"MPQ of the game"
    assert "protocol.server" in (tmp_path / BINARY).read_text()
    assert all(path.is_file() for path in files)


def test_a_real_game_is_not_written_over(tmp_path):
    for place in (BINARY, Path("Versions", "Base75800", "SC2_x64")):
        root = tmp_path / place.parts[1]
        (root / place).parent.mkdir(parents=True)
        (root / place).write_bytes(b"\x7fELF")
        with pytest.raises(InvalidArgument, match="name another"):
            install_simulator(root)
        assert [path for path in root.rglob("*") if path.is_file()] == [root / place]
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(InvalidArgument, match="got the file"):
        install_simulator(file)
