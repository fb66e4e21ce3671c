"""Draws NetHack's terminal as a picture, with the bitmap font that Pillow carries."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

ROWS, COLUMNS = 24, 80
CELL_HEIGHT, CELL_WIDTH = 16, 8
_COLORS = 32
_PALETTE = (
    (85, 85, 135),
    (190, 50, 45),
    (50, 160, 60),
    (165, 115, 45),
    (70, 105, 225),
    (175, 75, 175),
    (50, 165, 170),
    (185, 185, 185),
    (110, 110, 110),
    (255, 145, 50),
    (105, 235, 95),
    (245, 230, 85),
    (120, 165, 255),
    (245, 130, 240),
    (110, 235, 235),
    (255, 255, 255),
)
"""RGB of NetHack's sixteen colours; its black is drawn as a dark blue that can be read."""


def draw(chars: NDArray[np.uint8], colors: NDArray[np.int8], cursor: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns uint8 (384, 640, 3): the terminal's 24 x 80 characters, the cursor's cell inverted.

    Colours 0 to 15 are NetHack's, 16 to 31 the same with ink and paper exchanged.
    """
    cells = _cells()[colors.astype(np.intp) & (_COLORS - 1), chars]
    row, column = int(cursor[0]), int(cursor[1])
    if row < ROWS and column < COLUMNS:
        cells[row, column] = 255 - cells[row, column]
    picture = cells.transpose(0, 2, 1, 3, 4)
    return np.ascontiguousarray(picture).reshape(ROWS * CELL_HEIGHT, COLUMNS * CELL_WIDTH, 3)


@cache
def _cells() -> NDArray[np.uint8]:
    """Returns uint8 (32 colours, 256 characters, height, width, 3)."""
    ink = np.zeros((_COLORS, 1, 1, 1, 3), np.uint8)
    ink[:16, 0, 0, 0] = _PALETTE
    shapes = _shapes()[None, ..., None]
    cells = np.where(shapes, ink, np.uint8(0))
    cells[16:] = np.where(shapes, np.uint8(0), ink[:16])
    return cells


def _shapes() -> NDArray[np.bool_]:
    """Returns bool (256, height, width): where each character has ink."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default_imagefont()
    shapes = np.zeros((256, CELL_HEIGHT, CELL_WIDTH), np.bool_)
    for code in range(33, 256):
        image = Image.new("1", (CELL_WIDTH, CELL_HEIGHT))
        ImageDraw.Draw(image).text((1, 2), chr(code), fill=1, font=font)
        shapes[code] = np.asarray(image)
    return shapes
