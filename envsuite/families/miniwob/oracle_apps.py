"""Scripts for pages that are small applications: mail, social media, flights, a search engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from envsuite.families.miniwob.oracle_click import duration, price, submit
from envsuite.families.miniwob.oracle_sight import Moves, Row, Sight
from envsuite.families.miniwob.oracle_values import pick_date

_DIET: Mapping[str, str] = {
    "vegan": "Caesar Salad",
    "gluten-free": "Caesar Salad",
    "dairy": "Cheese wheel",
    "meat": "Chicken wings",
    "peanuts": "Ice cream sundae",
}
"""A kind of food -> a dish of that kind, of which one may order as many as one likes."""


def mail(page: Sight) -> Moves:
    """Finds the mail of the sender and does with it what is asked for."""
    task = page.fields.get("task", "forward")
    sender = page.one(cls="email-sender", text=page.fields["by"])
    thread = page.around(sender, cls="email-thread")
    if task in ("delete", "star"):
        yield page.click(page.one(cls="trash" if task == "delete" else "star", inside=thread))
        return
    yield page.click(thread)
    yield page.click(page.one(cls=f"email-{task}"))
    if task == "reply":
        yield page.fill(page.one(named="reply-text"), "message")
    else:
        yield page.fill(page.one(cls="forward-sender"), "to")
    yield page.click(page.one(named=f"send-{task}"))


def post(page: Sight) -> Moves:
    """Presses a button of a post, or of the menu that opens there."""
    button = page.fields["button"]
    place = _posts(page)[0]
    if button in ("Reply", "Retweet", "Like"):
        yield page.click(page.one(cls=button.lower(), inside=page.rows[place]))
        return
    yield page.click(page.one(cls="more", inside=page.rows[place]))
    yield page.click(page.one(tag="li", inside=page.rows[place], when=lambda row: row.text.startswith(button)))


def posts(page: Sight) -> Moves:
    """Presses a button of all posts of a user, of as many as asked for, or of those with the numbers told."""
    button = page.fields["button"].lower()
    places = _posts(page)[: int(page.fields.get("amount", "99"))]
    if "posts" in page.fields:
        places = [places[int(number) - 1] for number in page.fields["posts"].split(", ")]
    for place in places:
        row = page.one(cls=button, inside=page.rows[place])
        if not row.has("active"):
            yield page.click(row)
    yield from submit(page)


def _posts(page: Sight) -> list[int]:
    users = page.every(cls="username", text=page.fields["user"])
    return [page.around(user, cls="media").index for user in users]


def search(page: Sight) -> Moves:
    """Searches, turns to the page of the rank and opens the result."""
    rank = int(page.fields["rank"]) - 1
    yield page.fill(page.one(named="search-text"), "query")
    yield page.click(page.one(named="search"))
    if rank >= 3:
        yield page.click(page.one(cls="page-link", text=str(rank // 3 + 1)))
    yield page.click(page.every(cls="search-title")[rank % 3])


def phone_book(page: Sight) -> Moves:
    """Turns pages until the person is there and presses a detail."""
    while page.one(cls="name").text != page.fields["name"]:
        yield page.click(page.one(cls="page-link", text=">"))
    yield page.click(page.one(cls=page.fields["target"].split()[0]))


def food(page: Sight) -> Moves:
    """Orders dishes by name, or one dish of the kind as often as asked for."""
    if page.fields["criterion"] == "name":
        dishes = [value for key, value in page.fields.items() if key.startswith("target")]
    else:
        dishes = [_DIET[page.fields["type"]]] * int(page.fields["amount"])
    for dish in dishes:
        item = page.around(page.one(cls="item-name", text=dish.strip()), cls="food-item")
        yield page.click(page.one(cls="add", inside=item))
    yield page.click(page.one(tag="button"))


def flight_form(page: Sight) -> Moves:
    """Fills in the search of flights and starts it."""
    for key in ("from", "to"):
        yield from _airport(page, key)
    month, day, _ = (int(part) for part in page.fields["date"].split("/"))
    yield from pick_date(page, month, day)
    yield page.click(page.one(named="search"))


def flight(page: Sight) -> Moves:
    """Searches, and books the flight that is best."""
    yield from flight_form(page)
    by: Callable[[Sight, Row], int] = price if page.fields["criterion"] == "cheapest" else duration
    best = min(page.every(cls="flight"), key=lambda row: by(page, row))
    yield page.click(page.one(tag="button", inside=best))


def _airport(page: Sight, key: str) -> Moves:
    """Types a city or a code and takes the entry that has it."""
    text = page.fields[key]
    yield page.fill(page.one(named=f"flight-{key}"), key)
    while not (items := page.every(cls="ui-menu-item-wrapper")):
        yield page.click(page.one(named=f"flight-{key}"))
    fitting = [row for row in items if row.text.startswith(f"{text} (") or row.text.endswith(f"({text})")]
    yield page.click(fitting[0])


_MAIL = (
    "email-inbox email-inbox-delete email-inbox-forward email-inbox-forward-nl email-inbox-forward-nl-turk "
    "email-inbox-important email-inbox-nl-turk email-inbox-noscroll email-inbox-reply email-inbox-star-reply"
)
SCRIPTS: Mapping[str, Callable[[Sight], Moves]] = {
    **dict.fromkeys(_MAIL.split(), mail),
    "book-flight": flight,
    "book-flight-nodelay": flight,
    "book-flight-form": flight_form,
    "order-food": food,
    "phone-book": phone_book,
    "search-engine": search,
    "social-media": post,
    "social-media-all": posts,
    "social-media-some": posts,
}
"""Task upstream -> its script."""
