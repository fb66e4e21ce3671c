import numpy as np
import pytest
from families.starcraft2.arena import field

from envsuite.families.starcraft2.engine import screen as geometry
from envsuite.families.starcraft2.engine.layout import ME
from envsuite.families.starcraft2.engine.screen import Screen

SCREEN = Screen(columns=84, rows=48, map_columns=32, map_rows=64)


def record(x, y):
    games = field()
    player = games.batch.players[0, ME]
    player["camera_x"], player["camera_y"] = x, y
    return games, player


def test_the_camera_is_the_middle_of_the_screen():
    _, player = record(33.0, 25.0)
    assert geometry.screen_of_world(player, SCREEN, 33.0, 25.0) == pytest.approx((42.0, 24.0))


def test_a_pixel_is_a_square_and_the_first_row_is_on_top():
    _, player = record(33.0, 25.0)
    side = 24.0 / 84
    x, y = geometry.world_of_screen(player, SCREEN, 0, 0)
    assert (x, y) == (pytest.approx(33 - 12 + side / 2), pytest.approx(25 + 24 * side - side / 2))
    right, lower = geometry.world_of_screen(player, SCREEN, 1, 1)
    assert right - x == pytest.approx(side)
    assert y - lower == pytest.approx(side)


def test_middles_of_pixels_come_back():
    games, player = record(31.37, 20.11)
    for px in range(0, 84, 5):
        for py in range(0, 48, 3):
            there = geometry.world_of_screen(player, SCREEN, px, py)
            assert geometry.screen_of_world(player, SCREEN, *there) == pytest.approx((px + 0.5, py + 0.5))
            on_map = geometry.world_of_minimap(games.setting, SCREEN, px % 32, py)
            assert geometry.minimap_of_world(games.setting, SCREEN, *on_map) == pytest.approx((px % 32 + 0.5, py + 0.5))


def test_the_minimap_shows_the_whole_map_undistorted():
    games, _ = record(31.0, 20.0)
    square = Screen(map_columns=64, map_rows=64)
    assert geometry.world_of_minimap(games.setting, square, 0, 0) == (0.5, 63.5)
    assert geometry.world_of_minimap(games.setting, square, 63, 63) == (63.5, 0.5)
    # 32 columns for 64 cells: two units a pixel, down the column too.
    assert geometry.world_of_minimap(games.setting, SCREEN, 31, 31) == (63.0, 1.0)


def test_a_window_holds_the_pixels_whose_middles_a_rectangle_holds():
    rng = np.random.default_rng(0)
    view = geometry.View(10.0, 50.0, 0.375, 64, 48)
    xs, ys = 10.0 + (np.arange(64) + 0.5) * 0.375, 50.0 - (np.arange(48) + 0.5) * 0.375
    for _ in range(200):
        left, right = np.sort(rng.uniform(0.0, 44.0, 2))
        bottom, top = np.sort(rng.uniform(22.0, 60.0, 2))
        first, end, upper, lower = geometry.window(view, left, bottom, right, top)
        inside_x, inside_y = (xs >= left) & (xs < right), (ys >= bottom) & (ys < top)
        assert list(range(first, end)) == np.flatnonzero(inside_x).tolist()
        assert list(range(upper, lower)) == np.flatnonzero(inside_y).tolist()
