"""Scripts for pages that are solved by clicks."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

from envsuite.families.miniwob.oracle_sight import Moves, Row, Sight


def submit(page: Sight) -> Moves:
    """Clicks the button that hands in."""
    button = page.first(named="subbtn") or page.first(named="submit")
    yield page.click(button or page.one(text="Submit"))


def named_button(page: Sight) -> Moves:
    """Clicks the button with the text that the target is."""
    yield page.click(page.one(tag="button", text=page.fields["target"]))


def only_button(page: Sight) -> Moves:
    """Clicks the first button."""
    yield page.click(page.one(tag="button"))


def two_buttons(page: Sight) -> Moves:
    """Clicks one button, then the other."""
    for text in ("ONE", "TWO"):
        yield page.click(page.one(tag="button", text=text))


def collapsible(page: Sight) -> Moves:
    """Opens the section and hands in."""
    yield page.click(page.one(tag="h3"))
    yield from submit(page)


def _search(page: Sight, doors: Callable[[], list[Row]]) -> Moves:
    """Opens one door after another until the link with the target is there, and follows it."""
    for number in range(len(doors())):
        link = page.first(cls="alink", text=page.fields["target"])
        if link:
            yield page.click(link)
            return
        yield page.click(doors()[number])
    yield page.click(page.one(cls="alink", text=page.fields["target"]))


def sections(page: Sight) -> Moves:
    """Looks for the link in folded sections."""
    yield from _search(page, lambda: page.every(tag="h3"))


def tabs(page: Sight) -> Moves:
    """Looks for the link in tabs."""
    yield from _search(page, lambda: page.every(cls="ui-tabs-anchor"))


def link(page: Sight) -> Moves:
    """Follows the link with the target."""
    yield page.click(page.one(cls="alink", text=page.fields["target"]))


def tab(page: Sight) -> Moves:
    """Brings a tab to the front."""
    yield page.click(page.one(tag="a", text=f"Tab #{page.fields['target']}"))


def dialog_cross(page: Sight) -> Moves:
    """Clicks the cross of a dialog."""
    yield page.click(page.one(tag="button", cls="ui-button", when=lambda row: page.words(row) == "Close"))


def dialog_button(page: Sight) -> Moves:
    """Clicks the button of a dialog."""
    if page.fields["target"] == "x":
        yield from dialog_cross(page)
    else:
        yield from named_button(page)


def widget(page: Sight) -> Moves:
    """Clicks a control of the kind that the target names."""
    kind = page.fields["target"]
    tag = kind if kind in ("textarea", "button") else f"input_{kind}"
    yield page.click(page.one(tag=tag))


def first_input(page: Sight) -> Moves:
    """Clicks the text field of the number that the target is, or the first."""
    yield page.click(page.every(tag="input_text")[int(page.fields.get("target", "1")) - 1])


def menu_path(page: Sight) -> Moves:
    """Hovers through nested menus and clicks the last entry, for a click on any other one counts as a choice."""
    path = page.fields["target"].split(">")
    for name, following in itertools.pairwise(path):
        place = _menu_item(page, name).middle
        while not page.first(
            when=lambda row, name=following: row.has("ui-menu-item-wrapper") and page.words(row) == name
        ):
            yield page.at("move_at", *place)
    yield page.click(_menu_item(page, path[-1]))


def _menu_item(page: Sight, name: str) -> Row:
    return page.one(cls="ui-menu-item-wrapper", when=lambda row: page.words(row) == name)


def pie(page: Sight) -> Moves:
    """Unfolds the menu and chooses the slice."""
    yield page.click(page.one(tag="tspan", text="+"))
    yield page.idle()
    yield page.idle()
    yield page.click(page.one(tag="tspan", text=page.fields["target"]))


def ticket(page: Sight) -> Moves:
    """Buys the ticket that is best by price or duration."""
    criterion = page.fields["target"]
    tickets = page.every(cls="flight")
    by = price if "cost" in criterion else duration
    best = max if criterion.startswith(("longest", "most")) else min
    chosen = best(tickets, key=lambda row: by(page, row))
    yield page.click(page.one(tag="button", inside=chosen))


def price(page: Sight, flight: Row) -> int:
    """Returns the dollars that a flight costs."""
    return int(page.one(tag="button", inside=flight).text.partition("$")[2])


def duration(page: Sight, flight: Row) -> int:
    """Returns the minutes that a flight takes."""
    hours, minutes = page.one(cls="time-duration", inside=flight).text.split()
    return int(hours.rstrip("h")) * 60 + int(minutes.rstrip("m"))


def greatest_card(page: Sight) -> Moves:
    """Turns all cards and then the highest again."""
    numbers = []
    for index in range(len(page.every(cls="card"))):
        yield page.click(page.every(cls="card")[index])
        numbers.append(int(page.one(cls="card-value").text))
    yield page.click(page.every(cls="card")[numbers.index(max(numbers))])
    yield from submit(page)


def generated_number(page: Sight) -> Moves:
    """Draws numbers until one will do."""
    while not _will_do(page, page.one(named="display-number").text):
        yield page.click(page.one(named="generate"))
    yield from submit(page)


def _will_do(page: Sight, shown: str) -> bool:
    criterion = page.fields["criterion"]
    if not shown.isdigit():
        return False
    if criterion in ("odd", "even"):
        return int(shown) % 2 == (criterion == "odd")
    limit = int(page.fields["number"])
    return int(shown) < limit if criterion == "less than" else int(shown) > limit


def tree(page: Sight) -> Moves:
    """Unfolds folders until the name turns up, and clicks it."""
    opened: set[tuple[int, str]] = set()
    while not (found := page.first(tag="span", text=page.fields["target"])):
        folders = [row for row in page.every(tag="li", cls="expandable") if (row.top, page.words(row)) not in opened]
        opened.add((folders[0].top, page.words(folders[0])))
        yield page.click(page.one(tag="div", cls="hitarea", inside=folders[0]))
    yield page.click(found)


def ascending(page: Sight) -> Moves:
    """Taps numbers in order; once they are covered, at the places where they were."""
    order = sorted(page.every(tag="text"), key=lambda row: int(row.text))
    for number in order:
        places = page.every(tag="text") + page.every(tag="rect")
        yield page.click(min(places, key=lambda row: _distance(row, number)))


def _distance(one: Row, other: Row) -> float:
    return abs(one.middle[0] - other.middle[0]) + abs(one.middle[1] - other.middle[1])


SCRIPTS: Mapping[str, Callable[[Sight], Moves]] = {
    "ascending-numbers": ascending,
    "buy-ticket": ticket,
    "click-button": named_button,
    "click-button-sequence": two_buttons,
    "click-collapsible": collapsible,
    "click-collapsible-2": sections,
    "click-collapsible-2-nodelay": sections,
    "click-collapsible-nodelay": collapsible,
    "click-dialog": dialog_cross,
    "click-dialog-2": dialog_button,
    "click-link": link,
    "click-menu": menu_path,
    "click-pie": pie,
    "click-pie-nodelay": pie,
    "click-tab": tab,
    "click-tab-2": tabs,
    "click-tab-2-easy": tabs,
    "click-tab-2-hard": tabs,
    "click-tab-2-medium": tabs,
    "click-test": only_button,
    "click-test-2": named_button,
    "click-test-transfer": named_button,
    "click-widget": widget,
    "find-greatest": greatest_card,
    "focus-text": first_input,
    "focus-text-2": first_input,
    "generate-number": generated_number,
    "navigate-tree": tree,
    "unicode-test": named_button,
}
"""Task upstream -> its script."""
