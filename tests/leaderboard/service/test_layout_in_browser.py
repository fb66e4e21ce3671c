"""Where things lie on the pages: nothing cut at the side, labels whole, and what narrow screens show elsewhere."""

import pytest

pytest.importorskip("fastapi")

from board_browsing import address, board, dark, light, open_browser, resize, server
from selenium.webdriver.common.by import By

__all__ = ["board", "dark", "light", "open_browser", "server"]


@pytest.mark.parametrize("name", ["board", "compare", "submission", "task", "tasks", "rules", "ledger"])
def test_nothing_is_hidden_at_the_side_of_a_narrow_table(board, server, light, name):
    resize(light, 360)
    light.get(server + address(board, name))
    cut = light.execute_script(
        "return [...document.querySelectorAll('.scroll')].filter(e => e.checkVisibility())"
        ".filter(e => e.scrollWidth > e.clientWidth).map(e => e.getAttribute('aria-label'))"
    )
    assert cut == []


def test_a_narrow_screen_shows_in_the_first_cell_what_has_no_column_there(board, server, light):
    def shown(selector):
        return [one.text for one in light.find_elements(By.CSS_SELECTOR, selector) if one.is_displayed()]

    for width, narrow in ((360, True), (1280, False)):
        resize(light, width)
        light.get(server + address(board, "board"))
        badges = shown("#standings tbody .agent .badge"), shown("#standings tbody td .badge")
        assert list(map(len, badges)) == ([4, 0] if narrow else [0, 4])
        light.get(server + address(board, "task"))
        published = "section[aria-labelledby=published] tbody"
        for expected in ("all episodes of training of 1 million steps", "README of github.com/danijar/crafter"):
            assert any(expected in text for text in shown(f"{published} {'th' if narrow else 'td'}")), (width, expected)


@pytest.mark.parametrize("width", [1400, 360])
def test_labels_of_charts_are_whole_and_clear_of_their_lines(board, server, light, width):
    boxes = """
        const box = e => { const b = e.getBoundingClientRect(); return [b.left, b.right]; };
        return [...document.querySelectorAll(arguments[0])].map(box);
    """
    resize(light, width)
    for name in ("board", "compare"):
        light.get(server + address(board, name))
        ((left, right),) = light.execute_script(boxes, ".scroll:has(.forest)")
        labels = light.execute_script(boxes, ".forest.axis text:not(.mid)")
        assert len(labels) == 3
        assert all(left < start and end < right for start, end in labels), (name, labels, left, right)
        ends = [end for _, end in light.execute_script(boxes, "thead th")]
        assert max(end for end in ends if end <= labels[1][0]) <= labels[0][0], (
            "the label is clear of the column before"
        )
    light.get(server + address(board, "submission"))
    shares = light.execute_script(boxes, ".plot .up text")
    lines = light.execute_script(boxes, ".plot svg[role=img] > .grid")
    assert len(shares) == 3
    assert max(end for _, end in shares) <= min(start for start, _ in lines)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["board", "compare"])
def test_the_scale_stands_above_the_lines_that_it_names(board, server, light, name, width):
    resize(light, width)
    light.get(server + address(board, name))
    middles = """
        const middle = e => { const box = e.getBoundingClientRect(); return box.left + box.width / 2; };
        return [...document.querySelectorAll(arguments[0])].map(middle);
    """
    labels = light.execute_script(middles, ".forest.axis text:not(.mid)")
    lines = light.execute_script(middles, "tbody tr:first-child .forest .grid")
    assert len(labels) == 3
    for label in labels:
        assert min(abs(label - line) for line in lines) < 1.5, (labels, lines)
