"""Scripts for pages on which something is dragged, marked, hovered over or waited for."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

from envsuite.families.miniwob.oracle_click import submit
from envsuite.families.miniwob.oracle_shapes import FIGURES, color_name
from envsuite.families.miniwob.oracle_sight import Moves, Row, Sight
from envsuite.families.miniwob.tasks import STEP_MS

Place = tuple[float, float]
_DIRECTIONS: Mapping[str, Place] = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
_GRID: Mapping[str, int] = {"top": 0, "left": 0, "center": 1, "bottom": 2, "right": 2}
_DRAG_PX = 24
_RADIUS_PX = 18
_OFF_PX = 3
"""The page of lines measures from the corner of its mark."""


def drag(page: Sight, start: Place, *places: Place) -> Moves:
    """Presses at one place, moves over others and lets go at the last."""
    yield page.at("press_at", *start)
    for place in places:
        yield page.at("move_at", *place)
    yield page.at("release_at", *places[-1])


def box_into_box(page: Sight) -> Moves:
    """Drags the small box into the middle of the large one."""
    small, large = page.one(named="draggableSmall"), page.one(named="draggableLarge")
    yield from drag(page, small.middle, large.middle)
    yield from submit(page)


def shape_aside(page: Sight) -> Moves:
    """Drags a shape in a direction."""
    item = page.one(when=lambda row: row.tag in FIGURES)
    dx, dy = next(step for name, step in _DIRECTIONS.items() if f" {name} " in page.utterance)
    (x, y), (width, height) = item.middle, (item.width, item.height)
    yield from drag(page, (x, y), (x + dx * width, y + dy * height))
    yield from submit(page)


def shapes_into_box(page: Sight) -> Moves:
    """Drags every shape of a kind into the box."""
    wanted = page.fields["target"].rstrip("s")
    box = page.one(named="shape-container")
    while outside := [row for row in _figures(page) if FIGURES[row.tag] == wanted and not _within(row, box)]:
        yield from drag(page, outside[0].middle, box.middle)
    yield from submit(page)


def shapes_into_boxes(page: Sight) -> Moves:
    """Drags what is of the kind or colour into the left box and the rest into the right one."""
    left, right = page.every(named="shape-container")
    wanted = page.fields["target"].removesuffix(" shapes").removesuffix("s")

    def home(row: Row) -> Row:
        return left if wanted in (FIGURES[row.tag], color_name(row)) else right

    while outside := [row for row in _figures(page) if not _within(row, home(row))]:
        yield from drag(page, outside[0].middle, home(outside[0]).middle)
    yield from submit(page)


def _figures(page: Sight) -> list[Row]:
    """Returns the shapes that can be dragged, the one drawn last first."""
    return page.every(when=lambda row: row.tag in FIGURES and row.id != "shape-container")[::-1]


def _within(row: Row, box: Row) -> bool:
    x, y = row.middle
    return box.left + 6 < x < box.left + box.width - 6 and box.top + 6 < y < box.top + box.height - 6


def circle(page: Sight) -> Moves:
    """Draws a ring of points about the mark."""
    x, y = page.one(named="circ").middle
    turns = [math.tau * step / 12 for step in range(13)]
    points = [(x + _RADIUS_PX * math.cos(turn), y + _RADIUS_PX * math.sin(turn)) for turn in turns]
    yield from drag(page, points[0], *points[1:])
    yield from submit(page)


def line(page: Sight) -> Moves:
    """Draws a line through the mark."""
    x, y = (place - _OFF_PX for place in page.one(named="circ").middle)
    dx, dy = (0, 10) if page.fields["direction"] == "vertical" else (10, 0)
    start, *rest = ((x + step * dx, y + step * dy) for step in range(-2, 3))
    yield from drag(page, start, *rest)
    yield from submit(page)


def list_item(page: Sight) -> Moves:
    """Drags a row of a list to the place that is asked for."""
    name, _, where = page.fields["target"].partition(" ")
    rows = page.every(tag="li")
    here = next(index for index, row in enumerate(rows) if page.words(row) == name)
    yield from drag(page, rows[here].middle, *_past(rows, here, _list_place(where, here, len(rows))))


def _list_place(where: str, here: int, count: int) -> int:
    if number := re.search(r"\d", where):
        return int(number[0]) - 1
    places = {"top": 0, "bottom": count - 1, "up": here - 1, "down": here + 1}
    return next(place for word, place in places.items() if word in where)


def _past(rows: list[Row], here: int, there: int) -> list[Place]:
    """Returns the way to a row's place, and somewhat beyond its middle."""
    (x, y), step = rows[there].middle, 6 if there > here else -6
    return [(x, (rows[here].middle[1] + y) / 2), (x, y), (x, y + step)]


