"""Scripts for pages on which something is typed, chosen or set."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from envsuite.families.miniwob.oracle_click import submit
from envsuite.families.miniwob.oracle_sight import Moves, Row, Sight

_FILM = {"genre": "genre", "director": "director", "year": "year", "released": "year"}
"""A word of a label -> the field that belongs there."""


def login(page: Sight) -> Moves:
    """Fills name and password, and turns the pop-up away whenever it is there."""
    for key in page.fields:
        while page.one(named=key).value != page.fields[key]:
            cancel = page.first(named="popup-cancel")
            yield page.click(cancel) if cancel else page.fill(page.one(named=key), key)
    yield from submit(page)


def fill_all(page: Sight) -> Moves:
    """Fills every field of text with the target, or with what is told for it by its name."""
    for row in page.every(when=lambda row: "typeable" in row.flags):
        key = row.id if row.id in page.fields else "target"
        if key in page.fields and row.value != page.fields[key]:
            yield page.fill(row, key)
    yield from submit(page)


def letter_case(page: Sight) -> Moves:
    """Types the text in the case that is asked for."""
    text = page.fields["text"]
    text = text.upper() if page.fields["case"] == "upper" else text.lower()
    yield from page.write(page.one(named="tt"), text)
    yield from submit(page)


def choose_list(page: Sight) -> Moves:
    """Chooses the target from a list."""
    yield page.fill(page.one(tag="select"), "target")
    yield from submit(page)


def dropdown(page: Sight) -> Moves:
    """Chooses a height, then presses the button with the label."""
    yield page.click(page.one(cls="selectric"))
    yield page.click(page.one(tag="li", text=page.fields["dropdown target"]))
    yield page.click(page.one(tag="button", text=page.fields["button target"]))


def radio_and_text(page: Sight) -> Moves:
    """Chooses a radio button by number and fills a field by number."""
    yield page.click(page.every(tag="input_radio")[int(page.fields["radio target"]) - 1])
    yield page.fill(page.every(tag="input_text")[int(page.fields["textbox target"]) - 1], "textbox text")
    yield from submit(page)


def film(page: Sight) -> Moves:
    """Fills a film search by its labels, and clicks what looks like its button."""
    for index in range(len(page.every(tag="input_text"))):
        row = page.every(tag="input_text")[index]
        yield page.fill(row, _field_beside(page, row))
    inputs = page.every(tag="input_text")
    yield page.click(
        page.one(when=lambda row: "actionable" in row.flags and row.index > inputs[-1].index and row.text != "")
    )


def _field_beside(page: Sight, row: Row) -> str:
    """Returns the key of the field that the nearest text about a row asks for."""
    while row.parent >= 0:
        row = page.rows[row.parent]
        for word, key in _FILM.items():
            if word in page.words(row).lower():
                return key
    raise LookupError("no label of a film search")


def copied(page: Sight) -> Moves:
    """Copies a text area into the field: the first, or the one that is asked for."""
    areas = page.every(tag="textarea")
    yield page.click(areas[int(page.fields.get("target", "1")) - 1])
    for key in ("C-a", "C-c"):
        yield page.press(key)
    yield page.click(page.one(named="answer-input"))
    yield page.press("C-v")
    yield from submit(page)


def table(page: Sight) -> Moves:
    """Types the value of the target in a table."""
    yield from page.write(page.one(tag="input_text"), _value_of(page, page.fields["target"]))
    yield from submit(page)


def two_of_table(page: Sight) -> Moves:
    """Types the values that belong to the labels."""
    for number in "12":
        label = page.one(named=f"ll{number}").text.rstrip(":")
        yield from page.write(page.one(named=f"tt{number}"), _value_of(page, label))
    yield from submit(page)


def _value_of(page: Sight, label: str) -> str:
    return page.rows[page.one(tag="td", text=label).index + 1].text


def arithmetic(page: Sight) -> Moves:
    """Works out two digits."""
    one, sign, two = page.one(named="math-problem").text.rstrip("= ").split()
    results = {"+": int(one) + int(two), "-": int(one) - int(two), "x": int(one) * int(two)}
    yield from page.write(page.one(named="math-answer"), str(results[sign]))
    yield from submit(page)


def algebra(page: Sight) -> Moves:
    """Solves for the unknown."""
    one, sign, two, _, right = page.one(named="math-problem").text.split()
    if sign == "+":
        answer = int(right) - int(two if one == "x" else one)
    else:
        answer = int(right) + int(two) if one == "x" else int(one) - int(right)
    yield from page.write(page.one(named="math-answer"), str(answer))
    yield from submit(page)


def blocks(page: Sight) -> Moves:
    """Counts blocks."""
    yield from page.write(page.one(named="math-answer"), str(len(page.every(cls="addition-block"))))
    yield from submit(page)


def slanted(page: Sight) -> Moves:
    """Types slanted letters."""
    yield from page.write(
        page.one(named="tt"), "".join(row.text for row in page.every(inside=page.one(named="captcha")))
    )
    yield from submit(page)


def guess(page: Sight) -> Moves:
    """Halves what is left of the digits with every guess."""
    low, high = 0, 9
    while True:
        number = (low + high) // 2
        yield from page.write(page.one(named="tt"), str(number))
        yield from submit(page)
        if page.first(when=lambda row: row.text.startswith("The number is higher") or row.id == "higher"):
            low = number + 1
        else:
            high = number - 1


def autocomplete(page: Sight) -> Moves:
    """Types the beginning and takes the entry of the list that has the right ending."""
    start, end = page.fields["start"], page.fields.get("end", "")
    while not (items := page.every(cls="ui-menu-item-wrapper")):
        yield page.fill(page.one(named="tags"), "start")
        yield page.click(page.one(named="tags"))
    yield page.click(next(row for row in items if row.text.startswith(start) and row.text.endswith(end)))
    yield from submit(page)


def terminal(page: Sight) -> Moves:
    """Lists the files and removes the first that fits."""
    yield from page.write(page.one(named="terminal-target"), "ls")
    yield page.press("<Enter>")
    asked = re.search(r"\.\S+$", page.utterance)
    name = _file(page.every(cls="output")[-1].text, asked[0] if asked else "")
    for letter in f"rm {name}":
        yield page.press(letter)
    yield page.press("<Enter>")


def _file(listing: str, ending: str) -> str:
    """Returns a file with an ending, or the last, of whose name the end may be cut off, with that ending."""
    names = listing.split()
    fitting = [name for name in names if (name.endswith(ending) if ending else "." not in name)]
    # There is no key for "_".
    return min(fitting, key=lambda name: "_" in name) if fitting else names[-1].partition(".")[0] + ending


SCRIPTS: Mapping[str, Callable[[Sight], Moves]] = {
    "choose-list": choose_list,
    "copy-paste": copied,
    "copy-paste-2": copied,
    "enter-date": fill_all,
    "enter-password": fill_all,
    "enter-text": fill_all,
    "enter-text-2": letter_case,
    "enter-text-dynamic": fill_all,
    "enter-time": fill_all,
    "form-sequence-2": radio_and_text,
    "form-sequence-3": dropdown,
    "guess-number": guess,
    "login-user": login,
    "login-user-popup": login,
    "multi-layouts": film,
    "multi-orderings": film,
    "read-table": table,
    "read-table-2": two_of_table,
    "simple-algebra": algebra,
    "simple-arithmetic": arithmetic,
    "terminal": terminal,
    "text-transform": slanted,
    "use-autocomplete": autocomplete,
    "use-autocomplete-nodelay": autocomplete,
    "visual-addition": blocks,
}
"""Task upstream -> its script."""
