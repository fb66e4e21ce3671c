"""Finding the game: every way in which an install can be broken has a message that says what and what to do."""

import re
import sys

import pytest

from envsuite.catalogue import get_task
from envsuite.errors import MissingSimulator
from envsuite.families.starcraft2 import install
from envsuite.families.starcraft2.install import MINI_GAMES, find_game
from envsuite.families.starcraft2.tasks import GAME_TASKS
from envsuite.registration import simulator_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the game's folders are laid out otherwise there")


@pytest.fixture
def root(tmp_path, monkeypatch):
    """The folder of a game that is whole, with a newer build beside an older one."""
    for build in (69232, 75689):
        folder = tmp_path / "StarCraftII" / "Versions" / f"Base{build}"
        folder.mkdir(parents=True)
        (folder / "SC2_x64").write_bytes(b"\x7fELF")
        (folder / "SC2_x64").chmod(0o755)
    maps = tmp_path / "StarCraftII" / "Maps" / "mini_games"
    maps.mkdir(parents=True)
    for name in MINI_GAMES:
        (maps / f"{name}.SC2Map").write_bytes(name.encode())
    monkeypatch.setenv("SC2PATH", str(tmp_path / "StarCraftII"))
    return tmp_path / "StarCraftII"


def told(mini_game="MoveToBeacon", **options):
    """What is said of an install that cannot be used; it always names the simulator as the way without the game."""
    with pytest.raises(MissingSimulator) as caught:
        find_game(mini_game, **options)
    message = str(caught.value)
    assert re.match(r"StarCraft II: expected .+, got .+\. .+", message)
    assert message.endswith("starcraft2-sim-...")
    return message


def test_a_whole_install_is_found(root):
    game = find_game("BuildMarines")
    assert (game.root, game.build, game.version) == (root, 75689, "4.10.0 (build 75689)")
    assert game.binary == root / "Versions" / "Base75689" / "SC2_x64"
    assert set(game.maps) == set(MINI_GAMES)
    assert not game.simulator


def test_an_older_build_that_is_there_can_be_asked_for(root):
    assert find_game(build=69232).version == "4.6.2 (build 69232)"
    assert "builds 69232, 75689" in told(build=75800)


def test_without_a_path_the_home_folder_is_looked_at(root, monkeypatch):
    monkeypatch.delenv("SC2PATH")
    monkeypatch.setenv("HOME", str(root.parent))
    assert find_game().root == root
    monkeypatch.setenv("HOME", str(root))
    message = told()
    assert f"{root / 'StarCraftII'} (~/StarCraftII, for SC2PATH is not set), got nothing there" in message
    assert "Blizzard/s2client-proto" in message


def test_a_path_that_leads_nowhere(root, monkeypatch):
    monkeypatch.setenv("SC2PATH", str(root / "elsewhere"))
    assert f"SC2PATH={root / 'elsewhere'}), got nothing there" in told()
    (root / "elsewhere").write_text("")
    assert "got a file" in told()


def test_a_folder_without_versions(root):
    (root / "Versions").rename(root / "Version")
    assert f"expected the folder {root / 'Versions'}, got Maps, Version in {root}" in told()


def test_a_package_unpacked_one_folder_too_deep(root, monkeypatch):
    monkeypatch.setenv("SC2PATH", str(root.parent))
    assert f"Set SC2PATH to {root}" in told()


def test_versions_without_a_build(root):
    for build in (root / "Versions").iterdir():
        (build / "SC2_x64").unlink()
        build.rmdir()
    assert f"{root / 'Versions'} empty" in told()


def test_a_name_at_which_pysc2_would_stumble(root):
    (root / "Versions" / "Base75689").rename(root / "Versions" / "Base75689.old")
    assert "got Base75689.old. Rename it" in told()


def test_a_build_from_before_the_protocol(root):
    for number, build in enumerate(sorted((root / "Versions").iterdir())):
        build.rename(root / "Versions" / f"Base5291{number}")
    message = told()
    assert "at least 55958 (3.16.1" in message
    assert "got build 52911" in message


def test_a_binary_that_is_missing_or_not_executable(root):
    binary = root / "Versions" / "Base75689" / "SC2_x64"
    binary.chmod(0o644)
    assert f'chmod +x "{binary}"' in told()
    binary.unlink()
    assert f"{binary}, got {binary.parent} empty. The install is not whole" in told()


def test_a_map_that_is_missing(root):
    folder = root / "Maps" / "mini_games"
    (folder / "MoveToBeacon.SC2Map").unlink()
    message = told()
    assert f"expected the map {folder / 'MoveToBeacon.SC2Map'}, got only CollectMineralShards" in message
    assert f"copy its .SC2Map files to {folder}" in message
    assert find_game("DefeatRoaches").maps.keys() == set(MINI_GAMES) - {"MoveToBeacon"}
    for path in folder.iterdir():
        path.unlink()
    assert f"got {folder} empty" in told()
    assert find_game().maps == {}


@pytest.mark.parametrize("wrong", ["mini_games", "Maps", "maps/mini_games"])
def test_maps_in_a_wrong_place(root, wrong):
    maps = {path.name: path.read_bytes() for path in (root / "Maps" / "mini_games").iterdir()}
    for name in maps:
        (root / "Maps" / "mini_games" / name).unlink()
    (root / "Maps" / "mini_games").rmdir()
    (root / wrong).mkdir(parents=True, exist_ok=True)
    for name, data in maps.items():
        (root / wrong / name).write_bytes(data)
    assert f"got it in {root / wrong}. Move the maps to {root / 'Maps' / 'mini_games'}" in told()


def test_the_simulator_is_not_taken_for_the_game(root):
    (root / "Versions" / "Base75689" / "SC2_x64").write_text(
        "#!/bin/sh\nexec python -m envsuite.families.starcraft2.protocol.server\n"
    )
    assert "got envsuite's simulator in its place" in told()
    assert find_game("MoveToBeacon", allow_simulator=True).simulator
    assert not find_game(build=69232).simulator


def test_what_is_there_is_told_in_a_line(root):
    whole = install.identify()
    assert re.fullmatch(r"4\.10\.0 \(build 75689\), maps [0-9a-f]{12}", whole)
    (root / "Maps" / "mini_games" / "DefeatRoaches.SC2Map").write_bytes(b"another")
    assert install.identify() != whole
    assert install.doctor_part()["found"] == f"4.10.0 (build 75689), 7 of 7 maps, {root}"
    (root / "Versions" / "Base75689").rename(root / "Versions" / "Base99999")
    assert install.identify().startswith("build 99999, ")


def test_doctor_says_what_is_missing(root, monkeypatch):
    monkeypatch.setenv("SC2PATH", str(root / "none"))
    assert install.identify() == ""
    row = install.doctor_part()
    assert row["found"] is None
    assert "docs/how-to/starcraft2.md  # expected the game's folder" in row["command"]


def test_results_tell_the_game_and_the_simulator_apart(root, monkeypatch):
    assert simulator_of(GAME_TASKS[0]) == ("starcraft2", install.identify())
    monkeypatch.setenv("SC2PATH", str(root / "none"))
    assert simulator_of(GAME_TASKS[0]) == ("starcraft2", None)
    name, version = simulator_of(get_task("starcraft2-sim-move-to-beacon-v1"))
    assert name == "envsuite-sim"
    assert version
