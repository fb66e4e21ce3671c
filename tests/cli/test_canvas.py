import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envsuite.cli.canvas import HALF_BLOCK, Canvas, scale
from envsuite.cli.panel import BACKGROUND, GOOD


def noise(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


sides = st.integers(1, 70)


@given(sides, sides, sides, sides)
def test_a_picture_fits_and_touches_the_sides_in_proportion(height, width, high, wide):
    scaled = scale(noise(height, width), wide, high)
    rows, columns = scaled.shape[:2]
    assert scaled.dtype == np.uint8
    assert 1 <= rows <= high
    assert 1 <= columns <= wide
    if width <= wide and height <= high:
        assert rows % height == 0 == columns % width
        assert rows // height == columns // width
        assert rows + height > high or columns + width > wide
    else:
        assert rows == high or columns == wide
        ratio = min(wide / width, high / height)
        assert abs(rows - height * ratio) <= 1
        assert abs(columns - width * ratio) <= 1


def test_a_smaller_picture_is_the_mean_of_whole_pixels():
    frame = noise(6, 8)
    expected = np.round(frame.reshape(3, 2, 4, 2, 3).astype(float).mean(axis=(1, 3)))
    assert np.abs(scale(frame, 4, 3).astype(int) - expected).max() <= 1
    flat = np.full((400, 600, 3), 77, np.uint8)
    np.testing.assert_array_equal(scale(flat, 47, 48), np.full((31, 47, 3), 77))


def test_a_larger_picture_repeats_pixels():
    frame = noise(3, 2)
    np.testing.assert_array_equal(scale(frame, 5, 7), frame.repeat(2, 0).repeat(2, 1))


@pytest.mark.parametrize("shape", [(2, 2), (3, 2), (40, 40)])
def test_two_pixels_share_a_cell_and_what_is_outside_is_cut(shape):
    frame = noise(*shape)
    canvas = Canvas(4, 3)
    canvas.picture(frame, 1, 0)
    sent = canvas.changes(None)
    first = re.search(rf"\x1b\[38;2;(\d+);(\d+);(\d+);48;2;(\d+);(\d+);(\d+)m{HALF_BLOCK}", sent)
    assert tuple(map(int, first.groups())) == (*frame[0, 0].tolist(), *frame[1, 0].tolist())
    assert sent.count(HALF_BLOCK) == min(3, -(-shape[0] // 2)) * min(3, shape[1])
    if shape[0] == 3:
        assert f"48;2;{';'.join(map(str, BACKGROUND))}m{HALF_BLOCK}" in sent


def test_text_is_cut_and_its_control_characters_are_not_sent():
    canvas = Canvas(6, 2)
    canvas.write("a\x1b[2Jbc", 1, 1, GOOD)
    canvas.write("below", 0, 2, GOOD)
    sent = canvas.changes(None)
    assert "a [2J" in sent
    assert "\x1b[2J" not in sent
    assert "below" not in sent


def test_only_rows_that_have_changed_are_sent():
    before, after = Canvas(20, 5), Canvas(20, 5)
    assert after.changes(before) == ""
    after.write("here", 3, 2, GOOD)
    assert re.findall(r"\x1b\[(\d+);1H", after.changes(before)) == ["3"]
    assert len(re.findall(r";1H", after.changes(None))) == 5
    assert after.changes(Canvas(19, 5)) == after.changes(None)
