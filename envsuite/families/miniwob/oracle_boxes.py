"""Scripts for pages on which boxes are ticked or entries are marked, and handed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from envsuite.families.miniwob.oracle_click import submit
from envsuite.families.miniwob.oracle_sight import Moves, Sight

# Words of one meaning, as far as they go together in everyday English.
_MEANINGS = tuple(
    frozenset(line.split())
    for line in (
        "big large huge enormous gigantic",
        "small tiny little mini petite",
        "red scarlet crimson vermillion",
        "happy cheerful joyful gleeful delighted",
        "sad unhappy sorrowful miserable tragic",
        "angry mad furious irritated",
        "evil wicked immoral sinful corrupt depraved",
        "wrong incorrect mistaken erroneous",
        "real genuine actual",
        "strange odd peculiar unusual weird",
        "stop cease halt end finish",
        "scared terrified panicked fearful frightened afraid",
        "quiet calm peaceful serene mild",
        "old aged archaic",
        "love like adore favor",
        "kill murder assassinate",
        "keep retain preserve sustain maintain",
        "hide conceal camouflage",
        "hate despise loathe detest dislike",
        "funny humorous amusing comical laughable",
        "fat fleshy plump chubby",
        "stupid dumb dull unwise",
        "delicious savory delectable appetizing",
        "cut slice carve chop",
        "brave courageous fearless",
        "begin start initiate launch",
        "answer reply response",
        "television televisions TV TVs",
        "house home houses homes",
        "fire flame fires flames",
        "pig pork swine",
        "rabbit rabbits bunny bunnies",
        "car cars automobile automobiles vehicle vehicles",
        "water",
    )
)
# Every row of a digit as a number of four bits, the left box highest.
_DIGITS = (
    "6999996",
    "2622222",
    "6992488",
    "6916196",
    "8AAF222",
    "F88E196",
    "698E996",
    "F912244",
    "6996996",
    "6997196",
)


def targets(page: Sight) -> list[str]:
    """Returns the values of the fields `target 0`, `target 1` and so on."""
    return [value for key, value in page.fields.items() if key.startswith("target")]


def checkboxes(page: Sight) -> Moves:
    """Ticks the boxes of the targets."""
    for text in targets(page):
        box = page.labelled(text, "input_checkbox")
        if "checked" not in box.flags:
            yield page.click(box)
    yield from submit(page)


def similar_checkboxes(page: Sight) -> Moves:
    """Ticks the boxes whose words mean what the targets mean."""
    wanted = set(targets(page))
    alike = {word for words in _MEANINGS if words & wanted for word in words} | wanted
    for box in page.every(tag="input_checkbox"):
        if page.words(page.rows[box.parent]) in alike:
            yield page.click(page.rows[box.index])
    yield from submit(page)


def radio(page: Sight) -> Moves:
    """Chooses the radio button of the target."""
    yield page.click(page.labelled(page.fields["target"], "input_radio"))
    yield from submit(page)


def drawn_digit(page: Sight) -> Moves:
    """Ticks boxes in the form of a digit."""
    for line, bits in enumerate(_DIGITS[int(page.fields["target"])]):
        for column in range(4):
            if int(bits, 16) >> (3 - column) & 1:
                yield page.click(page.every(tag="input_checkbox")[line * 4 + column])
    yield from submit(page)


def scroll_list(page: Sight) -> Moves:
    """Selects the options of the target."""
    for text in page.fields["target"].split(", "):
        yield page.click(page.one(tag="option", text=text))
    yield from submit(page)


def parity(page: Sight) -> Moves:
    """Marks every number as odd or even."""
    for index in range(len(page.every(cls="row"))):
        row = page.every(cls="row")[index]
        number = int(page.one(cls="display-number", inside=row).text)
        yield page.click(page.one(cls="odd" if number % 2 else "even", inside=row))
    yield from submit(page)


SCRIPTS: Mapping[str, Callable[[Sight], Moves]] = {
    "click-checkboxes": checkboxes,
    "click-checkboxes-large": checkboxes,
    "click-checkboxes-soft": similar_checkboxes,
    "click-checkboxes-transfer": checkboxes,
    "click-option": radio,
    "click-scroll-list": scroll_list,
    "number-checkboxes": drawn_digit,
    "odd-or-even": parity,
}
"""Task upstream -> its script."""
