"""Scripts for controls that are set step by step: date pickers, sliders, spinners, colours."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from envsuite.families.miniwob.oracle_click import submit
from envsuite.families.miniwob.oracle_sight import Moves, Sight

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_HEX: Mapping[str, str] = {
    "black": "000000",
    "white": "ffffff",
    "aqua": "00ffff",
    "blue": "0000ff",
    "gray": "808080",
    "green": "008000",
    "lime": "00ff00",
    "maroon": "800000",
    "navy": "000080",
    "olive": "808000",
    "purple": "800080",
    "red": "ff0000",
    "silver": "c0c0c0",
    "teal": "008080",
    "yellow": "ffff00",
    "pink": "ffc0cb",
    "magenta": "ff00ff",
    "gold": "ffd700",
    "orange": "ffa500",
}
"""The colours of CSS that the pages name."""


def date(page: Sight) -> Moves:
    """Turns the months of a date picker back to the right one and picks the day."""
    yield from pick_date(page, int(page.fields["month"]), int(page.fields["day"]))
    yield from submit(page)


def pick_date(page: Sight, month: int, day: int) -> Moves:
    """Picks a day of the year that the picker of `#datepicker` opens with, whose last month is shown first."""
    yield page.click(page.one(named="datepicker"))
    while not (title := page.first(cls="ui-datepicker-month")):
        yield page.click(page.one(named="datepicker"))
    while (title := page.first(cls="ui-datepicker-month")) and title.text != _MONTHS[month - 1]:
        yield page.click(page.one(tag="a", cls="ui-datepicker-prev"))
    yield page.click(page.one(tag="a", cls="ui-state-default", text=str(day)))


def spinner(page: Sight) -> Moves:
    """Steps a spinner to the target."""
    while (left := int(page.fields["target"]) - int(page.one(named="spinner").value)) != 0:
        yield page.click(page.every(tag="a", cls="ui-button")[left < 0])
    yield from submit(page)


def named_color(page: Sight) -> Moves:
    """Types the number of a colour."""
    yield from page.write(page.one(named="col"), _HEX[page.fields["target"]])
    yield from submit(page)


def slider(page: Sight) -> Moves:
    """Sets a slider by keys."""
    yield from _slide(page, 0, int(page.fields["target"]))
    yield from submit(page)


def three_sliders(page: Sight) -> Moves:
    """Sets three sliders by keys."""
    for index in range(3):
        yield from _slide(page, index, int(page.fields[f"n{index + 1}"]))
    yield from submit(page)


def slider_and_box(page: Sight) -> Moves:
    """Sets a slider by keys and ticks a box by number."""
    yield from _slide(page, 0, int(page.fields["slider target"]))
    yield page.click(page.every(tag="input_checkbox")[int(page.fields["checkbox target"]) - 1])
    yield from submit(page)


def _slide(page: Sight, index: int, target: int) -> Moves:
    """Goes in big steps while they bring the value nearer, then in single ones."""

    def left() -> int:
        return target - int(page.every(when=lambda row: row.id.startswith("val"))[index].text)

    yield page.click(page.every(cls="ui-slider-handle")[index])
    far = abs(left())
    while far > 1:
        yield page.press("<PageUp>" if left() > 0 else "<PageDown>")
        if abs(left()) >= far:
            break
        far = abs(left())
    while left():
        yield page.press("<ArrowRight>" if left() > 0 else "<ArrowLeft>")


SCRIPTS: Mapping[str, Callable[[Sight], Moves]] = {
    "choose-date": date,
    "choose-date-easy": date,
    "choose-date-medium": date,
    "choose-date-nodelay": date,
    "form-sequence": slider_and_box,
    "use-colorwheel": named_color,
    "use-slider": slider,
    "use-slider-2": three_sliders,
    "use-spinner": spinner,
}
"""Task upstream -> its script."""
