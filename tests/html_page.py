"""A page of HTML as elements and text."""

from html.parser import HTMLParser

from envsuite.leaderboard.relinked import VOID

NEVER_CLOSED = {*VOID, "rect", "line"}


class Page(HTMLParser):
    """Elements and text of a page; checks that every element is closed in its turn."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self._open = [], [], []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in NEVER_CLOSED:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def shown(self):
        return " ".join(" ".join(self.texts).split())

    def all(self, tag):
        return [own for name, own in self.elements if name == tag]

    def count(self, tag, **attributes):
        return sum(
            name == tag and all(own.get(key.rstrip("_")) == value for key, value in attributes.items())
            for name, own in self.elements
        )
