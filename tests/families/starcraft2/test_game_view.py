"""Pictures show sides by colour, life by strength, selection by a rim, and the minimap beside the screen."""

import numpy as np

from envsuite.families.starcraft2.game_view import MINIMAP, SCREEN, draw


def layers(names, side=16, **given):
    blank = {name: np.zeros((side, side), np.uint8) for name in names}
    for name, (rows, columns, value) in given.items():
        blank[name][rows, columns] = value
    return blank


def test_sides_life_and_selection():
    screen = layers(
        SCREEN,
        visibility_map=(slice(None), slice(None), 2),
        player_relative=(slice(2, 6), slice(2, 6), 1),
        selected=(slice(2, 6), slice(2, 6), 1),
        unit_hit_points_ratio=(slice(2, 6), slice(2, 6), 255),
    )
    screen["player_relative"][10:12, 10:12] = 4
    screen["unit_hit_points_ratio"][10:12, 10:12] = 100
    minimap = layers(MINIMAP, player_relative=(slice(0, 1), slice(0, 1), 1), camera=(slice(4, 12), slice(4, 12), 1))
    picture = draw(screen, minimap)
    assert (picture.shape, picture.dtype) == ((512, 768, 3), np.uint8)
    own, foe = picture[4 * 32, 4 * 32].astype(int), picture[11 * 32, 11 * 32].astype(int)
    assert own[2] > 200 > own[0]
    assert foe[0] > foe[2]
    assert foe.max() < 200
    assert picture[2 * 32, 2 * 32].tolist() == [250, 250, 250]
    assert picture[4, 512 + 4].tolist() == own.tolist()
    assert picture[4 * 16, 512 + 4 * 16].tolist() == [220, 220, 220]


def test_ground_that_is_not_seen_is_darker_and_high_ground_lighter():
    screen = layers(SCREEN, visibility_map=(slice(None), slice(8, 16), 2), height_map=(slice(0, 8), slice(None), 200))
    picture = draw(screen, layers(MINIMAP)).astype(int)
    assert picture[0, 0, 0] < picture[0, 511, 0]
    assert picture[511, 511, 0] < picture[0, 511, 0]


def test_layers_that_a_version_lacks_are_left_out():
    picture = draw(dict.fromkeys(SCREEN), dict.fromkeys(MINIMAP))
    assert picture.shape == (512, 768, 3)
