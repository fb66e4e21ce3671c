"""Scripts for pages with coloured boxes and shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from envsuite.families.miniwob.oracle_click import submit
from envsuite.families.miniwob.oracle_sight import Moves, Row, Sight

_COLORS: Mapping[str, tuple[int, int, int]] = {
    "aqua": (0, 255, 255),
    "black": (0, 0, 0),
    "blue": (0, 0, 255),
    "cyan": (0, 255, 255),
    "green": (0, 128, 0),
    "grey": (128, 128, 128),
    "lime": (0, 255, 0),
    "magenta": (255, 0, 255),
    "olive": (128, 128, 0),
    "orange": (255, 165, 0),
    "pink": (255, 192, 203),
    "purple": (128, 0, 128),
    "red": (255, 0, 0),
    "white": (255, 255, 255),
    "yellow": (255, 255, 0),
}
"""The colours of CSS that the pages name."""
FIGURES: Mapping[str, str] = {"circle": "circle", "rect": "rectangle", "polygon": "triangle"}
"""Tag -> what instructions call it."""
_LARGE_PX = 14
"""Small letters and shapes are drawn at 10 pixels, large ones at 20."""


def color_box(page: Sight) -> Moves:
    """Clicks the box of a colour."""
    yield page.click(page.one(cls="color", when=lambda row: row.fill[:3] == _COLORS[page.fields["target"]]))


def shades(page: Sight) -> Moves:
    """Marks every swatch whose strongest part is the colour."""
    part = ("red", "green", "blue").index(page.fields["target"])
    for row in page.every(tag="span", when=lambda row: "actionable" in row.flags):
        if row.fill.index(max(row.fill[:3])) == part:
            yield page.click(row)
    yield from submit(page)


def shapes(page: Sight) -> list[Row]:
    """Returns letters, digits and figures of a picture."""
    return page.every(when=lambda row: row.tag == "text" or row.tag in FIGURES)


def fits(page: Sight, row: Row) -> bool:
    """Returns whether a shape is what the fields describe."""
    asked = page.fields
    if "size" in asked and (asked["size"] == "large") != (_height(row) > _LARGE_PX):
        return False
    if "color" in asked and row.fill[:3] != _COLORS[asked["color"]]:
        return False
    kind = asked.get("target") or asked.get("type", "item")
    return kind in ("item", kind_of(row), row.text or FIGURES.get(row.tag, ""))


def color_name(row: Row) -> str:
    """Returns the name of the colour that fills a shape, "" for one without a name here."""
    return next((name for name, color in _COLORS.items() if color == row.fill[:3]), "")


def _height(row: Row) -> float:
    """Returns the size at which a shape is drawn; the box of a letter is taller than the letter."""
    return row.height / 1.15 if row.tag == "text" else row.height


def kind_of(row: Row) -> str:
    """Returns "letter", "digit" or "shape"."""
    if row.tag != "text":
        return "shape"
    return "digit" if row.text.isdigit() else "letter"


def shape(page: Sight) -> Moves:
    """Clicks a shape that fits."""
    yield page.click(next(row for row in shapes(page) if fits(page, row)))


def count(page: Sight) -> Moves:
    """Clicks the number of shapes that fit."""
    number = sum(fits(page, row) for row in shapes(page))
    yield page.click(page.one(tag="button", text=str(number)))


def identify(page: Sight) -> Moves:
    """Names the only shape."""
    row = shapes(page)[0]
    name = {"letter": "Letter", "digit": "Number"}.get(kind_of(row)) or FIGURES[row.tag].capitalize()
    yield page.click(page.one(tag="button", text=name))


def grid_point(page: Sight) -> Moves:
    """Clicks the point of a grid, counted from its middle."""
    points = page.every(tag="circle")
    columns = sorted({row.left for row in points})
    lines = sorted({row.top for row in points}, reverse=True)
    place = columns[int(page.fields["x"]) + 2], lines[int(page.fields["y"]) + 2]
    yield page.click(page.one(tag="circle", when=lambda row: (row.left, row.top) == place))


SCRIPTS: Mapping[str, Callable[[Sight], Moves]] = {
    "click-color": color_box,
    "click-shades": shades,
    "click-shape": shape,
    "count-shape": count,
    "grid-coordinate": grid_point,
    "identify-shape": identify,
}
"""Task upstream -> its script."""
