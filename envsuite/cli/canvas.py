"""Pictures and text as coloured characters, for a terminal."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from envsuite.cli.panel import BACKGROUND, Colour

HALF_BLOCK = "▀"
"""Its upper half has the colour of the text, its lower half that of the background: two pixels, both about square."""


def scale(frame: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Returns the picture as large as it fits into `width` x `height` pixels, its sides in proportion.

    A larger one is made smaller by the mean of whole pixels, a smaller one larger by a whole factor.
    """
    rows, columns = frame.shape[:2]
    factor = min(width // columns, height // rows)
    if factor >= 1:
        return frame.repeat(factor, axis=0).repeat(factor, axis=1)
    ratio = min(width / columns, height / rows)
    frame = _mean(frame, max(1, min(rows, height, round(rows * ratio))), axis=0)
    return _mean(frame, max(1, min(columns, width, round(columns * ratio))), axis=1)


def _mean(frame: NDArray[np.uint8], count: int, axis: int) -> NDArray[np.uint8]:
    """Returns the picture with `count` rows or columns, each the mean of those that it stands for."""
    edges = np.arange(count + 1) * frame.shape[axis] // count
    sums = np.add.reduceat(frame, edges[:-1], axis=axis, dtype=np.uint32)
    shape = [1, 1, 1]
    shape[axis] = count
    sizes = np.diff(edges).reshape(shape)
    means: NDArray[np.uint8] = ((sums + sizes // 2) // sizes).astype(np.uint8)
    return means


class Canvas:
    """A rectangle of character cells, each with a character, its colour and that of its background."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._text = np.full((rows, columns), " ")
        self._colours = np.empty((rows, columns, 6), np.uint8)
        self._colours[:] = (*BACKGROUND, *BACKGROUND)

    def picture(self, frame: NDArray[np.uint8], left: int, top: int) -> None:
        """Draws uint8 (height, width, 3) from a cell on, two pixels in each; cuts what is outside."""
        if frame.shape[0] % 2:
            frame = np.concatenate([frame, np.full_like(frame[:1], BACKGROUND)])
        cells = np.concatenate([frame[0::2], frame[1::2]], axis=2)[: self.rows - top, : self.columns - left]
        area = np.s_[top : top + cells.shape[0], left : left + cells.shape[1]]
        self._colours[area] = cells
        self._text[area] = HALF_BLOCK

    def write(self, text: str, left: int, top: int, colour: Colour) -> None:
        """Writes a line of text from a cell on; cuts what is outside, and sends no control characters."""
        shown = [character if character.isprintable() else " " for character in text][: max(0, self.columns - left)]
        if shown and top < self.rows:
            self._text[top, left : left + len(shown)] = shown
            self._colours[top, left : left + len(shown)] = (*colour, *BACKGROUND)

    def changes(self, before: Canvas | None) -> str:
        """Returns what has to be sent to a terminal that shows `before` (None: anything) so that it shows this."""
        if before is None or (before.rows, before.columns) != (self.rows, self.columns):
            changed = np.ones(self.rows, bool)
        else:
            changed = (self._text != before._text).any(1) | (self._colours != before._colours).any((1, 2))
        lines = [f"\x1b[{row + 1};1H{''.join(self._runs(row))}" for row in np.flatnonzero(changed).tolist()]
        return "".join([*lines, "\x1b[0m"]) if lines else ""

    def _runs(self, row: int) -> Iterator[str]:
        """Yields the characters of a row, those of the same colours together behind these."""
        colours, text = self._colours[row], self._text[row]
        starts = [0, *(np.flatnonzero((colours[1:] != colours[:-1]).any(1)) + 1).tolist(), self.columns]
        for start, end in itertools.pairwise(starts):
            red, green, blue, *background = colours[start].tolist()
            yield f"\x1b[38;2;{red};{green};{blue};48;2;{';'.join(map(str, background))}m{''.join(text[start:end])}"