def grid_item(page: Sight) -> Moves:
    """Drags a cell of a grid to the place that is asked for."""
    name, _, where = page.fields["target"].partition(" ")
    cells = page.every(tag="li")
    here = next(index for index, row in enumerate(cells) if page.words(row) == name)
    if "by one" in where:
        dx, dy = _DIRECTIONS[where.split()[0]]
        there = here + int(dx) + 3 * int(dy)
    else:
        words = where.split()[2:]
        there = 4 if words == ["center"] else 3 * _GRID[words[0]] + _GRID[words[1]]
    x, y = cells[there].middle
    step = 4 if there > here else -4
    yield from drag(page, cells[here].middle, (x - step, y), (x, y), (x + step, y))


def sorted_numbers(page: Sight) -> Moves:
    """Drags the smallest number that is out of place up to its place, until all are in order."""
    while True:
        rows = page.every(tag="li")
        numbers = [int(page.words(row)) for row in rows]
        wrong = [index for index, number in enumerate(numbers) if number != sorted(numbers)[index]]
        if not wrong:
            break
        there = wrong[0]
        here = numbers.index(sorted(numbers)[there], there)
        yield from drag(page, rows[here].middle, *_past(rows, here, there))
    yield from submit(page)


def resize(page: Sight) -> Moves:
    """Drags the corner of a text area; of the edges too little can be seen."""
    dimension, _, change = page.fields["target"].split()
    corner = page.every(cls="ui-resizable-handle")[-1]
    x, y = corner.middle
    step = _DRAG_PX if change == "larger" else -_DRAG_PX
    yield from drag(page, (x, y), (x + step, y) if dimension == "width" else (x, y + step))
    yield from submit(page)


def highlight(page: Sight) -> Moves:
    """Selects a paragraph from before its first letter to behind its last."""
    target = int(page.fields.get("target", "0"))
    row = page.every(tag="p")[target - 1] if target else page.one(named="randomText")
    yield from drag(page, (row.left + 1, row.top + 2), (row.left + row.width - 1, row.top + row.height - 2))
    yield from submit(page)


def scroll_area(page: Sight) -> Moves:
    """Scrolls a text area to its end or its beginning."""
    yield page.click(page.one(named="text-area"))
    for _ in range(20):
        yield page.press("<PageDown>" if page.fields["target"] == "bottom" else "<PageUp>")
    yield from submit(page)


def two_buttons_apart(page: Sight) -> Moves:
    """Presses one button, waits, and presses the other."""
    yield page.click(page.one(text="ONE"))
    for _ in range(round(int(page.fields["target"]) * 1000 / STEP_MS) - 1):
        yield page.idle()
    yield page.click(page.one(text="TWO"))


def blinking(page: Sight) -> Moves:
    """Remembers which buttons flash and presses them in the same order."""
    order: list[str] = []
    lit = ""
    quiet = 0
    while quiet < 5:
        flashing = page.first(cls="push")
        now = flashing.id if flashing else ""
        if now and now != lit:
            order.append(now)
        quiet = 0 if now or not order else quiet + 1
        lit = now
        yield page.idle()
    for name in order:
        yield page.click(page.one(named=name))


SCRIPTS: Mapping[str, Callable[[Sight], Moves]] = {
    "button-delay": two_buttons_apart,
    "drag-box": box_into_box,
    "drag-circle": shape_aside,
    "drag-items": list_item,
    "drag-items-grid": grid_item,
    "drag-shapes": shapes_into_box,
    "drag-shapes-2": shapes_into_boxes,
    "drag-single-shape": shape_aside,
    "drag-sort-numbers": sorted_numbers,
    "draw-circle": circle,
    "draw-line": line,
    "highlight-text": highlight,
    "highlight-text-2": highlight,
    "resize-textarea": resize,
    "scroll-text-2": scroll_area,
    "simon-says": blinking,
}
"""Task upstream -> its script."""
