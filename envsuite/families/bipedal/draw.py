"""The picture of a walker on its track, 600 by 400 pixels, painted without a display."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envsuite.families.bipedal.track import FINISH_X, GROUND, SCALE, STEP, VIEW, Cloud, Point, Polygon, Track
from envsuite.window import load_pygame

_SHARPNESS = 2
"""Painted larger by this factor and scaled down, which smooths every edge."""
_ZOOM = SCALE * _SHARPNESS
_SIZE = (round(VIEW[0] * _ZOOM), round(VIEW[1] * _ZOOM))
_LEAD = VIEW[0] / 5
"""Distance of the hull from the left border."""
_STANDING = GROUND + 2 * 34 / SCALE
"""Height of the hull of a walker that stands on flat ground."""
_SLACK = 1.5
"""How far the hull may rise or sink before the view follows."""

_SKY_TOP, _SKY_BOTTOM = (126, 178, 222), (233, 242, 245)
_CLOUD = (250, 252, 253)
_HILLS = ((176, 205, 196), (150, 188, 167))
_EARTH, _GRASS, _GRASS_DARK = (121, 96, 72), (104, 168, 76), (82, 140, 62)
_STONE, _STONE_EDGE = (158, 160, 166), (104, 107, 116)
_RAY, _RAY_END = (226, 74, 66, 110), (226, 74, 66, 255)
_INK = (44, 48, 60)
_FLAG = (222, 84, 58)
_LIMBS = (((222, 140, 72), (160, 92, 44)), ((112, 84, 150), (72, 52, 104)))
"""Fill and edge of the near (left) and the far (right) leg."""
_HULL, _HULL_EDGE = (86, 110, 178), (48, 62, 112)


class _Canvas:
    """Paints world coordinates on a surface whose lower left corner lies at (`left`, `bottom`)."""

    def __init__(self, pygame: Any, surface: Any, left: float, bottom: float) -> None:
        self.pygame, self.surface, self.left, self.bottom = pygame, surface, left, bottom

    def pixel(self, point: Sequence[float]) -> Point:
        return (point[0] - self.left) * _ZOOM, _SIZE[1] - (point[1] - self.bottom) * _ZOOM

    def polygon(self, points: Iterable[Sequence[float]], fill: Any, edge: Any = None, width: int = 3) -> None:
        pixels = [self.pixel(point) for point in points]
        self.pygame.draw.polygon(self.surface, fill, pixels)
        if edge is not None:
            self.pygame.draw.lines(self.surface, edge, True, pixels, width)

    def line(self, points: Iterable[Sequence[float]], color: Any, width: int) -> None:
        self.pygame.draw.lines(self.surface, color, False, [self.pixel(point) for point in points], width)

    def circle(self, centre: Sequence[float], radius: float, color: Any) -> None:
        self.pygame.draw.circle(self.surface, color, self.pixel(centre), radius * _ZOOM)

    def shows(self, points: Iterable[Sequence[float]], margin: float = 1.0) -> bool:
        return any(self.left - margin <= point[0] <= self.left + VIEW[0] + margin for point in points)


def frame(
    track: Track, clouds: Sequence[Cloud], limbs: Sequence[Polygon], hull: Point, rays: Sequence[Point]
) -> NDArray[np.uint8]:
    """Returns uint8 (400, 600, 3).

    Args:
        track: the ground and its blocks.
        clouds: move half as fast as the ground.
        limbs: outlines in world units: left upper, left lower, right upper, right lower leg and hull.
        hull: position of the hull; the view follows it.
        rays: where each lidar ray ends.
    """
    pygame = load_pygame()
    left, rise = hull[0] - _LEAD, hull[1] - _STANDING
    bottom = math.copysign(max(0.0, abs(rise) - _SLACK), rise)
    surface = pygame.surfarray.make_surface(_sky())
    _paint_distance(_Canvas(pygame, surface, left / 2, bottom / 2), clouds)
    canvas = _Canvas(pygame, surface, left, bottom)
    _paint_ground(canvas, track)
    _paint_rays(canvas, hull, rays)
    _paint_walker(canvas, limbs)
    small = pygame.transform.smoothscale(surface, (_SIZE[0] // _SHARPNESS, _SIZE[1] // _SHARPNESS))
    return np.ascontiguousarray(pygame.surfarray.array3d(small).swapaxes(0, 1))


@cache
def _sky() -> NDArray[np.uint8]:
    """Returns the sky, uint8 (width, height, 3), darker above."""
    blend = np.linspace(0.0, 1.0, _SIZE[1])[None, :, None]
    column = (1 - blend) * np.array(_SKY_TOP) + blend * np.array(_SKY_BOTTOM)
    return np.broadcast_to(column, (*_SIZE, 3)).astype(np.uint8)


def _paint_distance(canvas: _Canvas, clouds: Sequence[Cloud]) -> None:
    for cloud in clouds:
        if canvas.shows(cloud):
            for puff in cloud:
                canvas.circle(puff, 0.7, _CLOUD)
    for row, color in enumerate(_HILLS):
        xs = [canvas.left + i * VIEW[0] / 60 for i in range(61)]
        ridge = [
            (x, GROUND + 1.9 - 0.9 * row + 0.8 * math.sin(x * (0.31 + 0.22 * row) + row) + 0.3 * math.sin(x * 0.93))
            for x in xs
        ]
        canvas.polygon([*ridge, (xs[-1], canvas.bottom), (xs[0], canvas.bottom)], color)


def _paint_ground(canvas: _Canvas, track: Track) -> None:
    seen = [pair for pair in zip(track.ground, track.ground[1:], strict=False) if _overlaps(pair, canvas.left)]
    for (x0, y0), (x1, y1) in seen:
        canvas.polygon([(x0, y0), (x1, y1), (x1, canvas.bottom), (x0, canvas.bottom)], _EARTH)
        canvas.polygon([(x0, y0), (x1, y1), (x1, y1 - 0.3), (x0, y0 - 0.3)], _GRASS)
        canvas.line([(x0, y0), (x1, y1)], _GRASS_DARK, 5)
    for block in track.blocks:
        if canvas.shows(block, margin=3.0):
            canvas.polygon(block, _STONE, _STONE_EDGE, 3)
    _paint_flag(canvas, 3 * STEP, track)
    _paint_flag(canvas, FINISH_X, track)


def _overlaps(pair: tuple[Point, Point], left: float) -> bool:
    return pair[1][0] >= left and pair[0][0] <= left + VIEW[0]


def _paint_flag(canvas: _Canvas, x: float, track: Track) -> None:
    if not canvas.shows([(x, 0.0)]):
        return
    foot = float(np.interp(x, [point[0] for point in track.ground], [point[1] for point in track.ground]))
    top = foot + 50 / SCALE
    canvas.line([(x, foot), (x, top)], _INK, 4)
    canvas.polygon([(x, top), (x, top - 0.4), (x + 0.8, top - 0.2)], _FLAG, _INK, 2)


def _paint_rays(canvas: _Canvas, hull: Point, rays: Sequence[Point]) -> None:
    pygame = canvas.pygame
    layer = pygame.Surface(_SIZE, pygame.SRCALPHA)
    veil = _Canvas(pygame, layer, canvas.left, canvas.bottom)
    for end in rays:
        veil.line([hull, end], _RAY, 2)
        veil.circle(end, 0.07, _RAY_END)
    canvas.surface.blit(layer, (0, 0))


def _paint_walker(canvas: _Canvas, limbs: Sequence[Polygon]) -> None:
    left_upper, left_lower, right_upper, right_lower, hull = limbs
    (near, near_edge), (far, far_edge) = _LIMBS
    canvas.polygon(right_upper, far, far_edge)
    canvas.polygon(right_lower, far, far_edge)
    canvas.polygon(hull, _HULL, _HULL_EDGE, 4)
    canvas.polygon(left_upper, near, near_edge)
    canvas.polygon(left_lower, near, near_edge)
